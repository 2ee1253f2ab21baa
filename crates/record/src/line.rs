//! The wire format: one JSON object a line.

use std::collections::BTreeMap;
use std::fmt;

use serde_core::ser::{Serialize, SerializeStruct as _, SerializeStructVariant as _, Serializer};
use serde_json::{Map, Value};

use crate::metric::{Direction, Metric, Nature, Unit};

/// One line of a record: what a program measured, and what it could not.
///
/// ```text
/// {"not_run":{"subject":"cache/redis","reason":"no redis-server found"}}
/// {"service":{"name":"redis","version":"7.0.15"}}
/// {"measurement":{"id":"cache/zipf","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":0.97}}
/// {"latencies":{"id":"http/lead","metric":"latency","unit":"ns","counts":[[81000,3],[94016,1]],"failed":{"timeout":1}}}
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Line {
    /// Something could not be measured.
    NotRun {
        /// A bench target, a group or a benchmark: `cache/redis`.
        subject: String,
        /// The cause, and the remedy.
        reason: String,
    },
    /// A service took part.
    Service {
        /// Its name: `redis`.
        name: String,
        /// Its version.
        version: String,
    },
    /// One value of a metric.
    Measurement {
        /// The benchmark.
        id: String,
        /// The metric.
        metric: Metric,
        /// The value, in the metric's unit.
        value: f64,
    },
    /// A distribution: many values of one quantity in one process.
    Latencies {
        /// The benchmark.
        id: String,
        /// What was observed: `latency` if the line does not name it. Smaller is better.
        metric: String,
        /// The unit of the values: nanoseconds if the line does not name it.
        unit: Unit,
        /// The values of operations that succeeded.
        observed: Observed,
        /// The number of operations that failed, by kind. `None` if the program does not
        /// count them; an empty map says that none failed.
        failed: Option<BTreeMap<String, u64>>,
    },
}

/// The values of a distribution, in one of three forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observed {
    /// `counts`: values, and how often each was observed, in any order.
    Counts(Vec<(u64, u64)>),
    /// `values`: each value, for a script without a histogram.
    Values(Vec<u64>),
    /// `hdr`: what HdrHistogram's libraries write as a compressed histogram, in base64. It
    /// begins with `HISTFAAAA`.
    Hdr(String),
}

/// Why a text is not a line of a record.
#[derive(Debug)]
pub enum LineError {
    /// It is not JSON.
    Json(serde_json::Error),
    /// It is JSON of another shape; the text names the key and what belongs there.
    Shape(String),
}

impl fmt::Display for LineError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Json(error) => error.fmt(f),
            Self::Shape(reason) => f.write_str(reason),
        }
    }
}

impl std::error::Error for LineError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Json(error) => Some(error),
            Self::Shape(_) => None,
        }
    }
}

impl Line {
    /// Reads a line. Unknown keys are ignored, so that a newer program's lines
    /// can be read; an unknown kind of line is an error that names it.
    ///
    /// The caller must check that a value is in its unit's range.
    pub fn parse(text: &str) -> Result<Self, LineError> {
        let value: Value = serde_json::from_str(text).map_err(LineError::Json)?;
        let kinds = "an object with one key: `not_run`, `service`, `measurement` or `latencies`";
        let Value::Object(line) = &value else {
            return Err(LineError::Shape(format!("expected {kinds}")));
        };
        let mut entries = line.iter();
        let (Some((kind, body)), None) = (entries.next(), entries.next()) else {
            return Err(LineError::Shape(format!("expected {kinds}")));
        };
        let fields = match body {
            Value::Object(fields) => Fields { kind, fields },
            _ => return Err(LineError::Shape(format!("`{kind}` is not an object"))),
        };
        match kind.as_str() {
            "not_run" => Ok(Self::NotRun {
                subject: fields.text("subject")?,
                reason: fields.text("reason")?,
            }),
            "service" => {
                Ok(Self::Service { name: fields.text("name")?, version: fields.text("version")? })
            }
            "measurement" => {
                fields.of_known_version()?;
                Ok(Self::Measurement {
                    id: fields.text("id")?,
                    metric: Metric {
                        name: fields.text("metric")?,
                        unit: Unit::from(fields.text("unit")?.as_str()),
                        better: fields.choice("better", &DIRECTIONS)?,
                        nature: fields.choice("nature", &NATURES)?,
                    },
                    value: fields.number("value")?,
                })
            }
            "latencies" => fields.latencies(),
            other => {
                Err(LineError::Shape(format!("unknown kind of line `{other}`; expected {kinds}")))
            }
        }
    }
}

/// The version of lines that may name theirs.
const VERSION: u64 = 1;

/// A value of at least 0, rounded to a whole number: programs in many languages measure in
/// fractions.
fn whole(value: &Value) -> Option<u64> {
    if let Some(value) = value.as_u64() {
        return Some(value);
    }
    let value = value.as_f64().filter(|value| (0.0..BEYOND).contains(value))?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at least 0 and less than 2^63"
    )]
    Some(value.round() as u64)
}

