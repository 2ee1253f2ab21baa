//! Markdown, annotations, the formats of other tools, and the HTML as text.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use benchgate::judge::{Code, Finding, FunctionChange, Outcome, Report, Severity};
use benchgate::policy::Gate;
use benchgate::report::{
    Annotations, Bars, Bencher, GithubBenchmark, Html, Markdown, Render, Terminal,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::made;

/// GitHub refuses a longer comment.
const COMMENT: usize = 65_536;

#[test]
fn a_comment_is_never_too_long_and_counts_the_dropped_rows() {
    let report = made::large();
    let text = Markdown::COMMENT.render(&report);
    assert!(text.len() <= COMMENT, "{} bytes", text.len());
    assert!(text.len() > COMMENT * 9 / 10, "it uses the room: {} bytes", text.len());
    assert!(
        text.starts_with("❌ **FAIL** – 3 rows regressed beyond their limits (exit 3)\n"),
        "{text}"
    );
    // The worst rows are all in the comment, in the report's order.
    let worst: Vec<usize> = report.rows[..40]
        .iter()
        .filter(|row| row.outcome() != Some(Outcome::Undecided))
        .map(|row| text.find(&format!("| `{}` |", row.id)).expect("every one of the worst"))
        .collect();
    assert!(worst.is_sorted(), "{worst:?}");
    let shown = text.lines().filter(|line| line.starts_with("| `service_")).count();
    let left_out = text
        .lines()
        .find_map(|line| line.strip_prefix('*')?.split_once(" more rows left out"))
        .expect("it says so")
        .0;
    assert_eq!(shown + left_out.parse::<usize>().unwrap(), 2000, "{text}");
    // Folds are closed.
    assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    // A summary has room for more.
    let summary = Markdown::SUMMARY.render(&report);
    assert!(!summary.contains("left out"));
    for limit in [2000, 3000, 5000, 10_000, 30_000] {
        let text = Markdown { limit }.render(&report);
        assert!(text.len() <= limit, "{} of {limit}", text.len());
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count());
    }
    let huge = "x`|".repeat(100_000);
    let mut report = made::hostile();
    report.rows[0].id.clone_from(&huge);
    report.rows[0].metric.clone_from(&huge);
    report.rows[0].judgement.as_mut().unwrap().reason.clone_from(&huge);
    report.findings[0].message.clone_from(&huge);
    report.candidate.name.clone_from(&huge);
    report.verdict.as_mut().unwrap().reason = huge;
    let text = Markdown::COMMENT.render(&report);
    assert!(text.len() <= COMMENT, "{} bytes", text.len());
}

/// A line without its code spans.
fn outside_code(line: &str) -> String {
    let mut rest = line;
    let mut outside = String::new();
    while let Some(start) = rest.find('`') {
        outside.push_str(&rest[..start]);
        let fence: String = rest[start..].chars().take_while(|c| *c == '`').collect();
        let after = &rest[start + fence.len()..];
        // The span ends at the next run of backticks that is as long.
        let mut at = 0;
        let end = loop {
            let next = at + after[at..].find('`').unwrap_or_else(|| panic!("open span in {line}"));
            let run = after[next..].chars().take_while(|c| *c == '`').count();
            at = next + run;
            if run == fence.len() {
                break at;
            }
        };
        rest = &after[end..];
    }
    outside.push_str(rest);
    outside
}

#[test]
fn hostile_names_stay_text_in_markdown() {
    let text = Markdown::COMMENT.render(&made::hostile());
    for line in text.lines() {
        // Rows have six columns and targets have seven, whatever the names hold.
        let mut escaped = false;
        let mut pipes = 0;
        for c in line.chars() {
            pipes += usize::from(c == '|' && !escaped);
            escaped = c == '\\' && !escaped;
        }
        if line.starts_with('|') {
            assert!([4, 7, 8].contains(&pipes), "{pipes} pipes: {line}");
        }
        let outside = outside_code(line);
        for mark in ["@", "#", "://", "](", "<sc", "<sv", "<im", "~", "\u{202e}", "\u{1b}"] {
            assert!(!outside.contains(mark), "{mark:?} outside of code: {line}");
        }
    }
}

