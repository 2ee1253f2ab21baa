//! How much a machine's results differ though nothing has changed.

use jiff::Timestamp;

use super::BenchId;

/// What is known of a machine class's noise: of each benchmark, what runs of
/// unchanged code showed in each session.
///
/// A session is one stretch of measuring. Runs of one session share the hour and
/// its neighbours; another session may differ by more than its own runs show.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Noise {
    /// Ordered by id, then metric, then unit; each once.
    pub rows: Vec<NoiseRow>,
}

/// What is known of one metric of one benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseRow {
    /// Which benchmark.
    pub id: BenchId,
    /// The metric's name.
    pub metric: String,
    /// The name of its unit.
    pub unit: String,
    /// In the order of time; at least one.
    pub sessions: Vec<NoiseSession>,
}

/// What one session showed of one metric of one benchmark.
#[derive(Clone, Debug, PartialEq)]
pub struct NoiseSession {
    /// When it began: equal for all rows of a session.
    pub when: Timestamp,
    /// Names the code that was measured: only sessions of equal code show how much
    /// sessions differ. `None`: somebody vouched that the code is the same in all sessions.
    pub code: Option<String>,
    /// Runs that it rests on, at least 2.
    pub runs: u32,
    /// Hodges–Lehmann centre of the runs (on the scale of logarithms), in the metric's unit;
    /// positive.
    pub centre: f64,
    /// Standard deviation of the logarithms of the runs, by the bulk of them: outliers do not
    /// make it large, but two heaps do.
    pub deviation: f64,
    /// The largest distance of a run's logarithm from their median.
    pub widest: f64,
    /// 1.4826 times the median absolute deviation of ln(second / first) over
    /// pairs of runs, where they were measured in pairs.
    pub paired: Option<f64>,
}