/// 2^63: larger than any value of a histogram.
const BEYOND: f64 = 9_223_372_036_854_775_808.0;

const DIRECTIONS: [(&str, Direction); 2] =
    [("lower", Direction::Lower), ("higher", Direction::Higher)];
const NATURES: [(&str, Nature); 2] = [("sampled", Nature::Sampled), ("counted", Nature::Counted)];

/// The keys of one line, and its kind for errors.
struct Fields<'a> {
    kind: &'a str,
    fields: &'a Map<String, Value>,
}

impl Fields<'_> {
    fn get(&self, key: &str) -> Result<&Value, LineError> {
        let missing = || LineError::Shape(format!("`{}` lacks the key `{key}`", self.kind));
        self.fields.get(key).ok_or_else(missing)
    }

    fn text(&self, key: &str) -> Result<String, LineError> {
        match self.get(key)? {
            Value::String(text) => Ok(text.clone()),
            other => Err(self.unexpected(key, other, "a string")),
        }
    }

    /// Refuses a line whose meaning only a newer gate knows. New keys do not need a new
    /// version; a change of meaning does.
    fn of_known_version(&self) -> Result<(), LineError> {
        match self.fields.get("version") {
            None => Ok(()),
            Some(version) if version.as_u64() == Some(VERSION) => Ok(()),
            Some(version) => Err(LineError::Shape(format!(
                "`{}` is of version {version}; this gate reads version {VERSION}, so update it",
                self.kind
            ))),
        }
    }

    fn latencies(&self) -> Result<Line, LineError> {
        self.of_known_version()?;
        let text_or = |key: &str, default: &str| match self.fields.get(key) {
            None => Ok(default.to_owned()),
            Some(_) => self.text(key),
        };
        let forms = ["counts", "values", "hdr"].map(|key| self.fields.get(key));
        let observed = match forms {
            [Some(counts), None, None] => Observed::Counts(self.list(
                "counts",
                counts,
                |pair| {
                    let [value, count] = pair.as_array()?.as_slice() else { return None };
                    Some((whole(value)?, count.as_u64()?))
                },
                "a list of [value, count], each at least 0",
            )?),
            [None, Some(values), None] => Observed::Values(self.list(
                "values",
                values,
                whole,
                "a list of numbers of at least 0",
            )?),
            [None, None, Some(_)] => Observed::Hdr(self.text("hdr")?),
            _ => {
                return Err(LineError::Shape(format!(
                    "`{}` needs one of the keys `counts`, `values` and `hdr`",
                    self.kind
                )));
            }
        };
        let failed = self.fields.get("failed").map(|failed| {
            let wrong = || self.unexpected("failed", failed, "an object of whole numbers");
            let counts = failed.as_object().ok_or_else(wrong)?.iter();
            counts
                .map(|(kind, count)| Some((kind.clone(), count.as_u64()?)))
                .collect::<Option<BTreeMap<_, _>>>()
                .ok_or_else(wrong)
        });
        Ok(Line::Latencies {
            id: self.text("id")?,
            metric: text_or("metric", Metric::LATENCY)?,
            unit: Unit::from(text_or("unit", "ns")?.as_str()),
            observed,
            failed: failed.transpose()?,
        })
    }

    /// The items of a list. An error quotes the first wrong item, not the whole list.
    fn list<T>(
        &self,
        key: &str,
        list: &Value,
        item: impl Fn(&Value) -> Option<T>,
        expected: &str,
    ) -> Result<Vec<T>, LineError> {
        let items = list.as_array().ok_or_else(|| self.unexpected(key, list, expected))?;
        let read = |value| item(value).ok_or_else(|| self.unexpected(key, value, expected));
        items.iter().map(read).collect()
    }

    fn number(&self, key: &str) -> Result<f64, LineError> {
        let value = self.get(key)?;
        value.as_f64().ok_or_else(|| self.unexpected(key, value, "a finite number"))
    }

    fn choice<T: Copy>(&self, key: &str, choices: &[(&str, T)]) -> Result<T, LineError> {
        let value = self.get(key)?;
        let chosen = choices.iter().find(|(name, _)| value.as_str() == Some(name));
        chosen.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<String> = choices.iter().map(|(name, _)| format!("`{name}`")).collect();
            self.unexpected(key, value, &names.join(" or "))
        })
    }

    fn unexpected(&self, key: &str, value: &Value, expected: &str) -> LineError {
        LineError::Shape(format!("`{}.{key}` is {value}; expected {expected}", self.kind))
    }
}

