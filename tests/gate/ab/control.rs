//! The base compared with itself.

use benchgate::judge::{Outcome, Severity, VerdictOutcome};

use super::mimic::{mimic, policy};
use super::{ab, gate, outcomes};

#[test]
fn a_control_without_alarms_is_shown_with_the_verdict() {
    let home = tempfile::tempdir().unwrap();
    let base = mimic(home.path(), "base", &[("TIMES", "a=100,b=100")]);
    let head = mimic(home.path(), "head", &[("TIMES", "a=100,b=2000")]);
    let (exit, report, _) = ab(home.path(), &base, &head, &["--control"]);
    assert_eq!(exit, 3);
    let expected = [("a", Outcome::Unchanged), ("b", Outcome::Regression)];
    assert_eq!(outcomes(&report), expected);
    let control = report.control.expect("a control");
    assert_eq!(control.counts, [(Outcome::Unchanged, 2)].into());
    assert_eq!((control.alarms.len(), control.smallest_false_change), (0, None));

    // The control is kept with the sides, and is needed to judge them again.
    let check = ["check", "--baseline", "kept/base.json", "kept/head.json"];
    let (exit, out, err) = gate(home.path(), &check);
    assert_eq!(exit, 3, "{out}{err}");
    let line = "control  base against itself: 2 unchanged; no false change";
    assert!(out.contains(line), "{out}");
    std::fs::remove_file(home.path().join("kept/control.json")).unwrap();
    let (exit, _, err) = gate(home.path(), &check);
    assert_eq!(exit, 1, "{err}");
    assert!(err.contains("this trial had a control"), "{err}");
}

/// The base's program has two speeds: processes of the control are slow. The script
/// recognises them by the directory that they write to.
#[test]
fn with_a_false_alarm_of_the_control_the_verdict_is_undecided() {
    let home = tempfile::tempdir().unwrap();
    policy(home.path(), "control = true");
    let good = mimic(home.path(), "good", &[("TIMES", "a=100,b=100")]);
    let slow = mimic(home.path(), "slow", &[("TIMES", "a=100,b=2000")]);
    let text = format!(
        "case \"$CRITERION_HOME\" in\n*-control/*) exec '{}' \"$@\" ;;\n*) exec '{}' \"$@\" ;;\nesac",
        slow.display(),
        good.display()
    );
    let base = super::script(home.path(), "base", &text);
    let (exit, report, _) = ab(home.path(), &base, &good, &[]);
    assert_eq!(exit, 4);
    let verdict = report.verdict.unwrap();
    assert_eq!(verdict.outcome, VerdictOutcome::Undecided);
    assert!(verdict.reason.contains("the base compared with itself shows changes: b"));
    let control = report.control.unwrap();
    assert_eq!(control.alarms, ["b"]);
    assert!(control.smallest_false_change.is_some_and(|change| (18.0..20.0).contains(&change)));
    let alarm = &report.findings[0];
    assert_eq!((alarm.code.as_str(), alarm.severity), ("control-alarmed", Severity::Fail));
    assert_eq!(alarm.id.as_deref(), Some("b"));

    // The screening cleared the head. It runs again only for the control, so it stays
    // cleared.
    let b = report.rows.iter().find(|row| row.id == "b").unwrap();
    assert_eq!(b.outcome(), Some(Outcome::Unchanged));
    assert_eq!(b.candidate.as_ref().unwrap().runs.len(), 6);

    let check = ["check", "--baseline", "kept/base.json", "kept/head.json"];
    let (exit, out, err) = gate(home.path(), &check);
    assert_eq!(exit, 4, "{out}{err}");
    assert!(out.contains("FALSE CHANGES: b"), "{out}");
}