#[test]
fn annotations_are_single_lines_and_at_most_as_many_as_github_shows() {
    let text = Annotations.render(&made::hostile());
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 10, "{text}");
    for line in &lines {
        let title = line.strip_prefix("::error title=").expect(line);
        let (title, _) = title.split_once("::").expect(line);
        assert!(!title.contains([',', ':']), "{title}");
        assert!(line.chars().all(|c| !c.is_control()), "{line:?}");
    }
    assert!(lines[9].starts_with("::error title=20 more::"), "{}", lines[9]);
    assert!(lines[0].starts_with("::error title=benchmarks%3A FAIL::"), "{}", lines[0]);
    let calm = made::report(vec![made::row("a", "time", 0.0, Outcome::Unchanged)], Vec::new());
    assert_eq!(
        Annotations.render(&calm),
        "::notice title=benchmarks%3A PASS::0 rows regressed beyond their limits (exit 0)\n"
    );
}

#[test]
fn bencher_gets_its_own_names() {
    let mut instructions = made::row("a", "instructions", 0.0, Outcome::Unchanged);
    instructions.unit = "count".to_owned();
    let mut other = made::row("a", "l1_hits", 0.0, Outcome::Unchanged);
    other.candidate = None;
    let mut twice = made::row("b", "time", 0.0, Outcome::Unchanged);
    twice.target = Some("another".to_owned());
    let rows = vec![
        made::row("a", "time", 0.0, Outcome::Unchanged),
        instructions,
        other,
        twice.clone(),
        {
            twice.target = Some("third".to_owned());
            twice
        },
    ];
    let text = Bencher.render(&made::report(rows, Vec::new()));
    let written: BTreeMap<String, BTreeMap<String, Value>> = serde_json::from_str(&text).unwrap();
    let names: Vec<(&str, Vec<&str>)> = written
        .iter()
        .map(|(name, measures)| (name.as_str(), measures.keys().map(String::as_str).collect()))
        .collect();
    assert_eq!(
        names,
        [
            ("a", vec!["instructions", "latency"]),
            ("made/another::b", vec!["latency"]),
            ("made/third::b", vec!["latency"]),
        ]
    );
    let latency = &written["a"]["latency"];
    assert_eq!(latency["value"], 101.0);
    assert!(latency["lower_value"].as_f64() < Some(101.0));
    assert!(latency["upper_value"].as_f64() > Some(101.0));
}

#[test]
fn github_action_benchmark_gets_one_direction_for_each_file() {
    let mut hits = made::row("cache", "hit_rate", 0.0, Outcome::Unchanged);
    hits.higher_is_better = true;
    hits.unit = "share".to_owned();
    hits.candidate.as_mut().unwrap().runs = vec![0.9, 0.95];
    hits.candidate.as_mut().unwrap().value = 0.93;
    let report =
        made::report(vec![made::row("cache", "time", 0.2, Outcome::Regression), hits], Vec::new());
    let read = |bigger_is_better| -> Value {
        let format = GithubBenchmark { bigger_is_better };
        assert!(format.applies(&report));
        serde_json::from_str(&format.render(&report)).unwrap()
    };
    assert_eq!(
        read(true),
        json!([{
            "name": "cache (hit_rate)", "unit": "share", "value": 0.93,
            "range": "90% … 95% in 2 runs",
            "extra": "0% [-1.0%, +1.0%]\nunchanged",
        }])
    );
    let smaller = read(false);
    assert_eq!(smaller[0]["name"], "cache (time)");
    assert_eq!(smaller[0]["extra"], "+20% [+19%, +21%]\nREGRESSION a reason");
    assert_eq!(smaller.as_array().unwrap().len(), 1);
}

#[test]
fn html_holds_2000_rows_in_5_mb_and_loads_nothing() {
    for report in [made::large(), made::mixed(2000, 20), made::mixed(2000, 300)] {
        let text = Html.render(&report);
        assert!(text.len() < 5_000_000, "{} bytes", text.len());
        assert_eq!(text.matches(" data-outcome=").count(), 2000);
    }
    let text = Html.render(&made::large());
    assert_eq!(text.matches("<article").count(), 200);
    for reach in ["http:", "https:", "src=", "url(", "@import", "<link", "style=\""] {
        assert!(!text.contains(reach), "{reach} in the page");
    }
}

#[test]
fn the_pages_policy_names_its_own_style_and_script() {
    let page = Html.render(&made::large());
    for (element, directive) in [("style", "style-src"), ("script", "script-src")] {
        let (_, rest) = page.split_once(&format!("<{element}>")).unwrap();
        let (text, _) = rest.split_once("</").unwrap();
        let hash = BASE64_STANDARD.encode(Sha256::digest(text));
        let policy = format!("{directive} 'sha256-{hash}'");
        assert!(page.contains(&policy), "write sha256-{hash} into src/report/html/assets.rs");
    }
}

