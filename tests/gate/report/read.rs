//! Saved reports are read back.

use std::path::Path;

use benchgate::report::{Json, Render, read};

use super::made;

fn written(text: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("report.json");
    std::fs::write(&path, text).unwrap();
    (place, path)
}

/// The error, with only the name of the file.
fn refused(text: &str) -> String {
    let (place, path) = written(text);
    let error = read(&path).expect_err("it is refused").to_string();
    error.replace(&format!("{}/", place.path().display()), "")
}

#[test]
fn written_reports_are_read_back_whole() {
    for report in [made::large(), made::hostile()] {
        let (_place, path) = written(&Json.render(&report));
        assert_eq!(read(&path).unwrap(), report);
    }
}

#[test]
fn damaged_reports_are_refused_with_the_place() {
    let whole = Json.render(&made::report(
        vec![made::row("a", "time", 0.0, benchgate::judge::Outcome::Unchanged)],
        Vec::new(),
    ));
    let lines = |text: &str, to| text.lines().take(to).collect::<Vec<_>>().join("\n");
    let changed = |from: &str, to: &str| {
        assert!(whole.contains(from));
        whole.replace(from, to)
    };
    for (text, complaint) in [
        (
            changed("\"schema_version\": 1", "\"schema_version\": 7"),
            "report.json: schema_version is 7, but benchgate 0.1.0 reads version 1: render it with \
             the version that wrote it, benchgate 0.1.0",
        ),
        (
            changed("\"estimate\": 0.0", "\"estimate\": \"much\""),
            "report.json:72:26: rows[0].change.estimate: invalid type: string \"much\", expected f64",
        ),
        (
            changed("\"metric\"", "\"metrik\""),
            "report.json:40:14: rows[0].metrik: unknown field `metrik`, expected one of `id`, \
             `target`, `package`, `metric`, `unit`, `higher_is_better`, `counted`, `gate`, \
             `baseline`, `candidate`, `observations`, `change`, `pairs`, `adjusted`, `judgement`",
        ),
    ] {
        assert_eq!(refused(&text), complaint);
    }
    for (text, complaint) in [
        (lines(&whole, 5), "5:22: this is not a complete report: it is cut off"),
        (
            changed("\"estimate\": 0.0", "\"estimate\": 1e999"),
            "72:25: this is not a complete report: it is not valid JSON (number out of range)",
        ),
        (
            format!("{whole}x"),
            "104:1: this is not a complete report: it is not valid JSON (trailing characters)",
        ),
        (
            "{}".to_owned(),
            "1:2: this is not a complete report: it does not have the expected content (missing field \
             `schema_version`)",
        ),
        (
            "[]".to_owned(),
            "1:2: this is not a complete report: it does not have the expected content (invalid length 0, \
             expected a report)",
        ),
        (String::new(), "1:0: this is not a complete report: it is cut off"),
        (
            "\u{0}".to_owned(),
            "1:1: this is not a complete report: it is not valid JSON (expected value)",
        ),
    ] {
        let remedy = "; write it again with `gate check --format json` or --report";
        assert_eq!(refused(&text), format!("report.json:{complaint}{remedy}"));
    }
    let directory = read(crate::root()).unwrap_err().to_string();
    assert!(directory.ends_with(" is not a regular file"), "{directory}");
    let nothing = read(Path::new("no-such-report.json")).unwrap_err().to_string();
    assert!(nothing.starts_with("cannot read no-such-report.json: No such file"), "{nothing}");
}
