//! Progress in a log.

use std::io::Write;
use std::time::{Duration, Instant};

use super::count::Count;
use super::text::{estimate, failed, pair, shown, whole_seconds};
use crate::measure::{Event, Progress};

/// The least time between lines of the same phase.
const QUIET: Duration = Duration::from_secs(10);

/// Lines for logs: a line for the beginning of each phase and for each failure, and others
/// at intervals, so that the log of an hour stays readable.
pub(super) struct Lines<W> {
    pub(super) to: W,
    pub(super) count: Count,
    /// Crates that cargo has compiled in this build.
    compiled: usize,
    /// The least time between lines of the same phase.
    quiet: Duration,
    /// The last reported phase, and its time.
    last: Option<(String, Instant)>,
}

impl<W: Write> Lines<W> {
    pub(super) fn new(to: W) -> Self {
        Self::every(QUIET, to)
    }

    /// With this least time between lines of the same phase.
    pub(super) fn every(quiet: Duration, to: W) -> Self {
        Self { to, count: Count::default(), compiled: 0, quiet, last: None }
    }

    /// Reports a phase if it is new or its last line is old enough.
    fn now_and_then(&mut self, phase: &str, line: &str) {
        let quiet = self.quiet;
        let recent = |(last, at): &(String, Instant)| last == phase && at.elapsed() < quiet;
        if !self.last.as_ref().is_some_and(recent) {
            self.line(line);
            self.last = Some((phase.to_owned(), Instant::now()));
        }
    }

    fn line(&mut self, line: &str) {
        // Ignored: measuring continues without a reader, or on a full disk.
        let _ = writeln!(self.to, "{line}");
    }
}

impl<W: Write> Progress for Lines<W> {
    fn event(&mut self, event: &Event<'_>) {
        self.count.take(event);
        match event {
            Event::BuildStarted => self.compiled = 0,
            Event::Compiled { target, fresh: false } => {
                self.compiled += 1;
                let line = format!("crates built: {}, last {}", self.compiled, shown(target));
                self.now_and_then("building", &line);
            }
            Event::Planned { processes, steps } => {
                let what = if *steps == 0 { "" } else { " for benchmarks in all: " };
                let steps = if *steps == 0 { String::new() } else { steps.to_string() };
                self.line(&format!("measuring: processes to run: {processes}{what}{steps}"));
            }
            Event::WholeSeconds { .. } => self.line(&whole_seconds(event)),
            Event::Estimated { .. } => self.line(&estimate(event)),
            Event::Pair { number, planned, .. } => {
                let (phase, what) = pair(event);
                let line = format!("{phase}: pair {number}/{planned}, {what}");
                self.now_and_then(&format!("{phase} {planned}"), &line);
            }
            Event::ProcessStarted { .. } if self.count.by_pair => {}
            Event::ProcessStarted { run, runs, target } => {
                let Count { total, .. } = self.count;
                let position = self.count.position();
                let target = shown(target);
                let line = format!("run {}/{runs}: {target} ({position}/{total})", run + 1);
                self.now_and_then("run", &line);
            }
            Event::CountingPlanned { benchmarks } => {
                self.now_and_then(
                    "counting",
                    &format!("counting instructions of both sides' benchmarks: {benchmarks}"),
                );
            }
            Event::CountEnded { .. } => {
                let Count { total, ended, .. } = self.count;
                self.now_and_then("counting", &format!("counted {ended}/{total}"));
            }
            Event::ProcessEnded { target, failure: Some(failure), .. } => {
                self.line(&failed(target, failure));
            }
            _ => {}
        }
    }
}
