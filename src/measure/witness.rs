//! The second witness of a trial: the instructions of base and head, counted
//! before any clock runs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, Instant};

use super::count::counted::{Counted, counted, id, measurements};
use super::error::MeasureError;
use super::{Basis, CountOptions, CountTarget, Counts, Profiles};
use crate::drive::BenchExecutable;
use crate::drive::{Harness, Interrupt, Listed, Prepared, Progress};
use crate::model::{BenchId, Measurement, Metric, NotRun, Pattern, Sides, TargetId, TrialSide};
use crate::sources::callgrind_profile::{Difference, differences};

/// Counts of a benchmark that looks changed, on each side. Of one that falls on
/// either of two values with even chances, seven a side agree within each side and
/// differ between them once in eight thousand trials.
const UNSTEADY_COUNTS: u32 = 7;
/// Further counts of one that looks changed and has repeated exactly so far.
const STEADY_RECOUNTS: u32 = 2;
/// How many benchmarks of a target are counted on one side before the other's turn.
const PART: usize = 32;
/// Sides whose ranges lie further apart than this share look changed. Below the
/// least tolerance that anybody wants, above what a relinked library moves.
const LOOKS_CHANGED: f64 = 0.001;

/// How to count both sides.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counting<'a> {
    /// How often each benchmark is counted on each side; 0 for not at all.
    pub(super) counts: u32,
    /// Benchmarks that are not counted.
    pub(super) uncounted: &'a [Pattern],
    /// No more readings of one than this.
    pub(super) most: u32,
    /// How long one process may take.
    pub(super) time_limit: Duration,
    /// When no further benchmark is begun; never if `None`.
    pub(super) until: Option<Instant>,
    /// Where a private directory is made and removed again.
    pub(super) scratch: &'a Path,
}

impl Counting<'_> {
    pub(super) fn options(&self) -> CountOptions {
        let counts = self.counts.min(self.most);
        CountOptions {
            counts,
            unsteady_counts: counts,
            time_limit: self.time_limit,
            scratch: self.scratch.to_owned(),
            profiles: true,
            until: self.until,
        }
    }
}

/// What was counted on both sides: base, head.
#[derive(Default)]
pub(super) struct Witnesses {
    sides: Sides<Vec<Witness>>,
    not_run: Sides<BTreeSet<NotRun>>,
}

/// Functions that a benchmark executed while it was counted, by mangled name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Trace {
    /// Inside of the timing method.
    pub(super) inside: BTreeSet<String>,
    /// Through which that method was called, and read the clock.
    pub(super) callers: BTreeSet<String>,
}

/// One benchmark of one side.
struct Witness {
    executable: BenchExecutable,
    listed: Listed,
    counts: Counts,
    /// What of it is compared: on both sides the same.
    basis: Basis,
    /// Functions whose costs differ most from the other side's.
    named: BTreeSet<String>,
}

