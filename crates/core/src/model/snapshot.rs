//! What one invocation measured, and what it could not.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::PathBuf;

use jiff::Timestamp;

use super::{BenchId, Environment, Extent, Field, Measurement, Part, Shard, Sides, TargetId};

/// Everything that one invocation measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// A short name: `main`, a branch, a tag.
    pub name: String,
    /// When it was taken.
    pub created: Timestamp,
    /// What was built, where a repository could say.
    pub revision: Option<Revision>,
    /// What was selected, in the words of the command line (`--bench cache`);
    /// `None` if everything was. A benchmark that was not selected is not deleted.
    pub selection: Option<String>,
    /// How it was measured in turn with another snapshot, where it was.
    pub pairing: Option<Pairing>,
    /// The runs, in the order in which they were started. A source that cannot tell its
    /// runs apart has a single run.
    pub runs: Vec<RunInfo>,
    /// Ordered by id, then by metric's name.
    pub measurements: Vec<Measurement>,
    /// What was asked for and could not be measured.
    pub not_run: Vec<NotRun>,
    /// Results that were found and could not be used.
    pub problems: Vec<Problem>,
}

impl Snapshot {
    /// Sorts the measurements by id, then metric: the order in files and reports.
    pub fn sort(&mut self) {
        self.measurements.sort_by(|a, b| (&a.id, &a.metric.name).cmp(&(&b.id, &b.metric.name)));
    }

    /// Leaves out everything about benchmarks that are not to be kept.
    pub fn keep(&mut self, keep: impl Fn(&BenchId) -> bool) {
        self.measurements.retain(|measurement| keep(&measurement.id));
        self.problems.retain(|problem| problem.id.as_ref().is_none_or(&keep));
        if let Some(pairing) = &mut self.pairing {
            for ids in [&mut pairing.identical, &mut pairing.same_code, &mut pairing.not_reached] {
                ids.retain(&keep);
            }
        }
    }

    /// The environment of its runs, where values differ between runs all of them
    /// (`a | b`): a run on another processor is not hidden by the first.
    pub fn environment(&self) -> Environment {
        let mut all = Environment::default();
        for field in Field::ALL {
            let values: BTreeSet<&str> =
                self.runs.iter().filter_map(|run| run.environment.get(field)).collect();
            all.set(field, values.into_iter().collect::<Vec<_>>().join(" | "));
        }
        all
    }
}

/// One run: fresh processes, one for each bench target.
#[derive(Clone, Debug, PartialEq)]
pub struct RunInfo {
    /// When it started, where known.
    pub started: Option<Timestamp>,
    /// How long its processes took together, in seconds, where known.
    pub seconds: Option<f64>,
    /// The share of the machine that other programs took meanwhile, 0 to 1, where
    /// known: what its own processes did is not in it.
    pub busy: Option<f64>,
    /// Where and with what it ran.
    pub environment: Environment,
}

/// The source that was measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// The full commit hash.
    pub commit: String,
    /// The branch, where there is one.
    pub branch: Option<String>,
    /// Whether tracked files differed from the commit.
    pub dirty: bool,
}

/// Two snapshots that were measured in turn, by fresh processes in pairs: runs of
/// one index belong together.
///
/// First every benchmark is screened; those that look changed are then measured
/// again, and judged on that fresh data alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Pairing {
    /// Names the trial: equal on its two sides, and on no other snapshot.
    pub trial: String,
    /// Seeds the order within each pair and the length of each environment.
    pub seed: u64,
    /// Pairs for screening: runs below this index. The others confirm.
    pub screening: u32,
    /// The numbers of confirming pairs at which a decision is made, rising. One that was not
    /// reached before the trial had to end is the number of pairs that there were.
    pub looks: Vec<u32>,
    /// Whether the budget ended before everything was decided.
    pub out_of_time: bool,
    /// Benchmarks whose executables hold the same code on both sides: not measured.
    pub identical: Vec<BenchId>,
    /// Benchmarks that can reach only code that is the same on both sides, with equal counts:
    /// their clocks were not measured.
    pub same_code: Vec<BenchId>,
    /// Benchmarks whose clocks were not measured before the time budget ended.
    pub not_reached: Vec<BenchId>,
    /// Whether the base was also measured against itself: a third snapshot of the
    /// same trial holds that.
    pub control: bool,
    /// What starting the processes of each bench target cost.
    pub set_up: Vec<SetUp>,
    /// Where functions lie on the two sides, for each bench target that was built
    /// for the trial and differs.
    pub layouts: Vec<Layout>,
    /// What the sides were built from.
    pub sources: Sources,
    /// Which part of the suite it is. Of a merged trial, `screening`, `looks` and
    /// `out_of_time` are in its parts.
    pub extent: Extent,
}

