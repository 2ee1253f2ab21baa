//! critcmp reads our files, and we read and write critcmp's.

use std::fs;
use std::path::Path;
use std::process::Command;

use benchgate::baseline::{Existing, Store, export_critcmp, import_critcmp, read};
use benchgate::model::{BenchId, Environment, Reading, RunInfo, Snapshot, Throughput};
use serde_json::Value;

use super::{CLASS, fixture, run, saved_text, snapshot, time};

/// The two exports of a real run that `scripts/fixtures-critcmp` makes.
const EXPORTS: [&str; 2] = ["main.json", "candidate.json"];

#[test]
fn real_exports_are_reproduced_byte_for_byte() {
    for name in EXPORTS {
        let path = fixture(name);
        let export = export_critcmp(&import_critcmp(&path).expect("a snapshot")).expect("text");
        let text = fs::read_to_string(path).expect("text");
        assert_eq!(export.text, text);
        assert_eq!(export.omitted, Vec::<String>::new());
    }
}

#[test]
fn saved_exports_are_reproduced_byte_for_byte() {
    for name in EXPORTS {
        let imported = import_critcmp(&fixture(name)).expect("a snapshot");
        let root = tempfile::tempdir().expect("a directory");
        let path = Store::new(root.path()).save(CLASS, &imported, Existing::Refuse).expect("saved");
        let saved = read(&path).expect("a snapshot");
        assert_eq!(saved, imported);
        let text = fs::read_to_string(fixture(name)).expect("text");
        assert_eq!(export_critcmp(&saved).expect("text").text, text);
    }
}

#[test]
fn a_plain_export_is_one_run_in_an_unknown_environment() {
    let path = fixture("main.json");
    let imported = read(&path).expect("a snapshot");
    assert_eq!(imported, import_critcmp(&path).expect("a snapshot"));
    assert_eq!(imported.name, "main");
    let written = fs::metadata(&path).and_then(|metadata| metadata.modified()).expect("a time");
    assert_eq!(imported.created, written.try_into().expect("a time"));
    let nowhere =
        RunInfo { started: None, seconds: None, busy: None, environment: Environment::default() };
    assert_eq!(imported.runs, [nowhere]);
    assert!(imported.measurements.iter().all(|m| m.metric == benchgate::model::Metric::time()));

    let of = |name: &str| {
        let found = imported.measurements.iter().find(|m| m.id == BenchId::named(name));
        found.unwrap_or_else(|| panic!("{name}"))
    };
    let flat = of("flat/no_slope");
    let [run] = flat.runs.as_slice() else { panic!("one run") };
    let Reading::Estimates(estimates) = run.reading else { panic!("estimates") };
    assert_eq!((run.run, estimates.slope), (0, None));
    assert_eq!(estimates.mean.point().to_bits(), FLAT_MEAN.to_bits());
    let scan = of("lookup/scan/64").criterion.clone().expect("criterion's parts");
    assert_eq!(
        (scan.group.as_str(), scan.function.as_deref(), scan.value.as_deref()),
        ("lookup", Some("scan"), Some("64"))
    );
    let unicode = of("größe/日本語 \"quoted\"").criterion.clone().expect("criterion's parts");
    assert_eq!(unicode.directory, "größe_日本語 _quoted_");
    for (name, throughput) in [
        ("plain", None),
        ("throughput/bytes", Some(Throughput::Bytes(4096))),
        ("throughput/elements", Some(Throughput::Elements(50))),
        // critcmp 0.1.8 does not know these and exports both its fields as null.
        ("throughput/bits", Some(Throughput::Unknown)),
        ("throughput/bytes_decimal", Some(Throughput::Unknown)),
        ("throughput/elements_and_bytes", Some(Throughput::Unknown)),
    ] {
        assert_eq!(of(name).throughput, throughput, "{name}");
    }
}

/// `mean` of `flat/no_slope` in `main.json`.
const FLAT_MEAN: f64 = 757.682_813_238_770_7;

