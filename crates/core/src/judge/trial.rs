//! What a trial shows besides its pairs: a base that breaks, a machine that was
//! busy, processes that mostly prepare.

use super::Case;
use super::code::Code;
use super::decide::{Decision, Open, percent};
use super::findings::finding;
use super::pair::Effect;
use super::report::{Finding, Outcome, Severity};
use super::witness::Instructions;
use crate::exit::Exit;
use crate::model::{NotRunKind, RunInfo, Snapshot};
use crate::policy::{BaseBroken, MachineBusy};

/// The share of the machine that other programs may take.
pub const BUSY: f64 = 0.2;

/// The share of a process that its set-up may take.
const MOSTLY_SET_UP: f64 = 0.5;

/// The findings on a trial; none on other snapshots.
pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let (Some(pairing), Some(baseline)) = (case.pairing(), case.baseline) else {
        return Vec::new();
    };
    let mut findings = broken(baseline);
    findings.extend(busy(case));
    for target in pairing.set_up.iter().filter(|target| target.share > MOSTLY_SET_UP) {
        let message = format!(
            "set-up takes {} of each process ({} s); each benchmark was measured for {} s in it; a \
             smaller set-up leaves time for more pairs",
            percent(target.share),
            figure(target.seconds),
            figure(target.time),
        );
        let mut finding = finding(Code::SetUpDominates, Severity::Note, message);
        finding.id = Some(target.target.name.clone());
        findings.push(finding);
    }
    for layout in &pairing.layouts {
        let Some(reason) = &layout.reason else { continue };
        let message = format!("the layout of the two builds could not be pinned: {reason}");
        let mut finding = finding(Code::LayoutFree, Severity::Note, message);
        finding.id = Some(layout.target.name.clone());
        findings.push(finding);
    }
    findings
}

/// Three figures at most.
fn figure(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.2}") } else { format!("{seconds:.0}") }
}

/// Programs of the base that broke: a warning where others ran.
fn broken(baseline: &Snapshot) -> Vec<Finding> {
    let nothing = baseline.measurements.is_empty()
        && baseline.pairing.as_ref().is_none_or(|pairing| pairing.identical.is_empty());
    let severity = if nothing { Severity::Fail } else { Severity::Warn };
    let failed = baseline.not_run.iter().filter(|one| one.kind == NotRunKind::Failed);
    failed
        .map(|one| Finding {
            id: Some(one.subject.clone()),
            ..finding(Code::BaseBroken, severity, format!("in the base: {}", one.reason))
        })
        .collect()
}

/// The exit that a broken base asks for.
pub(super) fn broken_exit(case: &Case<'_>) -> Exit {
    match case.policy.ab.base_broken {
        BaseBroken::Undecided => Exit::Undecided,
        BaseBroken::Fail => Exit::Failure,
    }
}

/// The share of the machine that other programs took during a trial, where that is
/// more than they may.
pub(super) fn overload(case: &Case<'_>) -> Option<f64> {
    case.pairing()?;
    let runs = || case.baseline.iter().flat_map(|side| &side.runs).chain(&case.candidate.runs);
    let known = |run: &RunInfo| Some((run.busy?, run.seconds?));
    let seconds: f64 = runs().filter_map(known).map(|(_, seconds)| seconds).sum();
    let taken: f64 = runs().filter_map(known).map(|(busy, seconds)| busy * seconds).sum();
    let share = taken / seconds;
    // Nothing is known where that is no number.
    (share > BUSY).then_some(share)
}

fn busy(case: &Case<'_>) -> Option<Finding> {
    let share = percent(overload(case)?);
    let (severity, consequence) = match case.policy.ab.machine_busy {
        MachineBusy::Allow => (Severity::Note, ""),
        MachineBusy::Warn => (Severity::Warn, ""),
        MachineBusy::ClearNothing => (Severity::Warn, ", and no clock alone clears a row"),
        MachineBusy::DecideNothing => (Severity::Warn, ", and no clock alone decides a row"),
        MachineBusy::Fail => (Severity::Fail, ""),
    };
    let message = format!(
        "other programs took {share} of the machine while it measured: changes may be hidden, and \
         more rows undecided{consequence}; leave it the machine"
    );
    Some(finding(Code::MachineBusy, severity, message))
}

/// What is left of a row's decision on an overloaded machine: what the clock alone
/// has decided may be in doubt, by policy.
///
/// The exact test of a change holds under any load that hits the sides of a pair
/// alike, whichever runs first. A bound on a change does not: delays that come upon
/// either side make both look more alike than the code is.
pub(super) fn doubted(case: &Case<'_>, open: &Open<'_>, decision: Decision) -> Decision {
    let (Some(share), Some(Effect::Paired(_))) = (open.overload, &open.pair.effect) else {
        return decision;
    };
    let supported = matches!(
        (decision.outcome, open.beside),
        (Outcome::Unchanged, Some(Instructions::Same | Instructions::Fewer))
            | (Outcome::Regression, Some(Instructions::More(_)))
            | (Outcome::Improvement, Some(Instructions::Fewer))
    );
    let in_doubt = match (case.policy.ab.machine_busy, decision.outcome) {
        (MachineBusy::ClearNothing | MachineBusy::DecideNothing, Outcome::Unchanged)
        | (MachineBusy::DecideNothing, Outcome::Regression | Outcome::Improvement) => !supported,
        _ => false,
    };
    if !in_doubt {
        return decision;
    }
    let reason = format!(
        "in doubt, as other programs took {} of the machine: {} by itself, {}",
        percent(share),
        decision.outcome.as_str(),
        decision.reason
    );
    Decision { outcome: Outcome::Undecided, reason, ..decision }
}
