//! Files that are not snapshots: each is refused with its path and its place, and none
//! does harm.

use std::fs;

use benchgate::baseline::{BaselineError, MAX_FILE_BYTES, read};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{cases, fixture, saved_text, snapshot};

/// The error of `read` for a file with this text, without the path.
fn refusal(text: impl AsRef<[u8]>) -> String {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("broken.json");
    fs::write(&path, text).expect("written");
    let error = read(&path).expect_err("refused").to_string();
    let rest = error.strip_prefix(&path.display().to_string());
    rest.unwrap_or_else(|| panic!("no path in front: {error}")).trim_start().to_owned()
}

/// The error of `read` for the gate's file with `value` at `pointer`.
fn with(pointer: &str, value: Value) -> String {
    let mut file: Value = serde_json::from_str(&saved_text(&snapshot("main"))).expect("JSON");
    *file.pointer_mut(pointer).expect(pointer) = value;
    refusal(file.to_string())
}

#[test]
fn an_invalid_value_is_refused_with_its_place() {
    let hit = "/benchmarks/cache~1hit/benchgate/runs";
    let counts = "/benchgate/measurements/0";
    for (pointer, value, expected) in [
        ("/name".to_owned(), json!(""), "at /name: the name is empty"),
        (
            format!("{hit}/0/samples/times/2"),
            json!(-1),
            "at /benchmarks/cache~1hit/benchgate/runs/0/samples: sample 3 took -1 ns; a time must be finite and above 0",
        ),
        (
            format!("{hit}/1/samples/iterations"),
            json!({ "each": 0 }),
            "at /benchmarks/cache~1hit/benchgate/runs/1/samples: sample 1 has 0 iterations; that must be a whole number of at least 1",
        ),
        (
            format!("{hit}/1/samples/iterations"),
            json!({ "step": 1e308 }),
            "at /benchmarks/cache~1hit/benchgate/runs/1/samples: sample 2 has inf iterations; that must be a whole number of at least 1",
        ),
        (
            format!("{hit}/1/samples/iterations"),
            json!({ "list": [1, 2] }),
            "at /benchmarks/cache~1hit/benchgate/runs/1/samples: holds 2 iteration counts and 4 times; there must be as many of each",
        ),
        (
            format!("{hit}/0/samples/times"),
            json!([]),
            "at /benchmarks/cache~1hit/benchgate/runs/0/samples: holds no samples",
        ),
        (
            format!("{hit}/1/run"),
            json!(2),
            "at /benchmarks/cache~1hit/benchgate/runs/1/run: run 2 does not exist: the snapshot has 2",
        ),
        (
            format!("{hit}/1/run"),
            json!(0),
            "at /benchmarks/cache~1hit/benchgate/runs/1/run: run 0 is duplicated or out of order",
        ),
        (
            hit.to_owned(),
            json!([]),
            "at /benchmarks/cache~1hit/benchgate/runs: no run has a reading",
        ),
        (
            format!("{hit}/0/estimates/median/3"),
            json!(1e9),
            "at /benchmarks/cache~1hit/benchgate/runs/0/estimates: \
             median has an interval from 1000000000 to 121.176; its ends are reversed",
        ),
        (
            format!("{hit}/0/estimates/slope/2"),
            json!(95),
            "at /benchmarks/cache~1hit/benchgate/runs/0/estimates: \
             slope has a confidence level of 95; it must be between 0 and 1",
        ),
        (
            "/benchmarks/scan/criterion_estimates_v1/mean/point_estimate".to_owned(),
            json!(0.0),
            "at /benchmarks/scan/criterion_estimates_v1: mean is 0; it must be above 0",
        ),
        (
            "/benchmarks/scan/criterion_benchmark_v1/full_id".to_owned(),
            json!(""),
            "at /benchmarks/scan/criterion_benchmark_v1/full_id: the name is empty",
        ),
        (
            format!("{counts}/metric/name"),
            json!(""),
            "at /benchgate/measurements/0/metric/name: the name is empty",
        ),
        (
            format!("{counts}/runs/0"),
            json!({ "run": 0 }),
            "at /benchgate/measurements/0/runs/0: has no samples, no estimates, no value and no distribution",
        ),
        (
            "/benchgate/runs/0/seconds".to_owned(),
            json!(-2),
            "at /benchgate/runs/0/seconds: -2 is not a duration",
        ),
        (
            "/benchgate/schema_version".to_owned(),
            json!(0),
            "at /benchgate/schema_version: unknown schema version 0 (versions start at 1)",
        ),
    ] {
        assert_eq!(with(&pointer, value), expected);
    }
}