#[test]
fn critcmp_sees_the_means_over_the_runs() {
    let root = tempfile::tempdir().expect("a directory");
    let store = Store::new(root.path());
    let path = store.save(CLASS, &snapshot("main"), Existing::Refuse).expect("saved");
    let seen = import_critcmp(&path).expect("a snapshot");
    let means: Vec<_> = seen
        .measurements
        .iter()
        .map(|m| match &m.runs[0].reading {
            Reading::Estimates(estimates) => (
                m.id.name.as_str(),
                estimates.mean.point(),
                estimates.std_dev.point(),
                m.throughput,
            ),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        means,
        [
            ("cache/hit", 122.25, 12.225, Some(Throughput::Unknown)),
            ("scan", 1000.0, 100.0, Some(Throughput::Bytes(4096))),
        ]
    );
}

#[test]
fn an_export_names_what_it_leaves_out() {
    let export = export_critcmp(&snapshot("main")).expect("text");
    assert_eq!(export.omitted, ["shop/cache::cache/hit (instructions)"]);
    let file: Value = serde_json::from_str(&export.text).expect("JSON");
    assert!(!export.text.contains("benchgate"), "the export has fields of benchgate");
    let keys: Vec<_> = file["benchmarks"].as_object().expect("a map").keys().collect();
    assert_eq!(keys, ["cache/hit", "scan"]);
}

fn critcmp(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("critcmp")
        .args(arguments)
        .current_dir(directory)
        .env_remove("CRITERION_HOME")
        .env_remove("CARGO_TARGET_DIR")
        .output()
        .expect("critcmp starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
#[ignore = "needs critcmp: scripts/test installs it"]
fn the_real_critcmp_compares_two_of_our_files() {
    let of = |name: &str, hit: &[f64], scan: f64| {
        let get = |target, mean| time(BenchId::in_target("get", target, "shop"), &[mean]);
        let mut bytes = time(BenchId::named("scan"), &[scan]);
        bytes.throughput = Some(Throughput::BytesDecimal(4000));
        let measurements = vec![
            time(BenchId::named("größe/日本語"), hit),
            get("cache", 10.0),
            get("queries", 5000.0),
            bytes,
        ];
        let runs = vec![run("A processor"); hit.len()];
        saved_text(&Snapshot { measurements, runs, ..snapshot(name) })
    };
    let directory = tempfile::tempdir().expect("a directory");
    let write = |name: &str, text: String| {
        fs::write(directory.path().join(name), text).expect("written");
    };
    write("main.json", of("main", &[100.0, 110.0, 120.0], 1000.0));
    // The mean over the runs: 50% more.
    write("other.json", of("other", &[160.0, 170.0], 1250.0));
    assert_eq!(
        critcmp(directory.path(), &["main.json", "other.json"]),
        "\
group                main                                    other
-----                ----                                    -----
größe/日本語         1.00   110.0±11.00ns        ? ?/sec     1.50   165.0±16.50ns        ? ?/sec
scan                 1.00  1000.0±100.00ns     3.7 GB/sec    1.25  1250.0±125.00ns     3.0 GB/sec
shop/cache::get      1.00     10.0±1.00ns        ? ?/sec     1.00     10.0±1.00ns        ? ?/sec
shop/queries::get    1.00      5.0±0.50µs        ? ?/sec     1.00      5.0±0.50µs        ? ?/sec
"
    );
}

#[test]
#[ignore = "needs critcmp: scripts/test installs it"]
fn the_real_critcmp_compares_our_export_with_its_own() {
    let directory = tempfile::tempdir().expect("a directory");
    let renamed = Snapshot {
        name: "ours".to_owned(),
        ..import_critcmp(&fixture("main.json")).expect("a snapshot")
    };
    fs::write(directory.path().join("ours.json"), saved_text(&renamed)).expect("written");
    fs::copy(fixture("main.json"), directory.path().join("main.json")).expect("copied");
    let table = critcmp(directory.path(), &["main.json", "ours.json"]);
    let rows: Vec<_> = table.lines().skip(2).collect();
    assert_eq!(rows.len(), 12, "{table}");
    for row in rows {
        assert_eq!(row.matches("  1.00  ").count(), 2, "the same on both sides: {row}");
    }
}

/// The text with fractions of twelve digits: critcmp 0.1.8 loses the last bit of some
/// numbers.
fn rounded(text: &str) -> String {
    let line = |line: &str| match line.rsplit_once(": ") {
        Some((key, number)) if number.contains('.') => {
            match number.trim_end_matches(',').parse::<f64>() {
                Ok(number) => format!("{key}: {number:.12e}\n"),
                Err(_) => format!("{line}\n"),
            }
        }
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

#[test]
#[ignore = "needs critcmp: scripts/test installs it"]
fn the_real_critcmp_exports_our_file_as_we_do() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("main.json");
    fs::write(&path, saved_text(&snapshot("main"))).expect("written");
    let exported = critcmp(directory.path(), &["main.json", "--export", "main"]);
    let ours = export_critcmp(&snapshot("main")).expect("text").text;
    assert_eq!(rounded(&exported), rounded(&ours));
    // The gate's fields were dropped; critcmp's fields are read as a plain export.
    fs::write(&path, exported).expect("written");
    let plain = read(&path).expect("a snapshot");
    assert_eq!((plain.runs.len(), plain.measurements.len()), (1, 2));
}
