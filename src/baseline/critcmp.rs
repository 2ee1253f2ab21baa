//! critcmp's export format (0.1.8): its types, and what of a snapshot it can say.
//!
//! critcmp compares by the key in `benchmarks` (with `--group`, by `full_id`)
//! and shows the mean, the standard deviation and the throughput. Its columns
//! are named by each benchmark's `baseline`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::path::Path;

use schemars::JsonSchema;
use serde::de::{self, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize};

use super::decode;
use super::derive;
use super::error::{BaselineError, Fault, Place};
use crate::model::{self, BenchId, CriterionParts, Measurement, Metric, Snapshot};

/// A whole export.
#[derive(Serialize, Deserialize)]
pub(super) struct Export {
    pub(super) name: String,
    #[serde(deserialize_with = "unique_keys")]
    pub(super) benchmarks: BTreeMap<String, Benchmark>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct Benchmark {
    baseline: String,
    fullname: String,
    #[serde(rename = "criterion_benchmark_v1")]
    pub(super) info: Info,
    #[serde(rename = "criterion_estimates_v1")]
    pub(super) estimates: Estimates,
}

/// Criterion's parts of a benchmark's name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpBenchmark")]
pub(super) struct Info {
    /// The group, or the whole name of a benchmark outside of groups.
    pub(super) group_id: String,
    /// The function's part.
    pub(super) function_id: Option<String>,
    /// The parameter's part.
    pub(super) value_str: Option<String>,
    /// Work in one iteration; both fields null: in another unit.
    pub(super) throughput: Option<Throughput>,
    /// The key of this benchmark.
    #[schemars(length(min = 1))]
    pub(super) full_id: String,
    /// Where criterion put its files.
    pub(super) directory_name: String,
}

/// Work in one iteration, as far as critcmp knows it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpThroughput")]
#[serde(rename_all = "PascalCase")]
pub(super) struct Throughput {
    bytes: Option<u64>,
    elements: Option<u64>,
}

impl From<model::Throughput> for Throughput {
    fn from(throughput: model::Throughput) -> Self {
        let (bytes, elements) = match throughput {
            model::Throughput::Bytes(n) | model::Throughput::BytesDecimal(n) => (Some(n), None),
            model::Throughput::Elements(n) => (None, Some(n)),
            model::Throughput::ElementsAndBytes { elements, bytes } => {
                (Some(bytes), Some(elements))
            }
            model::Throughput::Bits(_) | model::Throughput::Unknown => (None, None),
        };
        Self { bytes, elements }
    }
}

impl From<Throughput> for model::Throughput {
    fn from(throughput: Throughput) -> Self {
        match (throughput.bytes, throughput.elements) {
            (Some(bytes), None) => Self::Bytes(bytes),
            (None, Some(elements)) => Self::Elements(elements),
            (Some(bytes), Some(elements)) => Self::ElementsAndBytes { elements, bytes },
            (None, None) => Self::Unknown,
        }
    }
}

/// Nanoseconds per iteration.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpEstimates")]
pub(super) struct Estimates {
    mean: Estimate,
    median: Estimate,
    median_abs_dev: Estimate,
    slope: Option<Estimate>,
    std_dev: Estimate,
}

/// An estimate, its standard error and its interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpEstimate")]
struct Estimate {
    confidence_interval: Interval,
    #[serde(rename = "point_estimate")]
    point: f64,
    standard_error: f64,
}

/// A confidence interval.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpInterval")]
struct Interval {
    confidence_level: f64,
    lower_bound: f64,
    upper_bound: f64,
}

impl From<model::Estimate> for Estimate {
    fn from(estimate: model::Estimate) -> Self {
        let model::Estimate { point, standard_error, level, lower, upper } = estimate;
        Self {
            confidence_interval: Interval {
                confidence_level: level,
                lower_bound: lower,
                upper_bound: upper,
            },
            point,
            standard_error,
        }
    }
}

impl From<Estimate> for model::Estimate {
    fn from(estimate: Estimate) -> Self {
        let Estimate { confidence_interval: interval, point, standard_error } = estimate;
        Self {
            point,
            standard_error,
            level: interval.confidence_level,
            lower: interval.lower_bound,
            upper: interval.upper_bound,
        }
    }
}

impl From<model::Estimates> for Estimates {
    fn from(estimates: model::Estimates) -> Self {
        let model::Estimates { mean, median, median_abs_dev, slope, std_dev } = estimates;
        Self {
            mean: mean.into(),
            median: median.into(),
            median_abs_dev: median_abs_dev.into(),
            slope: slope.map(Into::into),
            std_dev: std_dev.into(),
        }
    }
}

impl From<Estimates> for model::Estimates {
    fn from(estimates: Estimates) -> Self {
        let Estimates { mean, median, median_abs_dev, slope, std_dev } = estimates;
        Self {
            mean: mean.into(),
            median: median.into(),
            median_abs_dev: median_abs_dev.into(),
            slope: slope.map(Into::into),
            std_dev: std_dev.into(),
        }
    }
}

/// A measurement that critcmp can show.
pub(super) struct Shown<'a> {
    /// What critcmp calls it.
    pub(super) key: String,
    pub(super) measurement: &'a Measurement,
    pub(super) info: Info,
    pub(super) estimates: Estimates,
}

