//! Neutral rebuilds as units: how often a trial of two builds of the same code is wrong.
//!
//! A rebuild moves a benchmark's time by an *offset*, although its layout is pinned. All pairs
//! of one trial share it, so more pairs do not help. The offsets of many rebuilds show how
//! large it is, and trials with such offsets show how often the gate takes one for a change.

use std::collections::BTreeMap;

use anyhow::ensure;
use benchgate::judge::Outcome;
use benchgate::stats;

use crate::ours::{Draw, Known, Rule};
use crate::pairs::{Pair, Streams, difference};
use crate::processes::{Pool, Process};
use crate::suites::Count;

/// The numbers of benchmarks of the suites.
const SUITES: [usize; 3] = [13, 50, 100];
/// Trials for each of them.
const TRIALS: u64 = 1000;
/// Trials without one of the groups of builds.
const TRIALS_WITHOUT: u64 = 300;
/// Groups of builds that are left out in turn, for the intervals.
const GROUPS: usize = 10;

/// What the rebuilds of a pool did to one subject.
pub struct Offset {
    pub subject: String,
    /// The robust deviation of one pair, within a build.
    pub pair: f64,
    /// The deviation of the builds' offsets, without what their few pairs explain.
    pub builds: f64,
    /// The largest centre of a build's pairs, in either direction.
    pub furthest: f64,
}

/// The share of trials with a wrong row.
pub struct Rate {
    pub share: f64,
    /// The half width of its 95% interval.
    pub half: f64,
    /// Trials.
    pub of: u64,
}

/// Trials of suites of one size.
pub struct Suite {
    pub benchmarks: usize,
    /// A benchmark is called slower by its clock alone.
    pub slower: Rate,
    /// A benchmark is called slower although its instructions are the same.
    pub counted: Rate,
    /// The same, and the gate fails.
    pub fails: Rate,
}

/// All results.
pub struct Summary {
    pub builds: usize,
    /// Pairs of each build.
    pub pairs: usize,
    pub offsets: Vec<Offset>,
    pub suites: Vec<Suite>,
}

/// One subject in one build: its pairs, as logarithms.
struct Cell {
    base: Vec<f64>,
    differences: Vec<f64>,
    /// The Hodges-Lehmann centre of the differences.
    centre: f64,
}

impl Cell {
    fn of(pairs: &[Pair<'_>], subject: usize) -> Self {
        let base = pairs
            .iter()
            .map(|pair| stats::median(&pair.base.times[subject]).expect("there are samples").ln());
        let differences: Vec<f64> = pairs.iter().map(|pair| difference(*pair, subject)).collect();
        let centre = stats::hodges_lehmann(&differences).expect("there are pairs");
        Self { base: base.collect(), differences, centre }
    }

    /// The variance of its centre, which is nearly as precise as a mean: π/3 of it for normal
    /// differences.
    fn variance_of_centre(&self) -> f64 {
        let variance = stats::robust_variance(&self.differences).map_or(0.0, |it| it.variance);
        variance * std::f64::consts::FRAC_PI_3 / self.differences.len() as f64
    }
}

/// The builds of a pool, as they are drawn for trials.
struct Model {
    /// By build, then by subject.
    cells: Vec<Vec<Cell>>,
    offsets: Vec<Offset>,
    /// By which a centre is multiplied so that the centres vary as offsets do.
    shrink: Vec<f64>,
}

impl Model {
    fn of(subjects: &[String], cells: Vec<Vec<Cell>>) -> Self {
        let (mut offsets, mut shrink) = (Vec::new(), Vec::new());
        for (at, subject) in subjects.iter().enumerate() {
            let column: Vec<&Cell> = cells.iter().map(|build| &build[at]).collect();
            let mean = |of: &dyn Fn(&Cell) -> f64| {
                column.iter().map(|cell| of(cell)).sum::<f64>() / column.len() as f64
            };
            // Either build may be the base, so the mean of the offsets is zero.
            let all = mean(&|cell| cell.centre * cell.centre);
            let by_pairs = mean(&Cell::variance_of_centre);
            let builds = (all - by_pairs).max(0.0);
            let within = mean(&|cell| {
                stats::robust_variance(&cell.differences).map_or(0.0, |it| it.variance)
            });
            let furthest = column.iter().map(|cell| cell.centre.abs()).fold(0.0, f64::max);
            let [builds_deviation, pair] = [builds, within].map(f64::sqrt);
            offsets.push(Offset {
                subject: subject.clone(),
                pair,
                builds: builds_deviation,
                furthest,
            });
            shrink.push(if all > 0.0 { (builds / all).sqrt() } else { 0.0 });
        }
        Self { cells, offsets, shrink }
    }

