//! What is found besides the rows' own outcomes, under stable codes.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Case;
use super::comparability::Comparability;
use super::decide::{most, severity};
use super::noise::Sessions;
use super::report::{EnvironmentDifference, Finding, Outcome, Row, Severity};
use crate::exit::Exit;
use crate::model::{BenchId, NotRunKind, ProblemKind, Snapshot};

/// How alike two names must be to look like a renaming (Jaro–Winkler, 0 to 1).
const LOOKS_RENAMED: f64 = 0.85;

macro_rules! codes {
    ($($(#[doc = $doc:literal])* $variant:ident = $name:literal, $exit:ident, $text:literal;)*) => {
        /// The kinds of findings. Their names are stable: scripts may rely on them.
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
            JsonSchema,
        )]
        #[serde(rename_all = "kebab-case")]
        pub enum Code {
            $($(#[doc = $doc])* $variant,)*
        }

        impl Code {
            /// All of them, in the order in which they are listed.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The stable name.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// The exit code that one of severity `fail` asks for.
            pub fn exit(self) -> Exit {
                match self { $(Self::$variant => Exit::$exit,)* }
            }

            fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }
        }
    };
}

codes! {
    /// An absolute limit is broken.
    BudgetExceeded = "budget-exceeded", Regression,
        "The candidate breaks an absolute limit of the policy ([[budget]]). For a clock the mean \
         of the runs lies beyond the limit by more than its 95% interval; for a count, any run \
         does. Mend the cause, or change the budget in gate.toml with a reason.";
    /// An absolute limit that the runs neither keep nor break surely.
    BudgetUndecided = "budget-undecided", Undecided,
        "The mean of the runs lies beyond the budget, but the runs vary too much to be sure of \
         it. Measure more runs (--repeat), or give the budget room.";
    /// An absolute limit on nothing.
    BudgetUnmatched = "budget-unmatched", NothingCompared,
        "A budget limits a benchmark or metric that was not measured, or is written in another \
         unit than the metric's. A limit without a value is not met. Correct its bench, metric \
         or unit, or find out why the benchmark did not run.";
    /// Nothing that the policy requires was measured.
    RequiredMissing = "required-missing", NothingCompared,
        "A glob of the policy's verdict.require matches nothing that was measured. The list of \
         what was not run often says why: a service or a tool was not there.";
    /// The baseline has it, the candidate does not.
    BenchmarkMissing = "benchmark-missing", NothingCompared,
        "The baseline holds a benchmark that the candidate lacks: it was removed or renamed, its \
         target did not run, or a service was not there. verdict.missing sets what that does. \
         After a removal on purpose, save the baseline anew.";
    /// A benchmark is there, one of its metrics is not.
    MetricMissing = "metric-missing", NothingCompared,
        "Both sides have the benchmark, but the candidate lacks one of its metrics, or measures \
         it in another unit or direction than the baseline: a tool was not there (valgrind), or \
         the benchmark records something else now. verdict.missing sets what that does. After a \
         change on purpose, save the baseline anew.";
    /// A missing and a new benchmark look alike.
    BenchmarkRenamed = "benchmark-renamed", Undecided,
        "A benchmark is missing and a new one has almost the same name. They are not compared: \
         save the baseline anew, or keep the name.";
    /// The candidate has it, the baseline does not.
    BenchmarkNew = "benchmark-new", NothingCompared,
        "The baseline does not know this benchmark yet, so nothing is said about it. It is \
         compared once a baseline holds it. verdict.new sets what that does.";
    /// A bench program broke.
    BenchmarkFailed = "benchmark-failed", Failure,
        "A bench program crashed, hung or printed nonsense, so its benchmarks are not measured. \
         Others are judged all the same. verdict.unreadable sets what that does.";
    /// A result cannot be read.
    UnreadableResult = "unreadable-result", Failure,
        "A result file is missing, truncated, or holds what no measurement gives: NaN, a \
         negative time, zero iterations. The benchmark is not compared; others are. \
         verdict.unreadable sets what that does. Remove the directory and measure again.";
    /// Two results claim one benchmark.
    DuplicateResult = "duplicate-result", Failure,
        "Two results claim the same benchmark, so neither can be trusted to be it. Give the \
         benchmarks different names. verdict.duplicate sets what that does.";
    /// A result of an earlier run.
    StaleResult = "stale-result", Failure,
        "A result was left behind by an earlier run: its benchmark may be gone. It is not \
         compared. Remove the directory, or measure with `gate run`, which always starts from \
         an empty one. verdict.stale sets what that does.";
    /// Something was left out.
    NotRun = "not-run", NothingCompared,
        "Something was left out because a service or a tool was not there; the message says \
         which and how to get it. To insist on a benchmark, name it in verdict.require.";
    /// The two environments differ.
    EnvironmentDiffers = "environment-differs", Undecided,
        "The baseline was measured in another environment. Wall times are undecided where the \
         processor, the kernel, the toolchain, the flags or another field that moves a clock \
         differs; instruction counts where the toolchain, the C library, the processor's level \
         or valgrind does. Fields: cpu_model cores cpu_level governor memory_bytes os kernel \
         libc container virtual_machine rustc target profile flags features valgrind runner \
         services. Save a baseline for this environment, or allow a field to differ with \
         environment.ignore.";
    /// Nothing is known of an environment.
    EnvironmentUnknown = "environment-unknown", Undecided,
        "One side does not say where it was measured (a critcmp export, another tool's \
         directory). It is compared, on your word that both come from the same machine and \
         toolchain.";
    /// Most times moved alike.
    SuiteShift = "suite-shift", Regression,
        "The median change of ten or more times is beyond noise: most benchmarks became slower, \
         or faster, by about as much. Either the machine did, or a change of the code touches \
         them all; the clock alone cannot tell. It is subtracted from each row, which is then \
         judged by what is left, and both changes are shown. A row is a regression or an \
         improvement only where the change as it was seen is one too. Instruction counts tell \
         the machine from the code: where those of most rows moved the same way, nothing is \
         subtracted. verdict.suite_shift sets what it does; one for the better warns at most. \
         `gate ab` measures both sides in turn and has no such shift.";
    /// Nothing says how much sessions differ.
    SessionsUnknown = "sessions-unknown", Undecided,
        "Two saved snapshots come from two sessions, which differ by more than the runs of each \
         show: another hour, other neighbours. How much they differ here is not known for these \
         rows, so their intervals and their chance of error cover only the runs' own noise. \
         `gate calibrate` with the same code at three or more different times measures it; each \
         further one makes smaller changes visible. `gate ab` does not need it.";
    /// A single run cannot show how much runs differ.
    SingleRun = "single-run", Undecided,
        "Wall times with one run on a side are undecided, however many the other has: samples \
         within a process say nothing about how much processes differ, and a lone run may be an \
         odd one. Measure with `gate run`, --repeat 5 or more; or let `gate calibrate` keep what \
         twenty earlier runs of the benchmark showed, which then stand in for it.";
    /// A count that its own runs do not repeat.
    UnsteadyCount = "unsteady-count", Undecided,
        "Equal programs gave different counts, so something in the benchmark varies: a hash \
         seed, an address, a clock, the order of threads. Its tolerance is raised to three \
         times the spread, readings of the two sides that overlap are never a change, and \
         where that raises its tolerance it is no second witness to the clock. Fix the seed to make it exact.";
    /// A ratio to zero.
    ZeroBaseline = "zero-baseline", Undecided,
        "A value is zero, and a change from or to zero has no percentage. Counts are judged by \
         their floor alone; clocks stay undecided.";
    /// A rule that applies to nothing.
    RuleUnmatched = "rule-unmatched", Undecided,
        "A rule of the policy matches no benchmark and metric of either side, so it protects or \
         allows nothing: its glob may be misspelt, or its benchmark gone.";
    /// The base of a trial does not build or run.
    BaseBroken = "base-broken", Undecided,
        "The base of `gate ab` does not build, or a program of it crashed, hung or wrote what \
         cannot be read. If nothing of it runs, nothing can be said of the head: undecided (exit \
         4), or exit 1 with base_broken = \"fail\" under [ab]. Name a base that works with --base \
         REV, or mend the branch that the change is held against.";
    /// The base held against itself shows changes.
    ControlAlarmed = "control-alarmed", Undecided,
        "The control of `gate ab --control` is the base held against itself, by the same rules. A \
         change found there is none, so what the head shows on this machine proves nothing \
         either: a pass or a failure becomes undecided. By chance that happens to one trial in a \
         hundred in each direction (verdict.alpha); measure again on a quieter machine.";
    /// Other programs kept the machine busy.
    MachineBusy = "machine-busy", Undecided,
        "Other programs took more than a fifth of the machine's processors while `gate ab` \
         measured. Bursts of such load hit the two sides unequally, widen intervals and can hide \
         a change. All pairs are kept and judged. ab.machine_busy sets what this does. Close other \
         programs, or measure on a runner that does nothing else.";
    /// Processes mostly prepare.
    SetUpDominates = "set-up-dominates", Undecided,
        "More than half of each process of a bench target goes into something else than warming up \
         and measuring: starting services, filling databases, criterion's analysis. What is \
         measured in each process is then measured for longer than asked for, up to five times. \
         Make the set-up smaller, share it between benchmarks, or do it inside of the benchmark's \
         own closure, which runs only where that benchmark does.";
    /// An accepted regression.
    Waived = "waived", Undecided,
        "A regression is accepted by a waiver of the policy, up to its ceiling and until its day.";
    /// A waiver's ceiling is too low.
    WaiverExceeded = "waiver-exceeded", Undecided,
        "The regression is larger than its waiver allows, so it counts in full.";
    /// A waiver is out of date.
    WaiverExpired = "waiver-expired", Undecided,
        "A waiver's last day is over; the regression counts again. Mend the cause, or renew the \
         waiver with a reason.";
    /// A waiver without a regression.
    WaiverUnused = "waiver-unused", Undecided,
        "A waiver names a row that did not regress, or does not exist. Remove it, or correct \
         its bench and metric; both are exact names.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the outcomes of rows mean, beside the codes of findings.
const OUTCOMES: [(Outcome, &str); 6] = [
    (
        Outcome::Regression,
        "The row is worse, beyond its tolerance, and that is unlikely to be noise: over all \
         sampled rows of a comparison the chance of any false regression is verdict.alpha, were \
         the runs' own noise all there is; between a saved baseline and a later run other things \
         may differ too. It fails the gate where it is proven beyond `fail`, warns beyond `warn`. A clock that is \
         slower though the same benchmark's instructions are steady and not more fails only beyond \
         `slower_clock_tolerance`: a new build alone moves code, and that moves times. To accept a \
         regression for a while, add a [[waiver]].",
    ),
    (
        Outcome::Improvement,
        "The row is better, beyond its tolerance, by the same test turned round.",
    ),
    (
        Outcome::Unchanged,
        "The whole 95% interval lies below the target, so a change for the worse of that size is \
         ruled out; or a count is within its tolerance. Unchanged as far as can be known: the clock \
         is undecided and does not look slower, and the same benchmark's instructions are \
         steady and not more; `witness = \"clock\"` leaves such rows undecided.",
    ),
    (
        Outcome::Undecided,
        "Neither a change nor its absence could be shown: the runs differ too much, there are too \
         few of them, or the sides are not comparable. The row's reason says which, and the \
         smallest change that could have been shown. More runs help; so do instruction counts.",
    ),
    (
        Outcome::Missing,
        "Only the baseline has the row: see benchmark-missing and metric-missing, which \
         verdict.missing sets the weight of.",
    ),
    (
        Outcome::New,
        "Only the candidate has the row, so there is nothing to compare it with until a baseline \
         holds it: see benchmark-new.",
    ),
];

/// The explanation of a finding's code or a row's outcome, by its name.
pub fn explanation(name: &str) -> Option<&'static str> {
    let code = Code::ALL.iter().find(|code| code.as_str() == name).map(|code| code.text());
    let outcome = OUTCOMES.iter().find(|(outcome, _)| outcome.as_str() == name);
    code.or(outcome.map(|(_, text)| *text))
}

/// All names that [`explanation`] knows: outcomes, then findings.
pub fn explained() -> impl Iterator<Item = &'static str> {
    OUTCOMES
        .iter()
        .map(|(outcome, _)| outcome.as_str())
        .chain(Code::ALL.iter().map(|code| code.as_str()))
}

