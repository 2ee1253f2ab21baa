//! Instructions of the cached path, counted by iai-callgrind.
//!
//! Everything that touches moka varies by a few instructions in each lookup: moka reads the
//! clock, and adding to a time sometimes carries over. All other counts are the same in every
//! run.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `cache::lookups::l1_lookup {hit,miss}` | 32 lookups among 1,000 entries that all find their value, or all find nothing. | – | Valgrind | up to 0.5% |
//! | `cache::lookups::read_through {hit,loaded,expired}` | 32 reads through the cache whose values are there, are loaded, or have expired and are loaded again. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | up to 0.5% |
//! | `cache::lookups::key_text lead` | Writing the key of a lead. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `cache::lookups::key_hash lead` | Hashing that key. | – | Valgrind | none |
//! | `cache::lookups::compress document_16k` | Compressing a document of 16 KiB with lz4. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `cache::lookups::decompress document_16k` | Decompressing it. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `cache::lookups::zipf default` | Drawing 1,000 keys from the suite's Zipf distribution. | – | Valgrind | none |

mod valgrind;

mod cache {
    use std::hint::black_box;

    use benchgate_suite::cache::{self, Codec, L1, Lifetimes, Pattern, Payload, Source, ready};
    use benchgate_suite::sizes;
    use iai_callgrind::{library_benchmark, library_benchmark_group, main};

    use super::valgrind::with_heap;

    /// Entries: enough for a map of realistic depth, few enough to insert under valgrind.
    const ENTRIES: u32 = 1000;

    /// Lookups in one measurement. After 64 reads or writes, moka does its housekeeping, whose
    /// instructions depend on time.
    const LOOKUPS: u32 = 32;

    /// Keys drawn in one measurement.
    const DRAWN: usize = 1000;

    fn filled(first: u32) -> (L1, Vec<String>) {
        let l1 = ready(L1::filled(ENTRIES));
        (l1, cache::order(ENTRIES, LOOKUPS).map(|n| cache::key(first + n)).collect())
    }

    fn hits() -> (L1, Vec<String>) {
        filled(0)
    }

    fn misses() -> (L1, Vec<String>) {
        filled(ENTRIES)
    }

    fn assert_hits((_, sum): (L1, u64)) {
        let expected = cache::payload_checksum(cache::order(ENTRIES, LOOKUPS));
        assert_eq!(sum, expected, "every lookup is a hit");
    }

    fn assert_misses((_, sum): (L1, u64)) {
        assert_eq!(sum, 0, "every lookup is a miss");
    }

    // Inputs are passed on to the teardown, so that dropping them is not counted.
    #[library_benchmark]
    #[bench::hit(setup = hits, teardown = assert_hits)]
    #[bench::miss(setup = misses, teardown = assert_misses)]
    fn l1_lookup((l1, keys): (L1, Vec<String>)) -> (L1, u64) {
        let mut sum = 0;
        for key in &keys {
            sum += ready(black_box(&l1).checksum_of(black_box(key)));
        }
        std::mem::forget(keys);
        (l1, sum)
    }

    /// The input and output of a measurement, so that nothing is dropped while it counts.
    type Reading = (L1, Source, Vec<u32>, Vec<Payload>);

    fn reading(l1: L1, first: u32) -> Reading {
        let numbers = cache::order(ENTRIES, LOOKUPS).map(|n| first + n).collect();
        (l1, Source::even(sizes::SOURCE_VALUES), numbers, Vec::with_capacity(LOOKUPS as usize))
    }

    fn all_cached() -> Reading {
        reading(ready(L1::filled(ENTRIES)), 0)
    }

    fn none_cached() -> Reading {
        reading(ready(L1::filled(ENTRIES)), ENTRIES)
    }

    fn all_expired() -> Reading {
        let l1 = L1::empty(sizes::L1_CAPACITY, Lifetimes::all(std::time::Duration::ZERO));
        let reading = reading(l1, 0);
        for number in &reading.2 {
            ready(reading.0.get_or_load(*number, &reading.1));
        }
        ready(reading.0.settle());
        reading
    }

