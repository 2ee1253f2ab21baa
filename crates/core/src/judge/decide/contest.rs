//! A pair with everything that its decision depends on.

use std::collections::{BTreeMap, BTreeSet};

use super::caveat::Caveat;
use crate::judge::case::Case;
use crate::judge::compare::{
    Comparability, Comparison, Counted, Differences, Effect, Pair, Sampled, SlowProcesses,
    Uncertainty, Unsupported,
};
use crate::model::{BenchId, Metric, Nature, Pattern, Unit, Unmeasured};
use crate::policy::{Gate, Limits, Witness};

/// A pair with its limits, and what is to be decided about it.
#[derive(Debug)]
pub(crate) struct Contest<'p> {
    pub(crate) pair: &'p Pair<'p>,
    pub(crate) limits: Limits,
    /// The policy lets only the benchmark's other witness do more than be shown.
    pub(crate) shown_only: bool,
    /// The most severe effect of a slower clock that is proven beyond
    /// `slower_clock_ceiling`, if the instructions did not grow.
    pub(super) beyond_ceiling: Gate,
    pub(super) question: Question<'p>,
}

/// What is to be decided about a pair.
#[derive(Debug)]
pub(super) enum Question<'p> {
    /// One side lacks it.
    Absent(Absence),
    /// Nothing can be decided, for this reason.
    Barred(String),
    /// The data decide, unless the sides differ by no more than the floor.
    Open {
        data: Data<'p>,
        /// In the metric's unit.
        floor: f64,
    },
}

/// Which side lacks a row, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    OnlyBaseline,
    /// The policy requires the benchmark.
    Required,
    NotSelected,
    OnlyCandidate,
}

/// The data that decide a row.
#[derive(Clone, Copy, Debug)]
pub(super) enum Data<'p> {
    /// No clock was measured, for this reason.
    Unmeasured(Unmeasured),
    Paired(&'p Differences),
    Slow(&'p SlowProcesses),
    Sampled(&'p Uncertainty),
    Counted(&'p Counted),
    /// Candidate less baseline, where one of them is zero in every run.
    Zero(f64),
}

impl Contest<'_> {
    /// The runs of two sessions that decide it, if they do.
    pub(super) fn sampled(&self) -> Option<(&Sampled, &Uncertainty)> {
        match (&self.pair.effect, &self.question) {
            (
                Some(Effect::Sampled(sampled)),
                Question::Open { data: Data::Sampled(uncertainty), .. },
            ) => Some((sampled, uncertainty)),
            _ => None,
        }
    }
}

/// The contests of a comparison, in the order of its pairs.
pub(super) fn all<'p>(case: &Case<'_>, comparison: &'p Comparison<'_>) -> Vec<Contest<'p>> {
    let witnessed = Witnessed::of(&comparison.pairs);
    let required = case.missing_required();
    let pairs = comparison.pairs.iter().enumerate();
    pairs
        .map(|(at, pair)| {
            let mut limits = limits(case, pair, &witnessed);
            let shown_only = witnessed.is_shown_only(at, pair, limits.witness);
            if shown_only {
                limits.gate = Gate::Show;
            }
            let question = match &pair.effect {
                Some(effect) => question(pair, effect, &limits, &comparison.comparability),
                None => Question::Absent(absence(case, pair, &required)),
            };
            // A trial can pin the layout, so no size takes its place there.
            let beyond_ceiling = match case.pairing() {
                Some(_) => limits.slower_clock,
                None => case.policy.limits(&pair.id, &pair.metric).slower_clock,
            };
            Contest { pair, limits, shown_only, beyond_ceiling, question }
        })
        .collect()
}

/// The policy's limits for a pair, as far as the layout of the two builds and the scope of
/// the counts let them hold.
fn limits(case: &Case<'_>, pair: &Pair<'_>, witnessed: &Witnessed<'_>) -> Limits {
    let mut limits = case.policy.limits(&pair.id, &pair.metric);
    if !case.pairing().is_some_and(|pairing| pairing.is_pinned(&pair.id)) {
        limits.slower_clock = limits.slower_clock.min(limits.slower_clock_unpinned);
        // Nor is it known there that slow processes are not where the build put its code.
        if pair.metric.name == SlowProcesses::METRIC {
            limits.gate = limits.gate.min(limits.slower_clock_unpinned);
        }
    }
    // A count that may have moved for another reason leaves the decision to the clock.
    let leaves = |caveat: Caveat| !caveat.varies() || witnessed.clocks.contains(&pair.id);
    if limits.witness == Witness::Both && Caveat::of(pair).is_some_and(leaves) {
        limits.gate = Gate::Show;
    }
    limits
}

/// The benchmarks that have both witnesses on both sides: a clock, and a count of
/// instructions.
struct Witnessed<'p> {
    clocks: BTreeSet<&'p BenchId>,
    counts: BTreeMap<&'p BenchId, usize>,
}

