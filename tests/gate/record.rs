//! Recorded metrics reach the gate's reader unchanged.

use std::process::Command;

use benchgate::model::{Direction, Metric, Nature, Reading, Unit};
use benchgate::record;

/// Set in the process that the test starts from its own executable.
const INSIDE: &str = "BENCHGATE_TEST_INSIDE";

#[test]
fn what_is_recorded_is_read_again_and_once_only() {
    let hit_rate = Metric::sampled("hit_rate", Unit::Share).higher();
    if std::env::var_os(INSIDE).is_some() {
        assert!(record::wanted());
        record::value("cache/zipf", &hit_rate, 0.97).unwrap();
        record::value("cache/zipf", &Metric::counted("loads", Unit::Count), 1.0).unwrap();
        let again = record::value("cache/zipf", &hit_rate, 0.98).unwrap_err();
        assert_eq!(
            again.to_string(),
            "metric `hit_rate` of `cache/zipf` is recorded twice in one process; record it once, \
             outside of the code that the harness repeats"
        );
        assert!(record::value("cache/zipf", &hit_rate, 97.0).is_err());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("record.jsonl");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "record::what_is_recorded_is_read_again_and_once_only"])
        .env(INSIDE, "1")
        .env(record::VARIABLE, &path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");

    let recorded = benchgate::sources::record::read(&path, None).unwrap();
    assert_eq!(recorded.harvest.problems, []);
    let rows: Vec<_> = (recorded.harvest.measurements.iter())
        .map(|it| (it.id.name.as_str(), &it.metric, &it.runs[0].reading))
        .collect();
    let loads = Metric {
        name: "loads".to_owned(),
        unit: Unit::Count,
        better: Direction::Lower,
        nature: Nature::Counted,
    };
    assert_eq!(
        rows,
        [
            ("cache/zipf", &hit_rate, &Reading::Value(0.97)),
            ("cache/zipf", &loads, &Reading::Value(1.0)),
        ]
    );
    assert_eq!((hit_rate.better, hit_rate.nature), (Direction::Higher, Nature::Sampled));
}

#[test]
fn without_a_gate_records_are_neither_wanted_nor_written() {
    assert_eq!(std::env::var_os(record::VARIABLE), None, "the tests run without a gate");
    assert!(!record::wanted());
    // Recording it twice is not an error either.
    for _ in 0..2 {
        record::value("a", &Metric::counted("loads", Unit::Count), 1.0).unwrap();
        record::service("redis", "7").unwrap();
    }
}
