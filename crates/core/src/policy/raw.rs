//! The file's shape: every value with its place in the file.

use std::fmt;
use std::path::Path;

use schemars::JsonSchema;
use serde::de::value::SeqAccessDeserializer;
use serde::de::{self, IntoDeserializer as _, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::command::RawCommand;
use super::error::PolicyError;
use super::limits::{Gate, Witness};
use super::settings::{BaseBroken, Level, MachineBusy, OnUndecided, SameCodeClock};
use super::target::TargetSeverity;
use crate::text;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "benchgate policy (gate.toml)")]
pub(super) struct RawPolicy {
    /// The version of this format: 1.
    #[schemars(with = "u32")]
    pub(super) version: Spanned<u32>,
    #[serde(default)]
    pub(super) verdict: RawVerdict,
    #[serde(default)]
    pub(super) environment: RawEnvironment,
    #[serde(default)]
    pub(super) sessions: RawSessions,
    #[serde(default)]
    pub(super) measure: RawMeasure,
    #[serde(default)]
    pub(super) ab: RawAb,
    #[serde(default)]
    pub(super) calibrate: RawCalibrate,
    #[serde(default)]
    pub(super) grades: RawGrades,
    #[serde(default)]
    pub(super) rule: Vec<RawRule>,
    #[serde(default)]
    pub(super) budget: Vec<RawBudget>,
    #[serde(default)]
    pub(super) target: Vec<RawTarget>,
    #[serde(default)]
    pub(super) waiver: Vec<RawWaiver>,
}

/// What decides the verdict beyond single rows.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawVerdict {
    /// Family-wise chance of a false regression: "1%".
    #[schemars(with = "Option<String>")]
    pub(super) alpha: Option<Spanned<String>>,
    /// The effect of undecided rows on the exit code.
    pub(super) undecided: Option<OnUndecided>,
    /// A comparison without any row to compare, even if budgets were judged.
    pub(super) nothing_compared: Option<Level>,
    /// A benchmark that only the baseline has.
    pub(super) missing: Option<Level>,
    /// A benchmark that only the candidate has.
    pub(super) new: Option<Level>,
    /// A result that cannot be read, or a program that crashed or hung.
    pub(super) unreadable: Option<Level>,
    /// Two results that claim the same benchmark.
    pub(super) duplicate: Option<Level>,
    /// A result that an earlier run left behind.
    pub(super) stale: Option<Level>,
    /// A change that most times share.
    pub(super) suite_shift: Option<Level>,
    /// Globs over the names of benchmarks that must be measured.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) require: Option<Vec<Spanned<String>>>,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawEnvironment {
    /// Environment fields that may differ between compared snapshots.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) ignore: Option<Vec<Spanned<String>>>,
}

/// How much sessions differ where no earlier session of the machine class shows it.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSessions {
    /// The standard deviation of the part that all benchmarks of a session have in common.
    #[schemars(with = "Option<String>")]
    pub(super) common: Option<Spanned<String>>,
    /// The standard deviation of each benchmark's own part.
    #[schemars(with = "Option<String>")]
    pub(super) own: Option<Spanned<String>>,
}

/// Adds criterion's times and samples to the keys of a table. Serde's own `flatten`
/// neither refuses unknown keys nor keeps the place of a value.
macro_rules! with_process_keys {
    (struct $name:ident { $($own:tt)* }) => {
        #[derive(Debug, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            /// Criterion's warm-up in each process: "200ms".
            #[schemars(with = "Option<String>")]
            pub(super) warm_up: Option<Spanned<String>>,
            /// Criterion's measuring time for each benchmark in each process: "500ms".
            #[schemars(with = "Option<String>")]
            pub(super) time: Option<Spanned<String>>,
            /// Criterion's samples, at least 10.
            #[schemars(with = "Option<u32>")]
            pub(super) samples: Option<Spanned<u32>>,
            $($own)*
        }
    };
}

with_process_keys! {
struct RawMeasure {
    /// Fresh processes for each bench target, 1 to 1000.
    #[schemars(with = "Option<u32>")]
    pub(super) repeat: Option<Spanned<u32>>,
    /// Counts of each criterion benchmark's instructions, 0 to 100.
    #[schemars(with = "Option<u32>")]
    pub(super) counts: Option<Spanned<u32>>,
    /// Globs over benchmarks that neither `gate run` nor `gate ab` counts.
    #[schemars(with = "Option<Vec<String>>")]
    pub(super) uncounted: Option<Vec<Spanned<String>>>,
    /// The longest time that a process may take: "10m".
    #[schemars(with = "Option<String>")]
    pub(super) time_limit: Option<Spanned<String>>,
    /// Programs in any language that are measured like bench targets.
    pub(super) command: Option<Vec<RawCommand>>,
}
}

