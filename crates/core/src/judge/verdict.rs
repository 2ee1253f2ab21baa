//! Sums rows and findings up into one verdict.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::case::Case;
use super::report::{
    Code, Finding, Outcome, Row, Severity, TargetRow, Targets, Verdict, VerdictOutcome,
};
use crate::exit::Exit;
use crate::policy::{BaseBroken, Gate, Level, OnUndecided};
use crate::text::plural;

/// The verdict: the worst exit that any row or finding asks for, with its reason.
pub(super) fn reach(
    case: &Case<'_>,
    rows: &[Row],
    targets: Option<&Targets>,
    findings: &[Finding],
) -> Verdict {
    let tally = Tally::of(rows);
    let mut exit = Exit::Pass;
    if tally.failing > 0 {
        exit = exit.worst(Exit::Regression);
    }
    for finding in findings.iter().filter(|finding| finding.severity == Severity::Fail) {
        exit = exit.worst(exit_of(case, finding));
    }
    let compared = tally.decided + tally.undecided;
    // Targets alone are enough only if the policy says so. A comparison without rows and
    // measured targets never passes.
    let targets_are_enough =
        case.policy.verdict.nothing_compared != Level::Fail && any_measured(targets);
    // If the base broke, that is the reason, and not that nothing was compared.
    let broken =
        findings.iter().any(|f| f.severity == Severity::Fail && f.code == Code::BaseBroken);
    if compared == 0 && !targets_are_enough && !broken {
        exit = exit.worst(Exit::NothingCompared);
    }
    let blocked = match case.policy.verdict.undecided {
        OnUndecided::Block => tally.blocking > 0,
        OnUndecided::BlockIfNoneDecided => tally.blocking > 0 && tally.decided == 0,
        OnUndecided::Allow => false,
    };
    if blocked {
        exit = exit.worst(Exit::Undecided);
    }
    Verdict { outcome: outcome(exit), exit, reason: reason(case, exit, &tally, findings) }
}

/// The verdict on the targets alone: the worst exit that any of them asks for.
pub(super) fn of_targets(targets: &Targets, findings: &[Finding]) -> Verdict {
    let failing = || findings.iter().filter(|finding| finding.severity == Severity::Fail);
    let exit = failing().fold(Exit::Pass, |exit, finding| exit.worst(finding.code.exit()));
    let none_measured = !any_measured(Some(targets));
    let exit = if none_measured { exit.worst(Exit::NothingCompared) } else { exit };
    let grade = &targets.grade;
    let codes: BTreeSet<&str> = failing()
        .filter(|finding| finding.code.exit() == exit)
        .map(|finding| finding.code.as_str())
        .collect();
    let reason = if none_measured && codes.is_empty() {
        "nothing that the targets name was measured".to_owned()
    } else {
        let met = format!("{} of {} met", grade.met, plural(grade.targets, "target"));
        let codes = codes.into_iter().chain([met.as_str()]);
        codes.collect::<Vec<_>>().join("; ")
    };
    Verdict { outcome: outcome(exit), exit, reason }
}

fn any_measured(targets: Option<&Targets>) -> bool {
    targets.is_some_and(|targets| targets.rows.iter().any(TargetRow::is_measured))
}

fn outcome(exit: Exit) -> VerdictOutcome {
    match exit {
        Exit::Pass => VerdictOutcome::Pass,
        Exit::Regression => VerdictOutcome::Fail,
        Exit::Undecided => VerdictOutcome::Undecided,
        Exit::NothingCompared => VerdictOutcome::NothingCompared,
        Exit::Failure | Exit::Usage => VerdictOutcome::Incomplete,
    }
}

fn exit_of(case: &Case<'_>, finding: &Finding) -> Exit {
    match finding.code {
        Code::BaseBroken => match case.policy.ab.base_broken {
            BaseBroken::Undecided => Exit::Undecided,
            BaseBroken::Fail => Exit::Failure,
        },
        code => code.exit(),
    }
}

/// The number of rows that the gate may act on, by their outcome.
#[derive(Default)]
struct Tally {
    failing: usize,
    decided: usize,
    undecided: usize,
    /// Undecided rows that may fail the gate.
    blocking: usize,
    improved: usize,
    warned: usize,
}

impl Tally {
    fn of(rows: &[Row]) -> Self {
        let mut tally = Self::default();
        for row in rows.iter().filter(|row| row.gate > Gate::Show) {
            let Some(judgement) = &row.judgement else { continue };
            match judgement.outcome {
                Outcome::Regression if judgement.severity == Severity::Fail => tally.failing += 1,
                Outcome::Regression if judgement.severity == Severity::Warn => tally.warned += 1,
                Outcome::Improvement => tally.improved += 1,
                _ => {}
            }
            match judgement.outcome {
                Outcome::Regression | Outcome::Improvement | Outcome::Unchanged => {
                    tally.decided += 1;
                }
                Outcome::Undecided => {
                    tally.undecided += 1;
                    tally.blocking += usize::from(row.gate == Gate::Fail);
                }
                Outcome::Missing | Outcome::New => {}
            }
        }
        tally
    }
}

fn reason(case: &Case<'_>, exit: Exit, tally: &Tally, findings: &[Finding]) -> String {
    let compared = tally.decided + tally.undecided;
    let failing = |exit: Exit| {
        let mut codes: Vec<&str> = findings
            .iter()
            .filter(|f| f.severity == Severity::Fail && exit_of(case, f) == exit)
            .map(|f| f.code.as_str())
            .collect();
        codes.sort_unstable();
        codes.dedup();
        codes.join(", ")
    };
    match exit {
        Exit::Pass => {
            let mut text = format!("{} decided", plural(tally.decided, "row"));
            for (count, word) in [
                (tally.improved, "improved"),
                (tally.warned, "worse, but only a warning"),
                (tally.undecided, "undecided"),
            ] {
                if count > 0 {
                    let _ = write!(text, ", {count} {word}");
                }
            }
            text += ", no regression beyond its limit";
            let warned: BTreeSet<&str> = findings
                .iter()
                .filter(|finding| finding.severity == Severity::Warn)
                .map(|finding| finding.code.as_str())
                .collect();
            if !warned.is_empty() {
                let codes: Vec<&str> = warned.into_iter().collect();
                let _ = write!(text, "; warnings: {}", codes.join(", "));
            }
            text
        }
        Exit::Regression => {
            let codes = failing(Exit::Regression);
            match (tally.failing, codes.is_empty()) {
                (0, _) => codes,
                (count, true) => regressed(count),
                (count, false) => format!("{}; {codes}", regressed(count)),
            }
        }
        Exit::Undecided if !failing(exit).is_empty() => failing(exit),
        Exit::Undecided if tally.decided == 0 => {
            format!("none of {} could be decided", plural(tally.undecided, "row"))
        }
        Exit::Undecided => {
            format!("{} undecided, which the policy blocks", plural(tally.blocking, "row"))
        }
        Exit::NothingCompared if compared == 0 && case.baseline.is_none() => {
            "there is no baseline to compare with".to_owned()
        }
        Exit::NothingCompared if compared == 0 => "no benchmark is on both sides".to_owned(),
        Exit::NothingCompared | Exit::Failure | Exit::Usage => failing(exit),
    }
}

fn regressed(count: usize) -> String {
    let limit = if count == 1 { "its limit" } else { "their limits" };
    format!("{} regressed beyond {limit}", plural(count, "row"))
}
