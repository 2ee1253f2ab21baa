//! One `summary.json`, of either version.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::super::file;
use crate::model::{BenchId, Measurement, Metric, Reading, RunReading, TargetId, Unit};

/// Tool, its name for the metric, ours, and the unit.
static METRICS: [(Tool, &str, &str, Unit); 8] = [
    (Tool::Callgrind, "Ir", Metric::INSTRUCTIONS, Unit::Count),
    (Tool::Callgrind, "EstimatedCycles", "estimated_cycles", Unit::Count),
    (Tool::Callgrind, "L1hits", "l1_hits", Unit::Count),
    (Tool::Callgrind, "LLhits", "ll_hits", Unit::Count),
    (Tool::Callgrind, "RamHits", "ram_hits", Unit::Count),
    (Tool::Dhat, "TotalBytes", "heap_bytes", Unit::Bytes),
    (Tool::Dhat, "TotalBlocks", "heap_blocks", Unit::Count),
    (Tool::Dhat, "AtTGmaxBytes", "heap_peak_bytes", Unit::Bytes),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tool {
    Callgrind,
    Dhat,
}

/// A summary of either version.
pub(super) struct Summary {
    module_path: String,
    id: Option<String>,
    /// The source file of the bench target.
    file: String,
    /// The directory that the runner wrote to, `…/package/target/group/function`.
    directory: String,
    /// For each tool the metrics that it counted in this run.
    tools: Vec<(Tool, Numbers)>,
}

/// The tool's names of its metrics, with this run's value or why there is none.
type Numbers = Vec<(String, Result<f64, String>)>;

impl Summary {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let bytes = file::bytes(path)?;
        let WireVersion { version } = file::parse(&bytes)?;
        match version.as_deref() {
            Some("6") => Ok(file::parse::<Wire6>(&bytes)?.into()),
            Some("7") => Ok(file::parse::<Wire7>(&bytes)?.into()),
            Some(other) => Err(format!(
                "has summary version {other:?}; versions 6 (iai-callgrind 0.16) and 7 \
                 (gungraun 0.20) can be read: use one of those"
            )),
            None => {
                Err("has no version, so it is not a summary written by iai-callgrind or gungraun"
                    .to_owned())
            }
        }
    }

    pub(super) fn id(&self, target: Option<&TargetId>) -> BenchId {
        let (own, name) = match self.module_path.split_once("::") {
            Some((krate, name)) => (Some(TargetId::named(self.target(krate))), name),
            None => (None, self.module_path.as_str()),
        };
        let target = target.cloned().or(own).map(|TargetId { package, name }| TargetId {
            package: package.or_else(|| self.package()),
            name,
        });
        let name = match &self.id {
            Some(id) => format!("{name} {id}"),
            None => name.to_owned(),
        };
        BenchId { name, target }
    }

    /// Cargo's name of the target, of which the module path holds the crate
    /// name: hyphens are underscores there.
    fn target(&self, krate: &str) -> String {
        let stem = self.file.rsplit(['/', '\\']).next().and_then(|name| name.strip_suffix(".rs"));
        stem.filter(|stem| stem.replace('-', "_") == krate).unwrap_or(krate).to_owned()
    }

    /// The directory around `target/group/function`, if that is how it ends.
    fn package(&self) -> Option<String> {
        let mut path = self.directory.rsplit(['/', '\\']).skip(1);
        let mut module = self.module_path.split("::");
        let (target, group) = (module.next()?, module.next()?);
        if path.next()? != group || path.next()? != target {
            return None;
        }
        path.next().filter(|name| !name.is_empty()).map(str::to_owned)
    }

    pub(super) fn measurements(
        self,
        target: Option<&TargetId>,
    ) -> Result<Vec<Measurement>, String> {
        let id = self.id(target);
        let mut measurements = Vec::new();
        for (tool, counted) in self.tools {
            for (key, value) in counted {
                let known = METRICS.iter().find(|(of, theirs, ..)| *of == tool && *theirs == key);
                let Some((_, _, name, unit)) = known else { continue };
                let value = value.map_err(|reason| format!("{key} {reason}"))?;
                if !(value.is_finite() && value >= 0.0) {
                    return Err(format!("{key} is {value}, which is not a count"));
                }
                measurements.push(Measurement {
                    id: id.clone(),
                    metric: Metric::counted(*name, unit.clone()),
                    runs: vec![RunReading { run: 0, reading: Reading::Value(value) }],
                    criterion: None,
                    throughput: None,
                    costs: None,
                });
            }
        }
        if measurements.is_empty() {
            return Err("holds no Callgrind or DHAT profile with numbers".to_owned());
        }
        Ok(measurements)
    }
}