pub(super) fn finding(code: Code, severity: Severity, message: impl Into<String>) -> Finding {
    Finding { code, severity, id: None, metric: None, message: message.into() }
}

/// What the snapshots themselves show: results that could not be used, things
/// not run, environments that differ.
pub(super) fn of_snapshots(
    case: &Case<'_>,
    comparability: &Comparability,
    rows: &[Row],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(baseline) = case.baseline {
        findings.extend(problems(case, baseline, "baseline: "));
    }
    findings.extend(problems(case, case.candidate, ""));
    for not_run in &case.candidate.not_run {
        let (code, severity) = match not_run.kind {
            NotRunKind::Skipped => (Code::NotRun, Severity::Note),
            NotRunKind::Failed => (Code::BenchmarkFailed, severity(case.policy.verdict.unreadable)),
        };
        findings.push(Finding {
            id: Some(not_run.subject.clone()),
            ..finding(code, severity, &not_run.reason)
        });
    }
    findings.extend(environment(comparability));
    findings.extend(membership(case, rows));
    findings
}

fn problems<'a>(
    case: &'a Case<'_>,
    snapshot: &'a Snapshot,
    side: &'a str,
) -> impl Iterator<Item = Finding> + 'a {
    let levels = &case.policy.verdict;
    snapshot.problems.iter().map(move |problem| {
        let (code, level) = match problem.kind {
            ProblemKind::Unreadable => (Code::UnreadableResult, levels.unreadable),
            ProblemKind::Stale => (Code::StaleResult, levels.stale),
            ProblemKind::Duplicate => (Code::DuplicateResult, levels.duplicate),
        };
        Finding {
            id: problem.id.as_ref().map(BenchId::to_string),
            ..finding(
                code,
                severity(level),
                format!("{side}{}: {}", problem.path.display(), problem.reason),
            )
        }
    })
}