impl Serialize for Line {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const NAME: &str = "Line";
        match self {
            Self::NotRun { subject, reason } => {
                let mut line = serializer.serialize_struct_variant(NAME, 0, "not_run", 2)?;
                line.serialize_field("subject", subject)?;
                line.serialize_field("reason", reason)?;
                line.end()
            }
            Self::Service { name, version } => {
                let mut line = serializer.serialize_struct_variant(NAME, 1, "service", 2)?;
                line.serialize_field("name", name)?;
                line.serialize_field("version", version)?;
                line.end()
            }
            Self::Measurement { id, metric, value } => {
                let fields = MeasurementFields { id, metric, value: *value };
                serializer.serialize_newtype_variant(NAME, 2, "measurement", &fields)
            }
            Self::Latencies { id, metric, unit, observed, failed } => {
                let mut line = serializer.serialize_struct_variant(NAME, 3, "latencies", 5)?;
                line.serialize_field("id", id)?;
                line.serialize_field("metric", metric)?;
                line.serialize_field("unit", &unit.to_string())?;
                match observed {
                    Observed::Counts(counts) => line.serialize_field("counts", counts)?,
                    Observed::Values(values) => line.serialize_field("values", values)?,
                    Observed::Hdr(text) => line.serialize_field("hdr", text)?,
                }
                match failed {
                    Some(failed) => line.serialize_field("failed", failed)?,
                    None => line.skip_field("failed")?,
                }
                line.end()
            }
        }
    }
}

/// The keys of a measurement, in the order of the file.
struct MeasurementFields<'a> {
    id: &'a str,
    metric: &'a Metric,
    value: f64,
}

impl Serialize for MeasurementFields<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { id, metric: Metric { name, unit, better, nature }, value } = self;
        let mut fields = serializer.serialize_struct("Measurement", 6)?;
        fields.serialize_field("id", id)?;
        fields.serialize_field("metric", name)?;
        fields.serialize_field("unit", &unit.to_string())?;
        fields.serialize_field("better", name_of(*better, &DIRECTIONS))?;
        fields.serialize_field("nature", name_of(*nature, &NATURES))?;
        fields.serialize_field("value", value)?;
        fields.end()
    }
}

/// The name under which a choice is written.
fn name_of<T: Copy + PartialEq>(choice: T, choices: &[(&'static str, T)]) -> &'static str {
    choices.iter().find(|(_, each)| *each == choice).map_or("", |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit_rate() -> Metric {
        Metric::sampled("hit_rate", Unit::Share).higher()
    }

    #[test]
    fn each_kind_has_its_form_and_is_read_again() {
        let queries = Metric::counted("queries", Unit::Count);
        for (line, text) in [
            (
                Line::NotRun {
                    subject: "cache/redis".to_owned(),
                    reason: "no `redis-server`\non PATH".to_owned(),
                },
                r#"{"not_run":{"subject":"cache/redis","reason":"no `redis-server`\non PATH"}}"#,
            ),
            (
                Line::Service { name: "redis".to_owned(), version: "7.0.15".to_owned() },
                r#"{"service":{"name":"redis","version":"7.0.15"}}"#,
            ),
            (
                Line::Measurement { id: "cache/zipf".to_owned(), metric: hit_rate(), value: 0.97 },
                r#"{"measurement":{"id":"cache/zipf","metric":"hit_rate","unit":"share","better":"higher","nature":"sampled","value":0.97}}"#,
            ),
            (
                Line::Measurement { id: "leads".to_owned(), metric: queries, value: 5.0 },
                r#"{"measurement":{"id":"leads","metric":"queries","unit":"count","better":"lower","nature":"counted","value":5.0}}"#,
            ),
        ] {
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
            assert_eq!(Line::parse(text).unwrap(), line);
        }
    }

    #[test]
    fn a_newer_programs_keys_are_ignored() {
        let line = Line::parse(r#"{"service":{"name":"redis","version":"7","port":6379}}"#);
        let redis = Line::Service { name: "redis".to_owned(), version: "7".to_owned() };
        assert_eq!(line.unwrap(), redis);
    }

    #[test]
    fn an_error_names_the_key_and_what_belongs_there() {
        let measurement = |rest: &str| {
            format!(r#"{{"measurement":{{"id":"a","metric":"m","unit":"share",{rest}}}}}"#)
        };
        for (text, error) in [
            (
                "[]",
                "expected an object with one key: `not_run`, `service`, `measurement` or `latencies`",
            ),
            (
                r#"{"a":{},"b":{}}"#,
                "expected an object with one key: `not_run`, `service`, `measurement` or \
                 `latencies`",
            ),
            (
                r#"{"other":{}}"#,
                "unknown kind of line `other`; expected an object with one key: `not_run`, \
                 `service`, `measurement` or `latencies`",
            ),
            (r#"{"service":7}"#, "`service` is not an object"),
            (r#"{"service":{"name":"redis"}}"#, "`service` lacks the key `version`"),
            (r#"{"service":{"name":7,"version":"7"}}"#, "`service.name` is 7; expected a string"),
            (
                &measurement(r#""better":"more","nature":"sampled","value":1"#),
                "`measurement.better` is \"more\"; expected `lower` or `higher`",
            ),
            (
                &measurement(r#""better":"lower","nature":"sampled","value":null"#),
                "`measurement.value` is null; expected a finite number",
            ),
        ] {
            assert_eq!(Line::parse(text).unwrap_err().to_string(), error);
        }
    }
}
