//! The absolute limits of the policy: which rows each limits, whether the candidate meets it,
//! and the grade.

mod grade;
mod limit;

use super::case::Case;
use super::report::{BoundKind, Row, Severity, Side, TargetRow, TargetStatus, Targets};
use crate::model::{BenchId, Unit};
use crate::policy::{OnUndecided, Target, TargetKind, TargetSeverity};
use crate::text::nearest;
use limit::{Limit, Standing};

/// The policy's targets and how the candidate meets them; `None` if the policy has none.
pub(super) fn judge(case: &Case<'_>, rows: &[Row]) -> Option<Targets> {
    let judged: Vec<(&Target, Vec<TargetRow>)> =
        case.policy.targets.iter().map(|target| (target, of_target(case, target, rows))).collect();
    if judged.is_empty() {
        return None;
    }
    let (grade, groups) = grade::of(&judged, case.policy.grades);
    let mut rows: Vec<TargetRow> = judged.into_iter().flat_map(|(_, rows)| rows).collect();
    rows.sort_by(|a, b| key(a).cmp(&key(b)));
    Some(Targets { grade, groups, rows })
}

/// The order of rows: worst first, then by target and benchmark.
fn key(row: &TargetRow) -> impl Ord + use<'_> {
    let TargetRow { effect, status, severity, group, metric, bench, limit, id, target, .. } = row;
    (effect, status, severity, group, metric, bench, limit, id, target, &row.package)
}

/// The target's rows: one for each measured benchmark, or one for the target itself.
fn of_target(case: &Case<'_>, target: &Target, rows: &[Row]) -> Vec<TargetRow> {
    let measured = rows.iter().filter(|row| is_named(target, row)).filter_map(|row| {
        match (row.unsupported(), &row.candidate) {
            (Some(observations), _) => Some(unsupported(target, row, observations)),
            (None, side) => Some(of_row(case, target, row, side.as_ref()?)),
        }
    });
    let measured: Vec<TargetRow> = measured.collect();
    if measured.is_empty() { vec![unmeasured(case, target, rows)] } else { measured }
}

/// A target that no measured row matches.
fn unmeasured(case: &Case<'_>, target: &Target, rows: &[Row]) -> TargetRow {
    let row = with_baseline(blank(target), target, rows);
    // A target may name benchmarks that were not selected. Identical code meets or misses its
    // target as the base does; so does code of which the same was executed.
    if case.same_code().any(|id| target.bench.matches(id)) {
        let why = format!(
            "the benchmarks of this {} are the same code on both sides: not measured",
            target.kind.as_str()
        );
        return TargetRow { why: Some(why), ..row };
    }
    let unmatched = format!("no measured row matches this {}", target.kind.as_str());
    if case.candidate.selection.is_some() {
        return TargetRow { why: Some(unmatched), ..row };
    }
    let reason = not_run(case, target).filter(|_| target.kind == TargetKind::Target);
    if target.required {
        let why = reason.map_or(unmatched, ToOwned::to_owned);
        return TargetRow { effect: Severity::Fail, why: Some(why), ..row };
    }
    if let Some(reason) = reason {
        return TargetRow { why: Some(reason.to_owned()), ..row };
    }
    match misspelt(target, rows) {
        Some(metric) => {
            let why = format!("{unmatched}; did you mean the metric `{metric}`?");
            TargetRow { effect: Severity::Warn, why: Some(why), ..row }
        }
        None => TargetRow { why: Some(unmatched), ..row },
    }
}

/// The row of a target with the baseline's value, if a single benchmark of the baseline has
/// one.
fn with_baseline(row: TargetRow, target: &Target, rows: &[Row]) -> TargetRow {
    let mut before = rows.iter().filter(|row| is_named(target, row)).filter_map(|row| {
        let side = row.baseline.as_ref()?;
        Some((row.unit.clone(), side.value))
    });
    match (before.next(), before.next()) {
        (Some((unit, value)), None) => TargetRow { unit: Some(unit), before: Some(value), ..row },
        _ => row,
    }
}

/// Whether the target limits the row.
fn is_named(target: &Target, row: &Row) -> bool {
    row.metric == target.metric && target.bench.matches(&row.bench_id())
}

/// The metric that the target probably means, if no row has the metric that it names.
fn misspelt<'a>(target: &Target, rows: &'a [Row]) -> Option<&'a str> {
    let known = || rows.iter().map(|row| row.metric.as_str());
    if known().any(|metric| metric == target.metric) {
        return None;
    }
    nearest(&target.metric, known(), |metric| metric).filter(|meant| !is_sibling(meant, target))
}

/// Whether it is another statistic of the same quantity: `latency.p99` is not a misspelt
/// `latency.p95`.
fn is_sibling(metric: &str, target: &Target) -> bool {
    let stem = |metric: &str| metric.split_once('.').map(|(stem, _)| stem.to_owned());
    let (meant, written) = (stem(metric), stem(&target.metric));
    meant.is_some() && meant == written
}