/// Counts the criterion benchmarks of both sides, given as pairs of executables;
/// then once more, and more often, those whose counts look changed, so that no
/// count which merely varies is taken for one that has.
///
/// Without valgrind there is a reason and nothing else.
pub(super) fn count(
    pairs: &[Sides<Option<&Prepared<'_>>>],
    counting: Counting<'_>,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Witnesses, MeasureError> {
    let mut witnesses = Witnesses::default();
    let mut targets = Vec::new();
    let mut sides = Vec::new();
    // One side after the other: both may share paths, and then take turns. Of many benchmarks
    // a part at a time, so that those that were counted before the time ends are on both sides.
    let most = pairs.iter().filter_map(|pair| pair.iter().flatten().map(|one| listed(one)).max());
    let parts = most.max().unwrap_or_default().div_ceil(PART).max(1);
    let all = (0..parts).flat_map(|part| {
        let sides = TrialSide::ALL.into_iter();
        sides.flat_map(move |side| pairs.iter().map(move |pair| (part, side, pair)))
    });
    for (part, side, pair) in all {
        let Some(one) = pair[side].filter(|one| one.harness == Harness::Criterion) else {
            continue;
        };
        let Some(listed) = &one.listed else {
            let reason = "not counted: its benchmarks are not known before they run, as it does \
                          not answer `--list`";
            let subject = format!("instructions of {}", one.subject);
            witnesses.not_run[side].insert(NotRun::skipped(subject, reason));
            continue;
        };
        let benchmarks: Vec<_> = listed.iter().skip(part * PART).take(PART).cloned().collect();
        if benchmarks.is_empty() {
            continue;
        }
        sides.push(side);
        targets.push(CountTarget { executable: one.executable, subject: &one.subject, benchmarks });
    }
    let counts = counting.counts.min(counting.most);
    if counts == 0 || targets.is_empty() {
        return Ok(Witnesses::default());
    }
    let options = counting.options();
    witnesses.take(
        &targets,
        &sides,
        counted(&targets, counting.uncounted, &options, interrupt, progress)?,
    );

    let more = UNSTEADY_COUNTS.min(counting.most).saturating_sub(counts);
    let suspects = witnesses.changed();
    for target in &mut targets {
        let executable = target.executable;
        target.benchmarks.retain(|one| suspects.contains(&key(executable, one)));
    }
    let again: Vec<usize> =
        (0..targets.len()).filter(|&at| !targets[at].benchmarks.is_empty()).collect();
    if more > 0 && !again.is_empty() {
        let options = CountOptions {
            counts: STEADY_RECOUNTS.min(more),
            unsteady_counts: more,
            profiles: false,
            ..options
        };
        let targets: Vec<_> = again.iter().map(|&at| targets[at].clone()).collect();
        let sides: Vec<_> = again.iter().map(|&at| sides[at]).collect();
        witnesses.take(&targets, &sides, counted(&targets, &[], &options, interrupt, progress)?);
    }
    witnesses.name();
    Ok(witnesses)
}

/// How many benchmarks an executable lists.
fn listed(prepared: &Prepared<'_>) -> usize {
    prepared.listed.as_ref().map_or(0, Vec::len)
}

/// A benchmark on either side. Names in lists may be cut, on both sides alike.
pub(super) type Key = (TargetId, String);

fn key(executable: &BenchExecutable, listed: &Listed) -> Key {
    (executable.target.clone(), listed.name.clone())
}

impl Witness {
    fn key(&self) -> Key {
        key(&self.executable, &self.listed)
    }
}

impl Witnesses {
    /// Adds what was counted; readings of a benchmark that has some join them.
    fn take(&mut self, targets: &[CountTarget<'_>], sides: &[TrialSide], counted: Counted) {
        for (target, listed, counts) in counted.found {
            let executable = targets[target].executable;
            let side = &mut self.sides[sides[target]];
            let key = key(executable, &listed);
            if let Some(known) = side.iter_mut().find(|one| one.key() == key) {
                known.counts.join(counts);
                known.basis = known.counts.basis();
            } else {
                side.push(Witness {
                    executable: executable.clone(),
                    listed,
                    basis: counts.basis(),
                    counts,
                    named: BTreeSet::new(),
                });
            }
        }
        for (target, not_run) in counted.not_run {
            match target {
                Some(target) => self.not_run[sides[target]].extend([not_run]),
                None => self
                    .not_run
                    .each_mut()
                    .into_iter()
                    .for_each(|all| all.extend([not_run.clone()])),
            }
        }
    }

    /// The benchmarks whose counts are exact, and equal in every process of both sides.
    pub(super) fn equal(&self) -> BTreeSet<Key> {
        let Sides { base, head } = &self.sides;
        let base: BTreeMap<Key, &Counts> =
            base.iter().map(|one| (one.key(), &one.counts)).collect();
        let equal =
            |one: &&Witness| base.get(&one.key()).is_some_and(|base| equal(base, &one.counts));
        head.iter().filter(equal).map(Witness::key).collect()
    }

    /// What each benchmark of the head was seen to execute while it was counted.
    pub(super) fn traces(&self) -> BTreeMap<Key, Trace> {
        let trace = |witness: &Witness| {
            let Profiles { whole, callers, .. } = witness.counts.profiles.as_ref()?;
            let inside = whole.names().map(str::to_owned).collect();
            Some((witness.key(), Trace { inside, callers: callers.clone() }))
        };
        self.sides.head.iter().filter_map(trace).collect()
    }

    /// The benchmarks whose readings lie apart on the two sides.
    pub(super) fn changed(&self) -> BTreeSet<Key> {
        let Sides { base, head } = &self.sides;
        let base: BTreeMap<Key, &Counts> =
            base.iter().map(|one| (one.key(), &one.counts)).collect();
        let apart =
            |one: &&Witness| base.get(&one.key()).is_some_and(|base| apart(base, &one.counts));
        head.iter().filter(apart).map(Witness::key).collect()
    }

    /// Settles what of each benchmark is compared, and notes on both sides which
    /// functions differ most between them.
    fn name(&mut self) {
        let Sides { base, head } = &mut self.sides;
        let mut base: BTreeMap<Key, &mut Witness> =
            base.iter_mut().map(|one| (one.key(), one)).collect();
        for head in head {
            let Some(base) = base.get_mut(&head.key()) else { continue };
            let basis = common(base.basis, head.basis);
            (base.basis, head.basis) = (basis, basis);
            let functions = (base.counts.functions(basis), head.counts.functions(basis));
            let (Some(ours), Some(theirs)) = functions else {
                continue;
            };
            base.named = named(&ours, &theirs);
            head.named.clone_from(&base.named);
        }
    }

    /// A side's counts as measurements, of at most so many runs. `timed` are the
    /// side's other measurements: they know the whole of a name that a list cuts.
    pub(super) fn measurements(
        &self,
        side: TrialSide,
        timed: &[Measurement],
        runs: usize,
    ) -> Vec<Measurement> {
        let all = self.sides[side].iter().filter_map(|witness| {
            let id = witness.id(timed)?;
            let named = witness.named.iter().map(String::as_str).collect();
            Some(measurements(&id, &witness.counts, witness.basis, &named))
        });
        let mut all: Vec<Measurement> = all.flatten().collect();
        all.retain_mut(|counted| {
            counted.runs.truncate(runs);
            // A count of another source under that name takes precedence.
            let taken =
                timed.iter().any(|other| other.id == counted.id && other.metric == counted.metric);
            !taken && !counted.runs.is_empty()
        });
        all
    }

    /// What was not counted on a side, and why. A report shows what the head
    /// lacks, so its list says what only the base lacks too.
    pub(super) fn not_run(&self, side: TrialSide) -> Vec<NotRun> {
        let mut all = self.not_run[side].clone();
        if side == TrialSide::Head {
            for one in self.not_run.base.difference(&self.not_run.head) {
                let reason = format!("on the base {}", one.reason);
                all.insert(NotRun { reason, ..one.clone() });
            }
        }
        all.into_iter().collect()
    }
}

impl Witness {
    /// Its id: of a cut name the one benchmark that was timed and begins so.
    fn id(&self, timed: &[Measurement]) -> Option<BenchId> {
        if !self.listed.cut {
            return Some(id(&self.executable, self.listed.name.clone()));
        }
        let mut whole = timed.iter().filter(|one| {
            one.metric.name == Metric::TIME
                && self.executable.target.holds(&one.id)
                && self.listed.names(&one.id.name)
        });
        match (whole.next(), whole.next()) {
            (Some(only), None) => Some(only.id.clone()),
            _ => None,
        }
    }
}

/// What can be compared of both sides.
fn common(base: Basis, head: Basis) -> Basis {
    Basis { scope: base.scope.max(head.scope), allocator: base.allocator.max(head.allocator) }
}

/// The functions that differ most.
fn named(base: &BTreeMap<String, u64>, head: &BTreeMap<String, u64>) -> BTreeSet<String> {
    differences(base, head).into_iter().map(|Difference { function, .. }| function).collect()
}

/// Of what functions took by a harness that counts itself: leaves out, on each
/// side of a trial, what need not be kept, and not what differs most from the
/// first side.
pub(super) fn keep(sides: &mut [Vec<Measurement>]) {
    let Some((base, others)) = sides.split_first_mut() else { return };
    let key = |counted: &Measurement| (counted.id.clone(), counted.metric.clone());
    let ours: BTreeMap<(BenchId, Metric), BTreeMap<String, u64>> = base
        .iter()
        .filter_map(|counted| Some((key(counted), counted.costs.as_ref()?.functions.clone())))
        .collect();
    let mut kept: BTreeMap<&(BenchId, Metric), BTreeSet<String>> = BTreeMap::new();
    for counted in others.iter_mut().flatten() {
        let key = key(counted);
        let Some(costs) = &mut counted.costs else { continue };
        let differ = ours.get_key_value(&key).map(|(key, ours)| {
            let named = named(ours, &costs.functions);
            kept.entry(key).or_default().extend(named.iter().cloned());
            named
        });
        let named = differ.iter().flatten().map(String::as_str).collect();
        *costs = costs.kept(&named);
    }
    for counted in base {
        let key = key(counted);
        let Some(costs) = &mut counted.costs else { continue };
        let named = kept.get(&key).into_iter().flatten().map(String::as_str).collect();
        *costs = costs.kept(&named);
    }
}

/// Whether the counts of both sides are exact, and equal in every process.
fn equal(base: &Counts, head: &Counts) -> bool {
    let basis = base.basis();
    let exact = base.inexact().is_none() && head.inexact().is_none() && head.basis() == basis;
    let all = [base.values(basis), head.values(basis)].concat();
    let allocations = [base, head].map(|counts| counts.allocations(basis.scope));
    let allocations: Option<Vec<Vec<u64>>> = allocations.into_iter().collect();
    let is_one = |values: &[u64]| values.windows(2).all(|pair| pair[0] == pair[1]);
    exact && is_one(&all) && allocations.is_some_and(|sides| is_one(&sides.concat()))
}

/// Whether two sides' ranges of readings lie apart.
fn apart(base: &Counts, head: &Counts) -> bool {
    let basis = common(base.basis(), head.basis());
    let range = |counts: &Counts| {
        let values = counts.values(basis);
        let least = values.iter().copied().min().unwrap_or(0);
        (least, values.into_iter().max().unwrap_or(0))
    };
    let ((base_least, base_most), (least, most)) = (range(base), range(head));
    let beyond = |low: u64, high: u64| high as f64 > low as f64 * (1.0 + LOOKS_CHANGED);
    beyond(base_most, least) || beyond(most, base_least)
}