#[test]
fn impossible_costs_are_refused() {
    let mut file: Value = serde_json::from_str(&saved_text(&snapshot("main"))).expect("JSON");
    for (costs, expected) in [
        (
            json!({ "threads": 0, "total": 5, "functions": {} }),
            "/threads: a process has at least one thread",
        ),
        (
            json!({ "threads": 1, "total": 5, "functions": { "a": 3, "b": 3 } }),
            "/functions: the functions add up to more than the total of 5",
        ),
        (
            json!({ "threads": 1, "total": u64::MAX, "functions": { "a": u64::MAX, "b": 1 } }),
            "/functions: the functions add up to more than the total of 18446744073709551615",
        ),
    ] {
        file["benchgate"]["measurements"][0]["costs"] = costs;
        let place = "at /benchgate/measurements/0/costs";
        assert_eq!(refusal(file.to_string()), format!("{place}{expected}"));
    }
    let twice = file.to_string().replace("\"b\":1", "\"a\":1");
    let refused = refusal(twice);
    assert!(refused.contains(r#"duplicate key "a" at line "#), "{refused}");
}

#[test]
fn a_metric_of_a_benchmark_is_allowed_once() {
    let mut file: Value = serde_json::from_str(&saved_text(&snapshot("main"))).expect("JSON");
    let counts = file["benchgate"]["measurements"].as_array_mut().expect("a list");
    counts.push(counts[0].clone());
    assert_eq!(
        refusal(file.to_string()),
        "at /benchgate/measurements/1: `shop/cache::cache/hit` has its metric `instructions` twice"
    );
    let text = fs::read_to_string(fixture("main.json")).expect("text");
    let twice = text.replace("    \"lookup/hit\": {", "    \"plain\": {");
    let refused = refusal(twice);
    assert!(refused.contains(r#"duplicate key "plain" at line "#), "{refused}");
    let same = text.replace("\"full_id\": \"lookup/hit\"", "\"full_id\": \"plain\"");
    assert_eq!(refusal(same), "at /benchmarks/plain: `plain` has its metric `time` twice");
}

#[test]
fn a_later_schema_version_is_refused_with_the_version_to_install() {
    let text = saved_text(&snapshot("main"))
        .replace("\"schema_version\": 1", "\"schema_version\": 4711")
        .replace(
            &format!("\"tool_version\": \"{}\"", env!("CARGO_PKG_VERSION")),
            "\"tool_version\": \"9.8.7\"",
        )
        // The meaning of its fields is unknown.
        .replace("\"benchmarks\": {", "\"benchmarks\": 1, \"other\": {");
    let here = env!("CARGO_PKG_VERSION");
    assert_eq!(
        refusal(text),
        format!(
            "has snapshot schema version 4711, and this benchgate {here} reads up to 1: \
             it was written by benchgate 9.8.7; install that version or a later one"
        )
    );
}

#[test]
fn invalid_json_is_refused_with_line_and_column() {
    let text = saved_text(&snapshot("main"));
    let nan = text.replacen("120,", "NaN,", 1);
    let infinite = text.replacen("120,", "1e999,", 1);
    for (text, expected) in [
        ("", "EOF while parsing a value at line 1 column 0"),
        ("[1, 2", "invalid type: integer `1`"),
        ("null", "invalid type: null, expected struct"),
        (&text[..text.len() / 2], "EOF while parsing"),
        (nan.as_str(), "expected value at line"),
        (infinite.as_str(), "number out of range at line"),
        ("{\"name\":\"x\"}", "missing field `benchmarks`"),
        ("{\"name\":\"x\",\"benchmarks\":{},\"benchgate\":{}}", "missing field `schema_version`"),
    ] {
        let refused = refusal(text);
        assert!(refused.starts_with("is neither a snapshot nor a critcmp export: "), "{refused}");
        assert!(refused.contains(expected), "{refused}");
    }
    let deep = format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000));
    assert!(refusal(format!("{{\"x\":{deep}}}")).contains("missing field `name`"));
    assert!(refusal(format!("{{\"name\":{deep}}}")).contains("invalid type: sequence"));
    assert!(refusal(b"{\"name\":\"\xff\"").contains("line 1"));
}

#[test]
fn only_regular_files_of_bounded_size_are_read() {
    let directory = tempfile::tempdir().expect("a directory");
    let error = read(directory.path()).expect_err("a directory");
    assert!(matches!(error, BaselineError::NotAFile { .. }), "{error}");
    let path = directory.path().join("large.json");
    let file = fs::File::create(&path).expect("created");
    // Sparse: it does not occupy the disk.
    file.set_len(MAX_FILE_BYTES + 1).expect("set");
    let error = read(&path).expect_err("too large").to_string();
    assert!(error.contains("has 268435457 bytes; a snapshot has at most 268435456"), "{error}");
    let error = read(&directory.path().join("none.json")).expect_err("not there").to_string();
    assert!(error.starts_with("cannot read ") && error.contains("none.json: "), "{error}");
}

proptest! {
    #![proptest_config(cases(256))]

    /// Any changed byte gives a snapshot or an error.
    #[test]
    fn no_damaged_file_panics(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = saved_text(&snapshot("main")).into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = to;
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("damaged.json");
        fs::write(&path, &bytes).expect("written");
        if let Err(error) = read(&path) {
            prop_assert!(error.to_string().contains("damaged.json"));
        }
    }
}