fn environment(comparability: &Comparability) -> Vec<Finding> {
    if comparability.unknown {
        let message = "one side does not say where it was measured; compared on your word that it \
                       was the same machine and toolchain";
        return vec![finding(Code::EnvironmentUnknown, Severity::Warn, message)];
    }
    let shown = |differences: Vec<&EnvironmentDifference>| {
        let each =
            differences.iter().map(|d| format!("{} ({} → {})", d.field, d.baseline, d.candidate));
        each.collect::<Vec<_>>().join(", ")
    };
    let (blocking, others): (Vec<_>, Vec<_>) = comparability
        .differences
        .iter()
        .partition(|difference| difference.blocks_time || difference.blocks_counts);
    let mut findings = Vec::new();
    if !blocking.is_empty() {
        let message = format!("rows that depend on it cannot be compared: {}", shown(blocking));
        findings.push(finding(Code::EnvironmentDiffers, Severity::Warn, message));
    }
    if !others.is_empty() {
        let message = format!("rows are compared all the same: {}", shown(others));
        findings.push(finding(Code::EnvironmentDiffers, Severity::Note, message));
    }
    findings
}

/// Benchmarks and metrics on one side only, required ones that were not
/// measured, rules that apply to nothing.
fn membership(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    let mut findings = required(case);
    findings.extend(unmatched_rules(case, rows));
    // What was not selected is not missing.
    let selected = case.candidate.selection.is_some();
    if case.baseline.is_none() {
        return findings;
    }
    let names = |there: fn(&Row) -> bool| -> BTreeSet<BenchId> {
        rows.iter().filter(|row| there(row)).map(Row::bench_id).collect()
    };
    let baseline = names(|row| row.baseline.is_some());
    let candidate = names(|row| row.candidate.is_some());
    let new: Vec<&BenchId> = candidate.difference(&baseline).collect();
    let levels = &case.policy.verdict;
    // A result that was found and could not be used is reported as that; a stale
    // one must not hide that its benchmark is gone.
    let unusable = |id: &BenchId| {
        let mut problems = case.candidate.problems.iter();
        problems.any(|problem| {
            problem.kind != ProblemKind::Stale
                && problem.id.as_ref().is_some_and(|other| other.may_equal(id))
        })
    };
    for id in baseline.difference(&candidate).filter(|id| !selected && !unusable(id)) {
        findings.push(Finding {
            id: Some(distinct(id, &baseline)),
            ..finding(
                Code::BenchmarkMissing,
                severity(levels.missing),
                "the baseline has it, the candidate does not",
            )
        });
        let nearest = new
            .iter()
            .map(|other| (strsim::jaro_winkler(&id.name, &other.name), other))
            .filter(|(likeness, _)| *likeness >= LOOKS_RENAMED)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, other)) = nearest {
            findings.push(Finding {
                id: Some(distinct(id, &baseline)),
                ..finding(
                    Code::BenchmarkRenamed,
                    Severity::Warn,
                    format!("looks renamed to {}; the two are not compared", other.qualified()),
                )
            });
        }
    }
    let lacking = |row: &&Row| row.baseline.is_some() && row.candidate.is_none();
    for row in rows.iter().filter(lacking).filter(|row| candidate.contains(&row.bench_id())) {
        let weight = severity(levels.missing).max(most(row.gate));
        let other = rows.iter().find(|other| {
            other.metric == row.metric
                && other.bench_id() == row.bench_id()
                && other.candidate.is_some()
        });
        let message = match other {
            Some(other) if other.unit != row.unit => {
                format!("measured in {} now, in {} before", other.unit, row.unit)
            }
            Some(_) => "measured in another way than before: its direction or kind".to_owned(),
            None => "the baseline has it, the candidate does not".to_owned(),
        };
        findings.push(Finding {
            id: Some(distinct(&row.bench_id(), &baseline)),
            metric: Some(row.metric.clone()),
            ..finding(Code::MetricMissing, weight, message)
        });
    }
    for id in new {
        findings.push(Finding {
            id: Some(distinct(id, &candidate)),
            ..finding(Code::BenchmarkNew, severity(levels.new), "the baseline does not know it yet")
        });
    }
    findings
}

