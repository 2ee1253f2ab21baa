//! Criterion's directories.

use std::fs;
use std::time::Duration;

use benchgate::model::{
    CriterionParts, Direction, Estimate, Interval, Measurement, Metric, Nature, ProblemKind,
    Reading, SamplingMode, Snapshot, TargetId, Unit,
};
use benchgate::sources::criterion::{adopt_metrics, read};
use benchgate::sources::{Harvest, SourceError, Stale};

use super::{copy, fixture, problems, rows, without_place, written};

fn harvest(name: &str, baseline: &str) -> Harvest {
    read(&fixture(name), baseline, None, Stale::Never).unwrap()
}

fn of<'a>(harvest: &'a Harvest, name: &str) -> &'a Measurement {
    harvest.measurements.iter().find(|measurement| measurement.id.name == name).expect(name)
}

/// The results of every version for the tiny crate, without throughput.
fn expected(more: &[&str]) -> Vec<String> {
    let long = "long".repeat(75);
    let long = format!("{long} time: 10 Linear estimates with slope");
    let mut rows = vec![
        long.as_str(),
        "größe/日本語 🦀 time: 10 Linear estimates with slope",
        "names/change time: 10 Linear estimates with slope",
        "names/new time: 10 Linear estimates with slope",
        "names/report time: 10 Linear estimates with slope",
        "plain time: 10 Linear estimates with slope",
        "sampling/flat time: 12 Flat estimates",
        "sampling/linear time: 20 Linear estimates with slope",
        "say \"hi\" ?*<>|^:\\ time: 10 Linear estimates with slope",
        "sorting/7 time: 10 Linear estimates with slope",
        "sorting/quick/100 time: 10 Linear estimates with slope",
        "sorting/quick/1000 time: 10 Linear estimates with slope",
        "twins/a:b time: 10 Linear estimates with slope",
        "twins/a?b time: 10 Linear estimates with slope",
        "with/a/slash time: 10 Linear estimates with slope",
        "work/bytes time: 10 Linear estimates with slope Bytes(1024)",
        "work/elements time: 10 Linear estimates with slope Elements(64)",
    ];
    rows.extend(more);
    rows.sort_unstable();
    rows.into_iter().map(str::to_owned).collect()
}

#[test]
fn every_version_and_baseline() {
    let decimal = "work/bytes_decimal time: 10 Linear estimates with slope BytesDecimal(1000)";
    let bits = "work/bits time: 10 Linear estimates with slope Bits(4096)";
    let both = "work/both time: 10 Linear estimates with slope \
                ElementsAndBytes { elements: 4, bytes: 256 }";
    for (version, more) in [
        ("0.3", vec![]),
        ("0.4", vec![decimal]),
        ("0.5", vec![decimal]),
        ("0.6", vec![decimal]),
        ("0.7", vec![decimal, bits]),
        ("0.8", vec![decimal, bits, both]),
    ] {
        for baseline in ["new", "main"] {
            let harvest = harvest(&format!("criterion-{version}"), baseline);
            assert_eq!(rows(&harvest), expected(&more), "{version} {baseline}");
            assert_eq!(harvest.problems, [], "{version} {baseline}");
            assert_eq!(harvest.not_run, [], "{version} {baseline}");
        }
    }
}

#[test]
fn numbers_are_those_of_the_file() {
    for (version, baseline, first, last) in [
        ("0.3", "new", (19959.0, 64_650_967.0), (199_590.0, 175_390_042.0)),
        ("0.3", "main", (19810.0, 23_501_242.0), (198_100.0, 173_015_360.0)),
        ("0.4", "new", (7449.0, 104_936_617.0), (74490.0, 194_911_778.0)),
        ("0.4", "main", (8735.0, 1_252_338.0), (87350.0, 285_430_626.0)),
        ("0.5", "new", (5412.0, 649_899.0), (54120.0, 15_092_601.0)),
        ("0.5", "main", (3528.0, 423_742.0), (35280.0, 14_006_711.0)),
        ("0.6", "new", (7497.0, 902_325.0), (74970.0, 9_040_484.0)),
        ("0.7", "new", (7492.0, 904_168.0), (74920.0, 9_261_323.0)),
        ("0.8", "new", (7487.0, 915_926.0), (74870.0, 9_097_900.0)),
        ("0.8", "main", (7479.0, 914_163.0), (74790.0, 9_067_594.0)),
    ] {
        let harvest = harvest(&format!("criterion-{version}"), baseline);
        let one = of(&harvest, "sorting/quick/1000");
        let Reading::Samples { samples, .. } = &one.runs[0].reading else { panic!("{one:?}") };
        assert_eq!(samples.mode(), SamplingMode::Linear);
        let pair = |index: usize| (samples.iterations()[index], samples.totals()[index]);
        assert_eq!((pair(0), pair(9)), (first, last), "{version} {baseline}");
    }
}

