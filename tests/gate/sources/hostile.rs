//! Hostile directory trees and file contents.

use std::fs;
use std::path::Path;

use benchgate::model::Reading;
use benchgate::sources::{Harvest, Stale, callgrind, criterion, record};
use proptest::prelude::*;

use super::{copy, fixture, problems, rows};

const GOOD: &str = "plain time: 10 Linear estimates with slope";

fn criterion_at(root: &Path) -> Harvest {
    criterion::read(root, "new", None, Stale::Never).unwrap()
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    use std::os::unix::fs::symlink;

    let temp = tempfile::tempdir().unwrap();
    let (outside, root) = (temp.path().join("outside"), temp.path().join("criterion"));
    copy(&fixture("criterion-0.8/sorting"), &outside);
    copy(&fixture("criterion-0.8/plain"), &root.join("plain"));
    symlink(&outside, root.join("linked")).unwrap();
    symlink(&root, root.join("plain/loop")).unwrap();
    symlink("nowhere", root.join("dangling")).unwrap();
    copy(&fixture("criterion-0.8/twins/a_b"), &root.join("file"));
    let sample = root.join("file/new/sample.json");
    fs::remove_file(&sample).unwrap();
    symlink(outside.join("7/new/sample.json"), &sample).unwrap();

    let harvest = criterion_at(&root);
    let link = "is a symbolic link to a directory; links inside the results are not followed";
    assert_eq!(
        problems(&root, &harvest.problems),
        [
            "Unreadable twins/a:b file/new/sample.json: is a symbolic link; links inside the \
             results are not followed"
                .to_owned(),
            format!("Unreadable - linked: {link}"),
            format!("Unreadable - plain/loop: {link}"),
        ]
    );
    assert_eq!(rows(&harvest), [GOOD]);
    // The root itself may be a link, because the user named it.
    let alias = temp.path().join("alias");
    symlink(&root, &alias).unwrap();
    assert_eq!(rows(&criterion_at(&alias)), [GOOD]);
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_does_not_block() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("broken/sample-missing"), temp.path());
    let pipe = temp.path().join("sorting/quick/100/new/sample.json");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let harvest = criterion_at(temp.path());
    assert_eq!(harvest.problems[0].reason, "is not a regular file");
    assert_eq!(rows(&harvest), [GOOD]);
}

#[test]
fn deep_trees_and_huge_files_are_refused() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("broken/sample-missing"), temp.path());
    // Sparse: it does not occupy the disk.
    let sample = fs::File::create(temp.path().join("sorting/quick/100/new/sample.json")).unwrap();
    sample.set_len((64 << 20) + 1).unwrap();
    let deep = temp.path().join("deep/".repeat(12));
    fs::create_dir_all(&deep).unwrap();
    copy(&fixture("criterion-0.8/twins/a_b"), &deep.join("hidden"));
    copy(&fixture("criterion-0.8/twins/a_b"), &deep.join("more"));

    let harvest = criterion_at(temp.path());
    let hidden = "deep/".repeat(12) + "hidden";
    assert_eq!(
        problems(temp.path(), &harvest.problems),
        [
            format!(
                "Unreadable - {hidden}: lies more than 12 directories deep; nothing so deep is read"
            ),
            "Unreadable sorting/quick/100 sorting/quick/100/new/sample.json: is larger than 64 \
             MiB; no result is"
                .to_owned(),
        ]
    );
    assert_eq!(rows(&harvest), [GOOD]);
}

#[test]
fn a_reason_does_not_repeat_a_whole_file() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("broken/stale"), temp.path());
    let text = format!("\"{}\"", "ä".repeat(100_000));
    fs::write(temp.path().join("sorting/quick/100/new/sample.json"), text).unwrap();
    let harvest = criterion_at(temp.path());
    let reason = &harvest.problems[0].reason;
    assert!(reason.len() < 320, "{} bytes", reason.len());
    assert!(reason.ends_with("at line 1 column 200002"), "{reason}");
}

#[test]
fn deeply_nested_json_is_refused() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("broken/stale"), temp.path());
    let path = temp.path().join("sorting/quick/100/new/benchmark.json");
    let nested = "[".repeat(1_000_000) + &"]".repeat(1_000_000);
    // In a place that is skipped, and in a place that is kept.
    for key in ["more", "throughput"] {
        fs::write(&path, format!("{{\"{key}\":{nested}}}")).unwrap();
        let harvest = criterion_at(temp.path());
        let [problem] = harvest.problems.as_slice() else { panic!("{harvest:?}") };
        assert_eq!(problem.path, path);
        assert_eq!(rows(&harvest), [GOOD]);
    }
    let summary = r#"{"version":"6","module_path":"a::b::c","benchmark_file":"b.rs","profiles":
        [{"tool":"Callgrind","summaries":{"total":{"summary":NESTED}}}]}"#;
    fs::write(temp.path().join("summary.json"), summary.replace("NESTED", &nested)).unwrap();
    let harvest = callgrind::read(temp.path(), None, Stale::Never).unwrap();
    assert!(harvest.problems[0].reason.contains("recursion limit"), "{harvest:?}");
}

