//! What happens while measuring, for whoever shows it.

use std::time::Duration;

/// Something that has just happened.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// cargo starts to build.
    BuildStarted,
    /// cargo has one more artifact.
    Compiled {
        /// Its cargo target.
        target: &'a str,
        /// Whether it was there already.
        fresh: bool,
    },
    /// The executables are there.
    BuildFinished {
        /// How many.
        executables: usize,
    },
    /// A target's criterion takes times in whole seconds only: 0.3 and 0.4 do.
    WholeSeconds {
        /// The bench target.
        target: &'a str,
        /// For warming up and measuring together, what was asked for.
        asked: Duration,
        /// What each of its benchmarks takes instead.
        taken: Duration,
    },
    /// It is known what will be run.
    Planned {
        /// Processes over all runs.
        processes: usize,
        /// Benchmarks over all runs, as far as the executables list them.
        steps: usize,
    },
    /// It can be told how long a trial will take from here on.
    Estimated {
        /// Until everything is screened.
        screening: Duration,
        /// Until the end, were everything to be confirmed up to the last look.
        most: Duration,
    },
    /// The next pair of processes of each target starts.
    Pair {
        /// Which, from 1.
        number: u32,
        /// Of how many until it is looked at what is decided.
        planned: u32,
        /// What is being confirmed, by name; nothing while everything is screened.
        suspects: Option<&'a [&'a str]>,
        /// Until then.
        left: Duration,
    },
    /// A process starts.
    ProcessStarted {
        /// The run, from 0.
        run: u32,
        /// Of how many.
        runs: u32,
        /// The bench target.
        target: &'a str,
    },
    /// A process begins with a benchmark: one step.
    Benchmark {
        /// Its name.
        id: &'a str,
    },
    /// A process has ended.
    ProcessEnded {
        /// The run, from 0.
        run: u32,
        /// The bench target.
        target: &'a str,
        /// Steps that were planned for it: done or not, they are behind us.
        steps: usize,
        /// What went wrong, if something did.
        failure: Option<&'a str>,
    },
    /// Instructions are going to be counted.
    CountingPlanned {
        /// Of how many benchmarks; one that both sides have is counted twice.
        benchmarks: usize,
    },
    /// The counting of a benchmark starts; several can be under way.
    CountStarted {
        /// Its bench target.
        target: &'a str,
        /// Its name.
        id: &'a str,
    },
    /// The counting of a benchmark has ended: one step.
    CountEnded {
        /// Its bench target.
        target: &'a str,
        /// Its name.
        id: &'a str,
    },
    /// All is measured.
    Finished,
}

/// Shows what happens; it must not fail.
pub trait Progress {
    /// Takes note of an event.
    fn event(&mut self, event: &Event<'_>);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&mut self, _: &Event<'_>) {}
}

/// The benchmark that a line of criterion's output begins with, if it does.
///
/// criterion prints `Benchmarking ID` first and `Benchmarking ID: …` at each
/// stage. An id may hold colons, so only the stages' own words end it.
pub(crate) fn benchmark_begun(line: &str) -> Option<&str> {
    const STAGES: [&str; 5] = [
        ": Warming up for ",
        ": Collecting ",
        ": Analyzing",
        ": Profiling for ",
        ": Complete (Analysis Disabled)",
    ];
    let id = line.strip_prefix("Benchmarking ")?.trim_end();
    (!id.is_empty() && !STAGES.iter().any(|stage| id.contains(stage))).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_line_of_a_benchmark_begins_it() {
        let output = "Gnuplot not found, using plotters backend\n\
                      Benchmarking grp/a: b c\n\
                      Benchmarking grp/a: b c: Warming up for 100.00 ms\n\
                      Benchmarking grp/a: b c: Collecting 10 samples in estimated 1 s (2M iterations)\n\
                      Benchmarking grp/a: b c: Analyzing\n\
                      grp/a: b c time:   [1 ns 2 ns 3 ns]\n\
                      Benchmarking \n";
        let begun: Vec<_> = output.lines().filter_map(benchmark_begun).collect();
        assert_eq!(begun, ["grp/a: b c"]);
    }
}
