//! What one policy file says: every key may be absent.
//!
//! The built-in file is complete, so its layer becomes a [`Policy`]; the user's
//! file is laid over that.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{
    AbRules, BaseBroken, Budget, CalibrateRules, Gate, Level, Limits, MachineBusy, MeasureRules,
    OnUndecided, Policy, ProcessRules, Quantity, Rule, VerdictRules, Waiver, Witness,
};
use crate::model::{Field, Pattern};

/// A key that the built-in policy lacks.
#[derive(Debug, thiserror::Error)]
#[error("the key `{0}` is missing")]
pub(super) struct MissingKey(String);

impl MissingKey {
    fn of(table: &str, key: &str) -> Self {
        Self(format!("{table}.{key}"))
    }
}

/// Makes the layer of some settings: the same keys, each of them optional.
macro_rules! layer {
    (
        $Layer:ident of $Settings:ident { $($key:ident: $Value:ty,)* }
        $(with $part:ident: $PartLayer:ident)?
    ) => {
        #[derive(Clone, Debug, Default)]
        pub(super) struct $Layer {
            $(pub(super) $key: Option<$Value>,)*
            $(pub(super) $part: $PartLayer,)?
        }

        impl $Layer {
            /// The settings, with `base` where this layer is silent.
            pub(super) fn over(self, base: $Settings) -> $Settings {
                $Settings {
                    $($key: self.$key.unwrap_or(base.$key),)*
                    $($part: self.$part.over(base.$part),)?
                }
            }

            /// The settings of a layer that has every key; else the first key that
            /// is missing from that table.
            fn complete(self, table: &str) -> Result<$Settings, MissingKey> {
                Ok($Settings {
                    $($key: self.$key.ok_or_else(|| MissingKey::of(table, stringify!($key)))?,)*
                    $($part: self.$part.complete(table)?,)?
                })
            }
        }
    };
}

layer! {
    VerdictLayer of VerdictRules {
        alpha: f64,
        undecided: OnUndecided,
        nothing_compared: Level,
        missing: Level,
        new: Level,
        unreadable: Level,
        duplicate: Level,
        stale: Level,
        suite_shift: Level,
        require: Vec<Pattern>,
    }
}

layer! {
    ProcessLayer of ProcessRules {
        warm_up: Duration,
        time: Duration,
        samples: u32,
    }
}

layer! {
    MeasureLayer of MeasureRules {
        repeat: u32,
        counts: u32,
        uncounted: Vec<Pattern>,
        time_limit: Duration,
    } with process: ProcessLayer
}

layer! {
    AbLayer of AbRules {
        screening: u32,
        looks: Vec<u32>,
        budget: Duration,
        counts: u32,
        pin_layout: bool,
        control: bool,
        base_broken: BaseBroken,
        machine_busy: MachineBusy,
    } with process: ProcessLayer
}

layer! {
    CalibrateLayer of CalibrateRules {
        pairs: u32,
        budget: Duration,
    }
}

layer! {
    LimitsLayer of Limits {
        tolerance: f64,
        target: f64,
        warn: f64,
        fail: f64,
        floor: Quantity,
        gate: Gate,
        witness: Witness,
        slower_clock: Gate,
        slower_clock_unpinned: Gate,
        slower_clock_tolerance: f64,
    }
}

/// What one policy file says.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) verdict: VerdictLayer,
    pub(super) ignored_fields: Option<BTreeSet<Field>>,
    pub(super) measure: MeasureLayer,
    pub(super) ab: AbLayer,
    pub(super) calibrate: CalibrateLayer,
    pub(super) rules: Vec<Rule>,
    pub(super) budgets: Vec<Budget>,
    pub(super) waivers: Vec<Waiver>,
}