with_process_keys! {
struct RawAb {
    /// Pairs of processes that screen every benchmark, at least 6.
    #[schemars(with = "Option<u32>")]
    pub(super) screening: Option<Spanned<u32>>,
    /// Rising numbers of confirming pairs at which a decision is tried.
    #[schemars(with = "Option<Vec<u32>>")]
    pub(super) looks: Option<Spanned<Vec<u32>>>,
    /// The time after which no new pair is started: "15m".
    #[schemars(with = "Option<String>")]
    pub(super) budget: Option<Spanned<String>>,
    /// Counts of each criterion benchmark's instructions on each side, 0 to 100.
    #[schemars(with = "Option<u32>")]
    pub(super) counts: Option<Spanned<u32>>,
    /// Whether both sides are linked again, with unchanged functions at the same addresses.
    pub(super) pin_layout: Option<bool>,
    /// Whether the base is also measured against itself.
    pub(super) control: Option<bool>,
    /// A trial whose head and base are the same files.
    pub(super) head_is_base: Option<Level>,
    /// Files that git does not track and that benchmarks read: "copy" to both sides,
    /// "refuse", or globs over the paths that may be copied.
    #[schemars(with = "Option<RawExtraFiles>")]
    pub(super) extra_files: Option<Spanned<RawExtraFiles>>,
    /// The verdict if the base does not build or run.
    pub(super) base_broken: Option<BaseBroken>,
    /// The effect of other programs that kept the machine busy.
    pub(super) machine_busy: Option<MachineBusy>,
    /// The clock of a benchmark that can reach only code that is the same on both sides.
    pub(super) same_code_clock: Option<SameCodeClock>,
}
}

/// A word, or globs.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
pub(super) enum RawExtraFiles {
    /// One rule for all.
    Word(ExtraFilesWord),
    /// Globs over paths from the repository's root.
    Only(Vec<String>),
}

/// One rule for all files.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum ExtraFilesWord {
    /// Both sides get a copy.
    Copy,
    /// The trial is refused.
    Refuse,
}

/// As `untagged` would do it, but with an error that names the alternatives.
impl<'de> Deserialize<'de> for RawExtraFiles {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;

        impl<'de> Visitor<'de> for Either {
            type Value = RawExtraFiles;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("\"copy\", \"refuse\", or a list of globs")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Self::Value, E> {
                ExtraFilesWord::deserialize(word.into_deserializer()).map(RawExtraFiles::Word)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(list)).map(RawExtraFiles::Only)
            }
        }

        deserializer.deserialize_any(Either)
    }
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCalibrate {
    /// Pairs of processes of the same executables, 6 to 1000.
    #[schemars(with = "Option<u32>")]
    pub(super) pairs: Option<Spanned<u32>>,
    /// The time after which no new pair is started: "15m".
    #[schemars(with = "Option<String>")]
    pub(super) budget: Option<Spanned<String>>,
}

/// What counts as a change. Later rules win, key by key.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawRule {
    /// Glob over the benchmark's name.
    #[schemars(with = "String")]
    pub(super) bench: Spanned<String>,
    /// Glob over the metric's name [default: all metrics].
    #[schemars(with = "Option<String>")]
    pub(super) metric: Option<Spanned<String>>,
    /// A change for the worse up to here is never a regression: "1%".
    #[schemars(with = "Option<String>")]
    pub(super) tolerance: Option<Spanned<String>>,
    /// A change of this size must be found: "3%".
    #[schemars(with = "Option<String>")]
    pub(super) target: Option<Spanned<String>>,
    /// A regression proven beyond this is a warning.
    #[schemars(with = "Option<String>")]
    pub(super) warn: Option<Spanned<String>>,
    /// A regression proven beyond this fails the gate.
    #[schemars(with = "Option<String>")]
    pub(super) fail: Option<Spanned<String>>,
    /// A difference up to here never counts: "5ns".
    #[schemars(with = "Option<String>")]
    pub(super) floor: Option<Spanned<String>>,
    /// The most severe effect that a row may have.
    pub(super) gate: Option<Gate>,
    /// Which rows may gate if a benchmark has both a time and an instruction count.
    pub(super) witness: Option<Witness>,
    /// The most severe effect of a slower clock if the instructions did not grow.
    pub(super) slower_clock: Option<Gate>,
    /// Limits `slower_clock` further if the layout of the two builds was not pinned.
    pub(super) slower_clock_unpinned: Option<Gate>,
    /// A slower clock has that effect only if it is proven beyond this: "5%".
    #[schemars(with = "Option<String>")]
    pub(super) slower_clock_tolerance: Option<Spanned<String>>,
    /// Between saved snapshots, a slower clock that is proven beyond this fails: "50%".
    #[schemars(with = "Option<String>")]
    pub(super) slower_clock_ceiling: Option<Spanned<String>>,
}