/// The same results, written in another order and with other neighbours.
#[test]
fn the_order_of_the_directory_does_not_matter() {
    let source = fixture("criterion-0.8");
    let mut names: Vec<_> =
        fs::read_dir(&source).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    let harvests = [false, true].map(|reverse| {
        if reverse {
            names.reverse();
        }
        let temp = tempfile::tempdir().unwrap();
        for name in &names {
            copy(&source.join(name), &temp.path().join(name));
        }
        fs::write(temp.path().join("plain/new/sample.json"), "{}").unwrap();
        fs::write(temp.path().join("work/bits/new/sample.json"), "{}").unwrap();
        let harvest = criterion_at(temp.path());
        (harvest.measurements.clone(), problems(temp.path(), &harvest.problems))
    });
    assert_eq!(harvests[0], harvests[1]);
    assert_eq!((harvests[0].0.len(), harvests[0].1.len()), (18, 2));
}

/// Random bytes, and bytes that are almost a real file.
fn contents(real: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let real = fs::read(fixture(real)).unwrap();
    let edited =
        (any::<prop::sample::Index>(), prop::collection::vec(any::<u8>(), 0..6), 0..9usize)
            .prop_map(move |(at, new, cut)| {
                let mut bytes = real.clone();
                let at = at.index(bytes.len());
                let end = (at + cut).min(bytes.len());
                bytes.splice(at..end, new);
                bytes
            });
    prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        "\\PC{0,80}".prop_map(String::into_bytes),
        edited
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn no_criterion_file_panics_or_hides_the_others(
        file in prop::sample::select(vec!["benchmark.json", "sample.json", "estimates.json"]),
        benchmark in contents("criterion-0.8/plain/new/benchmark.json"),
        sample in contents("criterion-0.8/plain/new/sample.json"),
        estimates in contents("criterion-0.8/plain/new/estimates.json"),
    ) {
        let temp = tempfile::tempdir().unwrap();
        copy(&fixture("broken/stale"), temp.path());
        let bytes = match file {
            "benchmark.json" => benchmark,
            "sample.json" => sample,
            _ => estimates,
        };
        fs::write(temp.path().join("sorting/quick/100/new").join(file), &bytes).unwrap();
        let harvest = criterion_at(temp.path());
        // Unless the bytes claim to be `plain` itself, it is read.
        let claimed = harvest.problems.iter().any(|problem| {
            problem.id.as_ref().is_some_and(|id| id.name == "plain")
        });
        prop_assert!(claimed || rows(&harvest).contains(&GOOD.to_owned()));
        prop_assert!(harvest.measurements.len() == 2 || !harvest.problems.is_empty());
        for measurement in &harvest.measurements {
            let Reading::Samples { samples, .. } = &measurement.runs[0].reading else { panic!("{measurement:?}") };
            prop_assert!(!samples.totals().is_empty());
            prop_assert_eq!(samples.totals().len(), samples.iterations().len());
            prop_assert!(samples.totals().iter().all(|time| time.is_finite() && *time > 0.0));
            prop_assert!(samples.iterations().iter().all(|n| n.is_finite() && *n >= 1.0));
        }
    }

    #[test]
    fn no_summary_panics_or_hides_the_others(
        bytes in prop_oneof![
            contents("iai-callgrind-0.16/tiny-crate/with_tools/counted/plain/summary.json"),
            contents("gungraun-0.20/tiny-crate/with_tools/counted/plain/summary.json"),
        ],
    ) {
        let temp = tempfile::tempdir().unwrap();
        copy(&fixture("gungraun-0.20/tiny-crate/counting/counted/plain"), &temp.path().join("a"));
        fs::create_dir(temp.path().join("b")).unwrap();
        fs::write(temp.path().join("b/summary.json"), &bytes).unwrap();
        let harvest = callgrind::read(temp.path(), None, Stale::Never).unwrap();
        let good = harvest.measurements.iter().filter(|measurement| {
            measurement.id.qualified() == "tiny-crate/counting::counted::plain"
        });
        prop_assert_eq!(good.count(), 5);
        prop_assert!(harvest.measurements.len() > 5 || harvest.problems.len() == 1);
        for measurement in &harvest.measurements {
            let Reading::Value(value) = measurement.runs[0].reading else { panic!("{measurement:?}") };
            prop_assert!(value.is_finite() && value >= 0.0);
        }
    }

    #[test]
    fn no_record_panics_or_hides_the_others(
        before in prop::collection::vec(any::<u8>(), 0..100),
        after in "\\PC{0,80}",
    ) {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("record.jsonl");
        let good = br#"{"measurement":{"id":"a","metric":"queries","unit":"count","better":"lower","nature":"counted","value":5}}"#;
        fs::write(&path, [&before[..], b"\n", good, b"\n", after.as_bytes()].concat()).unwrap();
        let recorded = record::read(&path, None).unwrap();
        prop_assert_eq!(rows(&recorded.harvest), ["a queries: Value(5.0)"]);
    }
}
