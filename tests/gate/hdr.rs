//! HdrHistogram's form of a distribution, compared with two of its implementations: the crate
//! `hdrhistogram`, and files that Python's `hdrhistogram` wrote.

use std::io::Write as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use benchgate::hdr::{HdrFault, decode, encode};
use benchgate::model::{Distribution, DistributionFault, Quantile, Statistic, buckets};
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Deserializer, Serializer as _, V2DeflateSerializer};
use proptest::prelude::*;

fn theirs(values: &[(u64, u64)]) -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, buckets::LARGEST, 3).unwrap();
    for (value, count) in values {
        histogram.record_n(*value, *count).unwrap();
    }
    histogram
}

fn text_of(histogram: &Histogram<u64>) -> String {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).unwrap();
    STANDARD.encode(bytes)
}

/// Values of every size, and how often each was observed.
fn observed() -> impl Strategy<Value = Vec<(u64, u64)>> {
    let value = (0_u32..63).prop_flat_map(|bits| (1_u64 << bits)..=(1_u64 << bits) * 2 - 1);
    prop::collection::vec((prop_oneof![Just(0_u64), value], 1_u64..100_000), 1..60)
}

proptest! {
    #[test]
    fn the_crate_reads_what_we_write_and_we_read_what_it_writes(values in observed()) {
        let ours = Distribution::new(values.clone(), None).unwrap();
        let theirs = theirs(&values);

        let bytes = STANDARD.decode(encode(&ours)).unwrap();
        let read: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap();
        prop_assert_eq!(&read, &theirs);
        prop_assert_eq!(decode(&text_of(&theirs), None), Ok(ours.clone()));
        prop_assert_eq!(decode(&encode(&ours), None), Ok(ours.clone()));

        for quantile in Quantile::ALL {
            let Some(value) = ours.value(&Statistic::Quantile(quantile)) else {
                prop_assert!(ours.total() < quantile.needed());
                continue;
            };
            let share = 1.0 - 10.0 / quantile.needed() as f64;
            // Their rank is calculated in floating point, so the next one is theirs at times.
            let near = [share, share - 1e-9, share + 1e-9].map(|q| theirs.value_at_quantile(q) as f64);
            prop_assert!(near.contains(&value), "{} is not in {:?}", value, near);
        }
        let mean = ours.value(&Statistic::Mean).unwrap();
        prop_assert!((mean / theirs.mean().max(1e-300) - 1.0).abs() < 1e-3 || mean == theirs.mean());
    }

    #[test]
    fn a_damaged_text_is_refused_or_read_and_never_panics(
        values in observed(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let text = encode(&Distribution::new(values, None).unwrap());
        let mut bytes = STANDARD.decode(text).unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = decode(&STANDARD.encode(&bytes), None);
        let _ = decode(&STANDARD.encode(&bytes[..at]), None);
    }
}

fn python(name: &str) -> String {
    let directory =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/hdrhistogram-python-0.10.8");
    std::fs::read_to_string(directory.join(name)).unwrap()
}

#[test]
fn a_histogram_that_python_wrote_has_its_numbers() {
    // What make.py printed.
    let read = decode(&python("latencies.txt"), None).unwrap();
    assert_eq!(read.total(), 4001);
    let value = |statistic| read.value(&statistic);
    let quantiles: Vec<Option<f64>> =
        Quantile::ALL.map(|quantile| value(Statistic::Quantile(quantile))).to_vec();
    assert_eq!(
        quantiles,
        // Of the p99.9, only four observations are above it.
        [Some(37_093_375.0), Some(120_061_951.0), Some(133_758_975.0), Some(145_227_775.0), None]
    );
    assert_eq!(value(Statistic::Max), Some(148_111_359.0));
    assert_eq!(value(Statistic::Min), Some(42.0));
    let near = |statistic, theirs: f64| (value(statistic).unwrap() / theirs - 1.0).abs() < 1e-3;
    assert!(near(Statistic::Mean, 49_382_282.044_488_88));
    assert!(near(Statistic::Deviation, 44_160_416.954_137_914));
}

#[test]
fn other_bounds_are_refused() {
    assert_eq!(
        decode(&python("two_digits.txt"), None),
        Err(HdrFault::Bounds { digits: 2, lowest: 1 })
    );
    let error = decode(&python("thousands.txt"), None).unwrap_err();
    assert_eq!(
        error.to_string(),
        "has other bounds: 3 significant digits and a smallest value of 1000; record with 3 \
         digits and 1"
    );
}

/// The compressed form of an inner form.
fn deflated(inner: &[u8]) -> String {
    let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(inner).unwrap();
    let deflated = encoder.finish().unwrap();
    let mut bytes = 0x1c84_9314_u32.to_be_bytes().to_vec();
    bytes.extend(u32::try_from(deflated.len()).unwrap().to_be_bytes());
    bytes.extend(deflated);
    STANDARD.encode(bytes)
}

/// An inner form with these counts.
fn inner(payload: &[u8]) -> Vec<u8> {
    let mut inner = 0x1c84_9313_u32.to_be_bytes().to_vec();
    inner.extend(u32::try_from(payload.len()).unwrap().to_be_bytes());
    inner.extend(0_u32.to_be_bytes());
    inner.extend(3_u32.to_be_bytes());
    inner.extend(1_u64.to_be_bytes());
    inner.extend(1_000_000_u64.to_be_bytes());
    inner.extend(1.0_f64.to_be_bytes());
    inner.extend(payload);
    inner
}

#[test]
fn hostile_texts_are_refused() {
    assert!(decode(&deflated(&inner(&[2])), None).is_ok(), "one observation of 0");
    // A gigabyte of zeros is a megabyte here.
    let bomb = deflated(&vec![0; 1 << 26]);
    assert!(bomb.len() < 100_000, "{}", bomb.len());

    for (text, fault) in [
        ("HISTFAAAA?".to_owned(), HdrFault::Base64),
        (String::new(), HdrFault::Form("it is cut off")),
        (STANDARD.encode([0; 40]), HdrFault::Form("it does not begin with HISTFAAAA")),
        (bomb, HdrFault::Deflate),
        (deflated(&[0; 8]), HdrFault::Form("its content is of another version")),
        (deflated(&inner(&[2])[..20]), HdrFault::Form("it is cut off")),
        (deflated(&inner(&[0x80])), HdrFault::Form("it is cut off")),
        (deflated(&inner(&[])), HdrFault::Distribution(DistributionFault::Nothing)),
        // Empty buckets beyond the last one, and then a count.
        (
            deflated(&inner(&[0xff, 0xff, 0xff, 0x7f, 2])),
            HdrFault::Form("it has more counts than buckets"),
        ),
        (
            deflated(&inner(&[0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff])),
            HdrFault::Distribution(DistributionFault::Overflow),
        ),
    ] {
        assert_eq!(decode(&text, None), Err(fault), "{}", &text[..text.len().min(80)]);
    }
}
