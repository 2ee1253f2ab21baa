//! Records that a measured program writes.

use std::fs;
use std::path::Path;

use benchgate::judge::{Case, Code, judge};
use benchgate::model::{
    BenchId, Direction, Distribution, Environment, Nature, NotRun, Reading, Snapshot, TargetId,
    Unit,
};
use benchgate::policy::Policy;
use benchgate::sources::record::{Recorded, read};

use super::{problems, rows};

fn recorded(text: &[u8]) -> (Recorded, Vec<String>) {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("record.jsonl");
    fs::write(&path, text).unwrap();
    let recorded = read(&path, None).unwrap();
    let wrong = problems(temp.path(), &recorded.harvest.problems);
    (recorded, wrong)
}

#[test]
fn every_kind_of_line() {
    let temp = tempfile::tempdir().unwrap();
    let path = temp.path().join("record.jsonl");
    let text = r#"
{"service":{"name":"redis","version":"7.0.15"}}
{"not_run":{"subject":"queries/postgres","reason":"no postgres found"}}

{"measurement":{"id":"cache/zipf","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":0.97}}
{"measurement":{"id":"cache/zipf","metric":"queries","unit":"count","better":"lower","nature":"counted","value":5}}
{"not_run":{"subject":"cache/redis","reason":"no redis-server found"}}
{"service":{"name":"redis","version":"7.0.15"}}
{"service":{"name":"postgres","version":"16.4"}}
"#;
    fs::write(&path, text).unwrap();
    let target = TargetId::in_package("cache", "suite");
    let recorded = read(&path, Some(&target)).unwrap();
    assert_eq!(recorded.harvest.problems, []);
    assert_eq!(
        recorded.services,
        [("postgres", "16.4"), ("redis", "7.0.15")].map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
    let not_run = |subject: &str, reason: &str| NotRun::skipped(subject, reason);
    assert_eq!(
        recorded.harvest.not_run,
        [
            not_run("cache/redis", "no redis-server found"),
            not_run("queries/postgres", "no postgres found"),
        ]
    );
    let [hit_rate, queries] = recorded.harvest.measurements.as_slice() else {
        panic!("{recorded:?}")
    };
    assert_eq!(hit_rate.id, BenchId::in_target("cache/zipf", "cache", "suite"));
    assert_eq!(hit_rate.metric.name, "hit_rate");
    assert_eq!(hit_rate.metric.unit, Unit::Share);
    assert_eq!(hit_rate.metric.better, Direction::Higher);
    assert_eq!(hit_rate.metric.nature, Nature::Sampled);
    assert_eq!(hit_rate.runs[0].reading, Reading::Value(0.97));
    assert_eq!(queries.metric.nature, Nature::Counted);
    assert_eq!(queries.runs[0].reading, Reading::Value(5.0));
}

#[test]
fn bad_lines_are_problems_and_hide_nothing() {
    let mut text = br#"{"weather":{"sky":"blue"}}
{"service":{"name":"redis","version":"7.0.15"}}
{"measurement":{"id":"a","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":1.5}}
{"measurement":{"id":"a","metric":"queries","unit":"count","better":"lower","nature":"counted","value":-1}}
{"measurement":{"id":"a","metric":"","unit":"count","better":"lower","nature":"counted","value":1}}
{"measurement":{"id":"a","metric":"t","unit":"ns","better":"lower","nature":"counted","value":null}}
{"measurement":{"id":"good","metric":"celsius","unit":"C","better":"lower","nature":"sampled","value":-3.5}}
"#
    .to_vec();
    text.extend_from_slice(b"\xff\xfe\n{\"not_run\":{\"subject\":\"cache/red");
    let (recorded, wrong) = recorded(&text);
    assert_eq!(rows(&recorded.harvest), ["good celsius: Value(-3.5)"]);
    assert_eq!(recorded.services, [("redis".to_owned(), "7.0.15".to_owned())]);
    assert_eq!(recorded.harvest.not_run, []);
    assert_eq!(
        wrong,
        [
            "Unreadable - record.jsonl: line 1 does not hold what it should: unknown kind of line \
             `weather`; expected an object with one key: `not_run`, `service`, `measurement` or \
             `latencies`",
            "Unreadable a record.jsonl: line 3 has hit_rate = 1.5, which is out of range for share",
            "Unreadable a record.jsonl: line 4 has queries = -1, which is out of range for count",
            "Unreadable a record.jsonl: line 5 names no metric",
            "Unreadable - record.jsonl: line 6 does not hold what it should: `measurement.value` is \
             null; expected a finite number",
            "Unreadable - record.jsonl: line 8 is not UTF-8 from byte 0 on",
            "Unreadable - record.jsonl: line 9 is cut off: EOF while parsing a string at column 32",
        ]
    );
}

#[test]
fn a_metric_that_is_recorded_twice_is_not_used() {
    let line = |value: &str| {
        r#"{"measurement":{"id":"a","metric":"queries","unit":"count","better":"lower","nature":"counted","value":V}}"#
            .replace('V', value)
    };
    let text = format!("{}\n{}\n\n{}", line("1"), line("2"), line("1"));
    let (recorded, wrong) = recorded(text.as_bytes());
    assert_eq!(recorded.harvest.measurements, []);
    assert_eq!(
        wrong,
        ["Duplicate a record.jsonl: lines 1 to 4 measure queries of the same benchmark 3 times, \
          so none is used; record it once a run"]
    );
}

#[test]
fn nothing_recorded() {
    let temp = tempfile::tempdir().unwrap();
    let missing = read(&temp.path().join("missing"), None).unwrap();
    assert_eq!(missing, Recorded::default());
    let (empty, wrong) = recorded(b"");
    assert_eq!((empty, wrong), (Recorded::default(), Vec::new()));
    let directory = read(temp.path(), None).unwrap();
    assert_eq!(directory.harvest.problems[0].reason, "is not a regular file");
}

fn distribution(recorded: &Recorded) -> &Distribution {
    let [measurement] = recorded.harvest.measurements.as_slice() else { panic!("{recorded:?}") };
    let Reading::Distribution(distribution) = &measurement.runs[0].reading else {
        panic!("{measurement:?}")
    };
    distribution
}

#[test]
fn latencies_have_three_forms_of_one_distribution() {
    let counts = br#"{"latencies":{"id":"a","counts":[[7,1],[5,2]],"failed":{"timeout":3}}}"#;
    let (counted, wrong) = recorded(counts);
    assert_eq!(wrong, [] as [&str; 0]);
    let measurement = &counted.harvest.measurements[0];
    assert_eq!(
        (measurement.metric.name.as_str(), &measurement.metric.unit),
        ("latency", &Unit::Nanoseconds)
    );
    assert_eq!(
        (measurement.metric.better, measurement.metric.nature),
        (Direction::Lower, Nature::Sampled)
    );
    let expected = distribution(&counted);
    assert_eq!(expected.counts().collect::<Vec<_>>(), [(5, 2), (7, 1)]);
    assert_eq!(expected.failed().unwrap()["timeout"], 3);

    let values = br#"{"latencies":{"id":"a","values":[5.2,7,4.9],"failed":{"timeout":3}}}"#;
    assert_eq!(distribution(&recorded(values).0), expected);
    let hdr = format!(
        r#"{{"latencies":{{"id":"a","hdr":"{}","failed":{{"timeout":3}},"version":1,"more":2}}}}"#,
        benchgate::hdr::encode(expected)
    );
    assert_eq!(distribution(&recorded(hdr.as_bytes()).0), expected);
}

#[test]
fn bad_distributions_are_problems_with_their_lines() {
    let two_digits = "HISTFAAAACR4nJNpmSzMwMDAzAABTFCaESjkZrBjAYP9B4jAZ3YuAF5bBVE=";
    let text = format!(
        r#"{{"latencies":{{"id":"a","counts":[[5,1],[-7,1]]}}}}
{{"latencies":{{"id":"b","values":[1,null]}}}}
{{"latencies":{{"id":"c","counts":[],"failed":{{}}}}}}
{{"latencies":{{"id":"d","counts":[[1,9007199254740992],[2,1]]}}}}
{{"latencies":{{"id":"e","counts":[[9223372036854775808,1]]}}}}
{{"latencies":{{"id":"f","hdr":"{two_digits}"}}}}
{{"latencies":{{"id":"g","values":[1],"version":2}}}}
{{"latencies":{{"id":"h","values":[1],"counts":[[1,1]]}}}}
{{"latencies":{{"id":"i","unit":"share","values":[1]}}}}
{{"latencies":{{"id":"j","values":[1],"failed":{{"timeout":-1}}}}}}
{{"latencies":{{"id":"k","unit":"ns","values":[1]}}}}
{{"latencies":{{"id":"k","unit":"us","values":[1]}}}}
{{"latencies":{{"id":"l","values":[1]}}}}
{{"measurement":{{"id":"l","metric":"latency.p99","unit":"ns","better":"lower","nature":"sampled","value":1}}}}
{{"latencies":{{"id":"good","values":[1]}}}}"#
    );
    let (recorded, wrong) = recorded(text.as_bytes());
    let names: Vec<_> =
        recorded.harvest.measurements.iter().map(|it| it.id.name.as_str()).collect();
    assert_eq!(names, ["good", "l"], "the other lines count");
    assert_eq!(
        wrong,
        [
            "Unreadable - record.jsonl: line 1 does not hold what it should: `latencies.counts` is \
             [-7,1]; expected a list of [value, count], each at least 0",
            "Unreadable - record.jsonl: line 10 does not hold what it should: `latencies.failed` \
             is {\"timeout\":-1}; expected an object of whole numbers",
            "Unreadable - record.jsonl: line 2 does not hold what it should: `latencies.values` is \
             null; expected a list of numbers of at least 0",
            "Unreadable c record.jsonl: line 3 holds neither an observation nor a failed operation",
            "Unreadable d record.jsonl: line 4 holds more than 9007199254740992 observations or \
             failures",
            "Unreadable e record.jsonl: line 5 holds the value 9223372036854775808; the largest is \
             9223372036854775807",
            "Unreadable f record.jsonl: line 6 has a histogram that has other bounds: 2 significant \
             digits and a smallest value of 1; record with 3 digits and 1",
            "Unreadable - record.jsonl: line 7 does not hold what it should: `latencies` is of \
             version 2; this gate reads version 1, so update it",
            "Unreadable - record.jsonl: line 8 does not hold what it should: `latencies` needs one \
             of the keys `counts`, `values` and `hdr`",
            "Unreadable i record.jsonl: line 9 has shares; a distribution has whole numbers of its \
             unit",
            "Duplicate l record.jsonl: line 14 measures latency.p99, which follows from the \
             distribution on line 13; the distribution is used",
            "Duplicate k record.jsonl: lines 11 to 12 measure latency of the same benchmark in ns \
             and in us, so none is used; record it once a run",
        ]
    );
}

/// What the script of the documents records in some runs, as a snapshot.
fn python(runs: u32) -> Snapshot {
    let mut snapshot: Option<Snapshot> = None;
    for run in 0..runs {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("record.jsonl");
        let status = std::process::Command::new("python3")
            .arg(crate::root().join("docs/examples/latencies.py"))
            .env(benchgate::record::VARIABLE, &path)
            .status()
            .unwrap();
        assert!(status.success());
        let harvest = read(&path, None).unwrap().harvest;
        assert_eq!(harvest.problems, []);
        let mut one = harvest.into_snapshot("python".to_owned(), vec![Environment::default()]);
        one.measurements[0].runs[0].run = run;
        match &mut snapshot {
            None => snapshot = Some(one),
            Some(all) => {
                all.runs.append(&mut one.runs);
                all.measurements[0].runs.append(&mut one.measurements[0].runs);
            }
        }
    }
    snapshot.expect("a run")
}

#[test]
#[ignore = "needs python3: scripts/test installs it"]
fn a_python_script_records_latencies_and_is_gated() {
    let (baseline, candidate) = (python(5), python(5));
    let judged = |budget: &str| {
        let text = format!("version = 1\n[[budget]]\nbench = \"python/*\"\n{budget}");
        let policy = Policy::parse(&text, Path::new("gate.toml")).expect("a policy");
        let today = jiff::civil::date(2026, 11, 28);
        judge(&Case {
            baseline: Some(&baseline),
            candidate: &candidate,
            policy: &policy,
            noise: None,
            today,
        })
    };
    // 40 of 2,000 operations fail in each run.
    let report = judged("metric = \"error_rate\"\nat_most = \"5%\"");
    assert!(!report.findings.iter().any(|finding| finding.code == Code::BudgetExceeded));
    let row = |metric: &str| {
        let row = report.rows.iter().find(|row| row.metric == metric).expect("a row");
        row.candidate.as_ref().map(|side| side.value)
    };
    assert_eq!(row("error_rate"), Some(0.02));
    assert_eq!(row("errors.ValueError"), Some(200.0));
    assert_eq!(row("latency.count"), Some(9800.0));
    assert!(row("latency.p99") >= row("latency.p50") && row("latency.p99").is_some());
    assert_eq!(row("latency.p99.9"), None, "9,800 observations have nine above it");
    for (budget, code, exit) in [
        ("metric = \"error_rate\"\nat_most = \"1%\"", Code::BudgetExceeded, 3),
        ("metric = \"latency.p99\"\nat_most = \"1ns\"", Code::BudgetExceeded, 3),
        ("metric = \"latency.p99.9\"\nat_most = \"3600s\"", Code::BudgetUnmatched, 5),
    ] {
        let report = judged(budget);
        assert!(report.findings.iter().any(|finding| finding.code == code), "{budget}");
        assert_eq!(report.verdict.expect("judged").exit.code(), exit, "{budget}");
    }
}