/// Why the benchmarks of the target did not run, if the candidate says so.
fn not_run<'a>(case: &Case<'a>, target: &Target) -> Option<&'a str> {
    let named = |subject: &str| {
        // A bench target, a group, a benchmark, or a glob over benchmarks.
        let name = subject.replace("::", "/");
        let beginning = name.trim_end_matches(['*', '/']);
        target.bench.matches(&BenchId::named(name.as_str()))
            || (!beginning.is_empty() && target.bench.as_str().starts_with(beginning))
    };
    let not_run = case.candidate.not_run.iter().find(|not_run| named(&not_run.subject));
    not_run.map(|not_run| not_run.reason.as_str())
}

/// A row without anything measured.
fn blank(target: &Target) -> TargetRow {
    let Target { kind, bench, metric, bound, severity, group, reason, required, .. } = target;
    TargetRow {
        kind: *kind,
        bench: bench.as_str().to_owned(),
        id: None,
        target: None,
        package: None,
        metric: metric.clone(),
        unit: None,
        bound: BoundKind::from(*bound),
        limit: bound.quantity().show(),
        limit_value: None,
        status: TargetStatus::NotMeasured,
        effect: Severity::Note,
        before: None,
        after: None,
        headroom: None,
        severity: *severity,
        group: group.clone(),
        reason: reason.clone(),
        required: *required,
        why: None,
    }
}

/// The target on a quantile for which the candidate has too few observations.
fn unsupported(target: &Target, row: &Row, (needed, has): (u64, u64)) -> TargetRow {
    let unit = Unit::from(row.unit.as_str());
    let limit = Limit::of(target, &unit);
    #[expect(clippy::cast_precision_loss, reason = "far fewer observations than 2^52")]
    let [needed, has] = [needed, has].map(|count| Unit::Count.show(count as f64));
    let of_target = blank(target);
    TargetRow {
        limit: limit.as_ref().map_or(of_target.limit.clone(), |it| unit.show(it.value)),
        limit_value: limit.map(|limit| limit.value),
        id: Some(row.id.clone()),
        target: row.target.clone(),
        package: row.package.clone(),
        unit: Some(row.unit.clone()),
        before: row.baseline.as_ref().map(|side| side.value),
        status: TargetStatus::Unsupported,
        effect: missed(target.severity),
        why: Some(format!("needs {needed} observations, has {has}")),
        ..of_target
    }
}

/// The target on a measured row.
fn of_row(case: &Case<'_>, target: &Target, row: &Row, side: &Side) -> TargetRow {
    let unit = Unit::from(row.unit.as_str());
    let of_row = TargetRow {
        id: Some(row.id.clone()),
        target: row.target.clone(),
        package: row.package.clone(),
        unit: Some(row.unit.clone()),
        before: row.baseline.as_ref().map(|side| side.value),
        after: Some(side.value),
        ..blank(target)
    };
    let Some(limit) = Limit::of(target, &unit) else {
        let quantity = target.bound.quantity();
        let kind = target.kind.as_str();
        let why = format!("the {kind}'s {quantity} is not in the metric's unit, {unit}");
        return TargetRow { effect: Severity::Fail, why: Some(why), ..of_row };
    };
    let whole = row.observations.map(|_| side.value);
    let standing = limit.standing(row.counted, &side.runs, whole);
    let (status, effect, why) = weigh(case, target, standing);
    TargetRow {
        limit: unit.show(limit.value),
        limit_value: Some(limit.value),
        headroom: limit.headroom(side.value),
        status,
        effect,
        why: why.map(ToOwned::to_owned),
        ..of_row
    }
}

/// What the standing of the candidate means for the gate.
fn weigh(
    case: &Case<'_>,
    target: &Target,
    standing: Standing,
) -> (TargetStatus, Severity, Option<&'static str>) {
    let by_proof = target.kind == TargetKind::Target;
    match standing {
        Standing::Beyond => (TargetStatus::Missed, missed(target.severity), None),
        Standing::Within { near: false } => (TargetStatus::Met, Severity::Note, None),
        Standing::Within { near: true } => {
            (TargetStatus::Met, Severity::Warn, Some("beyond warn_at"))
        }
        // A budget is kept unless it is proven to be exceeded.
        Standing::Unsure { beyond: false, .. } if !by_proof => {
            (TargetStatus::Met, Severity::Note, None)
        }
        Standing::Unsure { doubt, .. } => {
            (TargetStatus::Undecided, undecided(case, target.severity), Some(doubt.clause()))
        }
    }
}

/// The effect of a target that is missed.
fn missed(severity: TargetSeverity) -> Severity {
    match severity {
        TargetSeverity::Critical | TargetSeverity::High => Severity::Fail,
        TargetSeverity::Medium => Severity::Warn,
        TargetSeverity::Low => Severity::Note,
    }
}

/// The effect of a target that the runs do not decide.
fn undecided(case: &Case<'_>, severity: TargetSeverity) -> Severity {
    let blocks = match case.policy.verdict.undecided {
        OnUndecided::Block => severity <= TargetSeverity::High,
        OnUndecided::BlockIfNoneDecided | OnUndecided::Allow => {
            severity == TargetSeverity::Critical
        }
    };
    match severity {
        _ if blocks => Severity::Fail,
        TargetSeverity::Low => Severity::Note,
        _ => Severity::Warn,
    }
}
