//! From the tables of absolute limits to targets: `[[target]]`, `[[budget]]` and `[grades]`.

use std::cmp::Ordering;

use toml::Spanned;

use super::layer::GradeLayer;
use super::quantity::Quantity;
use super::raw::{RawBudget, RawGrades, RawTarget};
use super::target::{Bound, Target, TargetKind, TargetSeverity};
use super::values::{Fault, each, pattern, percentage, quantity};

/// The quantiles that a distribution has rows for, and the ends of the rows' metrics.
const QUANTILES: [(f64, &str); 5] =
    [(0.5, "p50"), (0.9, "p90"), (0.95, "p95"), (0.99, "p99"), (0.999, "p99.9")];

/// The budgets and the targets of a file, in its order.
pub(super) fn targets(budgets: &[RawBudget], targets: &[RawTarget]) -> Result<Vec<Target>, Fault> {
    let mut known: Vec<Target> = Vec::with_capacity(budgets.len() + targets.len());
    for raw in budgets {
        known.push(budget(raw)?);
    }
    for raw in targets {
        let target = self::target(raw)?;
        refuse_contradiction(&known, &target, raw)?;
        known.push(target);
    }
    Ok(known)
}

fn budget(raw: &RawBudget) -> Result<Target, Fault> {
    let RawBudget { bench, metric, at_most, at_least, reason } = raw;
    let bound = bound(at_most.as_ref(), at_least.as_ref())?
        .ok_or_else(|| Fault::at(bench, "a budget needs one of at_most and at_least"))?;
    Ok(Target {
        kind: TargetKind::Budget,
        bench: pattern(bench)?,
        metric: metric.clone(),
        bound,
        warn_at: None,
        severity: TargetSeverity::High,
        group: None,
        reason: reason.clone(),
        required: true,
    })
}

fn target(raw: &RawTarget) -> Result<Target, Fault> {
    let RawTarget {
        bench,
        metric,
        quantile,
        at_most,
        at_least,
        warn_at,
        severity,
        group,
        reason,
        required,
    } = raw;
    let bound = bound(at_most.as_ref(), at_least.as_ref())?
        .ok_or_else(|| Fault::at(bench, "a target needs one of at_most and at_least"))?;
    Ok(Target {
        kind: TargetKind::Target,
        bench: pattern(bench)?,
        metric: self::metric(metric, quantile.as_ref())?,
        bound,
        warn_at: each(warn_at.as_ref(), |value| self::warn_at(value, bound))?,
        severity: severity.unwrap_or_default(),
        group: each(group.as_ref(), name)?,
        reason: reason.clone(),
        required: required.unwrap_or(false),
    })
}

/// The one limit; `None` if there is none or two.
fn bound(
    at_most: Option<&Spanned<String>>,
    at_least: Option<&Spanned<String>>,
) -> Result<Option<Bound>, Fault> {
    Ok(match (at_most, at_least) {
        (Some(limit), None) => Some(Bound::AtMost(quantity(limit)?)),
        (None, Some(limit)) => Some(Bound::AtLeast(quantity(limit)?)),
        _ => None,
    })
}

/// The metric of the row: a quantile is the end of its name.
fn metric(metric: &Spanned<String>, quantile: Option<&Spanned<f64>>) -> Result<String, Fault> {
    let name = name(metric)?;
    let Some(quantile) = quantile else { return Ok(name) };
    if let Some((_, end)) = QUANTILES.iter().find(|(_, end)| name.ends_with(&format!(".{end}"))) {
        return Err(Fault::at(quantile, format!("the metric names the quantile {end} already")));
    }
    let level = *quantile.get_ref();
    let end = QUANTILES.iter().find(|(known, _)| (known - level).abs() < 1e-9);
    match end {
        Some((_, end)) => Ok(format!("{name}.{end}")),
        None => Err(Fault::at(
            quantile,
            format!("quantile {level} is not recorded: write 0.5, 0.9, 0.95, 0.99 or 0.999"),
        )),
    }
}

/// The value from which a target warns: on the allowed side of its limit.
fn warn_at(value: &Spanned<String>, bound: Bound) -> Result<Quantity, Fault> {
    let warn_at = quantity(value)?;
    let (side, beyond) = match bound {
        Bound::AtMost(_) => ("at_most", Ordering::Greater),
        Bound::AtLeast(_) => ("at_least", Ordering::Less),
    };
    match warn_at.compare(bound.quantity()) {
        None => Err(Fault::at(value, format!("warn_at is not in the unit of {side}"))),
        Some(order) if order == beyond => Err(Fault::at(
            value,
            format!("warn_at is beyond {side}: a value that warns must keep the limit"),
        )),
        Some(_) => Ok(warn_at),
    }
}

fn name(value: &Spanned<String>) -> Result<String, Fault> {
    if value.get_ref().trim().is_empty() {
        return Err(Fault::at(value, "the name is empty"));
    }
    Ok(value.get_ref().clone())
}

/// Refuses a target that no value can meet together with an earlier limit on the same rows.
fn refuse_contradiction(known: &[Target], target: &Target, raw: &RawTarget) -> Result<(), Fault> {
    let same = |other: &&Target| {
        other.bench.as_str() == target.bench.as_str() && other.metric == target.metric
    };
    let Some(other) = known.iter().filter(same).find(|other| other.bound.contradicts(target.bound))
    else {
        return Ok(());
    };
    let (word, limit) = match other.bound {
        Bound::AtMost(limit) => ("at_most", limit),
        Bound::AtLeast(limit) => ("at_least", limit),
    };
    let place = raw.at_most.as_ref().or(raw.at_least.as_ref()).unwrap_or(&raw.bench);
    Err(Fault::at(
        place,
        format!(
            "no value can keep this limit and {word} = \"{limit}\", which an earlier {} sets for \
             the same rows",
            other.kind.as_str()
        ),
    ))
}

/// The grades' shares, which must fall from the best to the worst.
pub(super) fn grades(raw: &RawGrades) -> Result<GradeLayer, Fault> {
    let RawGrades { a_plus, a, b_plus, b, c } = raw;
    let bounds = [a_plus, a, b_plus, b, c].map(Option::as_ref);
    let mut shares = [None; 5];
    let mut least: Option<f64> = None;
    for (share, bound) in shares.iter_mut().zip(bounds) {
        let Some(bound) = bound else { continue };
        let value = percentage(bound)?;
        if value > 1.0 {
            return Err(Fault::at(bound, "more than 100% of the targets cannot be met"));
        }
        if least.is_some_and(|better| value > better) {
            return Err(Fault::at(bound, "a worse grade must not need a larger share"));
        }
        least = Some(value);
        *share = Some(value);
    }
    let [a_plus, a, b_plus, b, c] = shares;
    Ok(GradeLayer { a_plus, a, b_plus, b, c })
}