#[test]
fn estimates_metric_and_parts() {
    let harvest = harvest("criterion-0.8", "new");
    let one = of(&harvest, "sorting/quick/1000");
    let Reading::Samples { estimates: Some(estimates), .. } = &one.runs[0].reading else {
        panic!("{one:?}")
    };
    let interval = Interval::new(0.95, 121.365_882_307_110_08, 121.907_907_855_096_98);
    let mean = Estimate::new(
        121.621_441_042_781_04,
        0.139_044_521_786_292_26,
        interval.expect("an interval"),
    );
    assert_eq!(Ok(*estimates.mean), mean);
    assert_eq!(estimates.slope.map(|slope| slope.point()), Some(121.550_706_245_804_42));

    assert_eq!(one.metric.name, "time");
    assert_eq!(one.metric.unit, Unit::Nanoseconds);
    assert_eq!(one.metric.better, Direction::Lower);
    assert_eq!(one.metric.nature, Nature::Sampled);
    let parts = |group: &str, function: Option<&str>, value: Option<&str>, directory: &str| {
        Some(CriterionParts {
            group: group.to_owned(),
            function: function.map(str::to_owned),
            value: value.map(str::to_owned),
            directory: directory.to_owned(),
        })
    };
    assert_eq!(one.criterion, parts("sorting", Some("quick"), Some("1000"), "sorting/quick/1000"));
    assert_eq!(of(&harvest, "sorting/7").criterion, parts("sorting", None, Some("7"), "sorting/7"));
    assert_eq!(
        of(&harvest, "say \"hi\" ?*<>|^:\\").criterion,
        parts("say \"hi\" ?*<>|^:\\", None, None, "say _hi_ ________")
    );
    assert_eq!(
        of(&harvest, "twins/a?b").criterion,
        parts("twins", Some("a?b"), None, "twins/a_b_2")
    );
}

#[test]
fn the_caller_names_the_target_of_results() {
    let target = TargetId::in_package("tiny", "tiny-crate");
    let harvest = read(&fixture("criterion-0.8"), "new", Some(&target), Stale::Never).unwrap();
    assert_eq!(of(&harvest, "plain").id.qualified(), "tiny-crate/tiny::plain");
}

#[test]
fn broken_results_are_problems_and_hide_nothing() {
    const ID: &str = "sorting/quick/100";
    const SAMPLE: &str = "sorting/quick/100/new/sample.json";
    const BENCHMARK: &str = "sorting/quick/100/new/benchmark.json";
    const ESTIMATES: &str = "sorting/quick/100/new/estimates.json";
    for (case, id, path, reason) in [
        ("truncated", ID, SAMPLE, "is cut off: EOF while parsing a list"),
        ("empty-file", ID, SAMPLE, "is empty"),
        (
            "null-number",
            ID,
            SAMPLE,
            "does not hold what it should: invalid type: null, expected f64",
        ),
        ("nan-text", ID, ESTIMATES, "is not valid JSON: expected value"),
        ("negative-time", ID, SAMPLE, "sample 1 took -5 ns; a time must be finite and above 0"),
        ("zero-time", ID, SAMPLE, "sample 1 took 0 ns; a time must be finite and above 0"),
        (
            "zero-iterations",
            ID,
            SAMPLE,
            "sample 1 has 0 iterations; that must be a whole number of at least 1",
        ),
        (
            "lengths-differ",
            ID,
            SAMPLE,
            "holds 10 iteration counts and 9 times; there must be as many of each",
        ),
        ("no-samples", ID, SAMPLE, "holds no samples"),
        ("huge-number", ID, SAMPLE, "is not valid JSON: number out of range"),
        (
            "wrong-types",
            ID,
            SAMPLE,
            "does not hold what it should: invalid type: string \"ten of them\", expected a \
             sequence",
        ),
        ("not-utf8", "-", BENCHMARK, "is not UTF-8 from byte 17 on"),
        ("benchmark-missing", "-", BENCHMARK, "benchmark.json is missing"),
        ("sample-missing", ID, SAMPLE, "sample.json is missing"),
    ] {
        let root = fixture("broken").join(case);
        let harvest = read(&root, "new", None, Stale::Never).unwrap();
        let wrong = problems(&root, &harvest.problems);
        let wrong: Vec<_> = wrong.iter().map(|row| without_place(row)).collect();
        assert_eq!(wrong, [format!("Unreadable {id} {path}: {reason}")], "{case}");
        assert_eq!(rows(&harvest), ["plain time: 10 Linear estimates with slope"], "{case}");
    }
}