    fn assert_loaded((_, source, numbers, payloads): Reading, loads: u64) {
        assert_eq!(source.loads(), loads, "loads from the source");
        assert!(numbers.iter().map(|n| source.value(*n)).eq(&payloads), "each lead's own value");
    }

    fn assert_no_loads(reading: Reading) {
        assert_loaded(reading, 0);
    }

    fn assert_all_loaded(reading: Reading) {
        assert_loaded(reading, u64::from(LOOKUPS));
    }

    fn assert_loaded_again(reading: Reading) {
        assert_loaded(reading, 2 * u64::from(LOOKUPS));
    }

    #[library_benchmark(config = with_heap())]
    #[bench::hit(setup = all_cached, teardown = assert_no_loads)]
    #[bench::loaded(setup = none_cached, teardown = assert_all_loaded)]
    #[bench::expired(setup = all_expired, teardown = assert_loaded_again)]
    fn read_through((l1, source, numbers, mut payloads): Reading) -> Reading {
        for number in &numbers {
            payloads.push(ready(black_box(&l1).get_or_load(*black_box(number), &source)).0);
        }
        (l1, source, numbers, payloads)
    }

    const CODEC: Codec = Codec::compressing_from(sizes::COMPRESSION_THRESHOLD);

    fn a_document() -> (Payload, Vec<u8>) {
        (cache::document(1), Vec::new())
    }

    fn a_compressed_document() -> (Vec<u8>, Option<Payload>) {
        (CODEC.encode(&cache::document(1)), None)
    }

    fn assert_compressed((value, stored): (Payload, Vec<u8>)) {
        assert!(stored.len() < value.len() / 2, "{} of {}", stored.len(), value.len());
        assert_eq!(Codec::decode(&stored).expect("a value"), value);
    }

    fn assert_decompressed((_, value): (Vec<u8>, Option<Payload>)) {
        assert_eq!(value, Some(cache::document(1)));
    }

    #[library_benchmark(config = with_heap())]
    #[bench::document_16k(setup = a_document, teardown = assert_compressed)]
    fn compress((value, _): (Payload, Vec<u8>)) -> (Payload, Vec<u8>) {
        let stored = CODEC.encode(black_box(&value));
        (value, stored)
    }

    #[library_benchmark(config = with_heap())]
    #[bench::document_16k(setup = a_compressed_document, teardown = assert_decompressed)]
    fn decompress((stored, _): (Vec<u8>, Option<Payload>)) -> (Vec<u8>, Option<Payload>) {
        let value = Codec::decode(black_box(&stored)).ok();
        (stored, value)
    }

    fn keys() -> (cache::Keys, u64) {
        (Pattern::DEFAULT.keys(), 0)
    }

    fn assert_drawn((_, sum): (cache::Keys, u64)) {
        let expected: u64 = Pattern::DEFAULT.keys().take(DRAWN).map(u64::from).sum();
        assert_eq!(sum, expected);
    }

    #[library_benchmark]
    #[bench::default(setup = keys, teardown = assert_drawn)]
    fn zipf((mut keys, _): (cache::Keys, u64)) -> (cache::Keys, u64) {
        let sum = black_box(&mut keys).take(DRAWN).map(u64::from).sum();
        (keys, sum)
    }

    fn lead_key() -> String {
        cache::key(1234)
    }

    #[library_benchmark]
    #[bench::lead(setup = lead_key)]
    fn key_hash(key: String) -> (u64, String) {
        (cache::hash(black_box(&key)), key)
    }

    #[library_benchmark(config = with_heap())]
    #[bench::lead(1234)]
    fn key_text(number: u32) -> String {
        cache::key(black_box(number))
    }

    library_benchmark_group!(
        name = lookups;
        benchmarks = l1_lookup, read_through, key_text, key_hash, compress, decompress, zipf
    );
    main!(library_benchmark_groups = lookups);

    pub(super) fn run() {
        main();
    }
}

fn main() {
    valgrind::run("cache_instructions", cache::run);
}
