//! A trial besides its pairs: a base that breaks, a machine that was busy, processes that
//! mostly prepare, layouts that could not be pinned.

use crate::judge::case::Case;
use crate::judge::report::{Code, Finding, Severity};
use crate::model::{Extent, NotRunKind, Pairing, Shard, SharedKind, Snapshot};
use crate::policy::MachineBusy;
use crate::text::{listed, percent, plural};

/// The share of a process that its set-up may take.
const MOSTLY_SET_UP: f64 = 0.5;

/// How many paths a finding names.
const LISTED_PATHS: usize = 5;

/// How many benchmarks a finding names.
const LISTED_BENCHMARKS: usize = 5;

/// The findings on a trial; none on other snapshots.
pub(super) fn of(case: &Case<'_>) -> Vec<Finding> {
    let (Some(pairing), Some(baseline)) = (case.pairing(), case.baseline) else {
        return Vec::new();
    };
    let mut findings = broken(baseline);
    findings.extend(busy(case, pairing));
    findings.extend(out_of_time(pairing));
    findings.extend(not_reached(pairing));
    findings.extend(same_code(pairing));
    findings.extend(set_up(pairing));
    findings.extend(layouts(pairing));
    findings.extend(same_source(pairing, case));
    findings.extend(shared_inputs(pairing));
    findings
}

/// A part of a suite.
pub(super) fn shard(shard: &Shard) -> Finding {
    let message = format!(
        "this is shard {} of a suite, and nothing is judged yet; `gate merge` judges all shards \
         together",
        shard.number
    );
    Finding::new(Code::Shard, Severity::Note, message)
}

/// A budget that ended before the trial did.
fn out_of_time(pairing: &Pairing) -> Option<Finding> {
    let message = "the time budget ended before every benchmark was decided; --budget (or \
                   ab.budget) gives more time, --filter measures less";
    let ended = pairing.parts().iter().any(|part| part.out_of_time);
    ended.then(|| Finding::new(Code::TimeBudgetEnded, Severity::Note, message))
}

/// Benchmarks that the budget did not reach.
fn not_reached(pairing: &Pairing) -> Option<Finding> {
    let names: Vec<&str> = pairing.not_reached.iter().map(|id| id.name.as_str()).collect();
    let message = format!(
        "the time budget ended before the clocks of {} were measured: {}; they are undecided",
        plural(names.len(), "benchmark"),
        listed(&names, LISTED_BENCHMARKS)
    );
    (!names.is_empty()).then(|| Finding::new(Code::NotReached, Severity::Warn, message))
}

/// Benchmarks that executed the same code.
fn same_code(pairing: &Pairing) -> Option<Finding> {
    let count = pairing.same_code.len();
    let message = format!(
        "{} executed only code that is the same on both sides, with everything that it can reach, \
         and with equal counts; their clocks were not measured (ab.same_code_clock)",
        plural(count, "benchmark")
    );
    (count > 0).then(|| Finding::new(Code::SameCodeExecuted, Severity::Note, message))
}

/// A head that is its own base.
fn same_source(pairing: &Pairing, case: &Case<'_>) -> Option<Finding> {
    let message = "both sides have the same files, so there is no change to judge; name an earlier \
                   revision with --base";
    let severity = Severity::from(case.policy.ab.head_is_base);
    pairing.sources.same.then(|| Finding::new(Code::HeadIsBase, severity, message))
}

/// Inputs that are not part of the commits, a finding for each kind.
fn shared_inputs(pairing: &Pairing) -> impl Iterator<Item = Finding> {
    let kinds = [
        (SharedKind::LockFile, "lock file, which is not part of each commit"),
        (SharedKind::PathDependency, "path dependencies outside the repository, as they are now"),
        (SharedKind::ExtraFile, "files that git does not track but benchmarks read"),
    ];
    kinds.into_iter().filter_map(|(kind, name)| {
        let inputs = pairing.sources.shared.iter().filter(|input| input.kind == kind);
        let paths: Vec<&str> = inputs.map(|input| input.path.as_str()).collect();
        let message = format!("both sides use the same {name}: {}", listed(&paths, LISTED_PATHS));
        (!paths.is_empty()).then(|| Finding::new(Code::SharedInput, Severity::Note, message))
    })
}

/// Bench targets whose processes mostly prepare.
fn set_up(pairing: &Pairing) -> impl Iterator<Item = Finding> {
    let dominated = pairing.set_up.iter().filter(|target| target.share > MOSTLY_SET_UP);
    dominated.map(|target| {
        let message = format!(
            "set-up takes {} of each process ({} s); each benchmark was measured for {} s in it; a \
             smaller set-up leaves time for more pairs",
            percent(target.share),
            figure(target.seconds),
            figure(target.time),
        );
        Finding::new(Code::SetUpDominates, Severity::Note, message).about(&target.target.name)
    })
}

/// Bench targets whose two builds place functions differently.
fn layouts(pairing: &Pairing) -> impl Iterator<Item = Finding> {
    pairing.layouts.iter().filter_map(|layout| {
        let reason = layout.reason.as_ref()?;
        let message = format!("the layout of the two builds could not be pinned: {reason}");
        Some(Finding::new(Code::LayoutFree, Severity::Note, message).about(&layout.target.name))
    })
}

/// Three figures at most.
fn figure(seconds: f64) -> String {
    if seconds < 10.0 { format!("{seconds:.2}") } else { format!("{seconds:.0}") }
}

/// Programs of the base that broke: a warning where others ran.
fn broken(baseline: &Snapshot) -> Vec<Finding> {
    let nothing = baseline.measurements.is_empty()
        && baseline.pairing.as_ref().is_none_or(|pairing| pairing.unmeasured().next().is_none());
    let severity = if nothing { Severity::Fail } else { Severity::Warn };
    let failed = baseline.not_run.iter().filter(|not_run| not_run.kind == NotRunKind::Failed);
    failed
        .map(|failed| {
            let message = format!("in the base: {}", failed.reason);
            Finding::new(Code::BaseBroken, severity, message).about(&failed.subject)
        })
        .collect()
}

/// Other programs that took too large a share of a machine.
fn busy(case: &Case<'_>, pairing: &Pairing) -> Vec<Finding> {
    let (severity, consequence) = match case.policy.ab.machine_busy {
        MachineBusy::Allow => (Severity::Note, ""),
        MachineBusy::Warn => (Severity::Warn, ""),
        MachineBusy::ClearNothing => (Severity::Warn, ", and no clock alone clears a row"),
        MachineBusy::DecideNothing => (Severity::Warn, ", and no clock alone decides a row"),
        MachineBusy::Fail => (Severity::Fail, ""),
    };
    let merged = matches!(pairing.extent, Extent::Merged(_));
    let overloads = case.snapshots().overloads().into_iter().zip(1..);
    let each = overloads.filter_map(|(overload, number)| {
        let share = percent(overload?);
        let time = if merged { format!("shard {number}") } else { "the trial".to_owned() };
        let message = format!(
            "other programs used {share} of the machine during {time}: it may hide changes and \
             leave more rows undecided{consequence}; close other programs"
        );
        Some(Finding::new(Code::MachineBusy, severity, message))
    });
    each.collect()
}