/// Text from a file never becomes an element or ends an attribute.
#[test]
fn hostile_names_stay_text_in_html() {
    let text = Html.render(&made::hostile());
    for markup in
        ["<img", "<svg onload", "<script>window", "href=\"javascript", "\u{202e}", "\u{0}"]
    {
        assert!(!text.contains(markup), "{markup:?}");
    }
    // Only the page's own elements.
    assert_eq!(text.matches("<script").count(), 1);
    assert_eq!(text.matches("</style").count(), 1);
    let escaped = "&lt;img src=x onerror=&quot;window.pwned = 2&quot;&gt;";
    assert!(text.contains(escaped));
}

/// A damaged report can hold numbers that no measurement gives.
#[test]
fn impossible_numbers_are_rendered() {
    for value in [0.0, -1.0, 1e-300, 1e300, f64::MAX, f64::MIN] {
        let mut row = made::row("a", "time", 0.1, Outcome::Regression);
        let change = row.change.as_mut().unwrap();
        (change.estimate, change.lower, change.upper) = (value, Some(value), Some(-value));
        row.pairs = vec![value];
        row.baseline.as_mut().unwrap().runs = vec![value, -value];
        row.candidate.as_mut().unwrap().runs = Vec::new();
        row.candidate.as_mut().unwrap().value = value;
        let limits = &mut row.judgement.as_mut().unwrap().limits;
        (limits.tolerance, limits.target) = (value, -value);
        let report = made::report(vec![row], Vec::new());
        let bars = Terminal { width: Some(200), all: false, bars: Bars::Unicode };
        let formats: [&dyn Render; 7] = [
            &Html,
            &Markdown::COMMENT,
            &Annotations,
            &Bencher,
            &benchgate::report::Junit,
            &bars,
            &GithubBenchmark::default(),
        ];
        for format in formats {
            assert!(!format.render(&report).is_empty());
        }
    }
}

#[test]
fn bars_show_a_change_and_its_interval() {
    let rows = vec![
        made::row("far", "time", 0.2, Outcome::Regression),
        made::row("near", "time", 0.045, Outcome::Regression),
        made::row("noisy", "time", 0.0, Outcome::Unchanged),
        made::row("less", "time", -0.2, Outcome::Improvement),
    ];
    let mut report = made::report(rows, Vec::new());
    let noisy = report.rows[2].change.as_mut().unwrap();
    (noisy.lower, noisy.upper) = (Some(-0.3), Some(0.3));
    let bars = |bars| {
        let text = Terminal { width: Some(120), all: false, bars }.render(&report);
        let text = anstream::adapter::strip_str(&text).to_string();
        let end = text.lines().find_map(|line| line.find("  outcome")).expect("a heading");
        let table = text.lines().filter(|line| line.contains(" time  "));
        table.map(|line| line.chars().take(end).skip(end - 15).collect()).collect::<Vec<String>>()
    };
    assert_eq!(
        bars(Bars::Unicode),
        ["       │      ▶", "       │  ━●   ", "◀━━━━━━●━━━━━━▶", "◀      │       ",]
    );
    assert_eq!(
        bars(Bars::Ascii),
        ["       |      >", "       |  -o   ", "<------o------>", "<      |       "]
    );
    assert!(bars(Bars::Off)[0].ends_with(" [+19%, +21%]  "), "{:?}", bars(Bars::Off));
}

/// A report with a failing regression, an unchanged row, and rows that are folded.
fn with_folded_rows() -> Report {
    let mut rows = vec![
        made::row("worse", "time", 0.2, Outcome::Regression),
        made::row("gone/a", "time", 0.0, Outcome::Missing),
        made::row("gone/b", "time", 0.0, Outcome::Missing),
        made::row("added", "time", 0.0, Outcome::New),
        made::row("same/code", "time", 0.0, Outcome::Unchanged),
        made::row("shown", "l1_hits", 0.0, Outcome::Unchanged),
        made::row("calm", "time", 0.0, Outcome::Unchanged),
    ];
    for row in &mut rows[1..5] {
        row.change = None;
        row.pairs.clear();
    }
    rows[1].candidate = None;
    rows[2].candidate = None;
    rows[3].baseline = None;
    (rows[4].baseline, rows[4].candidate) = (None, None);
    rows[5].gate = Gate::Show;
    made::report(rows, Vec::new())
}

fn terminal(report: &Report, all: bool) -> String {
    let text = Terminal { width: None, all, bars: Bars::Off }.render(report);
    anstream::adapter::strip_str(&text).to_string()
}

/// The first words of the table's lines.
fn in_table(text: &str) -> Vec<&str> {
    let table = text.lines().skip_while(|line| !line.starts_with("benchmark ")).skip(1);
    table.take_while(|line| !line.is_empty()).map(|line| line.split(' ').next().unwrap()).collect()
}

