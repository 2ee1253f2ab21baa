//! The comment's text, made from an artifact that the author of the pull request
//! controls.

use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{COMMIT, Ran, Runner, followed, reports};

/// The entries of a hostile archive: `[name, text, mode, times repeated]`.
const ZIP: &str = r"
import json, sys, zipfile, warnings
warnings.simplefilter('ignore')
with zipfile.ZipFile(sys.argv[1], 'w', zipfile.ZIP_DEFLATED) as archive:
    for name, text, mode, times in json.load(sys.stdin):
        entry = zipfile.ZipInfo('x')
        entry.filename = name
        entry.external_attr = mode << 16
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, text * times)
";

/// A regular file of a zip archive.
const FILE: u32 = 0o100_644;
const LINK: u32 = 0o120_777;

fn zip(entries: &[(&str, &str, u32, usize)]) -> Vec<u8> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut python = Command::new("python3")
        .args(["-c", ZIP])
        .arg(file.path())
        .stdin(Stdio::piped())
        .spawn()
        .expect("python3 starts");
    let entries = serde_json::to_vec(entries).unwrap();
    python.stdin.take().unwrap().write_all(&entries).unwrap();
    assert!(python.wait().unwrap().success());
    fs::read(file.path()).unwrap()
}

/// The report of the real gate on two snapshots of the project.
fn report(baseline: &str, candidate: &str) -> String {
    let directory = tempfile::tempdir().unwrap();
    reports(baseline, candidate, directory.path());
    fs::read_to_string(directory.path().join("report.json")).unwrap()
}

fn artifact(archive: &[u8]) -> Value {
    let entry = |id: u64, name: &str, expired: bool, when: &str| {
        json!({ "id": id, "name": name, "expired": expired, "size_in_bytes": archive.len(),
                "created_at": when })
    };
    json!({ "total_count": 4, "artifacts": [
        entry(1, "benchgate-report", false, "2026-11-01T10:00:00Z"),
        entry(3, "benchgate-report", false, "2026-11-01T12:00:00Z"),
        entry(4, "benchgate-report", true, "2026-11-01T13:00:00Z"),
        entry(5, "benchgate-report-2", false, "2026-11-01T14:00:00Z"),
    ] })
}

fn runner(event: &Value, archive: &[u8]) -> Runner {
    let mut runner = Runner::new("workflow_run", event);
    runner.set("GATE_EXE", crate::GATE).set("GATE_ARTIFACT", "benchgate-report");
    runner.answer("artifacts.json", artifact(archive).to_string());
    runner.answer("zip", archive);
    runner
}

fn render(conclusion: &str, archive: &[u8]) -> Ran {
    runner(&followed(conclusion), archive).step("github/render", &[]).ok()
}

