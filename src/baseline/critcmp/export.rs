//! The part of a snapshot that critcmp can show, and that part in its format.

use std::collections::{BTreeMap, BTreeSet};

use super::format::{Benchmark, Export, Info};
use crate::baseline::derive;
use crate::baseline::error::{BaselineError, Place};
use crate::criterion::Estimates;
use crate::model::{Measurement, Metric, Snapshot};

/// A measurement that critcmp can show.
pub(in crate::baseline) struct Shown<'a> {
    /// Its name in critcmp.
    pub(in crate::baseline) key: String,
    pub(in crate::baseline) measurement: &'a Measurement,
    pub(in crate::baseline) info: Info,
    pub(in crate::baseline) estimates: Estimates,
}

/// Divides the measurements into those that critcmp can show and the others,
/// each in the order of id and metric.
///
/// critcmp has a single name for each benchmark. Benchmarks of equal names get their
/// qualified names, and a number if even those are taken.
pub(in crate::baseline) fn divide(snapshot: &Snapshot) -> (Vec<Shown<'_>>, Vec<&Measurement>) {
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
        shown.push(Shown { key, measurement, info, estimates: (&estimates).into() });
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
    /// The measurements that the format has no place for, each as `benchmark (metric)`, sorted.
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
