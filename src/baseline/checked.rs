//! The checks that all readers of stored values share.

use std::collections::BTreeSet;

use super::error::{Fault, Place};
use crate::criterion;
use crate::model::{BenchId, Estimates, Measurement};

/// Refuses estimates that criterion cannot have made.
pub(super) fn estimates(
    estimates: criterion::Estimates,
    place: &Place,
) -> Result<Estimates, Fault> {
    Estimates::try_from(estimates).map_err(|fault| place.fault(fault.to_string()))
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
