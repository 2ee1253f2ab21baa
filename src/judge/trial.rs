//! What a trial shows besides its pairs: a base that breaks, a machine that was
//! busy, processes that mostly prepare.

use super::Case;
use super::code::Code;
use super::decide::{percent, severity};
use super::findings::finding;
use super::report::{Finding, Severity};
use crate::exit::Exit;
use crate::model::{NotRunKind, RunInfo, Snapshot};
use crate::policy::BaseBroken;

/// The share of the machine that other programs may take.
const BUSY: f64 = 0.2;

/// The share of a process that its set-up may take.
const MOSTLY_SET_UP: f64 = 0.5;

/// The findings on a trial; none on other snapshots.
pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let (Some(pairing), Some(baseline)) = (case.pairing(), case.baseline) else {
        return Vec::new();
    };
    let mut findings = broken(baseline);
    findings.extend(busy(case, baseline));
    for target in pairing.set_up.iter().filter(|target| target.share > MOSTLY_SET_UP) {
        let message = format!(
            "set-up takes {} of each process ({} s); each benchmark was measured for {} s in it; a \
             smaller set-up leaves time for more pairs",
            percent(target.share),
            figure(target.seconds),
            figure(target.time),
        );
        let mut finding = finding(Code::SetUpDominates, Severity::Note, message);
        finding.id = Some(target.target.clone());
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

fn busy(case: &Case<'_>, baseline: &Snapshot) -> Option<Finding> {
    let runs = || baseline.runs.iter().chain(&case.candidate.runs);
    let known = |run: &RunInfo| Some((run.busy?, run.seconds?));
    let seconds: f64 = runs().filter_map(known).map(|(_, seconds)| seconds).sum();
    let taken: f64 = runs().filter_map(known).map(|(busy, seconds)| busy * seconds).sum();
    let share = taken / seconds;
    // Nothing is known where that is no number.
    (share > BUSY).then(|| {
        let message = format!(
            "other programs took {} of the machine while it measured: changes may be hidden, and \
             more rows undecided; leave it the machine",
            percent(share)
        );
        finding(Code::MachineBusy, severity(case.policy.ab.machine_busy), message)
    })
}