/// A benchmark's name, with its target where another one has the same.
fn distinct(id: &BenchId, all: &BTreeSet<BenchId>) -> String {
    let twin = all.iter().any(|other| other.name == id.name && other != id);
    if twin { id.qualified() } else { id.name.clone() }
}

fn required(case: &Case<'_>) -> Vec<Finding> {
    let measured = &case.candidate.measurements;
    let patterns = case.policy.verdict.require.iter();
    let missing = patterns.filter(|pattern| !measured.iter().any(|m| pattern.matches(&m.id)));
    missing
        .map(|pattern| Finding {
            id: Some(pattern.as_str().to_owned()),
            ..match &case.candidate.selection {
                Some(selection) => finding(
                    Code::RequiredMissing,
                    Severity::Note,
                    format!("required, but not among what was selected ({selection})"),
                ),
                None => finding(
                    Code::RequiredMissing,
                    Severity::Fail,
                    "the policy requires it, and nothing of that name was measured",
                ),
            }
        })
        .collect()
}

fn unmatched_rules(case: &Case<'_>, rows: &[Row]) -> Vec<Finding> {
    if case.candidate.selection.is_some() {
        return Vec::new();
    }
    case.policy
        .unmatched(|applies| rows.iter().any(|row| applies(&row.bench_id(), &row.metric)))
        .map(|(bench, metric)| Finding {
            id: Some(bench.to_owned()),
            metric: Some(metric.to_owned()),
            ..finding(Code::RuleUnmatched, Severity::Warn, "no row is matched by this rule")
        })
        .collect()
}

