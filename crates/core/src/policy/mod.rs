//! `gate.toml`: what counts as a regression, and what may stop a pipeline.
//!
//! A file is read in three steps: `raw` knows its shape and the place of every
//! value, `validate` checks the values and says what is wrong and where, and
//! `layer` lays what the file says over the defaults. The defaults are a policy
//! file too, [`DEFAULT`].

mod edit;
mod error;
mod layer;
mod quantity;
mod raw;
mod validate;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use edit::{EditError, with_waiver};
pub use error::PolicyError;
pub use quantity::{Quantity, percentage};

use crate::model::{BenchId, Field, Metric, Pattern};
use layer::LimitsLayer;

/// The policy that holds where nobody wrote one; every key, with comments.
pub const DEFAULT: &str = include_str!("default.toml");

/// Where a policy is looked for, in this order, below the working directory.
pub const SEARCHED: [&str; 2] = ["gate.toml", "ci/gate.toml"];

/// A validated policy.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The file it came from; `None` where the defaults stand alone.
    pub source: Option<PathBuf>,
    /// What decides the verdict beyond single rows.
    pub verdict: VerdictRules,
    /// Environment fields that may differ between compared snapshots.
    pub ignored_fields: BTreeSet<Field>,
    /// How `gate run` measures.
    pub measure: MeasureRules,
    /// How `gate ab` measures.
    pub ab: AbRules,
    /// How `gate calibrate` measures, beside what it has of `ab`.
    pub calibrate: CalibrateRules,
    /// What holds for a row that no rule matches.
    limits: Limits,
    rules: Vec<Rule>,
    /// How many of the rules are the defaults'.
    builtin_rules: usize,
    /// Absolute limits.
    pub budgets: Vec<Budget>,
    /// Accepted regressions.
    pub waivers: Vec<Waiver>,
}

/// What decides the verdict beyond single rows.
#[derive(Clone, Debug)]
pub struct VerdictRules {
    /// Family-wise chance of a false regression, 0 to 1.
    pub alpha: f64,
    /// What undecided rows do.
    pub undecided: OnUndecided,
    /// A comparison in which no row could be compared, though budgets were judged.
    pub nothing_compared: Level,
    /// A benchmark that only the baseline has.
    pub missing: Level,
    /// A benchmark that only the candidate has.
    pub new: Level,
    /// Results that cannot be read, programs that crashed.
    pub unreadable: Level,
    /// Two results of one name.
    pub duplicate: Level,
    /// Results of an earlier run.
    pub stale: Level,
    /// A change that most times have in common.
    pub suite_shift: Level,
    /// Names that must have been measured.
    pub require: Vec<Pattern>,
}

/// What undecided rows do to the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnUndecided {
    /// Any of them blocks.
    Block,
    /// They block where no row at all could be decided.
    BlockIfNoneDecided,
    /// They never block.
    Allow,
}

/// What a finding does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// It is reported.
    Allow,
    /// It is a warning.
    Warn,
    /// It fails the gate.
    Fail,
}

/// What criterion does in each process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ProcessRules {
    /// Its warm-up.
    pub warm_up: Duration,
    /// Its measuring time for each benchmark.
    pub time: Duration,
    /// Its samples, at least 10.
    pub samples: u32,
}

/// How `gate run` measures.
#[derive(Clone, Debug)]
pub struct MeasureRules {
    /// Fresh processes for each bench target.
    pub repeat: u32,
    /// What criterion does in each of them.
    pub process: ProcessRules,
    /// Counts of each criterion benchmark's instructions; 0 for none.
    pub counts: u32,
    /// Benchmarks that are not counted, here and by `gate ab`.
    pub uncounted: Vec<Pattern>,
    /// What a single process may take.
    pub time_limit: Duration,
}

