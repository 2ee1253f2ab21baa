//! Files of runs: records, Bencher Metric Format and hyperfine's exports.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use benchgate::model::{Direction, Environment, Nature, Reading, Unit};
use benchgate::sources::Harvest;
use benchgate::sources::exchange::{Format, Runs, recognise};

use super::{fixture, problems};

/// A directory with these files.
fn place(files: &[(&str, &str)]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let home = tempfile::tempdir().unwrap();
    let write = |(name, text): &(&str, &str)| {
        let path = home.path().join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let paths = files.iter().map(write).collect();
    (home, paths)
}

/// What the files hold together, and the number of their runs.
fn read(paths: &[PathBuf]) -> (Harvest, usize) {
    let mut runs = Runs::default();
    for path in paths {
        runs.add(path, None).unwrap();
    }
    let (harvest, services) = runs.into_harvest();
    (harvest, services.environments(&Environment::default()).len())
}

/// `id metric: run value, …` of each measurement.
fn rows(harvest: &Harvest) -> Vec<String> {
    let row = |row: &benchgate::model::Measurement| {
        let runs = row.runs.iter().map(|run| match run.reading {
            Reading::Value(value) => format!("{} {value}", run.run),
            ref other => panic!("{other:?}"),
        });
        format!("{} {}: {}", row.id, row.metric, runs.collect::<Vec<_>>().join(", "))
    };
    harvest.measurements.iter().map(row).collect()
}

fn line(id: &str, metric: &str, unit: &str, value: &str) -> String {
    format!(
        r#"{{"measurement":{{"id":"{id}","metric":"{metric}","unit":"{unit}","better":"lower","nature":"sampled","value":{value}}}}}"#
    ) + "\n"
}

#[test]
fn each_file_of_records_is_a_run_of_what_it_holds() {
    let first = line("a", "time", "ns", "1") + &line("b", "time", "ns", "2");
    let second = line("a", "time", "ns", "3")
        + "{\"service\":{\"name\":\"redis\",\"version\":\"7\"}}\n"
        + "{\"not_run\":{\"subject\":\"c\",\"reason\":\"no server\"}}\n";
    let third = line("b", "time", "ns", "4");
    let (_home, paths) = place(&[("1", &first), ("2", &second), ("3", &third)]);
    let (harvest, runs) = read(&paths);
    assert_eq!(runs, 3);
    assert_eq!(rows(&harvest), ["a time: 0 1, 1 3", "b time: 0 2, 2 4"]);
    assert_eq!(harvest.not_run.len(), 1);
    assert_eq!(harvest.problems, []);
}

#[test]
fn bad_lines_are_named_with_their_file_and_the_others_count() {
    let text = line("a", "time", "ns", "NaN")
        + &line("a", "time", "ns", "1")
        + &line("twice", "time", "ns", "1")
        + &line("twice", "time", "ns", "2")
        + &line("negative", "time", "ns", "-1")
        + "{\"measurement\":{\"id\":\"half";
    let (home, paths) = place(&[("run.jsonl", &text)]);
    let (harvest, _) = read(&paths);
    assert_eq!(rows(&harvest), ["a time: 0 1"]);
    let found = problems(home.path(), &harvest.problems);
    for expected in [
        "run.jsonl: line 1 is not valid JSON",
        "Duplicate twice run.jsonl: lines 3 to 4 measure time of the same benchmark 2 times",
        "Unreadable negative run.jsonl: line 5 has time = -1, which is out of range for ns",
        "run.jsonl: line 6 is cut off",
    ] {
        assert!(found.iter().any(|row| row.contains(expected)), "{expected}: {found:?}");
    }
    assert_eq!(found.len(), 4, "{found:?}");
}

#[test]
fn a_metric_with_two_units_is_refused() {
    let (first, second) = (line("a", "size", "bytes", "1"), line("a", "size", "count", "1"));
    let (_home, paths) = place(&[("1", &first), ("2", &second)]);
    let (harvest, _) = read(&paths);
    assert_eq!(rows(&harvest), [""; 0]);
    let [problem] = &harvest.problems[..] else { panic!("{:?}", harvest.problems) };
    assert!(
        problem.reason.starts_with(
            "the files define size of that benchmark differently (bytes, lower is better, sampled; \
             count, lower is better, sampled)"
        ),
        "{}",
        problem.reason
    );
}

#[test]
fn every_time_of_hyperfine_is_a_run() {
    let two = fixture("hyperfine-1.15/two.json");
    assert_eq!(recognise(&two), Some(Format::Hyperfine));
    let (harvest, runs) = read(&[two.clone(), two.clone()]);
    assert_eq!((runs, &harvest.problems[..]), (20, &[][..]));
    let written: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(&two).unwrap()).unwrap();
    for (row, name) in harvest.measurements.iter().zip(["a \"name\"", "idle"]) {
        assert_eq!((row.id.name.as_str(), &row.metric.unit), (name, &Unit::Nanoseconds));
        let result = written["results"].as_array().unwrap();
        let result = result.iter().find(|result| result["command"] == *name).unwrap();
        let times = result["times"].as_array().unwrap();
        for (run, reading) in row.runs.iter().enumerate() {
            let nanoseconds = times[run % 10].as_f64().unwrap() * 1e9;
            assert_eq!(
                (reading.run as usize, &reading.reading),
                (run, &Reading::Value(nanoseconds))
            );
        }
        assert_eq!(row.runs.len(), 20);
    }
    let (parameters, _) = read(&[fixture("hyperfine-1.15/parameters.json")]);
    let names: Vec<_> = parameters.measurements.iter().map(|row| row.id.name.as_str()).collect();
    assert_eq!(names, ["sleep 0.001", "sleep 0.002"]);
}