#[derive(Deserialize)]
struct WireVersion {
    version: Option<String>,
}

#[derive(Deserialize)]
struct Wire6 {
    module_path: String,
    id: Option<String>,
    benchmark_file: String,
    summary_output: Option<Wire6Output>,
    profiles: Vec<Wire6Profile>,
}

#[derive(Deserialize)]
struct Wire6Output {
    path: String,
}

#[derive(Deserialize)]
struct Wire6Profile {
    tool: String,
    summaries: Wire6Data,
}

#[derive(Deserialize)]
struct Wire6Data {
    total: Wire6Total,
}

#[derive(Deserialize)]
struct Wire6Total {
    /// `{"Callgrind":{…}}`, `{"Dhat":{…}}`, `"None"` or a tool that counts errors.
    summary: Value,
}

#[derive(Deserialize)]
struct Wire6Metric {
    metrics: Wire6Sides,
}

#[derive(Deserialize)]
enum Wire6Sides {
    Left(Wire6Number),
    Right(serde::de::IgnoredAny),
    Both(Wire6Number, serde::de::IgnoredAny),
}

#[derive(Deserialize)]
enum Wire6Number {
    Int(u64),
    Float(f64),
}

impl From<Wire6> for Summary {
    fn from(wire: Wire6) -> Self {
        let tools = wire.profiles.into_iter().filter_map(|profile| {
            let (tool, key) = tool(&profile.tool)?;
            let Value::Object(mut summary) = profile.summaries.total.summary else { return None };
            let Some(Value::Object(metrics)) = summary.remove(key) else { return None };
            let number = |metric: Wire6Metric| match metric.metrics {
                Wire6Sides::Left(new) | Wire6Sides::Both(new, _) => Some(match new {
                    Wire6Number::Int(n) => n as f64,
                    Wire6Number::Float(x) => x,
                }),
                Wire6Sides::Right(_) => None,
            };
            Some((tool, numbers(metrics, number)))
        });
        let output = wire.summary_output.map(|output| output.path).unwrap_or_default();
        Self {
            tools: tools.collect(),
            directory: output.rsplit_once(['/', '\\']).map_or("", |(dir, _)| dir).to_owned(),
            module_path: wire.module_path,
            id: wire.id,
            file: wire.benchmark_file,
        }
    }
}

#[derive(Deserialize)]
struct Wire7 {
    module_path: String,
    id: Option<String>,
    benchmark_file: String,
    output_dir: String,
    profiles: Vec<Wire7Profile>,
}

#[derive(Deserialize)]
struct Wire7Profile {
    tool: String,
    data: Wire7Data,
}

#[derive(Deserialize)]
struct Wire7Data {
    total: Wire7Total,
}

#[derive(Deserialize)]
struct Wire7Total {
    metrics: Map<String, Value>,
}

#[derive(Deserialize)]
struct Wire7Metric {
    values: Wire7Sides,
}

#[derive(Deserialize)]
struct Wire7Sides {
    /// Absent where only an earlier run's value is known; `null` is refused.
    #[serde(default, deserialize_with = "present")]
    new: Option<f64>,
}

/// A number that is there: `null` is how the runner would write NaN.
fn present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    f64::deserialize(deserializer).map(Some)
}

impl From<Wire7> for Summary {
    fn from(wire: Wire7) -> Self {
        let tools = wire.profiles.into_iter().filter_map(|profile| {
            let (tool, _) = tool(&profile.tool)?;
            let number = |metric: Wire7Metric| metric.values.new;
            Some((tool, numbers(profile.data.total.metrics, number)))
        });
        Self {
            tools: tools.collect(),
            directory: wire.output_dir,
            module_path: wire.module_path,
            id: wire.id,
            file: wire.benchmark_file,
        }
    }
}

/// The tool of that name, with its key in summaries of version 6.
fn tool(name: &str) -> Option<(Tool, &'static str)> {
    match name {
        "Callgrind" => Some((Tool::Callgrind, "Callgrind")),
        "DHAT" => Some((Tool::Dhat, "Dhat")),
        _ => None,
    }
}

/// This run's value of each metric, or why there is none. Only what a caller
/// asks for is an error: summaries hold dozens of others.
fn numbers<T: DeserializeOwned>(
    metrics: Map<String, Value>,
    number: impl Fn(T) -> Option<f64>,
) -> Numbers {
    let read = |value| match serde_json::from_value(value) {
        Ok(metric) => number(metric)
            .ok_or_else(|| "holds the value of an earlier run only; run it again".to_owned()),
        Err(error) => Err(file::shorten(format!("does not hold what it should: {error}"))),
    };
    metrics.into_iter().map(|(name, value)| (name, read(value))).collect()
}
