//! One process under callgrind: how it is started, and what it leaves.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use fs_err as fs;
use signal_hook::consts::SIGTERM;

use super::error::{CountError, Uncounted};
use super::timed::{self, Collected};
use super::toggles::Toggles;
use crate::drive::BenchExecutable;
use crate::drive::process::{self, Ended, Job, Outcome, ProcessError, Stream};
use crate::drive::{Filter, Harness, Interrupt, Listed, last_lines};
use crate::sources::callgrind_profile::{Executed, executed, parts};

const PADDING_VARIABLE: &str = "BENCHGATE_PADDING";
/// How callgrind's files are called, before the process's number.
const OUTPUT: &str = "callgrind";
/// The C library's function that reads a clock, whatever its version and prefix.
const CLOCK: &str = "*clock_gettime*";
/// The same. Callgrind 3.19 heeds one option only for each pattern.
const CLOCK_AGAIN: &str = "*lock_gettime*";
/// How many callers of it are recorded: enough to reach criterion's method through
/// an executor.
const CALLERS: u32 = 16;
/// Where more is written, the clock is read too often to record each reading: some
/// four thousand times, which takes callgrind some five seconds.
const MOST_BYTES: u64 = 32 << 20;
/// How often the size of what is written is looked at.
const WATCH_INTERVAL: Duration = Duration::from_millis(100);

/// How to run one benchmark once.
pub(super) struct Callgrind<'a> {
    pub(super) executable: &'a BenchExecutable,
    pub(super) toggles: &'a Toggles,
    pub(super) listed: &'a Listed,
    /// Whether to record where the clock is read.
    pub(super) readings: bool,
    /// By how many bytes the environment is longer.
    pub(super) padding: usize,
    /// Below this address there is neither the heap nor a library.
    pub(super) lowest_address: u64,
    pub(super) time_limit: Duration,
    /// An empty directory of its own.
    pub(super) home: &'a Path,
}

/// What one process gave.
pub(super) struct Count {
    pub(super) collected: Collected,
    pub(super) seconds: f64,
    /// Whether the readings of the clock were recorded.
    pub(super) readings: bool,
}

/// How a process under callgrind ended.
enum End {
    Outcome(Outcome),
    /// Its output became larger than is worth reading, and it was ended.
    TooLarge,
}

/// Why a process that did not end well has no count.
fn failure(outcome: &Outcome) -> Option<Uncounted> {
    if let Ended::TimedOut(limit) = outcome.ended {
        return Some(Uncounted::TimedOut(limit));
    }
    let reason = || format!("{}{}", outcome.ended, last_lines(&outcome.tail));
    (!outcome.ended.success()).then(|| Uncounted::Failed(reason()))
}