#[test]
fn failed_processes_of_hyperfine_are_left_out_and_reported() {
    let (harvest, runs) = read(&[fixture("hyperfine-1.15/failures.json")]);
    let [row] = &harvest.measurements[..] else { panic!("{harvest:?}") };
    assert_eq!((runs, row.runs.len()), (10, 7));
    assert!(row.runs.iter().all(|run| ![2, 5, 8].contains(&run.run)));
    let [failed] = &harvest.not_run[..] else { panic!("{harvest:?}") };
    assert_eq!(failed.subject, "flaky");
    assert!(failed.reason.starts_with("3 of 10 processes ended with a failure"));
}

#[test]
fn what_hyperfine_could_not_measure_is_refused_with_its_place() {
    let (harvest, _) = read(&[fixture("hyperfine-1.15/zero.json")]);
    assert_eq!(harvest.measurements, []);
    let reason = &harvest.problems[0].reason;
    assert!(reason.starts_with("results[0].times[0] is 0: ") && reason.contains("--shell=none"));
    for (text, expected) in [
        (r#"{"results":[{"command":"a","times":[1,-2]}]}"#, "results[0].times[1] is -2"),
        (r#"{"results":[{"command":"a","times":[1e305]}]}"#, "results[0].times[0] is 1"),
        (r#"{"results":[{"command":"a","times":[1],"exit_codes":[0,0]}]}"#, "1 times and 2 exit"),
        (r#"{"results":[{"command":"a","mean":1}]}"#, "results[0] has no times"),
        (
            r#"{"results":[{"command":"a","times":[1]},{"command":"a","times":[1]}]}"#,
            "results[0], results[1] are of the same command",
        ),
    ] {
        let (_home, paths) = place(&[("times.json", text)]);
        let (harvest, _) = read(&paths);
        assert_eq!(harvest.measurements, [], "{text}");
        let reason = &harvest.problems[0].reason;
        assert!(reason.contains(expected), "{text}: {reason}");
    }
}

#[test]
fn bencher_metric_format_is_read_with_the_directions_that_are_known() {
    // As in Bencher's reference.
    let text = r#"{
        "parse": {
            "latency": { "value": 88.0, "lower_value": 87.4, "upper_value": 88.9 },
            "throughput": { "value": 5.5 }
        },
        "program": { "file-size": { "value": 42 }, "wobble": { "value": 0 } }
    }"#;
    let (_home, paths) = place(&[("bmf.json", text)]);
    assert_eq!(recognise(&paths[0]), Some(Format::Bencher));
    let (harvest, runs) = read(&paths);
    assert_eq!((runs, &harvest.problems[..]), (1, &[][..]));
    assert_eq!(
        rows(&harvest),
        [
            "parse throughput: 0 5.5",
            "parse time: 0 88",
            "program file_size: 0 42",
            "program wobble: 0 0"
        ]
    );
    let metrics: Vec<_> = harvest.measurements.iter().map(|row| &row.metric).collect();
    assert_eq!(metrics[0].better, Direction::Higher);
    assert_eq!(metrics[1].unit, Unit::Nanoseconds);
    assert_eq!(metrics[2].nature, Nature::Counted);
}

#[test]
fn bad_measures_are_refused_with_their_place() {
    let text = r#"{"a":{"latency":{"value":"fast"},"x":{"value":1}},"b":{"x":{"value":1}},
        "b":{"x":{"value":2}},"c":{"latency":{"value":-1}}}"#;
    let (home, paths) = place(&[("bmf.json", text)]);
    let (harvest, _) = read(&paths);
    assert_eq!(rows(&harvest), ["a x: 0 1"]);
    assert_eq!(
        problems(home.path(), &harvest.problems),
        [
            "Unreadable a bmf.json: \"a\".\"latency\".value is \"fast\", not a number",
            "Unreadable c bmf.json: \"c\".\"latency\".value is -1, which is out of range for ns",
            "Duplicate b bmf.json: \"b\".\"x\" is there 2 times, so none is used; write each run to \
             a file of its own",
        ]
    );
}

/// The gate on files, outside of any project.
fn gate(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(crate::GATE)
        .args(arguments)
        .current_dir(home)
        .env("BENCHGATE_CLASS", "here")
        .output()
        .expect("the gate starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// Runs of which every value is that number, nearly.
fn runs(value: f64) -> Vec<(String, String)> {
    let runs = (0..6).map(|run| {
        let value = value + f64::from(run) / 100.0;
        (format!("{value}-{run}.jsonl"), line("parse", "time", "ns", &value.to_string()))
    });
    runs.collect()
}

#[test]
fn files_are_judged_wherever_results_are_read() {
    let all = [runs(100.0), runs(200.0)].concat();
    let files: Vec<(&str, &str)> = all.iter().map(|(name, text)| (&**name, &**text)).collect();
    let (home, _) = place(&files);
    let home = home.path();
    // How much sessions differ is not known, so only large changes can be decided.
    let policy = "version = 1\n[[rule]]\nbench = \"**\"\ntolerance = \"10%\"\ntarget = \"30%\"\n";
    fs::write(home.join("gate.toml"), policy).unwrap();
    let names = |from: usize| files[from..from + 6].iter().map(|(name, _)| *name);
    let with = |words: &[&'static str], from: usize| -> Vec<String> {
        words.iter().copied().map(str::to_owned).chain(names(from).map(str::to_owned)).collect()
    };
    let run = |words: &[String]| gate(home, &words.iter().map(String::as_str).collect::<Vec<_>>());

    let (code, out, err) = run(&with(&["baseline", "save", "main", "--record"], 0));
    assert_eq!(code, 0, "{out}{err}");
    let (code, out, err) = run(&with(&["check", "--record"], 0));
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("parse") && out.contains("unchanged"), "{out}");
    let (_, out, err) = run(&with(&["check", "--record"], 6));
    assert!(out.contains("+100%") && out.to_lowercase().contains("regression"), "{out}{err}");
    let (code, out, err) = gate(home, &["compare", files[0].0, files[6].0]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("+100%"), "{out}");

    // The report in Bencher Metric Format is read again.
    let report = gate(home, &["compare", files[0].0, files[0].0, "--format", "bmf"]).1;
    fs::write(home.join("bmf.json"), report).unwrap();
    let (code, out, err) = gate(home, &["compare", files[0].0, "bmf.json"]);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("100.0 ns"), "{out}");
}

#[test]
fn files_that_cannot_be_read_are_named() {
    let (home, _) = place(&[("text", "no JSON"), ("empty", ""), ("damaged", "{\"measu")]);
    let home = home.path();
    let huge = fs::File::create(home.join("huge")).unwrap();
    huge.set_len((64 << 20) + 1).unwrap();
    for (arguments, code, expected) in [
        (&["--record", "missing"][..], 2, "missing does not exist"),
        (&["--record", "text"], 2, "text: not a file of records, of Bencher Metric Format or"),
        (&["--record", "empty"], 2, "empty: not a file of records"),
        (&["--record", "huge"], 2, "huge: is larger than 64 MiB"),
        (&["--record", "huge", "--record-format", "record"], 1, "larger than 64 MiB"),
        (&["--record", "damaged", "--record-format", "record"], 1, "line 1 is cut off"),
        (&["--record-format", "record"], 2, "--record"),
    ] {
        let (found, out, err) = gate(home, &[&["check"], arguments].concat());
        let shown = format!("{out}{err}");
        assert!(shown.contains(expected), "{arguments:?}: {shown}");
        assert_eq!(found, code, "{arguments:?}: {shown}");
    }
}
