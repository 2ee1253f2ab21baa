//! The outcomes of single rows.

use benchgate_core::judge::{Code, Outcome, Severity};
use benchgate_core::model::{Direction, Metric, Unit};

use super::common::{
    FIFTH_SLOWER, NOISY, STEADY, codes, counts, exit, outcome, rate, snapshot, times, verdict,
};

#[test]
fn a_regression_fails_and_the_opposite_change_is_an_improvement() {
    let (fast, slow) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    let report = verdict(&fast, &slow, "");
    assert_eq!((outcome(&report, "a"), exit(&report)), ((Outcome::Regression, Severity::Fail), 3));
    let report = verdict(&slow, &fast, "");
    assert_eq!((outcome(&report, "a"), exit(&report)), ((Outcome::Improvement, Severity::Note), 0));
    let report = verdict(&fast, &fast, "");
    assert_eq!((outcome(&report, "a"), exit(&report)), ((Outcome::Unchanged, Severity::Note), 0));
}

#[test]
fn limits_beyond_the_tolerance_warn_or_fail() {
    let (fast, slow) = (times(&[("a", &STEADY)]), times(&[("a", &FIFTH_SLOWER)]));
    for (limits, severity, code) in [
        ("warn = \"5%\"\nfail = \"10%\"", Severity::Fail, 3),
        ("warn = \"5%\"\nfail = \"50%\"", Severity::Warn, 0),
        ("warn = \"40%\"\nfail = \"50%\"", Severity::Note, 0),
        ("gate = \"warn\"", Severity::Warn, 0),
        ("floor = \"25ns\"", Severity::Note, 0),
    ] {
        let report = verdict(&fast, &slow, &format!("[[rule]]\nbench = \"a\"\n{limits}"));
        let row = report.rows[0].judgement.as_ref().unwrap();
        assert_eq!((row.severity, exit(&report)), (severity, code), "{limits}");
    }
}

#[test]
fn noisy_rows_are_undecided_and_block_if_no_row_is_decided() {
    let noisy = times(&[("a", &NOISY)]);
    let both = times(&[("a", &NOISY), ("b", &STEADY)]);
    for (snapshot, text, code) in [
        (&noisy, "", 4),
        (&noisy, "[verdict]\nundecided = \"allow\"", 0),
        (&both, "", 0),
        (&both, "[verdict]\nundecided = \"block\"", 4),
    ] {
        let report = verdict(snapshot, snapshot, text);
        assert_eq!(outcome(&report, "a").0, Outcome::Undecided);
        assert_eq!(exit(&report), code, "{text}");
    }
    let detectable = verdict(&noisy, &noisy, "").rows[0].judgement.clone().unwrap().detectable;
    assert!(detectable.unwrap() > 0.2, "the report says what could have been found");
}

#[test]
fn a_single_run_decides_counts_but_not_times() {
    // Both sides need several runs: a single run may be an outlier.
    let lone = |value: f64| times(&[("a", &[value])]);
    for (a, b) in [(lone(100.0), lone(200.0)), (times(&[("a", &STEADY)]), lone(104.0))] {
        let report = verdict(&a, &b, "");
        assert_eq!((outcome(&report, "a").0, exit(&report)), (Outcome::Undecided, 4));
        assert!(codes(&report).contains(&(Code::SingleRun, Severity::Note)));
    }
    let (a, b) = (counts(&[("a", &[100_000.0])]), counts(&[("a", &[102_000.0])]));
    let report = verdict(&a, &b, "");
    assert_eq!((outcome(&report, "a").0, exit(&report)), (Outcome::Regression, 3));
}

