//! Counts the instructions of criterion benchmarks, with no change to their code.
//!
//! criterion's `--test` mode runs the body of a benchmark once, inside one of its
//! bencher's methods (`iter`, `iter_custom`, `iter_batched`, `iter_batched_ref`,
//! the same for async). Valgrind's callgrind counts between the entry and the
//! exit of exactly these functions. The names are taken from the executable's own
//! symbols, so both of rustc's manglings, link-time optimisation and a build
//! without debug information are all the same to it. Inside of them criterion reads
//! its clock where timing starts and ends, and only what happens between these
//! two readings is counted: see [`timed`].
//!
//! What such a count is, and is not:
//!
//! - It is the work of one thread in user space: what waits, what the kernel or
//!   another thread does, and what caches and memory cost is the clock's to see.
//! - It includes the first iteration's lazy initialisation, criterion's loop and two
//!   readings of the clock: up to some two hundred instructions. The set-up of
//!   `iter_batched` and drops outside of the timed region are left out, unless the
//!   readings of the clock cannot be told apart ([`Untimed`]).
//! - It charges a constant for each call of the memory allocator, whose own
//!   instructions depend on the heap that earlier requests left: see
//!   [`callgrind_profile`](crate::sources::callgrind_profile). If no entry of a known
//!   allocator is found, all that was executed is counted, and the count is not exact.
//! - It repeats to the instruction unless the program itself does not: random
//!   seeds of hash maps, addresses that are hashed or sorted by, threads, time.
//!   So each benchmark is counted more than once, in environments of different
//!   lengths and with the heap at other addresses, and more often where the readings
//!   differ or the process has several threads: what one thread does then depends on
//!   who was first. The readings are kept as they are and show the spread.
//! - It is not exact where the body asks the kernel for something: what a read returns
//!   and whether a lock was free depends on more than the code.
//! - Every count pays for the process's whole set-up, some fifty times slower than
//!   without valgrind: a benchmark that fills a database takes seconds.
//! - A body with instructions that valgrind does not know (AVX-512 in valgrind
//!   3.19) cannot be counted.

mod callgrind;
pub(in crate::measure) mod counted;
pub(in crate::measure) mod coverage;
mod error;
mod frame;
mod timed;
mod toggles;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use fs_err as fs;

use crate::drive::BenchExecutable;
use crate::drive::{
    Event, Interrupt, JobEvent, Listed, Progress, Scratch, parallel_map, valgrind_version, workers,
};
use crate::model::{AllocatorCount, CountScope};
use crate::sources::callgrind_profile::{Profile, Uncharged};
use callgrind::{Callgrind, Count};
pub use error::{CountError, Uncounted};
pub(in crate::measure) use frame::is_routine;
use timed::Collected;
pub use timed::Untimed;
use toggles::Toggles;

/// How much longer the environment gets from one count to the next, in bytes.
/// Odd and larger than a cache line, so that the stack moves by more than its
/// alignment.
const PADDING: usize = 1031;
/// Where valgrind puts the heap and the libraries in the first process, and how much
/// higher in each further one: a count that depends on their addresses then varies.
const LOWEST_ADDRESS: u64 = 0x400_0000;
const ADDRESS_STEP: u64 = 0x100_3000;
/// After so many seconds for one benchmark no further count is begun because of
/// readings that differ: with a long set-up, each would cost as much again.
const UNSTEADY_SECONDS: f64 = 30.0;

/// Which benchmarks to count.
#[derive(Clone, Debug)]
pub struct CountTarget<'a> {
    /// A criterion executable, or a script that starts one.
    pub executable: &'a BenchExecutable,
    /// How it is called in reports.
    pub subject: &'a str,
    /// Its benchmarks, as it [lists](crate::drive::list) them.
    pub benchmarks: Vec<Listed>,
}

/// How to count.
#[derive(Clone, Debug)]
pub struct CountOptions {
    /// How often each benchmark is counted, each time in a fresh process; at
    /// least 1.
    pub counts: u32,
    /// How often one is counted whose readings differ, or whose process has more
    /// than one thread: no less than `counts`, and no more once its processes took
    /// half a minute.
    pub unsteady_counts: u32,
    /// How long one process may take. Under valgrind a program takes some fifty
    /// times as long as without.
    pub time_limit: Duration,
    /// Where a private directory is made and removed again.
    pub scratch: PathBuf,
    /// Whether to keep what each function took.
    pub profiles: bool,
    /// When no further benchmark is begun; never if `None`.
    pub until: Option<Instant>,
}

impl CountOptions {
    /// Whether it is too late to begin another benchmark.
    fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() > until)
    }
}

/// What became of one benchmark.
#[derive(Debug)]
pub struct CountedBenchmark {
    /// Index of its [`CountTarget`].
    pub target: usize,
    /// The benchmark, as it was asked for.
    pub listed: Listed,
    /// Its counts, or why there are none.
    pub outcome: Result<Counts, Uncounted>,
}

