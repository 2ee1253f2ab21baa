//! How long processes take, and for how long each should measure.

use std::time::Duration;

use crate::drive::CriterionTimes;
use crate::model::{SetUp, TargetId};

/// Seconds that a benchmark takes besides warming up and measuring, until they are
/// known: criterion's analysis and the end of its last sample.
const OVERHEAD: f64 = 0.03;

/// The most by which the measuring time is raised for a long set-up.
const MOST_STRETCH: u32 = 5;

/// How long the processes of one bench target take.
#[derive(Clone, Debug)]
pub(super) struct Pace {
    times: CriterionTimes,
    /// The number of benchmarks; 1 if it is not known.
    pub(super) benchmarks: usize,
    /// Seconds that a process takes before its first benchmark: the time that listing
    /// the benchmarks took.
    fixed: f64,
    /// Whether this version of criterion accepts only whole seconds.
    whole_seconds: bool,
    learnt: Learnt,
}

/// Sums over the processes so far.
#[derive(Clone, Copy, Debug, Default)]
struct Learnt {
    processes: u32,
    seconds: f64,
    /// Seconds of warming up and measuring.
    measuring: f64,
    benchmarks: usize,
    /// Seconds beyond the expected time of those benchmarks.
    beyond: f64,
}

impl Pace {
    pub(super) fn new(times: CriterionTimes, benchmarks: Option<usize>, fixed: f64) -> Self {
        let benchmarks = benchmarks.unwrap_or(1).max(1);
        Self { times, benchmarks, fixed, whole_seconds: false, learnt: Learnt::default() }
    }

    /// The same with whole seconds only.
    #[must_use]
    pub(super) fn in_whole_seconds(self) -> Self {
        Self { times: self.times.in_whole_seconds(), whole_seconds: true, ..self }
    }

    /// Criterion's times for a process of that many benchmarks.
    ///
    /// If a process's set-up takes longer than its measuring, the measuring time is
    /// raised to the set-up's, up to five times the requested time. A process then
    /// takes at most twice as long, and the variance within processes shrinks by up to
    /// a factor of five. If that variance is most of the noise, fewer pairs are needed,
    /// and each pair saves the set-up of both sides. If whole processes differ instead,
    /// nothing is gained, and only that time is lost.
    pub(super) fn times(&self, benchmarks: usize) -> CriterionTimes {
        let asked = self.times.measurement;
        let each = Duration::from_secs_f64(self.fixed / benchmarks.max(1) as f64);
        let measurement =
            each.saturating_sub(self.times.warm_up).clamp(asked, asked * MOST_STRETCH);
        let times = CriterionTimes { measurement, ..self.times };
        if self.whole_seconds { times.in_whole_seconds() } else { times }
    }

    /// The planned seconds of warming up and measuring.
    fn nominal(&self, benchmarks: usize) -> f64 {
        let times = self.times(benchmarks);
        benchmarks as f64 * (times.warm_up + times.measurement).as_secs_f64()
    }

    /// The expected seconds of a process of that many benchmarks.
    pub(super) fn process(&self, benchmarks: usize) -> f64 {
        let Learnt { benchmarks: seen, beyond, .. } = self.learnt;
        let overhead = if seen == 0 { OVERHEAD } else { beyond / seen as f64 };
        self.fixed + (self.nominal(benchmarks) + benchmarks as f64 * overhead).max(0.0)
    }

    /// Learns from a process: the number of its benchmarks, its seconds, and the
    /// seconds of its timed samples.
    pub(super) fn learn(&mut self, benchmarks: usize, seconds: f64, timed: f64) {
        let warm_up = benchmarks as f64 * self.times.warm_up.as_secs_f64();
        let nominal = self.nominal(benchmarks);
        let learnt = &mut self.learnt;
        learnt.processes += 1;
        learnt.seconds += seconds;
        learnt.measuring += (warm_up + timed).min(seconds);
        learnt.benchmarks += benchmarks;
        learnt.beyond += seconds - self.fixed - nominal;
    }

    /// The time that processes spend besides measuring; `None` before the first process.
    pub(super) fn set_up(&self, target: &TargetId) -> Option<SetUp> {
        let Learnt { processes, seconds, measuring, .. } = self.learnt;
        (processes > 0 && seconds > 0.0).then(|| SetUp {
            target: target.clone(),
            seconds: (seconds - measuring) / f64::from(processes),
            share: ((seconds - measuring) / seconds).clamp(0.0, 1.0),
            time: self.times(self.benchmarks).measurement.as_secs_f64(),
        })
    }
}

/// A duration from seconds; 0 for negative or non-finite values.
pub(super) fn duration(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace(benchmarks: usize, fixed: f64) -> Pace {
        let times = CriterionTimes {
            warm_up: Duration::from_millis(50),
            measurement: Duration::from_millis(200),
            samples: 20,
            resamples: 1000,
        };
        Pace::new(times, Some(benchmarks), fixed)
    }

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    #[test]
    fn the_measuring_time_follows_a_long_set_up_up_to_a_bound() {
        let time = |benchmarks, fixed| pace(9, fixed).times(benchmarks).measurement.as_millis();
        assert_eq!(time(9, 0.0), 200);
        assert_eq!(time(9, 2.25), 200, "half of the process is measuring");
        assert_eq!(time(9, 4.5), 450);
        assert_eq!(time(1, 0.5), 450, "fewer benchmarks share the set-up");
        assert_eq!(time(1, 60.0), 1000);
    }

    #[test]
    fn whole_seconds_stay_whole_when_they_are_raised() {
        let time = |fixed| pace(1, fixed).in_whole_seconds().times(1);
        let seconds = Duration::from_secs;
        assert_eq!((time(0.0).warm_up, time(0.0).measurement), (seconds(1), seconds(1)));
        assert_eq!(time(2.5).measurement, seconds(2), "1.5 s, rounded up");
    }

    #[test]
    fn the_estimate_of_a_process_learns_from_earlier_processes() {
        let mut pace = pace(4, 0.4);
        assert!(near(pace.process(4), 0.4 + 4.0 * 0.28));
        assert_eq!(pace.set_up(&TargetId::named("t")), None);
        // Two benchmarks in 0.4 + 2 × 0.25 s, and 0.2 s beyond that.
        pace.learn(2, 1.1, 0.4);
        assert!(near(pace.process(4), 0.4 + 4.0 * 0.35));
        let found = pace.set_up(&TargetId::in_package("t", "p")).expect("known");
        assert!(near(found.seconds, 0.6) && near(found.share, 0.6 / 1.1), "{found:?}");
        assert!(near(found.time, 0.2));
    }

    #[test]
    fn quick_benchmarks_do_not_make_the_estimate_negative() {
        let mut pace = pace(1, 0.0);
        pace.learn(1, 0.001, 0.5);
        assert!(pace.process(1) >= 0.0);
        assert!(pace.set_up(&TargetId::named("t")).expect("known").share == 0.0);
    }
}