impl Callgrind<'_> {
    /// Counts one process; a second one without the readings of the clock, if these
    /// were too many.
    pub(super) fn run(
        &self,
        interrupt: &Interrupt,
    ) -> Result<Result<Count, Uncounted>, CountError> {
        let mut tested = 0;
        let end = self.process(interrupt, &mut |stream, line| {
            tested += usize::from(stream == Stream::Stdout && announces(line, self.listed));
        })?;
        let outcome = match end {
            End::Outcome(outcome) => outcome,
            End::TooLarge => {
                fs::remove_dir_all(self.home)
                    .and_then(|()| fs::create_dir(self.home))
                    .map_err(CountError::Scratch)?;
                return Self { readings: false, ..*self }.run(interrupt);
            }
        };
        if let Some(uncounted) = failure(&outcome) {
            return Ok(Err(uncounted));
        }
        let path = self.home.join(format!("{OUTPUT}.{}", outcome.pid));
        let parts = match parts(&path) {
            Ok(parts) => parts,
            Err(error) => return Ok(Err(Uncounted::Profile(error.reason))),
        };
        let collected = timed::collected(&parts, self.readings);
        let (seconds, readings) = (outcome.seconds, self.readings);
        Ok(match (tested, collected.whole.total) {
            (2.., _) => Err(Uncounted::Shared(tested)),
            (0, 0) if !self.toggles.script => Err(Uncounted::NoBenchmark),
            (_, 0) => Err(Uncounted::Nothing),
            _ => Ok(Count { collected, seconds, readings }),
        })
    }

    /// Which functions one process executes, from its start to its end.
    pub(super) fn executed(
        &self,
        interrupt: &Interrupt,
    ) -> Result<Result<Executed, Uncounted>, CountError> {
        let mut job = self.plain_job();
        // Not hidden behind `(below main)`.
        job = job.arg("--show-below-main=yes");
        let outcome = process::run(&self.with_benchmark(job), interrupt, &mut |_, _| {})?;
        if let Some(uncounted) = failure(&outcome) {
            return Ok(Err(uncounted));
        }
        let path = self.home.join(format!("{OUTPUT}.{}", outcome.pid));
        Ok(executed(&path).map_err(|error| Uncounted::Profile(error.reason)))
    }

    /// Runs it and keeps an eye on the size of what callgrind writes: a part for
    /// each reading of the clock.
    fn process(
        &self,
        interrupt: &Interrupt,
        on_line: &mut dyn FnMut(Stream, &str),
    ) -> Result<End, CountError> {
        let stop = Interrupt::new();
        let _linked = interrupt.on_raise({
            let stop = stop.clone();
            move || stop.raise(SIGTERM)
        });
        let (ended, watched) = channel::<()>();
        let outcome = std::thread::scope(|scope| {
            let stop = &stop;
            scope.spawn(move || {
                while watched.recv_timeout(WATCH_INTERVAL) == Err(RecvTimeoutError::Timeout) {
                    if written(self.home) > MOST_BYTES {
                        return stop.raise(SIGTERM);
                    }
                }
            });
            let outcome = process::run(&self.job(), stop, on_line);
            drop(ended);
            outcome
        });
        match (outcome, interrupt.signal()) {
            (Ok(outcome), _) => Ok(End::Outcome(outcome)),
            (Err(ProcessError::Interrupted { .. }), None) => Ok(End::TooLarge),
            (Err(ProcessError::Interrupted { .. }), Some(signal)) => {
                Err(ProcessError::Interrupted { signal }.into())
            }
            (Err(error), _) => Err(error.into()),
        }
    }

    /// `valgrind … EXECUTABLE --bench --test --noplot ^(?:NAME)$`.
    fn job(&self) -> Job {
        let mut job = self
            .plain_job()
            .arg("--collect-atstart=no")
            .arg("--separate-threads=yes")
            .arg("--combine-dumps=yes")
            // By the address of an allocator's first instruction its calls are counted.
            .arg("--dump-instr=yes")
            .arg("--collect-systime=yes");
        if self.readings {
            job = job.arg(format!("--dump-before={CLOCK}"));
            job = job.arg(format!("--separate-callers{CALLERS}={CLOCK_AGAIN}"));
        }
        for name in &self.toggles.names {
            job = job.arg(format!("--toggle-collect={name}"));
        }
        self.with_benchmark(job)
    }

    /// `… EXECUTABLE --bench --test --noplot ^(?:NAME)$`.
    fn with_benchmark(&self, job: Job) -> Job {
        let mut job = job.arg(&self.executable.path).arg("--bench").arg("--test").arg("--noplot");
        job.arguments.extend(filter(self.listed).arguments());
        job
    }

    /// `valgrind …` with the options that all runs share.
    fn plain_job(&self) -> Job {
        // Through its runner, whose environment and arguments decide what is executed.
        let valgrind = BenchExecutable { path: "valgrind".into(), ..self.executable.clone() };
        let mut job = valgrind.job();
        job.time_limit = Some(self.time_limit);
        for variable in Harness::Criterion.hidden_variables() {
            job.environment.insert(variable.into(), None);
        }
        Harness::Criterion
            .with_home(job, self.home)
            .env(PADDING_VARIABLE, "x".repeat(self.padding))
            // Options of the user's own would count something else.
            .arg("--command-line-only=yes")
            .arg("--tool=callgrind")
            .arg("--quiet")
            // Names as the symbols have them, with their hashes.
            .arg("--demangle=no")
            .arg("--dump-line=no")
            .arg(format!("--aspace-minaddr={:#x}", self.lowest_address))
            .arg(if self.toggles.script { "--trace-children=yes" } else { "--trace-children=no" })
            .arg(output_option(self.home))
    }
}

