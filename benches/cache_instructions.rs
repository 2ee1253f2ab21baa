//! Instructions of the cached path, under iai-callgrind.

use benchgate::record;
use benchgate::suite::services::find_program;

mod cache {
    use std::hint::black_box;

    use benchgate::suite::cache::{self, L1, ready};
    use iai_callgrind::{library_benchmark, library_benchmark_group, main};

    /// Enough for a map of a realistic depth, few enough to fill under valgrind.
    const ENTRIES: u32 = 1000;

    /// Lookups in one measurement. Fewer than moka's batch of 64 recorded reads,
    /// after which it does its housekeeping: how much that is depends on time.
    const LOOKUPS: u32 = 32;

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
        let expected: u64 =
            cache::order(ENTRIES, LOOKUPS).map(|n| cache::checksum(&cache::payload(n))).sum();
        assert_eq!(sum, expected, "every lookup is a hit");
    }

    fn assert_misses((_, sum): (L1, u64)) {
        assert_eq!(sum, 0, "every lookup is a miss");
    }

    // The cache is handed on to the teardown: dropping it is not counted.
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

    fn one_key() -> String {
        cache::key(1234)
    }

    #[library_benchmark]
    #[bench::lead(setup = one_key)]
    fn key_hash(key: String) -> (u64, String) {
        (cache::hash(black_box(&key)), key)
    }

    library_benchmark_group!(name = lookups; benchmarks = l1_lookup, key_hash);
    main!(library_benchmark_groups = lookups);

    pub(super) fn run() {
        main();
    }
}

fn main() {
    const RUNNER: &str = "iai-callgrind-runner";
    // The runner starts this program again for each benchmark: nothing to look for then.
    let inside = std::env::args().any(|argument| argument == "--iai-run");
    let runner = std::env::var_os("IAI_CALLGRIND_RUNNER").is_some()
        || option_env!("IAI_CALLGRIND_RUNNER").is_some()
        || find_program(RUNNER, &[]).is_some();
    let missing = if inside {
        None
    } else if find_program("valgrind", &[]).is_none() {
        Some("valgrind")
    } else if !runner {
        Some(RUNNER)
    } else {
        None
    };
    match missing {
        Some(tool) => {
            let reason = format!("no `{tool}` on PATH; `scripts/setup` installs it");
            record::not_run("cache_instructions", &reason).expect("recorded");
        }
        None => cache::run(),
    }
}
