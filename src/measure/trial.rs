//! Base and head in turn on one machine: fresh processes in pairs.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::merge::Merge;
use super::prepare::{Prepared, Ready, last_lines, prepare};
use super::process::{Ended, ProcessError};
use super::witness::{self, Counting, Witnesses};
use super::{
    BenchExecutable, BuildOptions, CriterionTimes, Event, Filter, Interrupt, MeasureError, Process,
    Progress, Scratch, machine, probe, valgrind_version,
};
use crate::model::{BenchId, Environment, Field, NotRun, Pairing, Revision, RunInfo, Snapshot};

/// Runs of a counting harness on each side: enough to see whether counts repeat.
const COUNTED_RUNS: u32 = 3;

/// The most by which a process's environment is made longer, in bytes: a page,
/// as that is the period with which the stack's place matters.
const PADDING: usize = 4096;

/// One side of a trial.
#[derive(Clone, Debug)]
pub struct TrialSide {
    /// The snapshot's name.
    pub name: String,
    /// What was built, where known.
    pub revision: Option<Revision>,
    /// Its executables; those of both sides belong together by package and target.
    pub executables: Vec<BenchExecutable>,
    /// What is known already not to run.
    pub not_run: Vec<NotRun>,
    /// How it was built, for the fingerprint.
    pub build: BuildOptions,
}

/// What to measure in turn, and how.
#[derive(Clone, Debug)]
pub struct TrialPlan {
    /// The side that is held against.
    pub base: TrialSide,
    /// The side that is judged.
    pub head: TrialSide,
    /// Executables of the same code: listed, not measured, by package and target.
    pub identical: BTreeSet<(Option<String>, String)>,
    /// Seeds the order in each pair and the length of each environment.
    pub seed: u64,
    /// Pairs in which everything is screened.
    pub screening: u32,
    /// Numbers of confirming pairs after which is decided, rising.
    pub looks: Vec<u32>,
    /// How often the instructions of each criterion benchmark are counted on each
    /// side, before any clock runs; no more often than `screening`. 0 for not at all.
    pub counts: u32,
    /// No pair is begun that would end later than this; nothing limits it without.
    pub budget: Option<Duration>,
    /// Which benchmarks; all, without one.
    pub filter: Option<Filter>,
    /// How long criterion takes for each benchmark in each process.
    pub criterion: CriterionTimes,
    /// How long one process may take.
    pub time_limit: Duration,
    /// Where a private directory is made and removed again.
    pub scratch: PathBuf,
    /// Where the processes' output stays, a file each.
    pub logs: Option<PathBuf>,
    /// What was selected, in the words of the command line.
    pub selection: Option<String>,
}

/// Base and head as measured so far.
#[derive(Clone, Debug)]
pub struct Trial {
    /// The base.
    pub base: Snapshot,
    /// The head.
    pub head: Snapshot,
}