    /// As many pairs of one benchmark as a trial can take, drawn from one build.
    fn processes(
        &self,
        (build, subject): (usize, usize),
        most: usize,
        turned: bool,
        random: &mut fastrand::Rng,
    ) -> Vec<[Process; 2]> {
        let cell = &self.cells[build][subject];
        let count = cell.differences.len();
        // Differences from their own centre vary a little less than the pairs do.
        let spread = (count as f64 / (count as f64 - 1.0)).sqrt();
        let offset = self.shrink[subject] * cell.centre;
        let process = |log: f64| Process {
            round: 0,
            place: 0,
            variant: String::new(),
            began: 0,
            times: vec![vec![log.exp()]],
        };
        let draw = |_| {
            let at = random.usize(0..count);
            let base = cell.base[at];
            let head = base + offset + spread * (cell.differences[at] - cell.centre);
            let sides = if turned { [head, base] } else { [base, head] };
            sides.map(process)
        };
        (0..most).map(draw).collect()
    }

    /// Whether one trial calls a benchmark slower, and whether that fails.
    fn trial(
        &self,
        rule: &Rule,
        benchmarks: usize,
        known: Known,
        random: &mut fastrand::Rng,
    ) -> [bool; 2] {
        let subjects = self.offsets.len();
        // A suite larger than the pool's is made of several builds.
        let builds: Vec<(usize, bool)> = (0..benchmarks.div_ceil(subjects))
            .map(|_| (random.usize(0..self.cells.len()), random.bool()))
            .collect();
        let (mut names, mut processes) = (Vec::new(), Vec::new());
        for slot in 0..benchmarks {
            let (build, turned) = builds[slot / subjects];
            names.push(format!("{slot:03}"));
            let cell = (build, slot % subjects);
            processes.push(self.processes(cell, rule.most_pairs(), turned, random));
        }
        let pairs: Vec<Vec<Pair<'_>>> = processes
            .iter()
            .map(|pairs| pairs.iter().map(|[base, head]| Pair { base, head }).collect())
            .collect();
        let mut draws: Vec<Draw<'_, '_>> =
            pairs.iter().map(|pairs| Draw::Next { pairs, at: 0, left: pairs.len() }).collect();
        let benchmarks = names.iter().map(|name| (&**name, 0));
        let decided = rule.trial_of(benchmarks, known, &mut draws).expect("pairs for all looks");
        let slower = |decision: &&_| {
            matches!(decision, crate::ours::Decided { outcome: Outcome::Regression, .. })
        };
        let mut slower_rows = decided.iter().filter(slower).peekable();
        [slower_rows.peek().is_some(), slower_rows.any(|decision| decision.fails)]
    }