/// Divides the measurements into those that critcmp can show and the others,
/// each in the order of id and metric.
///
/// critcmp knows one name a benchmark: targets that share one are told apart by
/// their qualified names, and should even those be taken, by a number.
pub(super) fn divide(snapshot: &Snapshot) -> (Vec<Shown<'_>>, Vec<&Measurement>) {
    let mut sorted: Vec<&Measurement> = snapshot.measurements.iter().collect();
    sorted.sort_by(|a, b| (&a.id, &a.metric.name).cmp(&(&b.id, &b.metric.name)));

    let time = Metric::time();
    let mut candidates = Vec::new();
    let mut others = Vec::new();
    for measurement in sorted {
        let plain = measurement.metric == time && measurement.costs.is_none();
        let parts = measurement.criterion.as_ref().filter(|_| plain);
        match parts.zip(derive::over_runs(&measurement.runs)) {
            Some((parts, estimates)) => candidates.push((measurement, parts, estimates)),
            None => others.push(measurement),
        }
    }

    let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
    for (measurement, ..) in &candidates {
        *uses.entry(&measurement.id.name).or_default() += 1;
    }
    let mut taken: BTreeSet<String> =
        uses.iter().filter(|(_, count)| **count == 1).map(|(name, _)| (*name).to_owned()).collect();
    let mut shown = Vec::with_capacity(candidates.len());
    for (measurement, parts, estimates) in candidates {
        let id = &measurement.id;
        let key = if uses.get(id.name.as_str()) == Some(&1) {
            id.name.clone()
        } else {
            free_key(&mut taken, &id.qualified())
        };
        let info = Info {
            group_id: parts.group.clone(),
            function_id: parts.function.clone(),
            value_str: parts.value.clone(),
            throughput: measurement.throughput.map(Into::into),
            full_id: key.clone(),
            directory_name: parts.directory.clone(),
        };
        shown.push(Shown { key, measurement, info, estimates: estimates.into() });
    }
    (shown, others)
}

fn free_key(taken: &mut BTreeSet<String>, qualified: &str) -> String {
    let mut key = qualified.to_owned();
    let mut number = 2;
    while !taken.insert(key.clone()) {
        key = format!("{qualified} ({number})");
        number += 1;
    }
    key
}

/// A snapshot in critcmp's own format.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CritcmpExport {
    /// The file's text, as `critcmp --export` writes it.
    pub text: String,
    /// What the format has no place for, each as `benchmark (metric)`, sorted.
    pub omitted: Vec<String>,
}

/// Writes a snapshot as `critcmp --export` would: criterion's times, one set of
/// estimates each, and nothing else.
///
/// Several runs become one set as in the stored files: the mean over the runs
/// of each statistic, its standard error and Student's t interval (95%) from
/// their spread.
pub fn export_critcmp(snapshot: &Snapshot) -> Result<CritcmpExport, BaselineError> {
    let (shown, others) = divide(snapshot);
    let name = &snapshot.name;
    let mut benchmarks = BTreeMap::new();
    for Shown { key, info, estimates, .. } in shown {
        let place = Place::default().at("benchmarks").at(&key).at("criterion_estimates_v1");
        decode::estimates(estimates.clone().into(), &place)
            .map_err(|fault| fault.in_snapshot(name))?;
        let benchmark = Benchmark {
            baseline: name.clone(),
            fullname: format!("{name}/{key}"),
            info,
            estimates,
        };
        benchmarks.insert(key, benchmark);
    }
    let export = Export { name: name.clone(), benchmarks };
    let mut text = serde_json::to_string_pretty(&export)
        .map_err(|error| Place::default().fault(error.to_string()).in_snapshot(name))?;
    text.push('\n');
    let omitted =
        others.iter().map(|m| format!("{} ({})", m.id.qualified(), m.metric.name)).collect();
    Ok(CritcmpExport { text, omitted })
}

/// Reads a file as critcmp does: one run, estimates without samples, nothing
/// known of the environment; `created` is when the file was last written.
///
/// Times are taken for nanoseconds, as critcmp takes them. Of a file of ours
/// this is critcmp's part alone; [`read`](super::read) takes all of it.
pub fn import_critcmp(path: &Path) -> Result<Snapshot, BaselineError> {
    let content = decode::load(path)?;
    decode::plain(&content, path)
}

impl Benchmark {
    /// The measurement at `place`, as of the one run of an export.
    pub(super) fn into_measurement(self, place: &Place) -> Result<Measurement, Fault> {
        let estimates =
            decode::estimates(self.estimates.into(), &place.at("criterion_estimates_v1"))?;
        let name =
            decode::present(self.info.full_id, &place.at("criterion_benchmark_v1").at("full_id"))?;
        Ok(Measurement {
            id: BenchId::named(name),
            metric: Metric::time(),
            runs: vec![model::RunReading { run: 0, reading: model::Reading::Estimates(estimates) }],
            criterion: Some(CriterionParts {
                group: self.info.group_id,
                function: self.info.function_id,
                value: self.info.value_str,
                directory: self.info.directory_name,
            }),
            throughput: self.info.throughput.map(Into::into),
            costs: None,
        })
    }
}

/// Reads a map and refuses a key that stands twice: of two results by one name
/// (a merge gone wrong) the last would win in silence.
pub(super) fn unique_keys<'de, D, V>(deserializer: D) -> Result<BTreeMap<String, V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct Unique<V>(PhantomData<V>);

    impl<'de, V: Deserialize<'de>> Visitor<'de> for Unique<V> {
        type Value = BTreeMap<String, V>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map by name")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Self::Value, A::Error> {
            let mut map = BTreeMap::new();
            while let Some((key, value)) = access.next_entry::<String, V>()? {
                if map.contains_key(&key) {
                    return Err(de::Error::custom(format!("{key:?} stands twice")));
                }
                map.insert(key, value);
            }
            Ok(map)
        }
    }

    deserializer.deserialize_map(Unique(PhantomData))
}
