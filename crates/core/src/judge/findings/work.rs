//! Benchmarks whose iterations do another amount of work on the two sides.

use std::collections::BTreeMap;

use crate::judge::case::Case;
use crate::judge::report::{Code, Finding, Severity};
use crate::model::{BenchId, Snapshot, Throughput};

/// A finding for each metric of a benchmark whose work in one iteration differs.
pub(super) fn changes(case: &Case<'_>) -> Vec<Finding> {
    let mut before: BTreeMap<(&str, &str), Vec<(&BenchId, Throughput)>> = BTreeMap::new();
    for (id, metric, throughput) in works(case.baseline) {
        before.entry((&id.name, metric)).or_default().push((id, throughput));
    }
    let changed = |(id, metric, after): (&BenchId, &str, Throughput)| {
        let before = before.get(&(id.name.as_str(), metric))?;
        let (_, before) = before.iter().find(|(other, _)| other.may_equal(id))?;
        let message = change(*before, after)?;
        Some(
            Finding::new(Code::WorkChanged, Severity::Warn, message)
                .about(id.to_string())
                .metric(metric),
        )
    };
    works(Some(case.candidate)).filter_map(changed).collect()
}

/// The work in one iteration, where a measurement declares it.
fn works(side: Option<&Snapshot>) -> impl Iterator<Item = (&BenchId, &str, Throughput)> {
    let measurements = side.into_iter().flat_map(|side| &side.measurements);
    measurements.filter_map(|one| Some((&one.id, one.metric.name.as_str(), one.throughput?)))
}

/// `an iteration now does twice the work (10 → 20 elements)`.
fn change(before: Throughput, after: Throughput) -> Option<String> {
    if before == after {
        return None;
    }
    let ((from, unit), (to, other)) = (amount(before)?, amount(after)?);
    if unit != other {
        return Some(format!(
            "the work of an iteration is now given in another unit ({from} {unit} → {to} {other})"
        ));
    }
    if from == to {
        return None;
    }
    let times = to as f64 / from as f64;
    let word = if to == from.saturating_mul(2) {
        "twice the work".to_owned()
    } else if to.saturating_mul(2) == from {
        "half the work".to_owned()
    } else if from == 0 || to == 0 {
        "another amount of work".to_owned()
    } else {
        let digits = if times < 0.1 { 3 } else { 2 };
        let text = format!("{times:.digits$}");
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if text == "1" {
            "slightly different work".to_owned()
        } else {
            format!("{text} times the work")
        }
    };
    Some(format!(
        "an iteration now does {word} ({from} → {to} {unit}); the change is per iteration"
    ))
}

/// How much, and of what. Elements come before the bytes that they hold.
fn amount(throughput: Throughput) -> Option<(u64, &'static str)> {
    Some(match throughput {
        Throughput::Bits(n) => (n, "bits"),
        Throughput::Bytes(n) | Throughput::BytesDecimal(n) => (n, "bytes"),
        Throughput::Elements(n) => (n, "elements"),
        Throughput::ElementsAndBytes { elements, .. } => (elements, "elements"),
        Throughput::Unknown => return None,
    })
}