/// How `gate ab` measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AbRules {
    /// Pairs in which everything is screened.
    pub screening: u32,
    /// Numbers of confirming pairs after which is decided, rising.
    pub looks: Vec<u32>,
    /// What criterion does in each process.
    pub process: ProcessRules,
    /// When no further pair is begun.
    pub budget: Duration,
    /// Counts of each criterion benchmark's instructions on each side; 0 for none.
    pub counts: u32,
    /// Whether both sides are linked once more, so that equal functions lie alike.
    pub pin_layout: bool,
    /// Whether the base is also measured against itself.
    pub control: bool,
    /// What becomes of a trial whose base does not build or run.
    pub base_broken: BaseBroken,
    /// That other programs kept the machine busy meanwhile.
    pub machine_busy: MachineBusy,
}

/// What it does that other programs kept the machine busy during a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MachineBusy {
    /// It is reported.
    Allow,
    /// It is a warning.
    Warn,
    /// A warning, and what the clock alone calls unchanged is undecided.
    ClearNothing,
    /// A warning, and what the clock alone decides is undecided.
    DecideNothing,
    /// It fails the gate: undecided.
    Fail,
}

/// What becomes of a trial whose base does not build or run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BaseBroken {
    /// Nothing can be said of the head, whose fault it is not.
    Undecided,
    /// The gate could not do its work.
    Fail,
}

/// How `gate calibrate` measures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CalibrateRules {
    /// Pairs of processes of the same executables.
    pub pairs: u32,
    /// When no further pair is begun.
    pub budget: Duration,
}

/// One rule of the file. Where it is silent, earlier rules hold.
#[derive(Clone, Debug)]
struct Rule {
    bench: Pattern,
    metric: Pattern,
    limits: LimitsLayer,
}

/// The most that a row may do.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Gate {
    /// Be compared and shown.
    Show,
    /// Warn.
    Warn,
    /// Fail the gate.
    Fail,
}

/// Which of a benchmark's two witnesses may do what `gate` says, where it has
/// both: a time, and the count of its instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Witness {
    /// Each of them.
    Both,
    /// The time; the instructions are shown.
    Clock,
    /// The instructions; the time is shown.
    Instructions,
}

/// The limits of one row. Relative ones are changes such as 0.01 for 1%.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Up to here nothing is a regression.
    pub tolerance: f64,
    /// A change of this size must be found.
    pub target: f64,
    /// Beyond this a proven regression is a warning; at least `tolerance`.
    pub warn: f64,
    /// Beyond this a proven regression fails; at least `tolerance`.
    pub fail: f64,
    /// A difference up to here never counts; absolute.
    pub floor: Quantity,
    /// The most that the row may do.
    pub gate: Gate,
    /// Which witness gates, where there are two.
    pub witness: Witness,
    /// The most that a slower clock may do where the instructions are not more.
    pub slower_clock: Gate,
    /// The same, where the layout of the two builds was not pinned.
    pub slower_clock_unpinned: Gate,
    /// Proven beyond this, such a clock does that; below it warns at most. At
    /// least `fail`.
    pub slower_clock_tolerance: f64,
}

/// An absolute limit on the candidate.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Which benchmarks.
    pub bench: Pattern,
    /// Which metric, by its exact name.
    pub metric: String,
    /// The limit, and on which side of it values must lie.
    pub bound: Bound,
    /// Why, in the user's words.
    pub reason: Option<String>,
}

/// Which side of a limit is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Values must not exceed it.
    AtMost(Quantity),
    /// Values must reach it.
    AtLeast(Quantity),
}

/// An accepted regression of one row.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiver {
    /// The benchmark's exact name, or `package/target::name`.
    pub bench: String,
    /// The metric's exact name.
    pub metric: String,
    /// The ceiling, a change such as 0.12 for 12%.
    pub up_to: f64,
    /// The last day on which it holds.
    pub until: Date,
    /// Why, in the user's words.
    pub reason: String,
}

impl Waiver {
    /// Whether that row is meant.
    pub fn covers(&self, id: &BenchId, metric: &str) -> bool {
        self.metric == metric && self.names(id)
    }