#[test]
fn unusual_results_are_read() {
    let red = format!("\u{1b}[31mred\u{1b}[0m\r\n\t\u{202e}{}", "x".repeat(300));
    let red = format!("{red} time: 10 Linear estimates with slope");
    for (case, row) in [
        ("estimates-missing", "sorting/quick/100 time: 10 Linear no estimates"),
        ("unknown-throughput", "sorting/quick/100 time: 10 Linear estimates with slope"),
        ("one-sample", "sorting/quick/100 time: 1 Linear estimates with slope"),
        ("zero-variance", "sorting/quick/100 time: 10 Linear estimates with slope"),
        ("hostile-name", red.as_str()),
    ] {
        let harvest = harvest(&format!("broken/{case}"), "new");
        assert_eq!(harvest.problems, [], "{case}");
        let mut expected = ["plain time: 10 Linear estimates with slope", row];
        expected.sort_unstable();
        assert_eq!(rows(&harvest), expected, "{case}");
    }
    let equal = harvest("broken/zero-variance", "new");
    let Reading::Samples { samples, .. } = &of(&equal, "sorting/quick/100").runs[0].reading else {
        panic!("{equal:?}")
    };
    assert_eq!(samples.per_iteration(), [100.0; 10]);
}

#[test]
fn results_that_claim_the_same_name_are_not_used() {
    let root = fixture("broken/duplicate");
    let copied = read(&root, "new", None, Stale::Never).unwrap();
    let claims = |id: &str, path: &str, other: &str| {
        format!(
            "Duplicate {id} {path}: another result claims the same benchmark, so neither is \
             used: ROOT/{other}; give one of them another name, or remove what is left over"
        )
    };
    let (first, second) = ("sorting/quick/100/new", "sorting/quick/100_copied/new");
    assert_eq!(
        problems(&root, &copied.problems),
        [claims("sorting/quick/100", first, second), claims("sorting/quick/100", second, first)]
    );
    assert_eq!(rows(&copied), ["plain time: 10 Linear estimates with slope"]);

    let root = fixture("broken/duplicate-in-process");
    let twice = read(&root, "new", None, Stale::Never).unwrap();
    assert_eq!(
        problems(&root, &twice.problems),
        [
            claims("flat/name", "flat/name/new", "flat_name/new"),
            claims("flat/name", "flat_name/new", "flat/name/new"),
            claims("twice/f", "twice/f/new", "twice/f_2/new"),
            claims("twice/f", "twice/f_2/new", "twice/f/new"),
        ]
    );
    assert_eq!(rows(&twice), ["plain time: 10 Linear estimates with slope"]);
}

#[test]
fn an_unreadable_result_still_claims_its_name() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("broken/duplicate"), temp.path());
    fs::write(temp.path().join("sorting/quick/100_copied/new/sample.json"), "{").unwrap();
    let harvest = read(temp.path(), "new", None, Stale::Never).unwrap();
    let kinds: Vec<_> = harvest.problems.iter().map(|problem| problem.kind).collect();
    assert_eq!(kinds, [ProblemKind::Duplicate, ProblemKind::Unreadable]);
    assert_eq!(rows(&harvest), ["plain time: 10 Linear estimates with slope"]);
}