/// What is said where it is not known how much sessions differ.
pub(super) fn of_sessions(Sessions { rows, known }: Sessions) -> Option<Finding> {
    let unknown = rows - known;
    let which = if known == 0 { String::new() } else { format!(" of {unknown} rows") };
    (unknown > 0).then(|| {
        let message = format!(
            "only the runs' own noise{which} is covered: how much sessions differ is not known, \
             see `gate calibrate`"
        );
        finding(Code::SessionsUnknown, Severity::Note, message)
    })
}

/// What the judged rows show together, said once rather than in each row.
pub(super) fn of_rows(rows: &[Row]) -> Vec<Finding> {
    let mut by_code: BTreeMap<Code, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let (Some(baseline), Some(candidate)) = (&row.baseline, &row.candidate) else { continue };
        let varies = |runs: &[f64]| runs.iter().any(|value| *value != runs[0]);
        if row.change.is_none() {
            by_code.entry(Code::ZeroBaseline).or_default().push(row);
        } else if row.counted && (varies(&baseline.runs) || varies(&candidate.runs)) {
            by_code.entry(Code::UnsteadyCount).or_default().push(row);
        } else if !row.counted
            && baseline.runs.len().min(candidate.runs.len()) == 1
            && row.judgement.as_ref().is_none_or(|judgement| judgement.detectable.is_none())
        {
            by_code.entry(Code::SingleRun).or_default().push(row);
        }
    }

    by_code
        .into_iter()
        .map(|(code, rows)| {
            let what = match code {
                Code::ZeroBaseline => "a value is zero",
                Code::UnsteadyCount => "equal programs gave different counts",
                _ => "one run on a side",
            };
            finding(code, Severity::Note, format!("{what}: {}", some_of(&rows)))
        })
        .collect()
}

/// The first few names and how many more there are.
fn some_of(rows: &[&Row]) -> String {
    const SHOWN: usize = 3;
    let names: Vec<&str> = rows.iter().take(SHOWN).map(|row| row.id.as_str()).collect();
    match rows.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names.join(", ")),
        _ => names.join(", "),
    }
}