    /// Whether that benchmark is meant, whatever the metric.
    pub fn names(&self, id: &BenchId) -> bool {
        self.bench == id.name || self.bench == id.qualified()
    }
}

impl Policy {
    /// The defaults alone.
    ///
    /// # Panics
    /// If the built-in policy is invalid, which a test rules out.
    pub fn builtin() -> Self {
        Self::complete(DEFAULT, Path::new("default.toml")).expect("the defaults are valid")
    }

    /// The policy of a text that has every key, or what is wrong with it.
    fn complete(text: &str, path: &Path) -> Result<Self, String> {
        let raw = raw::parse(text, path).map_err(|error| error.to_string())?;
        let layer = validate::layer(&raw, text, path).map_err(|error| error.to_string())?;
        Self::try_from(layer).map_err(|missing| missing.to_string())
    }

    /// Reads the file at `path` on top of the defaults.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let text = fs_err::read_to_string(path).map_err(PolicyError::Read)?;
        Self::parse(&text, path)
    }

    /// Takes `text`, the content of the file at `path`, on top of the defaults.
    pub fn parse(text: &str, path: &Path) -> Result<Self, PolicyError> {
        let raw = raw::parse(text, path)?;
        let layer = validate::layer(&raw, text, path)?;
        let policy = Self { source: Some(path.to_owned()), ..layer.over(Self::builtin()) };
        validate::can_decide(&policy, &raw, text, path)?;
        Ok(policy)
    }

    /// The policy of `explicit`, else the first of [`SEARCHED`] below
    /// `directory` that exists, else the defaults.
    pub fn find(explicit: Option<&Path>, directory: &Path) -> Result<Self, PolicyError> {
        match explicit.map(Path::to_owned).or_else(|| Self::searched(directory)) {
            Some(path) => Self::read(&path),
            None => Ok(Self::builtin()),
        }
    }

    /// The first of [`SEARCHED`] below `directory` that exists.
    pub fn searched(directory: &Path) -> Option<PathBuf> {
        // A link that leads nowhere is a policy that cannot be read, not none.
        let there = |path: &PathBuf| path.symlink_metadata().is_ok();
        SEARCHED.iter().map(|name| directory.join(name)).find(there)
    }

    /// What holds for one row: every rule that matches, in order.
    pub fn limits(&self, id: &BenchId, metric: &Metric) -> Limits {
        let mut limits = self.limits.clone();
        for rule in &self.rules {
            if rule.bench.matches(id) && rule.metric.matches_text(&metric.name) {
                limits = rule.limits.clone().over(limits);
            }
        }
        // Raising the tolerance alone moves what depends on it.
        limits.warn = limits.warn.max(limits.tolerance);
        limits.fail = limits.fail.max(limits.tolerance);
        limits.target = limits.target.max(limits.fail);
        limits.slower_clock_tolerance = limits.slower_clock_tolerance.max(limits.fail);
        limits
    }

    /// The globs (benchmark, metric) of the file's own rules that apply to no row.
    /// `any` says whether some row's id and metric pass the test it is given.
    pub fn unmatched(
        &self,
        any: impl Fn(&dyn Fn(&BenchId, &str) -> bool) -> bool,
    ) -> impl Iterator<Item = (&str, &str)> {
        let own = self.rules.iter().skip(self.builtin_rules);
        own.filter(move |rule| {
            !any(&|id, metric| rule.bench.matches(id) && rule.metric.matches_text(metric))
        })
        .map(|rule| (rule.bench.as_str(), rule.metric.as_str()))
    }
}

impl Rule {
    /// A rule for all rows.
    fn general(limits: LimitsLayer) -> Self {
        Self { bench: Pattern::any(), metric: Pattern::any(), limits }
    }

    /// Whether it is for all rows.
    fn is_general(&self) -> bool {
        [&self.bench, &self.metric].into_iter().all(Pattern::is_any)
    }
}

/// The JSON Schema of a policy file, for editors.
pub fn schema() -> serde_json::Value {
    raw::schema()
}