#[test]
fn results_of_an_earlier_run_are_stale() {
    const LEFT: &str = "Stale sorting/quick/100 sorting/quick/100/new: was left behind by an \
                        earlier run; if the benchmark is gone, remove the directory";
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    copy(&fixture("broken/stale"), root);
    written(&root.join("sorting"), 1_000_000);
    written(&root.join("plain"), 1_000_600);

    let second = |second| jiff::Timestamp::from_second(second).unwrap();
    for (rule, left) in [
        (Stale::Before(second(1_000_500)), true),
        (Stale::Before(second(1_000_600)), true),
        (Stale::Before(second(1_000_000)), false),
        (Stale::Gap(Duration::from_secs(599)), true),
        (Stale::Gap(Duration::from_mins(10)), false),
        (Stale::Never, false),
    ] {
        let harvest = read(root, "new", None, rule).unwrap();
        assert_eq!(rows(&harvest).len(), if left { 1 } else { 2 }, "{rule:?}");
        let expected: &[&str] = if left { &[LEFT] } else { &[] };
        assert_eq!(problems(root, &harvest.problems), expected, "{rule:?}");
    }

    written(&root.join("sorting/quick/100/new/sample.json"), 1_000_601);
    let mixed = read(root, "new", None, Stale::Before(second(1_000_500))).unwrap();
    assert_eq!(
        problems(root, &mixed.problems),
        ["Unreadable sorting/quick/100 sorting/quick/100/new: holds files of two runs: the last \
          one ended while it wrote them; run it again"]
    );
}

#[test]
fn a_stale_result_does_not_claim_its_name() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("broken/duplicate"), temp.path());
    written(temp.path(), 2_000_000);
    written(&temp.path().join("sorting/quick/100_copied"), 1_000_000);
    let rule = Stale::Gap(Duration::from_mins(1));
    let harvest = read(temp.path(), "new", None, rule).unwrap();
    assert_eq!(rows(&harvest).len(), 2);
    assert_eq!(harvest.problems.len(), 1);
    assert_eq!(harvest.problems[0].kind, ProblemKind::Stale);
}

#[test]
fn every_bad_file_of_a_result_is_named() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("broken/stale"), temp.path());
    let directory = temp.path().join("sorting/quick/100/new");
    fs::write(directory.join("sample.json"), "[]").unwrap();
    fs::write(directory.join("estimates.json"), "").unwrap();
    fs::write(directory.join("benchmark.json"), "{").unwrap();
    let harvest = read(temp.path(), "new", None, Stale::Never).unwrap();
    let named: Vec<_> = harvest
        .problems
        .iter()
        .map(|problem| problem.path.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(named, ["benchmark.json", "estimates.json", "sample.json"]);
    assert_eq!(rows(&harvest), ["plain time: 10 Linear estimates with slope"]);
}

#[test]
fn impossible_estimates_are_refused() {
    for (find, replacement, reason) in [
        ("\"confidence_level\":0.95", "\"confidence_level\":95", "confidence level of 95"),
        ("\"lower_bound\":", "\"lower_bound\":1e9,\"was\":", "its ends are reversed"),
        (
            "\"standard_error\":",
            "\"standard_error\":-1,\"was\":",
            "mean holds -1; every number must be finite and not negative",
        ),
        ("\"point_estimate\":", "\"point_estimate\":0,\"was\":", "mean is 0; it must be above 0"),
    ] {
        let temp = tempfile::tempdir().unwrap();
        copy(&fixture("broken/stale"), temp.path());
        let path = temp.path().join("sorting/quick/100/new/estimates.json");
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen(find, replacement, 1)).unwrap();
        let harvest = read(temp.path(), "new", None, Stale::Never).unwrap();
        let [problem] = harvest.problems.as_slice() else { panic!("{reason}: {harvest:?}") };
        assert!(problem.reason.contains(reason), "{reason}: {}", problem.reason);
        assert_eq!(harvest.measurements.len(), 1, "{reason}");
    }
}