#[test]
fn a_terminal_folds_new_missing_and_unmeasured_rows_into_one_line() {
    let report = with_folded_rows();
    let text = terminal(&report, false);
    assert_eq!(in_table(&text), ["worse", "calm"], "{text}");
    let line = "\n2 missing rows, 1 new row, 1 unmeasured row of identical code, 1 row of a metric \
                that cannot gate: show them with --all\n";
    assert!(text.contains(line), "{text}");
    let text = terminal(&report, true);
    assert_eq!(in_table(&text).len(), 7, "{text}");
    assert!(!text.contains("--all"), "{text}");
}

#[test]
fn markdown_folds_new_missing_and_unmeasured_rows_under_one_title() {
    let text = Markdown::COMMENT.render(&with_folded_rows());
    let title =
        "<details><summary>2 missing rows, 1 new row, 1 unmeasured row of identical code</summary>";
    let (before, after) = text.split_once(title).expect(&text);
    assert!(!before.contains("gone/a") && !before.contains("added"), "{text}");
    let (folded, _) = after.split_once("</details>").unwrap();
    for name in ["gone/a", "gone/b", "added", "same/code"] {
        assert!(folded.contains(name), "{name} in {text}");
    }
}

#[test]
fn a_missing_row_that_fails_the_gate_is_never_folded() {
    let mut report = with_folded_rows();
    assert_eq!(in_table(&terminal(&report, false)), ["worse", "calm"]);
    report.rows[2].judgement.as_mut().unwrap().severity = Severity::Fail;
    assert_eq!(in_table(&terminal(&report, false)), ["worse", "gone/b", "calm"]);
    report.rows[1].judgement.as_mut().unwrap().severity = Severity::Fail;
    assert_eq!(in_table(&terminal(&report, false)), ["worse", "gone/a", "gone/b", "calm"]);
    let text = Markdown::COMMENT.render(&report);
    let (before, _) = text.split_once("<details>").unwrap();
    assert!(before.contains("`gone/a`") && before.contains("`gone/b`"), "{text}");
    let html = Html.render(&report);
    let folded = html.matches(" data-folded").count();
    assert_eq!(folded, 3, "new, unmeasured, and not able to gate");
}

#[test]
fn a_cause_follows_its_row() {
    let mut report = with_folded_rows();
    let change = |function: &str, baseline| FunctionChange {
        function: function.to_owned(),
        baseline,
        candidate: 1_390,
    };
    report.rows[0].judgement.as_mut().unwrap().cause =
        vec![change("parse::string", Some(1_000)), change("check|utf8", None)];
    let text = terminal(&report, false);
    let mut lines = text.lines().skip_while(|line| !line.starts_with("worse "));
    assert!(lines.next().unwrap().contains("REGRESSION"), "{text}");
    assert_eq!(
        lines.next().unwrap(),
        "    probable cause: parse::string  1,000 → 1,390, +390",
        "{text}"
    );
    assert_eq!(
        lines.next().unwrap(),
        "                    check|utf8  negligible → 1,390",
        "{text}"
    );
    // The columns of the rows below stay aligned.
    let column = |name: &str| text.lines().find(|l| l.starts_with(name)).unwrap().find(" time ");
    assert_eq!(column("worse"), column("calm"), "{text}");
    let text = Markdown::COMMENT.render(&report);
    let row = text.lines().find(|line| line.starts_with("| `worse`")).unwrap();
    assert!(
        row.ends_with(
            "<br>probable cause: `parse::string` 1,000 → 1,390, +390; `check\\|utf8` negligible → \
             1,390 |"
        ),
        "{row}"
    );
}

#[test]
fn a_bench_that_fails_on_both_sides_is_one_line() {
    let mut report = with_folded_rows();
    let finding = |code, severity, message: &str| Finding {
        code,
        severity,
        id: Some("words".to_owned()),
        metric: None,
        message: message.to_owned(),
    };
    let message = "its process ended with exit status 101; cannot open benches/texts/english.txt";
    report.findings = vec![
        finding(Code::BenchmarkFailed, Severity::Fail, message),
        finding(Code::BaseBroken, Severity::Warn, &format!("in the base: {message}")),
    ];
    let text = terminal(&report, false);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("english.txt")).collect();
    let line = format!("fail  benchmark-failed, base-broken  words: on both sides: {message}");
    assert_eq!(lines, [line.as_str()]);
    for format in [&Markdown::COMMENT as &dyn Render, &Html, &Annotations] {
        let text = format.render(&report);
        assert_eq!(text.matches("english.txt").count(), 1, "{text}");
        assert!(text.contains("on both sides"), "{text}");
    }
}
