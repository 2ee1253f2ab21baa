//! Records that a measured program writes.

use std::fs;

use benchgate::model::{BenchId, Direction, Nature, NotRun, Reading, TargetId, Unit};
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
             `weather`; expected an object with one key: `not_run`, `service` or `measurement`",
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