impl<'p> Witnessed<'p> {
    fn of(pairs: &'p [Pair<'_>]) -> Self {
        let clocks = pairs.iter().filter(|pair| is_clock(pair)).map(|pair| &pair.id);
        Self { clocks: clocks.collect(), counts: counts(pairs.iter()) }
    }

    /// Whether the policy lets only the other witness of the benchmark gate.
    fn is_shown_only(&self, at: usize, pair: &Pair<'_>, witness: Witness) -> bool {
        match witness {
            Witness::Both => false,
            Witness::Instructions => is_clock(pair) && self.counts.contains_key(&pair.id),
            Witness::Clock => {
                self.counts.get(&pair.id) == Some(&at) && self.clocks.contains(&pair.id)
            }
        }
    }
}

/// Whether it is a time that both sides have.
pub(super) fn is_clock(pair: &Pair<'_>) -> bool {
    pair.metric.name == Metric::TIME && pair.effect.is_some()
}

/// Where the instructions of each benchmark are, if both sides have them.
pub(super) fn counts<'p>(
    pairs: impl Iterator<Item = &'p Pair<'p>>,
) -> BTreeMap<&'p BenchId, usize> {
    let is_count =
        |pair: &Pair<'_>| pair.metric.name == Metric::INSTRUCTIONS && pair.effect.is_some();
    pairs.enumerate().filter(|(_, pair)| is_count(pair)).map(|(at, pair)| (&pair.id, at)).collect()
}

fn absence(case: &Case<'_>, pair: &Pair<'_>, required: &[&Pattern]) -> Absence {
    // An unsupported row was measured, though it has no value.
    let observed = pair.observations;
    let baseline = pair.baseline.is_some() || observed.is_some_and(|it| it.baseline.is_some());
    let candidate = pair.candidate.is_some() || observed.is_some_and(|it| it.candidate.is_some());
    match (baseline, candidate) {
        (true, false) if case.candidate.selection.is_some() => Absence::NotSelected,
        (true, false) if required.iter().any(|pattern| pattern.matches(&pair.id)) => {
            Absence::Required
        }
        (true, false) => Absence::OnlyBaseline,
        _ => Absence::OnlyCandidate,
    }
}

fn question<'p>(
    pair: &'p Pair<'_>,
    effect: &'p Effect,
    limits: &Limits,
    comparability: &Comparability,
) -> Question<'p> {
    let blocking = comparability.blocking(&pair.metric);
    if !blocking.is_empty() {
        return Question::Barred(format!("not comparable: different {}", blocking.join(", ")));
    }
    let Some(floor) = limits.floor.in_unit(&pair.metric.unit) else {
        return Question::Barred(format!(
            "the policy's floor of {} is not in the unit {}",
            limits.floor, pair.metric.unit
        ));
    };
    if let Some(caveat) = Caveat::of(pair).filter(|caveat| caveat.is_two_ways()) {
        return Question::Barred(caveat.reason().to_owned());
    }
    match data(effect, pair.metric.nature) {
        Ok(data) => Question::Open { data, floor },
        Err(reason) => Question::Barred(reason),
    }
}

/// The data of an effect, or why they can decide nothing.
fn data(effect: &Effect, nature: Nature) -> Result<Data<'_>, String> {
    let barred = |reason: &str| Err(reason.to_owned());
    match effect {
        Effect::Unsupported(Unsupported { needed: 0, .. }) => {
            barred("some runs did not count failed operations")
        }
        Effect::Unsupported(Unsupported { needed, fewest }) => {
            let (needed, fewest) =
                (Unit::Count.show(*needed as f64), Unit::Count.show(*fewest as f64));
            Err(format!("unsupported: needs {needed} observations in each run, has {fewest}"))
        }
        Effect::Unmeasured(why) => Ok(Data::Unmeasured(*why)),
        Effect::Paired(differences) => Ok(Data::Paired(differences)),
        Effect::Slow(slow) => Ok(Data::Slow(slow)),
        Effect::Counted(counted) => Ok(Data::Counted(counted)),
        // Whatever the other side shows, a lone run may be an odd one.
        Effect::Sampled(sampled) if sampled.lone_run => {
            barred("a single run does not show how much runs differ; use --repeat 5")
        }
        Effect::Sampled(sampled) => sampled
            .uncertainty
            .as_ref()
            .map(Data::Sampled)
            .ok_or_else(|| "the values are too large to compare".to_owned()),
        Effect::Negative => barred("a value is negative: the change has no percentage"),
        Effect::Zero(_) if nature == Nature::Sampled => {
            barred("a value is zero: the change has no percentage")
        }
        Effect::Zero(zero) if !zero.steady => {
            barred("a value is zero, and the runs do not repeat exactly")
        }
        Effect::Zero(zero) => Ok(Data::Zero(zero.difference)),
    }
}