    /// The trials that call a benchmark slower, and those that fail.
    fn trials(&self, benchmarks: usize, known: Known, trials: u64) -> [Count; 2] {
        let rule = Rule::shipped();
        let mut counts = [Count::default(); 2];
        for seed in 0..trials {
            let mut random = fastrand::Rng::with_seed(seed);
            for (count, hit) in
                counts.iter_mut().zip(self.trial(&rule, benchmarks, known, &mut random))
            {
                count.add(hit);
            }
        }
        counts
    }
}

/// The results of all rebuilds of a pool.
pub fn summary(pool: &Pool) -> anyhow::Result<Summary> {
    let streams = Streams::of(pool);
    let subjects = &pool.subjects;
    let cells = |builds: &BTreeMap<&str, Vec<Pair<'_>>>, without: Option<usize>| {
        let kept = builds.values().enumerate();
        let kept = kept.filter(|(at, _)| without != Some(at % GROUPS));
        let cell = |pairs: &[Pair<'_>]| {
            (0..subjects.len()).map(|subject| Cell::of(pairs, subject)).collect::<Vec<_>>()
        };
        kept.map(|(_, pairs)| cell(pairs)).collect::<Vec<_>>()
    };
    let builds = &streams.rebuilt;
    let pairs = builds.values().map(Vec::len).min().unwrap_or(0);
    ensure!(builds.len() >= 2 * GROUPS, "{} rebuilds are too few", builds.len());
    ensure!(pairs >= 5, "a rebuild has {pairs} pairs: too few");
    let model = Model::of(subjects, cells(builds, None));
    let without: Vec<Model> =
        (0..GROUPS).map(|group| Model::of(subjects, cells(builds, Some(group)))).collect();
    let suites = SUITES.map(|benchmarks| {
        let rates = |known| {
            let all = model.trials(benchmarks, known, TRIALS);
            let parts: Vec<[Count; 2]> = without
                .iter()
                .map(|model| model.trials(benchmarks, known, TRIALS_WITHOUT))
                .collect();
            [0, 1].map(|which| {
                let parts: Vec<f64> = parts.iter().map(|part| part[which].share()).collect();
                rate(all[which], &parts)
            })
        };
        let [slower, _] = rates(Known::Clocks);
        let [counted, fails] = rates(Known::SameInstructions);
        Suite { benchmarks, slower, counted, fails }
    });
    Ok(Summary { builds: builds.len(), pairs, offsets: model.offsets, suites: suites.into() })
}

/// A share with the interval of a jackknife over groups of builds, which holds the chance of
/// the trials as well.
///
/// B. Efron and C. Stein, "The jackknife estimate of variance", Annals of Statistics 9(3), 1981.
fn rate(all: Count, without: &[f64]) -> Rate {
    let groups = without.len() as f64;
    let mean = without.iter().sum::<f64>() / groups;
    let apart: f64 = without.iter().map(|share| (share - mean).powi(2)).sum();
    let deviation = ((groups - 1.0) / groups * apart).sqrt();
    Rate { share: all.share(), half: 1.96 * deviation, of: all.of }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twenty builds of one subject whose pairs differ by 1%, with these offsets.
    fn model(offset: impl Fn(usize) -> f64) -> Model {
        let mut random = fastrand::Rng::with_seed(3);
        let mut normal = || (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
        let cell = |build| {
            let differences: Vec<f64> = (0..30).map(|_| offset(build) + 0.01 * normal()).collect();
            let centre = stats::hodges_lehmann(&differences).unwrap();
            Cell { base: vec![1.0; 30], differences, centre }
        };
        let mut cell = cell;
        let cells = (0..20).map(|build| vec![cell(build)]).collect();
        Model::of(&["a".to_owned()], cells)
    }

    #[test]
    fn offsets_are_told_from_noise() {
        let none = model(|_| 0.0);
        assert!(none.offsets[0].builds < 0.002, "{}", none.offsets[0].builds);
        assert!((0.008..0.012).contains(&none.offsets[0].pair));
        assert_eq!(none.trials(5, Known::Clocks, 40)[0].hits, 0);
        let moved = model(|build| if build % 2 == 0 { 0.04 } else { -0.04 });
        assert!((0.036..0.044).contains(&moved.offsets[0].builds));
        assert!(moved.trials(5, Known::Clocks, 40)[0].share() > 0.9);
        // Not proven beyond 5%, so the same instructions only let it warn.
        let [slower, fails] = moved.trials(20, Known::SameInstructions, 40);
        assert!(slower.share() > 0.9 && fails.share() < 0.1, "{slower:?} {fails:?}");
    }

    #[test]
    fn groups_that_agree_have_no_width() {
        let all = Count { hits: 1, of: 10 };
        assert!(rate(all, &[0.1; 10]).half < 1e-12);
        // Two groups, 0 and 1: the jackknife's variance is 1/2 · 2 · 1/4.
        assert!((rate(all, &[0.0, 1.0]).half - 0.98).abs() < 1e-9);
    }
}