#[test]
fn roots() {
    let temp = tempfile::tempdir().unwrap();
    let all = |path: &std::path::Path| read(path, "new", None, Stale::Never).unwrap();
    let empty = temp.path().join("empty");
    fs::create_dir(&empty).unwrap();
    assert_eq!(all(&empty), Harvest::default());

    // Cargo's target directory: only its `criterion` directory is read.
    let target = temp.path().join("target");
    copy(&fixture("broken/stale"), &target.join("criterion"));
    copy(&fixture("broken/stale"), &target.join("release/copied"));
    fs::write(target.join("CACHEDIR.TAG"), "").unwrap();
    assert_eq!(all(&target).measurements.len(), 2);
    assert_eq!(all(&target).problems, []);
    // A directory above it that is not cargo's.
    let around = temp.path().join("around");
    copy(&fixture("broken/stale"), &around.join("criterion"));
    assert_eq!(all(&around).measurements.len(), 2);
    // One benchmark's own directory.
    assert_eq!(all(&around.join("criterion/plain")).measurements.len(), 1);

    let missing = read(&temp.path().join("missing"), "new", None, Stale::Never).unwrap_err();
    assert!(matches!(missing, SourceError::Missing { .. }), "{missing}");
    let file = fixture("README.md");
    let file = read(&file, "new", None, Stale::Never).unwrap_err();
    assert!(matches!(file, SourceError::NotADirectory { .. }), "{file}");
    for name in ["change", "report", "", "..", "a/b"] {
        let error = read(&around, name, None, Stale::Never).unwrap_err();
        assert!(matches!(error, SourceError::NotABaseline { .. }), "{name}: {error}");
    }
}

#[test]
fn an_empty_result_directory_is_a_lost_result() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir_all(temp.path().join("gone/new")).unwrap();
    let harvest = read(temp.path(), "new", None, Stale::Never).unwrap();
    assert_eq!(
        problems(temp.path(), &harvest.problems),
        [
            "Unreadable - gone/new/benchmark.json: benchmark.json is missing",
            "Unreadable - gone/new/sample.json: sample.json is missing",
        ]
    );
}

#[test]
fn results_of_cargo_criterion_are_named() {
    let directory = tempfile::tempdir().unwrap();
    let results = directory.path().join("data/main/group/bench");
    fs::create_dir_all(&results).unwrap();
    fs::write(results.join("measurement_200.cbor"), b"\xa1\x61x\x01").unwrap();
    let error = read(directory.path(), "new", None, Stale::Never).unwrap_err();
    let SourceError::CargoCriterion { path } = &error else { panic!("{error}") };
    assert_eq!(path, directory.path());
    assert!(error.to_string().contains("cargo-criterion (.cbor files)"), "{error}");
    // Next to criterion's own results they are ignored.
    copy(&fixture("criterion-0.8"), directory.path());
    assert!(!read(directory.path(), "new", None, Stale::Never).unwrap().measurements.is_empty());
}

#[test]
fn the_baseline_gives_the_unit_that_files_lack() {
    let calls = Metric {
        name: "measurement".to_owned(),
        unit: Unit::from("calls"),
        better: Direction::Lower,
        nature: Nature::Sampled,
    };
    let snapshot = |measurements: Vec<Measurement>| Snapshot {
        name: "x".to_owned(),
        created: jiff::Timestamp::UNIX_EPOCH,
        revision: None,
        selection: None,
        pairing: None,
        runs: Vec::new(),
        measurements,
        not_run: Vec::new(),
        problems: Vec::new(),
    };
    let harvest = harvest("criterion-0.8", "new");
    let mut known = of(&harvest, "plain").clone();
    known.metric = calls.clone();
    known.id.target = Some(TargetId::named("speed"));
    let mut candidate = snapshot(harvest.measurements.clone());
    adopt_metrics(
        &mut candidate,
        &snapshot(vec![known.clone(), of(&harvest, "sorting/7").clone()]),
    );
    for measurement in &candidate.measurements {
        let expected = if measurement.id.name == "plain" { calls.clone() } else { Metric::time() };
        assert_eq!(measurement.metric, expected, "{}", measurement.id);
    }
    // A benchmark of that name in another bench target is a different benchmark.
    let mut elsewhere = snapshot(vec![of(&harvest, "plain").clone()]);
    elsewhere.measurements[0].id.target = Some(TargetId::named("other"));
    adopt_metrics(&mut elsewhere, &snapshot(vec![known]));
    assert_eq!(elsewhere.measurements[0].metric, Metric::time());
}
