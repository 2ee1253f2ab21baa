//! Bencher Metric Format: <https://bencher.dev/docs/reference/bencher-metric-format>.
//!
//! ```text
//! {"BENCHMARK": {"MEASURE": {"value": 88.0, "lower_value": 87.4, "upper_value": 88.9}}}
//! ```
//!
//! The file does not hold units, nor which way is better. Those of Bencher's own measures are
//! known; of any other measure, lower is better. The bounds are not used: each program chooses
//! by itself what they mean.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::super::{Harvest, file};
use crate::model::{
    BenchId, Measurement, Metric, Problem, ProblemKind, Reading, RunReading, Snapshot, Unit,
};

/// The unit of a measure that is not known.
const UNSTATED: &str = "units";

/// Bencher's own measures, and how this gate calls and compares them.
fn known(measure: &str) -> Option<Metric> {
    Some(match measure {
        // Nanoseconds.
        "latency" => Metric::time(),
        "throughput" => Metric::sampled("throughput", Unit::PerSecond).higher(),
        "build-time" => Metric::sampled("build_time", Unit::Other("s".to_owned())),
        "file-size" => Metric::counted("file_size", Unit::Bytes),
        "instructions" => Metric::counted(Metric::INSTRUCTIONS, Unit::Count),
        "allocations" => Metric::counted(Metric::ALLOCATIONS, Unit::Count),
        "estimated-cycles" | "l1-hits" | "ll-hits" | "ram-hits" => {
            Metric::counted(measure.replace('-', "_"), Unit::Count)
        }
        _ => return None,
    })
}

fn metric(measure: &str) -> Metric {
    known(measure).unwrap_or_else(|| Metric::sampled(measure, Unit::Other(UNSTATED.to_owned())))
}

/// Gives measures of an unknown unit the metric that the baseline has under that name, with its
/// unit, its direction and its nature.
pub fn adopt_metrics(candidate: &mut Snapshot, baseline: &Snapshot) {
    for measurement in &mut candidate.measurements {
        let name = &measurement.metric.name;
        if measurement.metric != metric(name) || known(name).is_some() {
            continue;
        }
        let mut same = baseline.measurements.iter().filter(|other| {
            other.id.may_equal(&measurement.id) && slug(&other.metric.name) == slug(name)
        });
        if let (Some(only), None) = (same.next(), same.next()) {
            measurement.metric = only.metric.clone();
        }
    }
}

/// A name as Bencher writes it: lower case, words joined by hyphens.
fn slug(name: &str) -> String {
    let hyphened =
        |c: char| if matches!(c, '_' | '.' | ' ') { '-' } else { c.to_ascii_lowercase() };
    name.chars().map(hyphened).collect()
}

/// The rows of a run.
pub(super) fn read(bytes: &[u8], path: &Path) -> Result<(Harvest, u32), String> {
    let Pairs(benchmarks) = file::parse::<Pairs<Pairs<Value>>>(bytes)?;
    let mut rows: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for (benchmark, Pairs(measures)) in benchmarks {
        for (measure, value) in measures {
            rows.entry((benchmark.clone(), measure)).or_default().push(value);
        }
    }
    let mut harvest = Harvest::default();
    for ((benchmark, measure), values) in rows {
        let id = BenchId::named(benchmark);
        let metric = metric(&measure);
        let place = || format!("{:?}.{measure:?}", id.name);
        let problem = |kind: ProblemKind, reason: String| Problem {
            kind,
            id: Some(id.clone()),
            path: path.to_owned(),
            reason: file::shorten(reason),
        };
        let [value] = &values[..] else {
            let reason = format!(
                "{} is there {} times, so none is used; write each run to a file of its own",
                place(),
                values.len()
            );
            harvest.problems.push(problem(ProblemKind::Duplicate, reason));
            continue;
        };
        match number(value, &metric) {
            Ok(value) => harvest.measurements.push(Measurement {
                id: id.clone(),
                metric,
                runs: vec![RunReading { run: 0, reading: Reading::Value(value) }],
                criterion: None,
                throughput: None,
                costs: None,
            }),
            Err(reason) => {
                let reason = format!("{}{reason}", place());
                harvest.problems.push(problem(ProblemKind::Unreadable, reason));
            }
        }
    }
    Ok((harvest, 1))
}

/// The value of a measure, or the end of a sentence that says what is wrong with it.
fn number(measure: &Value, metric: &Metric) -> Result<f64, String> {
    let value = measure.get("value").ok_or(" lacks the key `value`")?;
    let number = value.as_f64().ok_or_else(|| format!(".value is {value}, not a number"))?;
    let (least, most) = metric.unit.range();
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(format!(".value is {number}, which is out of range for {}", metric.unit))
    }
}

/// The entries of a JSON object, also those whose key is there twice.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for Entries<T> {
            type Value = Pairs<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = access.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Entries(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Direction, Nature};

    #[test]
    fn the_direction_of_a_known_measure_is_known() {
        let better = |measure: &str| metric(measure).better;
        assert_eq!(better("throughput"), Direction::Higher);
        assert_eq!(better("latency"), Direction::Lower);
        assert_eq!(better("hit-rate"), Direction::Lower);
        assert_eq!(metric("file-size").nature, Nature::Counted);
    }
}