/// Carries out a trial: screens everything, then measures again, at each look,
/// what `open` still calls undecided.
///
/// `open` is asked after the screening and after each look. The trial ends when
/// it names nothing, after the last look, or when the budget is used up.
pub fn trial(
    plan: &TrialPlan,
    open: &mut dyn FnMut(&Trial) -> BTreeSet<BenchId>,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Trial, MeasureError> {
    if plan.screening == 0 || plan.looks.is_empty() {
        return Err(MeasureError::Plan("a trial needs pairs to screen and looks".to_owned()));
    }
    plan.criterion.check().map_err(MeasureError::Plan)?;
    let limits = (plan.filter.as_ref(), plan.time_limit);
    let base = prepare(&plan.base.executables, limits.0, limits.1, interrupt)?;
    let head = prepare(&plan.head.executables, limits.0, limits.1, interrupt)?;
    let mut session = Session::new(plan, base, head)?;
    session.count(interrupt, progress)?;
    let targets = session.paired.len();
    let steps: usize = session.paired.iter().map(|pair| 2 * pair.steps()).sum();
    let rounds = plan.screening as usize;
    progress.event(&Event::Planned { processes: 2 * targets * rounds, steps: steps * rounds });

    for _ in 0..plan.screening {
        session.round(None, interrupt, progress)?;
    }
    let mut suspects = open(&session.so_far());
    for look in &plan.looks {
        if suspects.is_empty() {
            break;
        }
        let missing = (plan.screening + look).saturating_sub(session.rounds());
        let steps = 2 * suspects.len() * missing as usize;
        progress.event(&Event::Planned { processes: 2 * targets * missing as usize, steps });
        let mut complete = true;
        for _ in 0..missing {
            if !session.time_left() {
                complete = false;
                break;
            }
            session.round(Some(&suspects), interrupt, progress)?;
        }
        suspects = open(&session.so_far());
        if !complete {
            break;
        }
    }
    progress.event(&Event::Finished);
    let trial = session.so_far();
    let empty = |side: &Snapshot| side.measurements.is_empty() && side.problems.is_empty();
    if empty(&trial.base) && empty(&trial.head) && session.identical.is_empty() {
        let not_run = [trial.base.not_run, trial.head.not_run].concat();
        return Err(match &plan.filter {
            Some(filter) if not_run.is_empty() => {
                MeasureError::NothingMatched { filter: filter.as_str().to_owned() }
            }
            _ => MeasureError::NothingMeasured { not_run },
        });
    }
    Ok(trial)
}

/// The two executables of one target; either may be missing on one side.
struct Paired<'a> {
    sides: [Option<Prepared<'a>>; 2],
}

impl Paired<'_> {
    fn steps(&self) -> usize {
        let listed = |one: &Prepared<'_>| one.listed.as_ref().map_or(0, Vec::len);
        self.sides.iter().flatten().map(listed).max().unwrap_or(0)
    }

    fn key(&self) -> (Option<String>, String) {
        key(self.sides.iter().flatten().next().expect("one side at least").executable)
    }
}

fn key(executable: &BenchExecutable) -> (Option<String>, String) {
    (executable.package.clone(), executable.target.clone())
}

struct Session<'a> {
    plan: &'a TrialPlan,
    scratch: Scratch,
    paired: Vec<Paired<'a>>,
    identical: Vec<BenchId>,
    environments: [Environment; 2],
    merges: [Merge; 2],
    witnesses: Witnesses,
    runs: [Vec<RunInfo>; 2],
    /// Executables that crashed or hung once: not started again, as their side
    /// of every later pair would be missing.
    given_up: BTreeSet<(Option<String>, String)>,
    random: fastrand::Rng,
    /// The seed alone could be given twice.
    name: String,
    /// Which side goes first in the second pair of a block: the other one than
    /// in the first, so that orders are balanced.
    owed: Option<usize>,
    began: Instant,
    /// The longest round so far.
    longest: Duration,
}

