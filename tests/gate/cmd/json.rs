//! Reports for machines.

use serde_json::Value;

use super::{gate, stdout};

fn committed_schema() -> Value {
    serde_json::from_str(include_str!("../../../docs/schema/report.schema.json")).unwrap()
}

fn report(args: &[&str]) -> Value {
    let output = gate(&[args, &["--format", "json"]].concat());
    serde_json::from_str(stdout(&output)).expect("one JSON value on stdout, and nothing else")
}

#[test]
fn reports_match_the_committed_schema() {
    let schema = committed_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for args in [
        &["check", "--baseline", "main.json", "slower.json"][..],
        &["check", "--baseline", "main.json", "broken.json"],
        &["check", "--baseline", "main.json", "elsewhere.json"],
        &["check", "--baseline", "main.json", "other-machine.json", "--config", "strict.toml"],
        &["check", "--baseline", "main.json", "slower.json", "--config", "waivers.toml"],
        &["check", "--baseline", "main.json", "same.json", "--config", "budgets.toml"],
        &["check", "--baseline", "zero-main.json", "zero.json"],
        &["check", "--baseline", "hostile.json", "hostile-slower.json"],
        &["check", "--baseline", "none", "part.json"],
        &["check", "--baseline", "both-main.json", "both-slower.json"],
        &["compare", "main.json", "part.json"],
        &["compare", "../../fixtures/criterion-0.8@main", "../../fixtures/criterion-0.8"],
        &["compare", "../../fixtures/gungraun-0.20", "../../fixtures/gungraun-0.20"],
        &["baseline", "show", "units.json"],
        &["baseline", "show", "empty.json"],
    ] {
        let report = report(args);
        let errors: Vec<String> =
            validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{args:?}: {errors:#?}");
    }
    // The schema refuses something at all.
    let mut wrong = report(&["compare", "main.json", "part.json"]);
    wrong["rows"][0]["gate"] = "perhaps".into();
    assert!(!validator.is_valid(&wrong));
}

#[test]
fn required_numbers_are_finite() {
    // serde_json writes non-finite numbers as null.
    let report = report(&["check", "--baseline", "zero-main.json", "zero.json"]);
    for row in report["rows"].as_array().unwrap() {
        for side in ["baseline", "candidate"] {
            assert!(row[side]["value"].is_f64(), "{row}");
            let runs = row[side]["runs"].as_array().unwrap();
            assert_eq!((runs.len(), runs.iter().all(Value::is_f64)), (5, true), "{row}");
        }
    }
    let row = &report["rows"][0];
    assert_eq!((row["id"].as_str(), &row["change"]), (Some("cart/checkout"), &Value::Null));
}

#[test]
fn a_report_agrees_with_the_exit_code() {
    let args = ["check", "--baseline", "main.json", "slower.json", "--format", "json"];
    let output = gate(&args);
    let report: Value = serde_json::from_str(stdout(&output)).unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(report["verdict"]["exit_code"], 3);
    assert_eq!(report["verdict"]["outcome"], "fail");
    // Two rows gate, and one is only shown.
    assert_eq!(report["counts"]["regression"], 3);
    let worst = &report["rows"][0];
    assert_eq!((worst["id"].as_str(), worst["metric"].as_str()), (Some("cache/hit"), Some("time")));
    assert_eq!(worst["judgement"]["severity"], "fail");
    // 146 ns instead of 120 ns.
    let change = worst["change"]["estimate"].as_f64().unwrap();
    assert!((change - 26.0 / 120.0).abs() < 1e-9, "{change}");
    // The table hides metrics that cannot gate; the report does not.
    let metrics: Vec<_> = report["rows"].as_array().unwrap().iter().map(|r| &r["metric"]).collect();
    assert!(metrics.contains(&&Value::from("l1_hits")), "{metrics:?}");
}

/// Names are kept whatever they contain.
#[test]
fn hostile_names_are_not_changed() {
    let report = report(&["check", "--baseline", "hostile.json", "hostile-slower.json"]);
    let names: Vec<&str> =
        report["rows"].as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
    for name in ["clear \u{1b}[2J\u{1b}]0;title\u{7}screen", "right\u{202e}to\u{202c}left"] {
        assert!(names.contains(&name), "{names:?}");
    }
    assert!(names.contains(&format!("long/{}", "x".repeat(295)).as_str()));
}

#[test]
fn the_printed_policy_schema_is_the_committed_schema() {
    let output = gate(&["policy", "schema"]);
    assert_eq!(stdout(&output), include_str!("../../../docs/schema/policy.schema.json"));
}
