//! The checks that all readers of stored values share: what passes keeps the model's
//! promises.

use std::collections::BTreeSet;

use super::error::{Fault, Place};
use crate::model::{BenchId, Estimate, Estimates, Measurement};

/// Refuses estimates that criterion cannot have made.
pub(super) fn estimates(estimates: Estimates, place: &Place) -> Result<Estimates, Fault> {
    let Estimates { mean, median, median_abs_dev, slope, std_dev } = &estimates;
    let each = [
        ("mean", Some(mean)),
        ("median", Some(median)),
        ("median_abs_dev", Some(median_abs_dev)),
        ("slope", slope.as_ref()),
        ("std_dev", Some(std_dev)),
    ];
    for (name, estimate) in each {
        let Some(Estimate { point, standard_error, level, lower, upper }) = estimate else {
            continue;
        };
        let place = place.at(name);
        for number in [point, standard_error, level, lower, upper] {
            finite(*number, &place)?;
        }
        let reason = if matches!(name, "mean" | "median") && *point <= 0.0 {
            format!("{point} is not a time that an iteration can take")
        } else if *standard_error < 0.0 {
            format!("{standard_error} is not a standard error: it is negative")
        } else if *level <= 0.0 || *level >= 1.0 {
            format!("{level} is not a confidence level between 0 and 1")
        } else if lower > upper {
            format!("the interval from {lower} to {upper} is reversed")
        } else {
            continue;
        };
        return Err(place.fault(reason));
    }
    Ok(estimates)
}

/// Refuses a package without a bench target: no writer records that.
pub(super) fn id(
    name: String,
    target: Option<String>,
    package: Option<String>,
    place: &Place,
) -> Result<BenchId, Fault> {
    if target.is_none() && package.is_some() {
        return Err(place.at("package").fault("a package without a bench target"));
    }
    Ok(BenchId::from_parts(name, target, package))
}

/// Puts measurements in the model's order. Refuses a benchmark with the same metric
/// twice.
pub(super) fn in_order(measurements: Vec<(Measurement, Place)>) -> Result<Vec<Measurement>, Fault> {
    let mut seen = BTreeSet::new();
    for (measurement, place) in &measurements {
        let Measurement { id, metric, .. } = measurement;
        if !seen.insert((id, &metric.name)) {
            let reason = format!("`{}` has its metric `{metric}` twice", id.qualified());
            return Err(place.fault(reason));
        }
    }
    drop(seen);
    let mut measurements: Vec<Measurement> =
        measurements.into_iter().map(|(measurement, _)| measurement).collect();
    measurements.sort_by(|a, b| (&a.id, &a.metric.name).cmp(&(&b.id, &b.metric.name)));
    Ok(measurements)
}

/// Refuses an empty name.
pub(super) fn present(name: String, place: &Place) -> Result<String, Fault> {
    if name.is_empty() { Err(place.fault("the name is empty")) } else { Ok(name) }
}

pub(super) fn finite(number: f64, place: &Place) -> Result<f64, Fault> {
    if number.is_finite() {
        Ok(number)
    } else {
        Err(place.fault(format!("{number} is not a finite number")))
    }
}
