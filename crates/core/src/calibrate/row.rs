//! The rows of a calibration.

use schemars::JsonSchema;
use serde::Serialize;

use crate::model::BenchId;

/// What the instructions of a benchmark are good for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Instructions {
    /// Every process executed as many: exact, whatever the clock does.
    Steady,
    /// They differ by this share of themselves.
    Vary(f64),
    /// There are none, and why.
    Unavailable(String),
}

/// One sampled metric of one benchmark. Deviations and changes are shares: 0.01
/// is 1%.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct CalibratedRow {
    /// The benchmark's name.
    pub id: String,
    /// The bench target, where known.
    pub target: Option<String>,
    /// The cargo package, where known.
    pub package: Option<String>,
    /// The metric's name.
    pub metric: String,
    /// The unit's name.
    pub unit: String,
    /// Hodges–Lehmann centre of the runs, on the scale of logarithms.
    pub value: f64,
    /// Runs of this session.
    pub runs: usize,
    /// Pairs of this session; 0 where runs were not measured in pairs.
    pub pairs: usize,
    /// Standard deviation of runs within sessions.
    pub run_deviation: f64,
    /// Standard deviation of paired differences, by their median absolute
    /// deviation; from the runs' own, where there are no pairs.
    pub paired_deviation: f64,
    /// Half width of the interval of the centre that these pairs show at one
    /// look's level: the noise floor. Absent of too few pairs.
    pub floor: Option<f64>,
    /// Sessions of unchanged code that are known.
    pub sessions: usize,
    /// Standard deviation of sessions' means, from two sessions of equal code.
    pub session_deviation: Option<f64>,
    /// What the policy wants to be found.
    pub wanted: f64,
    /// The smallest change that `gate ab` finds by its last look.
    pub detectable: Option<f64>,
    /// Pairs that it takes to find what the policy wants.
    pub pairs_needed: Option<u64>,
    /// Whether those are within the last look.
    pub reached: bool,
    /// The runs fall into two heaps.
    pub modes: Option<RowModes>,
    /// What its instructions are good for.
    pub instructions: Instructions,
}

/// Two heaps that runs of one benchmark fall into.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, JsonSchema)]
pub struct RowModes {
    /// The centre of the lower heap, in the row's unit.
    pub lower: f64,
    /// The centre of the upper heap.
    pub upper: f64,
    /// The share of runs in the upper heap.
    pub share: f64,
}

impl CalibratedRow {
    /// The benchmark's identity.
    pub fn bench_id(&self) -> BenchId {
        BenchId::from_parts(self.id.clone(), self.target.clone(), self.package.clone())
    }
}
