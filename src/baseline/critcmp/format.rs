//! The types of critcmp's format, and the model's values in them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::baseline::unique;
use crate::criterion::Estimates;
use crate::model;

/// A whole export.
#[derive(Serialize, Deserialize)]
pub(in crate::baseline) struct Export {
    pub(in crate::baseline) name: String,
    #[serde(deserialize_with = "unique::keys")]
    pub(in crate::baseline) benchmarks: BTreeMap<String, Benchmark>,
}

#[derive(Serialize, Deserialize)]
pub(in crate::baseline) struct Benchmark {
    pub(in crate::baseline) baseline: String,
    pub(in crate::baseline) fullname: String,
    #[serde(rename = "criterion_benchmark_v1")]
    pub(in crate::baseline) info: Info,
    #[serde(rename = "criterion_estimates_v1")]
    pub(in crate::baseline) estimates: Estimates,
}

/// Criterion's parts of a benchmark's name.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpBenchmark")]
pub(in crate::baseline) struct Info {
    /// The group, or the whole name of a benchmark outside of groups.
    pub(in crate::baseline) group_id: String,
    /// The function's part.
    pub(in crate::baseline) function_id: Option<String>,
    /// The parameter's part.
    pub(in crate::baseline) value_str: Option<String>,
    /// Work in one iteration; both fields null: in another unit.
    pub(in crate::baseline) throughput: Option<Throughput>,
    /// The key of this benchmark.
    #[schemars(length(min = 1))]
    pub(in crate::baseline) full_id: String,
    /// Where criterion put its files.
    pub(in crate::baseline) directory_name: String,
}

/// Work in one iteration, as far as critcmp knows it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "CritcmpThroughput")]
#[serde(rename_all = "PascalCase")]
pub(in crate::baseline) struct Throughput {
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