/// The counts of a benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct Counts {
    /// A reading for each process, at least one.
    pub readings: Vec<CountReading>,
    /// The most threads that one of its processes had; only one of them, the one
    /// that runs the body, is counted.
    pub threads: usize,
    /// What its processes took together, set-up and all, in seconds.
    pub seconds: f64,
    /// What each function took in the first process, if that was asked for.
    pub profiles: Option<Profiles>,
}

/// The instructions of one process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CountReading {
    /// What criterion times.
    pub timed: Result<Executed, Untimed>,
    /// All that criterion's method did: the set-up and the drops, too.
    pub whole: Executed,
}

/// What one process executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Executed {
    /// All instructions, at least 1.
    pub instructions: u64,
    /// The count that follows the code.
    pub charged: Result<Charge, Uncharged>,
    /// How often it asked the kernel for something other than the time or memory.
    pub system_calls: u64,
}

/// A count in which each call of the memory allocator is charged the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charge {
    /// Instructions outside of the allocator, and a constant for each call of it.
    pub instructions: u64,
    /// How often a block was asked for.
    pub allocations: u64,
}

impl Executed {
    fn of(profile: &Profile) -> Self {
        Self {
            instructions: profile.total,
            charged: profile.charged().map(|charged| Charge {
                instructions: charged.total,
                allocations: charged.allocations,
            }),
            system_calls: profile.system_calls(),
        }
    }
}

/// What each function took in one process.
#[derive(Clone, Debug, PartialEq)]
pub struct Profiles {
    /// Of what criterion times.
    pub timed: Option<Profile>,
    /// Of all that criterion's method did.
    pub whole: Profile,
    /// The functions through which it read the clock, those that called it included; by
    /// mangled name.
    pub callers: BTreeSet<String>,
}

/// What is compared of a benchmark's counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Basis {
    /// Which instructions.
    pub scope: CountScope,
    /// How those of the allocator are counted.
    pub allocator: AllocatorCount,
}

impl Counts {
    /// Adds the readings of further processes.
    pub(super) fn join(&mut self, further: Self) {
        let Self { readings, threads, seconds, profiles } = further;
        self.readings.extend(readings);
        self.threads = self.threads.max(threads);
        self.seconds += seconds;
        self.profiles = self.profiles.take().or(profiles);
    }

    /// Why what criterion times cannot be told from the rest, if that is so of any
    /// process.
    pub fn untimed(&self) -> Option<Untimed> {
        self.readings.iter().find_map(|reading| reading.timed.err())
    }

    /// What was counted in every process.
    pub fn scope(&self) -> CountScope {
        if self.untimed().is_none() { CountScope::Timed } else { CountScope::Whole }
    }

    /// Why the allocator's share is not known, if that is so of any process.
    pub fn uncharged(&self) -> Option<Uncharged> {
        self.executed(self.scope()).find_map(|executed| executed.charged.err())
    }

    /// The best that can be compared.
    pub fn basis(&self) -> Basis {
        let allocator = match self.uncharged() {
            None => AllocatorCount::Charged,
            Some(_) => AllocatorCount::Executed,
        };
        Basis { scope: self.scope(), allocator }
    }

    /// What each process executed, as far as it is in that scope.
    pub fn executed(&self, scope: CountScope) -> impl Iterator<Item = Executed> {
        self.readings.iter().map(move |reading| match scope {
            CountScope::Timed => reading.timed.unwrap_or(reading.whole),
            CountScope::Whole => reading.whole,
        })
    }

    /// The count of each process on that basis.
    pub fn values(&self, basis: Basis) -> Vec<u64> {
        let value = |executed: Executed| match (basis.allocator, executed.charged) {
            (AllocatorCount::Charged, Ok(charge)) => charge.instructions,
            _ => executed.instructions,
        };
        self.executed(basis.scope).map(value).collect()
    }

    /// How often each process asked for a block, where that is known of all.
    pub fn allocations(&self, scope: CountScope) -> Option<Vec<u64>> {
        let allocations = |executed: Executed| Some(executed.charged.ok()?.allocations);
        self.executed(scope).map(allocations).collect()
    }

    /// Whether any process asked the kernel for something other than the time or memory.
    pub fn asks_kernel(&self, scope: CountScope) -> bool {
        self.executed(scope).any(|executed| executed.system_calls > 0)
    }

    /// Why the counts follow more than the code, though every process repeats them.
    pub fn inexact(&self) -> Option<String> {
        if let Some(reason) = self.uncharged() {
            Some(format!("not exact: {reason}"))
        } else if self.threads > 1 {
            Some("not exact: the process has several threads".to_owned())
        } else if self.asks_kernel(self.scope()) {
            Some("not exact: the body makes system calls".to_owned())
        } else {
            None
        }
    }

    /// What each function took in the first process, on that basis.
    pub fn functions(&self, basis: Basis) -> Option<BTreeMap<String, u64>> {
        let Profiles { timed, whole, .. } = self.profiles.as_ref()?;
        let profile = match basis.scope {
            CountScope::Timed => timed.as_ref()?,
            CountScope::Whole => whole,
        };
        match basis.allocator {
            AllocatorCount::Charged => Some(profile.charged().ok()?.functions),
            AllocatorCount::Executed => Some(profile.functions.clone()),
        }
    }