impl<'a> Session<'a> {
    fn new(plan: &'a TrialPlan, base: Ready<'a>, head: Ready<'a>) -> Result<Self, MeasureError> {
        let mut merges = [Merge::default(), Merge::default()];
        let known = [&plan.base.not_run, &plan.head.not_run];
        let found = [base.not_run, head.not_run];
        for (merge, (known, found)) in merges.iter_mut().zip(known.into_iter().zip(found)) {
            known.iter().cloned().chain(found).for_each(|one| merge.not_run(one));
        }
        let mut by_key: BTreeMap<_, [Option<Prepared<'a>>; 2]> = BTreeMap::new();
        for (side, prepared) in [base.prepared, head.prepared].into_iter().enumerate() {
            for one in prepared {
                let key = key(one.executable);
                by_key.entry(key).or_default()[side] = Some(one);
            }
        }
        let mut identical = Vec::new();
        let mut paired = Vec::new();
        let mut harnesses = BTreeSet::new();
        for ((package, target), sides) in by_key {
            harnesses.extend(sides.iter().flatten().map(|one| one.harness));
            if plan.identical.contains(&(package.clone(), target.clone())) {
                let listed = sides.iter().flatten().find_map(|one| one.listed.as_ref());
                identical.extend(listed.into_iter().flatten().map(|listed| BenchId {
                    name: listed.name.clone(),
                    target: Some(target.clone()),
                    package: package.clone(),
                }));
            } else {
                paired.push(Paired { sides });
            }
        }
        let harnesses: Vec<_> = harnesses.into_iter().collect();
        Ok(Self {
            plan,
            scratch: Scratch::create(&plan.scratch).map_err(MeasureError::Scratch)?,
            paired,
            identical,
            environments: [&plan.base, &plan.head].map(|side| probe(&side.build, &harnesses)),
            merges,
            witnesses: Witnesses::default(),
            runs: [Vec::new(), Vec::new()],
            given_up: BTreeSet::new(),
            random: fastrand::Rng::with_seed(plan.seed),
            name: format!("{:016x}-{}", plan.seed, Timestamp::now()),
            owed: None,
            began: Instant::now(),
            longest: Duration::ZERO,
        })
    }

    /// Counts instructions on both sides; the time it takes is the budget's.
    fn count(
        &mut self,
        interrupt: &Interrupt,
        progress: &mut dyn Progress,
    ) -> Result<(), MeasureError> {
        let pairs: Vec<_> =
            self.paired.iter().map(|pair| pair.sides.each_ref().map(Option::as_ref)).collect();
        let counting = Counting {
            counts: self.plan.counts,
            most: self.plan.screening,
            time_limit: self.plan.time_limit,
            scratch: &self.plan.scratch,
        };
        self.witnesses = witness::count(&pairs, counting, interrupt, progress)?;
        if self.plan.counts > 0 {
            let version = valgrind_version().unwrap_or_default();
            for environment in &mut self.environments {
                environment.set(Field::Valgrind, version.as_str());
            }
        }
        Ok(())
    }

    fn rounds(&self) -> u32 {
        u32::try_from(self.runs[0].len()).expect("far fewer than 2^32 rounds")
    }

    /// Whether a round as long as the longest still fits.
    fn time_left(&self) -> bool {
        self.plan.budget.is_none_or(|budget| self.began.elapsed() + self.longest <= budget)
    }

    /// One pair of processes of each target: all of its benchmarks, or those named.
    fn round(
        &mut self,
        only: Option<&BTreeSet<BenchId>>,
        interrupt: &Interrupt,
        progress: &mut dyn Progress,
    ) -> Result<(), MeasureError> {
        let started = Instant::now();
        let run = self.rounds();
        let now = Timestamp::now();
        let mut seconds = [0.0; 2];
        let paired = std::mem::take(&mut self.paired);
        let outcome = paired
            .iter()
            .try_for_each(|pair| self.pair(run, pair, only, &mut seconds, interrupt, progress));
        self.paired = paired;
        outcome?;
        for (side, seconds) in seconds.into_iter().enumerate() {
            let mut environment = self.environments[side].clone();
            machine(&mut environment);
            let info = RunInfo { started: Some(now), seconds: Some(seconds), environment };
            self.runs[side].push(info);
        }
        self.longest = self.longest.max(started.elapsed());
        Ok(())
    }

    fn pair(
        &mut self,
        run: u32,
        pair: &Paired<'_>,
        only: Option<&BTreeSet<BenchId>>,
        seconds: &mut [f64; 2],
        interrupt: &Interrupt,
        progress: &mut dyn Progress,
    ) -> Result<(), MeasureError> {
        let key = pair.key();
        let counts = pair.sides.iter().flatten().any(|one| one.harness.counts());
        if self.given_up.contains(&key) || counts && run >= COUNTED_RUNS {
            return Ok(());
        }
        let filter = match only {
            None => self.plan.filter.clone(),
            Some(only) => {
                let names: Vec<&str> = only
                    .iter()
                    .filter(|id| (&id.package, id.target.as_ref()) == (&key.0, Some(&key.1)))
                    .map(|id| id.name.as_str())
                    .collect();
                if names.is_empty() {
                    return Ok(());
                }
                let filter = Filter::one_of(&names);
                Some(filter.map_err(|error| MeasureError::Plan(error.to_string()))?)
            }
        };
        let first = self.owed.take().unwrap_or_else(|| {
            let first = self.random.usize(0..2);
            self.owed = Some(1 - first);
            first
        });
        for side in [first, 1 - first] {
            let Some(one) = &pair.sides[side] else { continue };
            progress.event(&Event::ProcessStarted { run, runs: run + 1, target: &one.subject });
            let failure =
                self.process(run, side, one, filter.as_ref(), seconds, interrupt, progress)?;
            progress.event(&Event::ProcessEnded {
                run,
                target: &one.subject,
                steps: only.map_or(pair.steps(), BTreeSet::len),
                failure: failure.as_deref(),
            });
            if let Some(reason) = failure {
                self.merges[side].not_run(NotRun::failed(one.subject.clone(), reason));
                self.given_up.insert(key.clone());
            }
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "each is one fact about this one process")]
    fn process(
        &mut self,
        run: u32,
        side: usize,
        one: &Prepared<'_>,
        filter: Option<&Filter>,
        seconds: &mut [f64; 2],
        interrupt: &Interrupt,
        progress: &mut dyn Progress,
    ) -> Result<Option<String>, MeasureError> {
        let letter = ["base", "head"][side];
        let name = format!("{}-{run}-{letter}", one.subject.replace(['/', '\\'], "-"));
        let home = self.scratch.fresh(&name).map_err(ProcessError::Log)?;
        let padding = "x".repeat(self.random.usize(0..PADDING));
        let process = Process {
            executable: one.executable,
            harness: one.harness,
            filter,
            times: self.plan.criterion,
            time_limit: self.plan.time_limit,
            home: &home,
            log: self.plan.logs.as_ref().map(|logs| logs.join(format!("{name}.log"))),
            environment: BTreeMap::from([(OsString::from("BENCHGATE_PADDING"), padding.into())]),
        };
        let measured = match process.run(interrupt, &mut |id| {
            progress.event(&Event::Benchmark { id });
        }) {
            Ok(measured) => measured,
            Err(error @ ProcessError::Start { .. }) => return Ok(Some(error.to_string())),
            Err(error) => return Err(error.into()),
        };
        seconds[side] += measured.seconds;
        // Results of hundreds of processes would fill the disk.
        let _ = fs_err::remove_dir_all(&home);
        let tail = last_lines(&measured.tail);
        let failure = match (&measured.unreadable, measured.ended) {
            (Some(reason), _) => Some(format!("its results cannot be read: {reason}{tail}")),
            (None, Ended::TimedOut(_)) => Some(format!("{}{tail}", measured.ended)),
            (None, ended) if !ended.success() => {
                Some(format!("its process ended with {ended}{tail}"))
            }
            _ => None,
        };
        self.merges[side].add(run, &one.subject, measured.recorded.harvest);
        Ok(failure)
    }

    fn so_far(&self) -> Trial {
        let pairing = Pairing {
            trial: self.name.clone(),
            seed: self.plan.seed,
            screening: self.plan.screening,
            looks: self.plan.looks.clone(),
            identical: self.identical.clone(),
        };
        let created = Timestamp::now();
        let snapshot = |side: usize, plan: &TrialSide| {
            let (mut measurements, mut not_run, problems) = self.merges[side].clone().finish();
            let runs = self.runs[side].len();
            measurements.extend(self.witnesses.measurements(side, &measurements, runs));
            not_run.extend(self.witnesses.not_run(side));
            let mut snapshot = Snapshot {
                name: plan.name.clone(),
                created,
                revision: plan.revision.clone(),
                selection: self.plan.selection.clone(),
                pairing: Some(pairing.clone()),
                runs: self.runs[side].clone(),
                measurements,
                not_run,
                problems,
            };
            snapshot.sort();
            snapshot
        };
        Trial { base: snapshot(0, &self.plan.base), head: snapshot(1, &self.plan.head) }
    }
}