/// Asserts that the text says that there is no report, gives the reason, and contains
/// nothing of the archive.
#[track_caller]
fn refused(ran: &Ran, reason: &str) {
    let short = &COMMIT[..10];
    assert_eq!(
        ran.output("body"),
        format!(
            "<!-- benchgate -->\n\
             ❌ **No report**: the run ended with failure, and {reason}.\n\n\
             <sub>[Run 4711](https://github.example/acme/widgets/actions/runs/4711), attempt 2, on \
             `{short}` ended with failure. Rendered from the report that the pull request's own \
             run wrote; the run's check is what counts.</sub>"
        )
    );
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn a_forks_report_becomes_a_comment() {
    let report = report("main.json", "slower.json");
    let ran = render(
        "failure",
        &zip(&[
            ("report.json", &report, FILE, 1),
            ("report.md", "# not read", FILE, 1),
            ("report.html", "<script>", FILE, 1),
        ]),
    );
    assert_eq!(
        ran.calls,
        [
            "api | --method | GET | repos/acme/widgets/actions/runs/4711/artifacts | -f | \
             name=benchgate-report | -f | per_page=100",
            "api | repos/acme/widgets/actions/artifacts/3/zip",
        ],
        "the newest artifact that has not expired is read, and nothing is written"
    );
    let body = ran.output("body");
    assert!(body.starts_with("<!-- benchgate -->\n❌ **FAIL** – "), "{body}");
    assert!(body.contains("| `cache/hit` | `time` |"), "{body}");
    assert!(!body.contains("not read") && !body.contains("<script>"));
    assert!(body.contains("attempt 2, on `1f0c9a2b3d` ended with failure."), "{body}");
    assert_eq!(ran.summary.trim_end(), body);
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn names_in_a_report_stay_text() {
    const HOSTILE: &str =
        "<script>x</script> @everyone [a](http://b) ![](javascript:c) `` <!-- d\n# e";
    let mut report: Value = serde_json::from_str(&report("main.json", "slower.json")).unwrap();
    for row in 0..4 {
        report["rows"][row]["id"] = json!(format!("{HOSTILE} {row}"));
        report["rows"][row]["metric"] = json!(HOSTILE);
        report["rows"][row]["unit"] = json!(HOSTILE);
        report["rows"][row]["judgement"]["reason"] = json!(HOSTILE);
    }
    report["findings"] = json!([{
        "code": "single-run", "severity": "note", "id": HOSTILE, "metric": HOSTILE,
        "message": HOSTILE,
    }]);
    for place in ["/verdict/reason", "/candidate/name", "/baseline/revision"] {
        *report.pointer_mut(place).expect(place) = json!(HOSTILE);
    }
    report["candidate"]["environment"][HOSTILE] = json!(HOSTILE);
    let ran = render("failure", &zip(&[("report.json", &report.to_string(), FILE, 1)]));
    let body = ran.output("body");
    let (gates, ours) =
        body.split_once("\n<sub>[Run 4711](https://github.example/").expect("a link");
    let bare = without_code(gates);
    assert!(!ours.contains(']'), "the text has another link: {ours}");
    assert!(body.contains("@everyone") && bare.contains("REGRESSION"), "{body}");
    for sign in ["script", "everyone", "](", "javascript", "http://b", "# e"] {
        assert!(!bare.contains(sign), "{sign} in {bare}");
    }
    assert_eq!(bare.matches("<!--").count(), 1, "the text has another mark: {bare}");
}

/// Markdown without its code spans, in which text stays text. A span ends with as many
/// backticks as it begins with.
fn without_code(markdown: &str) -> String {
    let mut bare = String::new();
    for line in markdown.lines() {
        let mut rest = line;
        while let Some(start) = rest.find('`') {
            bare.push_str(&rest[..start]);
            let fence = rest[start..].len() - rest[start..].trim_start_matches('`').len();
            let (opening, inner) = rest[start..].split_at(fence);
            let mut at = 0;
            let end = loop {
                let Some(found) = inner[at..].find('`') else { break None };
                let run =
                    inner[at + found..].len() - inner[at + found..].trim_start_matches('`').len();
                if run == fence {
                    break Some(at + found + run);
                }
                at += found + run;
            };
            let Some(end) = end else { panic!("{opening} is left open in {line}") };
            rest = &inner[end..];
        }
        bare.push_str(rest);
        bare.push('\n');
    }
    bare
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn a_report_of_thousands_fits_a_comment() {
    let mut report: Value = serde_json::from_str(&report("main.json", "slower.json")).unwrap();
    let row = report["rows"][0].clone();
    let many = (0..3000).map(|number| {
        let mut row = row.clone();
        row["id"] = json!(format!("group {number}/{}", "`|@all <b>".repeat(30)));
        row
    });
    report["rows"] = many.collect();
    let ran = render("failure", &zip(&[("report.json", &report.to_string(), FILE, 1)]));
    let body = ran.output("body");
    assert!(body.starts_with("<!-- benchgate -->\n❌ **FAIL** – "), "the worst rows are not first");
    assert!((60_000..=65_536).contains(&body.len()), "{} bytes", body.len());
    assert!(body.contains("rows left out") && body.ends_with("</sub>"), "the cut is not mentioned");
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn hostile_archives_are_refused() {
    let good = report("main.json", "same.json");
    let ok = ("report.json", good.as_str(), FILE, 1);
    let strange = "its artifact was not made by gate";
    let many: Vec<String> = (0..101).map(|number| format!("{number}.txt")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "", FILE, 1)).collect();
    for archive in [
        zip(&[ok, ("../../evil", "x", FILE, 1)]),
        zip(&[ok, ("/etc/cron.d/evil", "x", FILE, 1)]),
        zip(&[ok, ("a/../../evil", "x", FILE, 1)]),
        zip(&[ok, ("..\\evil", "x", FILE, 1)]),
        zip(&[ok, ("C:evil", "x", FILE, 1)]),
        zip(&[ok, ("report.html", "/etc/passwd", LINK, 1)]),
        zip(&[("report.json", "/etc/passwd", LINK, 1)]),
        zip(&[ok, ok]),
        zip(&[("nested/report.json", &good, FILE, 1)]),
        zip(&[("Report.json", &good, FILE, 1)]),
        zip(&[&[ok], &many[..]].concat()),
        zip(&[("report.json", "0123456789abcdef", FILE, (64 << 16) + 1)]),
        zip(&[]),
        b"PK\x05\x06".to_vec(),
        b"no archive at all".to_vec(),
        zip(&[ok])[..100].to_vec(),
        Vec::new(),
    ] {
        refused(&render("failure", &archive), strange);
    }
    // A readable archive, which shows that the others are refused for their content.
    let ran = render("success", &zip(&[ok]));
    assert!(ran.output("body").starts_with("<!-- benchgate -->\n✅ **PASS** – "));
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn a_file_that_is_not_a_report_is_not_shown() {
    let good: Value = serde_json::from_str(&report("main.json", "same.json")).unwrap();
    let with = |key: &str, value: Value| {
        let mut report = good.clone();
        report[key] = value;
        report.to_string()
    };
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for report in [
        "",
        "# Markdown\n@everyone",
        "{}",
        "[]",
        "null",
        &deep,
        &good.to_string()[..500],
        &with("schema_version", json!(2)),
        &with("schema_version", json!("1")),
        &with("more", json!("::error::<script>")),
        &with("rows", json!("none")),
        &with("verdict", json!({ "outcome": "pass" })),
        &with("findings", json!([{ "code": "of-no-kind" }])),
    ] {
        let ran = render("failure", &zip(&[("report.json", report, FILE, 1)]));
        refused(&ran, "this version of gate cannot read its report");
    }
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn the_gates_errors_about_a_hostile_report_are_not_workflow_commands() {
    let report = r#"{"schema_version":1,"\n::error::of mallory":0}"#;
    let ran = render("failure", &zip(&[("report.json", report, FILE, 1)]));
    let (before, rest) = ran.stdout.split_once("::stop-commands::").expect("commands are stopped");
    let (end, rest) = rest.split_once('\n').unwrap();
    let (unheard, after) = rest.split_once(&format!("\n::{end}::\n")).expect("and heard again");
    assert!(unheard.contains("of mallory"), "the log does not name the error: {unheard}");
    for heard in [before, after, ran.stderr.as_str(), ran.output("body")] {
        assert!(!heard.contains("of mallory"), "{heard}");
    }
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn too_large_archives_are_not_fetched_or_kept() {
    let archive = zip(&[("report.json", "{}", FILE, 1)]);
    let runner = runner(&followed("failure"), &archive);
    let mut artifacts = artifact(&archive);
    artifacts["artifacts"][1]["size_in_bytes"] = json!((32 << 20) + 1);
    runner.answer("artifacts.json", artifacts.to_string());
    let ran = runner.step("github/render", &[]).ok();
    refused(&ran, "its report is too large");
    assert_eq!(ran.calls.len(), 1, "a too large archive was fetched");

    // More data arrives than was announced.
    runner.answer("artifacts.json", artifact(&archive).to_string());
    runner.answer("zip", vec![0; (32 << 20) + 2]);
    let ran = runner.step("github/render", &[]).ok();
    let body = ran.output("body");
    assert!(
        body.contains("its report is too large")
            || body.contains("could not be fetched completely"),
        "{body}"
    );
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn a_run_without_a_report_says_so() {
    let runner = runner(&followed("failure"), &[]);
    for artifacts in [
        json!([]),
        json!([{ "id": 1, "name": "benchgate-report", "expired": true, "size_in_bytes": 1,
                 "created_at": "2026-11-01T10:00:00Z" }]),
        json!([{ "id": 1, "name": "other", "expired": false, "size_in_bytes": 1,
                 "created_at": "2026-11-01T10:00:00Z" }]),
    ] {
        let artifacts = json!({ "artifacts": artifacts });
        runner.answer("artifacts.json", artifacts.to_string());
        refused(&runner.step("github/render", &[]).ok(), "it kept no report");
    }
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn a_pass_of_a_failed_run_gets_a_warning() {
    let archive = zip(&[("report.json", &report("main.json", "same.json"), FILE, 1)]);
    for (conclusion, contradicted) in [("success", false), ("failure", true), ("timed_out", true)] {
        let ran = render(conclusion, &archive);
        let body = ran.output("body");
        assert_eq!(
            body.starts_with(
                "<!-- benchgate -->\n⚠️ The report says pass, but **the run ended with"
            ),
            contradicted,
            "{body}"
        );
        assert!(body.contains("✅ **PASS** – "), "{body}");
    }
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn a_cancelled_run_gets_no_comment() {
    for conclusion in ["cancelled", "skipped", "action_required", "stale"] {
        let ran = render(conclusion, &[]);
        assert_eq!((ran.output("body"), ran.calls.len()), ("", 0), "{conclusion}");
    }
}

#[test]
#[ignore = "needs jq and python3: scripts/test installs them"]
fn a_missing_answer_of_github_fails_the_job() {
    let archive = zip(&[("report.json", "{}", FILE, 1)]);
    let failing = runner(&followed("failure"), &archive);
    failing.answer("gh-fails", "");
    let ran = failing.step("github/render", &[]);
    assert_ne!(ran.code, 0);
    assert_eq!(ran.output("body"), "(no such output)");

    for (key, value) in [
        ("event", json!("push")),
        ("head_sha", json!("main; touch here")),
        ("head_sha", json!(COMMIT.to_uppercase())),
        ("id", json!("4711/../1")),
        ("run_attempt", Value::Null),
        ("conclusion", Value::Null),
    ] {
        let mut event = followed("failure");
        event["workflow_run"][key] = value;
        let ran = runner(&event, &archive).step("github/render", &[]);
        assert_eq!((ran.code, ran.calls.len()), (2, 0), "{key}: {}", ran.stderr);
        assert!(ran.stderr.contains("::error title=benchgate::"), "{}", ran.stderr);
    }
}