impl Layer {
    /// The policy, with `base` where this layer is silent. Rules, budgets and
    /// waivers follow those of `base`.
    pub(super) fn over(self, base: Policy) -> Policy {
        let Self { verdict, ignored_fields, measure, ab, calibrate, rules, budgets, waivers } =
            self;
        Policy {
            source: base.source,
            verdict: verdict.over(base.verdict),
            ignored_fields: ignored_fields.unwrap_or(base.ignored_fields),
            measure: measure.over(base.measure),
            ab: ab.over(base.ab),
            calibrate: calibrate.over(base.calibrate),
            limits: base.limits,
            rules: [base.rules, rules].concat(),
            builtin_rules: base.builtin_rules,
            budgets: [base.budgets, budgets].concat(),
            waivers: [base.waivers, waivers].concat(),
        }
    }
}

/// The policy of a file that has every key. Its first rule is for all rows and
/// has every limit.
impl TryFrom<Layer> for Policy {
    type Error = MissingKey;

    fn try_from(layer: Layer) -> Result<Self, MissingKey> {
        let Layer { verdict, ignored_fields, measure, ab, calibrate, rules, budgets, waivers } =
            layer;
        let mut rules = rules.into_iter();
        let general = rules.next().unwrap_or_else(|| Rule::general(LimitsLayer::default()));
        if !general.is_general() {
            return Err(MissingKey::of("rule", "bench = \"**\""));
        }
        let rules: Vec<Rule> = rules.collect();
        Ok(Self {
            source: None,
            verdict: verdict.complete("verdict")?,
            ignored_fields: ignored_fields
                .ok_or_else(|| MissingKey::of("environment", "ignore"))?,
            measure: measure.complete("measure")?,
            ab: ab.complete("ab")?,
            calibrate: calibrate.complete("calibrate")?,
            limits: general.limits.complete("rule")?,
            builtin_rules: rules.len(),
            rules,
            budgets,
            waivers,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use toml_edit::{DocumentMut, TableLike, value};

    use crate::policy::{DEFAULT, Policy};

    /// The error of the built-in policy after a change.
    fn error_of(change: impl FnOnce(&mut DocumentMut)) -> String {
        let mut document: DocumentMut = DEFAULT.parse().expect("TOML");
        change(&mut document);
        Policy::complete(&document.to_string(), Path::new("default.toml"))
            .err()
            .unwrap_or_else(|| format!("this policy is complete: {document}"))
    }

    fn keys(table: &dyn TableLike) -> Vec<String> {
        table.iter().map(|(key, _)| key.to_owned()).collect()
    }

    #[test]
    fn a_policy_that_lacks_any_key_of_the_defaults_is_incomplete() {
        let document: DocumentMut = DEFAULT.parse().expect("TOML");
        let mut tried = 0;
        for (table, item) in document.iter() {
            let Some(content) = item.as_table() else { continue };
            for key in keys(content) {
                let error = error_of(|document| {
                    document[table].as_table_mut().expect("a table").remove(&key);
                });
                assert_eq!(error, format!("the key `{table}.{key}` is missing"));
                tried += 1;
            }
        }
        // The first rule holds for every row.
        let rules = document["rule"].as_array_of_tables().expect("rules");
        for key in keys(rules.get(0).expect("a first rule")) {
            let error = error_of(|document| {
                let rules = document["rule"].as_array_of_tables_mut().expect("rules");
                rules.get_mut(0).expect("a first rule").remove(&key);
            });
            match key.as_str() {
                // A rule without a metric is for all metrics anyway.
                "metric" => assert!(error.starts_with("this policy is complete"), "{error}"),
                "bench" => assert!(error.contains("missing field `bench`"), "{error}"),
                _ => assert_eq!(error, format!("the key `rule.{key}` is missing")),
            }
            tried += 1;
        }
        assert!(tried > 40, "{tried} keys were tried");
        assert!(error_of(|document| drop(document.remove("version"))).contains("`version`"));
        assert!(error_of(|document| drop(document.remove("rule"))).contains("`rule."));
        let narrow = error_of(|document| {
            let rules = document["rule"].as_array_of_tables_mut().expect("rules");
            rules.get_mut(0).expect("a first rule")["bench"] = value("cache/**");
        });
        assert_eq!(narrow, "the key `rule.bench = \"**\"` is missing");
    }
}