#[test]
fn counts_are_exact_unless_they_vary() {
    let base = counts(&[("a", &[100_000.0; 3])]);
    for (runs, expected) in [
        ([100_000.0; 3], (Outcome::Unchanged, Severity::Note)),
        ([100_400.0; 3], (Outcome::Unchanged, Severity::Note)),
        ([100_700.0; 3], (Outcome::Regression, Severity::Warn)),
        ([102_000.0; 3], (Outcome::Regression, Severity::Fail)),
        ([98_000.0; 3], (Outcome::Improvement, Severity::Note)),
        // A spread of 1% within the candidate: three times that is the tolerance.
        ([101_500.0, 102_000.0, 102_500.0], (Outcome::Unchanged, Severity::Note)),
    ] {
        assert_eq!(outcome(&verdict(&base, &counts(&[("a", &runs)]), ""), "a"), expected);
    }
    // A few instructions in a short benchmark depend on the layout.
    let (short, moved) = (counts(&[("a", &[235.0])]), counts(&[("a", &[240.0])]));
    assert_eq!(outcome(&verdict(&short, &moved, ""), "a").0, Outcome::Unchanged);
    let unsteady = counts(&[("a", &[100_000.0, 101_000.0])]);
    assert!(codes(&verdict(&base, &unsteady, "")).contains(&(Code::UnsteadyCount, Severity::Note)));
}

#[test]
fn a_value_of_zero_is_not_divided_by() {
    let (zero, some) = (counts(&[("a", &[0.0])]), counts(&[("a", &[30.0])]));
    let report = verdict(&zero, &some, "");
    assert_eq!((outcome(&report, "a").0, exit(&report)), (Outcome::Regression, 3));
    assert_eq!(report.rows[0].change, None);
    assert_eq!(outcome(&verdict(&zero, &zero, ""), "a").0, Outcome::Unchanged);
    let report = verdict(&zero, &some, "[[rule]]\nbench = \"a\"\nfloor = \"50\"");
    assert_eq!(outcome(&report, "a").0, Outcome::Unchanged);
    let report = verdict(&times(&[("a", &[0.0])]), &times(&[("a", &[3.0])]), "");
    assert_eq!(outcome(&report, "a").0, Outcome::Undecided);
}

#[test]
fn zeros_among_varying_counts_are_undecided() {
    let counted = |runs: &[f64]| counts(&[("a", runs)]);
    for (base, cand, expected) in [
        // A single run of zero is spread, not a change.
        ([0.0, 1000.0, 1000.0], [1001.0; 3], Outcome::Unchanged),
        ([0.0, 1000.0, 1000.0], [1000.0; 3], Outcome::Unchanged),
        ([0.0, 0.0, 1000.0], [1000.0; 3], Outcome::Undecided),
        ([-5000.0; 3], [-4999.0; 3], Outcome::Undecided),
    ] {
        assert_eq!(outcome(&verdict(&counted(&base), &counted(&cand), ""), "a").0, expected);
    }
}

#[test]
fn limits_are_shares_of_the_baseline_in_either_direction() {
    let rule = "[[rule]]\nbench = \"a\"\ntolerance = \"50%\"";
    let rates = |runs: &[f64]| snapshot(&[("a", rate(), runs)]);
    let base = rates(&[0.90, 0.901, 0.899]);
    for (runs, expected) in
        [([0.54, 0.541, 0.539], Outcome::Unchanged), ([0.36, 0.361, 0.359], Outcome::Regression)]
    {
        let report = verdict(&base, &rates(&runs), &format!("{rule}\ntarget = \"60%\""));
        assert_eq!(outcome(&report, "a").0, expected);
    }
    // A waiver for a small loss does not cover a total loss.
    let hits = Metric { better: Direction::Higher, ..Metric::counted("hits", Unit::Count) };
    let waiver = "[[waiver]]\nbench = \"a\"\nmetric = \"hits\"\nup_to = \"1%\"\nuntil = \
                  \"2027-01-01\"\nreason = \"known\"";
    let of = |value: f64| snapshot(&[("a", hits.clone(), &[value])]);
    let report = verdict(&of(100.0), &of(0.0), waiver);
    assert_eq!((codes(&report)[0], exit(&report)), ((Code::WaiverExceeded, Severity::Warn), 3));
}

#[test]
fn larger_values_are_better_if_the_metric_says_so() {
    let rate = rate();
    let high = snapshot(&[("a", rate.clone(), &[0.95, 0.951, 0.949])]);
    let low = snapshot(&[("a", rate, &[0.80, 0.801, 0.799])]);
    assert_eq!(outcome(&verdict(&high, &low, ""), "a").0, Outcome::Regression);
    assert_eq!(outcome(&verdict(&low, &high, ""), "a").0, Outcome::Improvement);
}
