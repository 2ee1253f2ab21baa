//! The content of one policy file: every key may be absent.
//!
//! The built-in file is complete, so its layer becomes a [`Policy`]. The user's file
//! overrides it.

use std::collections::BTreeSet;

use super::Policy;
use super::layer::{
    AbLayer, CalibrateLayer, GradeLayer, LimitsLayer, MeasureLayer, MissingKey, SessionLayer,
    VerdictLayer,
};
use super::limits::Waiver;
use super::rule::Rule;
use super::target::Target;
use crate::model::Field;

/// The content of one policy file.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) verdict: VerdictLayer,
    pub(super) ignored_fields: Option<BTreeSet<Field>>,
    pub(super) sessions: SessionLayer,
    pub(super) measure: MeasureLayer,
    pub(super) ab: AbLayer,
    pub(super) calibrate: CalibrateLayer,
    pub(super) grades: GradeLayer,
    pub(super) rules: Vec<Rule>,
    pub(super) targets: Vec<Target>,
    pub(super) waivers: Vec<Waiver>,
}

impl Layer {
    /// The policy, with the values of `base` for keys that this layer lacks. Rules,
    /// targets and waivers follow those of `base`.
    pub(super) fn over(self, base: Policy) -> Policy {
        let Self {
            verdict,
            ignored_fields,
            sessions,
            measure,
            ab,
            calibrate,
            grades,
            rules,
            targets,
            waivers,
        } = self;
        Policy {
            source: base.source,
            verdict: verdict.over(base.verdict),
            ignored_fields: ignored_fields.unwrap_or(base.ignored_fields),
            sessions: sessions.over(base.sessions),
            measure: measure.over(base.measure),
            ab: ab.over(base.ab),
            calibrate: calibrate.over(base.calibrate),
            grades: grades.over(base.grades),
            limits: base.limits,
            rules: [base.rules, rules].concat(),
            builtin_rules: base.builtin_rules,
            targets: [base.targets, targets].concat(),
            waivers: [base.waivers, waivers].concat(),
        }
    }
}

/// The policy of a file that has every key. Its first rule is for all rows and
/// has every limit.
impl TryFrom<Layer> for Policy {
    type Error = MissingKey;

    fn try_from(layer: Layer) -> Result<Self, MissingKey> {
        let Layer {
            verdict,
            ignored_fields,
            sessions,
            measure,
            ab,
            calibrate,
            grades,
            rules,
            targets,
            waivers,
        } = layer;
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
            sessions: sessions.complete("sessions")?,
            measure: measure.complete("measure")?,
            ab: ab.complete("ab")?,
            calibrate: calibrate.complete("calibrate")?,
            grades: grades.complete("grades")?,
            limits: general.limits.complete("rule")?,
            builtin_rules: rules.len(),
            rules,
            targets,
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