/// The bytes of callgrind's files; what cannot be looked at is seen when it is read.
fn written(home: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(home) else { return 0 };
    let ours = |name: &OsStr| name.as_bytes().starts_with(OUTPUT.as_bytes());
    let files = entries.flatten().filter(|entry| ours(&entry.file_name()));
    files.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).sum()
}

/// The one benchmark that is listed so. Of a name that criterion cut short only
/// the beginning is known; that another one begins so too shows when it runs.
fn filter(listed: &Listed) -> Filter {
    if listed.cut
        && let Ok(filter) = Filter::matching(&format!("^{}", regex::escape(&listed.name)))
    {
        return filter;
    }
    Filter::exactly(&listed.name)
}

/// Whether a line says that the benchmark's body is going to be run. Of two that
/// share a name, the second is announced with ` #2` behind it.
fn announces(line: &str, listed: &Listed) -> bool {
    let Some(name) = line.strip_prefix("Testing ") else { return false };
    name.strip_prefix(listed.name.as_str())
        .is_some_and(|rest| listed.cut || rest.is_empty() || rest.starts_with(" #"))
}

/// `--callgrind-out-file=HOME/callgrind.PID`; in HOME, `%` would be a variable.
fn output_option(home: &Path) -> OsString {
    let mut option = b"--callgrind-out-file=".to_vec();
    for &byte in home.as_os_str().as_bytes() {
        option.push(byte);
        if byte == b'%' {
            option.push(byte);
        }
    }
    option.extend_from_slice(format!("/{OUTPUT}.%p").as_bytes());
    OsString::from_vec(option)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(name: &str, cut: bool) -> Listed {
        Listed { name: name.to_owned(), cut }
    }

    #[test]
    fn valgrind_gets_exactly_the_functions_and_the_one_benchmark() {
        let executable = BenchExecutable::ready("/bench");
        let names = ["_ZN4iter17h0E".to_owned(), "_ZN4iter17h1E".to_owned()].into();
        let toggles = Toggles { names, script: false };
        let words = |home: &str, listed: &Listed| {
            let callgrind = Callgrind {
                executable: &executable,
                toggles: &toggles,
                listed,
                readings: true,
                padding: 3,
                lowest_address: 0x400_0000,
                time_limit: Duration::from_secs(9),
                home: Path::new(home),
            };
            let job = callgrind.job();
            assert_eq!(job.time_limit, Some(Duration::from_secs(9)));
            let padding = Some(OsString::from("xxx"));
            assert_eq!(job.environment.get(&OsString::from(PADDING_VARIABLE)), Some(&padding));
            assert_eq!(job.environment.get(&OsString::from("CARGO_CRITERION_PORT")), Some(&None));
            let home = Some(OsString::from(home));
            assert_eq!(job.environment.get(&OsString::from("CRITERION_HOME")), Some(&home));
            let words: Vec<_> =
                job.arguments.iter().map(|word| word.to_string_lossy().into_owned()).collect();
            words.join(" ")
        };
        assert_eq!(
            words("/a%b", &listed("-odd (name", false)),
            "--command-line-only=yes --tool=callgrind --quiet --demangle=no --dump-line=no \
             --aspace-minaddr=0x4000000 --trace-children=no \
             --callgrind-out-file=/a%%b/callgrind.%p --collect-atstart=no \
             --separate-threads=yes --combine-dumps=yes \
             --dump-instr=yes --collect-systime=yes --dump-before=*clock_gettime* \
             --separate-callers16=*lock_gettime* --toggle-collect=_ZN4iter17h0E --toggle-collect=_ZN4iter17h1E /bench --bench --test \
             --noplot ^(?:\\-odd \\(name)$"
        );
        let cut = words("/home", &listed("a.b", true));
        assert!(cut.ends_with(" --bench --test --noplot ^a\\.b"), "{cut}");
    }

    #[test]
    fn benchmarks_that_share_a_name_are_told_from_ones_that_begin_with_it() {
        let name = listed("a/b", false);
        let lines = ["Testing a/b", "Testing a/b #2", "Testing a/bc", "a/b", "Testing x"];
        let announced: Vec<_> = lines.iter().filter(|line| announces(line, &name)).collect();
        assert_eq!(announced, [&"Testing a/b", &"Testing a/b #2"]);
        let cut = listed("a/b", true);
        let announced = lines.iter().filter(|line| announces(line, &cut)).count();
        assert_eq!(announced, 3);
    }
}