    /// Whether there is no sign that further readings would differ.
    fn steady(&self) -> bool {
        let values = self.values(self.basis());
        self.threads <= 1 && values.windows(2).all(|pair| pair[0] == pair[1])
    }
}

/// Counts benchmarks, as many at a time as there are cores: a count does not
/// depend on what else the machine does.
///
/// The results are in the order of targets, then of their benchmarks. A benchmark
/// that fails beside others is tried once more on its own: two processes of one
/// program may want the same port or file.
pub fn count(
    targets: &[CountTarget<'_>],
    options: &CountOptions,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Vec<CountedBenchmark>, CountError> {
    if valgrind_version().is_none() {
        return Err(CountError::NoValgrind);
    }
    let scratch = Scratch::create(&options.scratch).map_err(CountError::Scratch)?;
    let toggles: Vec<_> =
        targets.iter().map(|target| Toggles::of(&target.executable.path)).collect();
    let jobs: Vec<Job<'_>> = targets
        .iter()
        .zip(&toggles)
        .enumerate()
        .flat_map(|(at, (target, toggles))| {
            target.benchmarks.iter().map(move |listed| (at, toggles, listed))
        })
        .enumerate()
        .map(|(number, (target, toggles, listed))| Job { target, number, toggles, listed })
        .collect();
    progress.event(&Event::CountingPlanned { benchmarks: jobs.len() });
    let counter = Counter { targets, options, interrupt, scratch: &scratch };
    let workers = workers(jobs.len());
    let first = |job: &Job<'_>| counter.one(job, "first");
    let mut outcomes = parallel_map(&jobs, workers, first, |job, told| {
        let (target, id) = (targets[job.target].subject, job.listed.name.as_str());
        progress.event(&match told {
            JobEvent::Started => Event::CountStarted { target, id },
            JobEvent::Ended => Event::CountEnded { target, id },
        });
    })?;
    for (job, outcome) in jobs.iter().zip(&mut outcomes) {
        if workers > 1 && matches!(outcome, Err(Uncounted::Failed(_))) {
            *outcome = counter.one(job, "again")?;
        }
    }
    let done = |(job, outcome): (&Job<'_>, _)| CountedBenchmark {
        target: job.target,
        listed: job.listed.clone(),
        outcome,
    };
    Ok(jobs.iter().zip(outcomes).map(done).collect())
}

/// One benchmark to count.
struct Job<'a> {
    /// Index of its target.
    target: usize,
    number: usize,
    toggles: &'a Result<Toggles, Uncounted>,
    listed: &'a Listed,
}

type Outcome = Result<Counts, Uncounted>;

#[derive(Clone, Copy)]
struct Counter<'a> {
    targets: &'a [CountTarget<'a>],
    options: &'a CountOptions,
    interrupt: &'a Interrupt,
    scratch: &'a Scratch,
}

impl Counter<'_> {
    /// The counts of one benchmark, one process after the other: where the first
    /// fails, the others would too.
    fn one(self, job: &Job<'_>, attempt: &str) -> Result<Outcome, CountError> {
        let toggles = match job.toggles {
            Ok(toggles) => toggles,
            Err(reason) => return Ok(Err(reason.clone())),
        };
        if self.options.is_late() {
            return Ok(Err(Uncounted::OutOfTime));
        }
        let CountOptions { counts: least, unsteady_counts: most, .. } = *self.options;
        let mut counts = Counts { readings: Vec::new(), threads: 0, seconds: 0.0, profiles: None };
        let mut readings = true;
        for index in 0..most.max(least) {
            if index >= least && (counts.steady() || counts.seconds > UNSTEADY_SECONDS) {
                break;
            }
            let name = format!("{attempt}-{}-{index}", job.number);
            let home = self.scratch.fresh(&name).map_err(CountError::Scratch)?;
            let count = match self.process(job, toggles, readings, index, &home)? {
                Ok(count) => count,
                Err(reason) => return Ok(Err(reason)),
            };
            fs::remove_dir_all(&home).map_err(CountError::Scratch)?;
            let Collected { whole, timed, threads, callers } = count.collected;
            counts.readings.push(CountReading {
                timed: timed.as_ref().map(Executed::of).map_err(|reason| *reason),
                whole: Executed::of(&whole),
            });
            counts.threads = counts.threads.max(threads);
            counts.seconds += count.seconds;
            readings = count.readings;
            if self.options.profiles && index == 0 {
                counts.profiles = Some(Profiles { timed: timed.ok(), whole, callers });
            }
        }
        Ok(Ok(counts))
    }
    fn process(
        self,
        job: &Job<'_>,
        toggles: &Toggles,
        readings: bool,
        index: u32,
        home: &Path,
    ) -> Result<Result<Count, Uncounted>, CountError> {
        let process = Callgrind {
            executable: self.targets[job.target].executable,
            toggles,
            listed: job.listed,
            readings,
            padding: index as usize * PADDING,
            lowest_address: LOWEST_ADDRESS + u64::from(index) * ADDRESS_STEP,
            time_limit: self.options.time_limit,
            home,
        };
        process.run(self.interrupt)
    }
}