/// An absolute limit on the candidate: exactly one of `at_most` and `at_least`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawBudget {
    /// Glob over the benchmark's name.
    #[schemars(with = "String")]
    pub(super) bench: Spanned<String>,
    /// The metric's exact name.
    pub(super) metric: String,
    /// The largest allowed value: "200ms".
    #[schemars(with = "Option<String>")]
    pub(super) at_most: Option<Spanned<String>>,
    /// The smallest allowed value: "95%".
    #[schemars(with = "Option<String>")]
    pub(super) at_least: Option<Spanned<String>>,
    /// Why.
    pub(super) reason: Option<String>,
}

/// An absolute limit on the candidate that every report shows: exactly one of `at_most` and
/// `at_least`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawTarget {
    /// Glob over the benchmark's name.
    #[schemars(with = "String")]
    pub(super) bench: Spanned<String>,
    /// The metric's exact name: "time", "latency.p99".
    #[schemars(with = "String")]
    pub(super) metric: Spanned<String>,
    /// The quantile of a distribution, 0.5, 0.9, 0.95, 0.99 or 0.999: `metric = "latency"` with
    /// `quantile = 0.99` is `metric = "latency.p99"`.
    #[schemars(with = "Option<f64>")]
    pub(super) quantile: Option<Spanned<f64>>,
    /// The largest allowed value: "200ms".
    #[schemars(with = "Option<String>")]
    pub(super) at_most: Option<Spanned<String>>,
    /// The smallest allowed value: "95%".
    #[schemars(with = "Option<String>")]
    pub(super) at_least: Option<Spanned<String>>,
    /// A value proven beyond this is a warning, although it keeps the limit.
    #[schemars(with = "Option<String>")]
    pub(super) warn_at: Option<Spanned<String>>,
    /// How much it matters if the target is missed [default: high].
    pub(super) severity: Option<TargetSeverity>,
    /// The group that the target is graded with.
    #[schemars(with = "Option<String>")]
    pub(super) group: Option<Spanned<String>>,
    /// Why.
    pub(super) reason: Option<String>,
    /// Whether the target fails if nothing that it names was measured [default: false].
    pub(super) required: Option<bool>,
}

/// The shares of targets that must be met for each grade, the best first.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawGrades {
    /// For A+: "100%".
    #[schemars(with = "Option<String>")]
    pub(super) a_plus: Option<Spanned<String>>,
    /// For A: "90%".
    #[schemars(with = "Option<String>")]
    pub(super) a: Option<Spanned<String>>,
    /// For B+: "80%".
    #[schemars(with = "Option<String>")]
    pub(super) b_plus: Option<Spanned<String>>,
    /// For B: "70%".
    #[schemars(with = "Option<String>")]
    pub(super) b: Option<Spanned<String>>,
    /// For C: "60%"; below, the grade is D.
    #[schemars(with = "Option<String>")]
    pub(super) c: Option<Spanned<String>>,
}

/// An accepted regression of one row.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWaiver {
    /// The benchmark's exact name.
    #[schemars(with = "String")]
    pub(super) bench: Spanned<String>,
    /// The metric's exact name.
    pub(super) metric: String,
    /// The ceiling: "12%".
    #[schemars(with = "String")]
    pub(super) up_to: Spanned<String>,
    /// The last day on which it applies: "2027-01-31".
    #[schemars(with = "String")]
    pub(super) until: Spanned<String>,
    /// Why.
    #[schemars(with = "String")]
    pub(super) reason: Spanned<String>,
}

pub(super) fn parse(text: &str, path: &Path) -> Result<RawPolicy, PolicyError> {
    toml::from_str(text).map_err(|error| {
        let span = error.span().unwrap_or(0..0);
        PolicyError::at(path, text, span, with_suggestion(error.message()))
    })
}

/// Adds the nearest known key to serde's list of all of them.
fn with_suggestion(message: &str) -> String {
    let mut names = message.split('`').skip(1).step_by(2);
    let (Some(unknown), true) = (names.next(), message.starts_with("unknown ")) else {
        return message.to_owned();
    };
    let nearest = text::nearest(unknown, names, |known| known);
    match nearest {
        Some(known) => format!("{message}; did you mean `{known}`?"),
        None => message.to_owned(),
    }
}

/// The JSON Schema of a policy file, for editors.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(RawPolicy).to_value()
}