/// What the two sides of a trial were built from, if they were built for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sources {
    /// Whether both sides have the same files: then there is no change to judge.
    pub same: bool,
    /// The names of the git trees that were built: equal names are equal files.
    pub trees: Option<Sides<String>>,
    /// Inputs that are not part of the commits.
    pub shared: Vec<SharedInput>,
}

/// An input that is not part of the commits, so both sides use the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SharedInput {
    /// Its kind.
    pub kind: SharedKind,
    /// Its path: from the repository's root if it is inside.
    pub path: String,
}

/// The kind of an input that both sides share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SharedKind {
    /// A Cargo.lock that is not committed on at least one side.
    LockFile,
    /// A path dependency outside the repository.
    PathDependency,
    /// A file that git does not track and that benchmarks read.
    ExtraFile,
}

/// Where the functions of a bench target lie on the two sides of a trial.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Layout {
    /// The bench target.
    pub target: TargetId,
    /// Functions of equal name and size.
    pub functions: u64,
    /// Those of them that lie at the same place within a page.
    pub same: u64,
    /// Why the layout could not be pinned; nothing where it was.
    pub reason: Option<String>,
}

/// Why the clock of a benchmark was not measured in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unmeasured {
    /// The executables of both sides are the same code.
    IdenticalCode,
    /// It can reach only code that is the same on both sides, with equal counts.
    SameCodeExecuted,
    /// The time budget ended before its turn.
    NotReached,
}

impl Pairing {
    /// The benchmarks whose clocks were not measured, and why.
    pub fn unmeasured(&self) -> impl Iterator<Item = (&BenchId, Unmeasured)> {
        let all = [
            (&self.identical, Unmeasured::IdenticalCode),
            (&self.same_code, Unmeasured::SameCodeExecuted),
            (&self.not_reached, Unmeasured::NotReached),
        ];
        all.into_iter().flat_map(|(ids, why)| ids.iter().map(move |id| (id, why)))
    }

    /// Whether functions that did not change are at the same addresses on both
    /// sides, in the bench target of that benchmark.
    pub fn is_pinned(&self, id: &BenchId) -> bool {
        self.layouts.iter().any(|layout| layout.reason.is_none() && layout.target.holds(id))
    }

    /// The trials that it consists of: itself, or those that were merged.
    pub fn parts(&self) -> Cow<'_, [Part]> {
        match &self.extent {
            Extent::Merged(parts) => Cow::Borrowed(parts),
            Extent::Whole | Extent::Shard(_) => Cow::Owned(vec![Part {
                first_run: 0,
                screening: self.screening,
                looks: self.looks.clone(),
                out_of_time: self.out_of_time,
            }]),
        }
    }

    /// The shard that it is, if it is one.
    pub fn shard(&self) -> Option<&Shard> {
        match &self.extent {
            Extent::Shard(shard) => Some(shard),
            Extent::Whole | Extent::Merged(_) => None,
        }
    }
}

/// What the processes of a bench target do besides measuring: starting, preparing
/// data, analysing. A mean over the processes of the screening.
#[derive(Clone, Debug, PartialEq)]
pub struct SetUp {
    /// The bench target.
    pub target: TargetId,
    /// Seconds of a process that were spent neither warming up nor measuring.
    pub seconds: f64,
    /// Their share of the whole process, 0 to 1.
    pub share: f64,
    /// Criterion's measuring time for each benchmark, in seconds: longer than
    /// asked for where the set-up is long.
    pub time: f64,
}

/// Something that was asked for and could not be measured.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NotRun {
    /// A bench target, a group or a benchmark: `cache::redis`.
    pub subject: String,
    /// Whether it was left out or broke.
    pub kind: NotRunKind,
    /// Why, and what would help.
    pub reason: String,
}

impl NotRun {
    /// Something that was left out.
    pub fn skipped(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject: subject.into(), kind: NotRunKind::Skipped, reason: reason.into() }
    }

    /// Something that broke.
    pub fn failed(subject: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { subject: subject.into(), kind: NotRunKind::Failed, reason: reason.into() }
    }
}

/// How something came not to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NotRunKind {
    /// Left out, for want of a service or a tool: nothing is wrong with it.
    Skipped,
    /// It crashed, hung or printed nonsense.
    Failed,
}

/// A result that was found and could not be used.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// What is wrong.
    pub kind: ProblemKind,
    /// Which benchmark, where the file could still say.
    pub id: Option<BenchId>,
    /// The file or directory at fault.
    pub path: PathBuf,
    /// What is wrong with it, in a sentence without the path.
    pub reason: String,
}

/// Why a result could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProblemKind {
    /// The file is missing, truncated, not what its format says, or holds
    /// numbers that no measurement gives (NaN, negative, zero iterations).
    Unreadable,
    /// The result was left behind by an earlier run.
    Stale,
    /// Two results claim the same benchmark.
    Duplicate,
}
