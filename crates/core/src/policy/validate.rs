//! From the file's shape to a layer: every value is checked, and every error names
//! its place.

use std::path::Path;

use jiff::civil::Date;
use toml::Spanned;

use super::Policy;
use super::command::commands;
use super::error::PolicyError;
use super::file::Layer;
use super::layer::{
    AbLayer, CalibrateLayer, LimitsLayer, MeasureLayer, ProcessLayer, SessionLayer, VerdictLayer,
};
use super::limits::Waiver;
use super::raw::{
    ExtraFilesWord, RawAb, RawExtraFiles, RawMeasure, RawPolicy, RawRule, RawVerdict, RawWaiver,
};
use super::rule::Rule;
use super::settings::ExtraFiles;
use super::validate_targets::{grades, targets};
use super::values::{Fault, all, duration, each, in_range, pattern, percentage, quantity};
use crate::model::{Field, Pattern};
use crate::stats;

/// The content of the file, or what is wrong with it and where.
pub(super) fn layer(raw: &RawPolicy, text: &str, path: &Path) -> Result<Layer, PolicyError> {
    check(raw).map_err(|fault| PolicyError::at(path, text, fault.span, fault.message))
}

fn check(raw: &RawPolicy) -> Result<Layer, Fault> {
    let RawPolicy {
        version,
        verdict,
        environment,
        sessions,
        measure,
        ab,
        calibrate,
        grades,
        rule,
        budget,
        target,
        waiver,
    } = raw;
    if *version.get_ref() != 1 {
        let message = format!(
            "unknown version {} of the policy format; this gate reads version 1",
            version.get_ref()
        );
        return Err(Fault::at(version, message));
    }
    Ok(Layer {
        verdict: self::verdict(verdict)?,
        ignored_fields: all(environment.ignore.as_ref(), field)?,
        sessions: SessionLayer {
            common: each(sessions.common.as_ref(), percentage)?,
            own: each(sessions.own.as_ref(), percentage)?,
        },
        measure: self::measure(measure)?,
        ab: self::ab(ab)?,
        calibrate: CalibrateLayer {
            pairs: each(calibrate.pairs.as_ref(), |value| in_range(value, 6, 1000))?,
            budget: each(calibrate.budget.as_ref(), duration)?,
        },
        rules: rule.iter().map(self::rule).collect::<Result<_, _>>()?,
        grades: self::grades(grades)?,
        targets: targets(budget, target)?,
        waivers: waivers(waiver)?,
    })
}

fn field(name: &Spanned<String>) -> Result<Field, Fault> {
    Field::from_key(name.get_ref()).ok_or_else(|| {
        let known: Vec<_> = Field::ALL.iter().map(|field| field.key()).collect();
        Fault::at(name, format!("unknown environment field; known fields: {}", known.join(", ")))
    })
}

/// Refuses a policy whose looks of `gate ab` cannot reach their level at all.
pub(super) fn can_decide(
    policy: &Policy,
    raw: &RawPolicy,
    text: &str,
    path: &Path,
) -> Result<(), PolicyError> {
    looks_suffice(policy, raw)
        .map_err(|fault| PolicyError::at(path, text, fault.span, fault.message))
}

fn looks_suffice(policy: &Policy, raw: &RawPolicy) -> Result<(), Fault> {
    let (alpha, looks) = (policy.verdict.alpha, &policy.ab.looks);
    let level = alpha / looks.len() as f64;
    let (Some(needed), Some(last)) = (stats::smallest_n(level), looks.last()) else {
        return Ok(());
    };
    if *last >= needed {
        return Ok(());
    }
    let message = format!(
        "no look can reach its level of {alpha} / {}: the last needs at least {needed} pairs, \
         and more the more benchmarks are confirmed",
        looks.len()
    );
    Err(match (&raw.ab.looks, &raw.verdict.alpha) {
        (Some(looks), _) => Fault::at(looks, message),
        (None, Some(alpha)) => Fault::at(alpha, message),
        (None, None) => Fault::at(&raw.version, message),
    })
}

fn measure(raw: &RawMeasure) -> Result<MeasureLayer, Fault> {
    let RawMeasure { warm_up, time, samples, repeat, counts, uncounted, time_limit, command } = raw;
    Ok(MeasureLayer {
        repeat: each(repeat.as_ref(), |value| in_range(value, 1, 1000))?,
        counts: each(counts.as_ref(), |value| in_range(value, 0, 100))?,
        uncounted: all(uncounted.as_ref(), pattern)?,
        time_limit: each(time_limit.as_ref(), duration)?,
        command: command.as_deref().map(commands).transpose()?,
        process: process(warm_up.as_ref(), time.as_ref(), samples.as_ref())?,
    })
}

fn ab(raw: &RawAb) -> Result<AbLayer, Fault> {
    let RawAb {
        screening,
        looks,
        warm_up,
        time,
        samples,
        budget,
        counts,
        pin_layout,
        control,
        head_is_base,
        extra_files,
        base_broken,
        machine_busy,
        same_code_clock,
    } = raw;
    Ok(AbLayer {
        // Fewer pairs can never clear a benchmark at 2% for each bound: 2^-6 is less.
        screening: each(screening.as_ref(), |value| in_range(value, 6, 1000))?,
        looks: each(looks.as_ref(), self::looks)?,
        budget: each(budget.as_ref(), duration)?,
        counts: each(counts.as_ref(), |value| in_range(value, 0, 100))?,
        pin_layout: *pin_layout,
        control: *control,
        head_is_base: *head_is_base,
        extra_files: each(extra_files.as_ref(), self::extra_files)?,
        base_broken: *base_broken,
        machine_busy: *machine_busy,
        same_code_clock: *same_code_clock,
        process: process(warm_up.as_ref(), time.as_ref(), samples.as_ref())?,
    })
}

fn extra_files(value: &Spanned<RawExtraFiles>) -> Result<ExtraFiles, Fault> {
    Ok(match value.get_ref() {
        RawExtraFiles::Word(ExtraFilesWord::Copy) => ExtraFiles::Copy,
        RawExtraFiles::Word(ExtraFilesWord::Refuse) => ExtraFiles::Refuse,
        RawExtraFiles::Only(globs) => {
            let glob = |text: &String| Pattern::new(text).map_err(|error| Fault::at(value, error));
            ExtraFiles::Only(globs.iter().map(glob).collect::<Result<_, _>>()?)
        }
    })
}

fn looks(value: &Spanned<Vec<u32>>) -> Result<Vec<u32>, Fault> {
    let looks = value.get_ref();
    if looks.is_empty() || !looks.is_sorted_by(|a, b| a < b) || looks[0] == 0 {
        return Err(Fault::at(value, "looks must be rising numbers of pairs, at least one"));
    }
    Ok(looks.clone())
}

fn process(
    warm_up: Option<&Spanned<String>>,
    time: Option<&Spanned<String>>,
    samples: Option<&Spanned<u32>>,
) -> Result<ProcessLayer, Fault> {
    Ok(ProcessLayer {
        warm_up: each(warm_up, duration)?,
        time: each(time, duration)?,
        samples: each(samples, |value| in_range(value, 10, 100_000))?,
    })
}

fn verdict(raw: &RawVerdict) -> Result<VerdictLayer, Fault> {
    let RawVerdict {
        alpha,
        undecided,
        nothing_compared,
        missing,
        new,
        unreadable,
        duplicate,
        stale,
        suite_shift,
        require,
    } = raw;
    Ok(VerdictLayer {
        alpha: each(alpha.as_ref(), self::alpha)?,
        undecided: *undecided,
        nothing_compared: *nothing_compared,
        missing: *missing,
        new: *new,
        unreadable: *unreadable,
        duplicate: *duplicate,
        stale: *stale,
        suite_shift: *suite_shift,
        require: all(require.as_ref(), pattern)?,
    })
}

fn alpha(value: &Spanned<String>) -> Result<f64, Fault> {
    let alpha = percentage(value)?;
    if alpha <= 0.0 || alpha > 0.2 {
        return Err(Fault::at(value, "alpha must be above 0% and at most 20%"));
    }
    Ok(alpha)
}

fn rule(raw: &RawRule) -> Result<Rule, Fault> {
    let RawRule {
        bench,
        metric,
        tolerance,
        target,
        warn,
        fail,
        floor,
        gate,
        witness,
        slower_clock,
        slower_clock_unpinned,
        slower_clock_tolerance,
        slower_clock_ceiling,
    } = raw;
    let limits = LimitsLayer {
        tolerance: each(tolerance.as_ref(), percentage)?,
        target: each(target.as_ref(), percentage)?,
        warn: each(warn.as_ref(), percentage)?,
        fail: each(fail.as_ref(), percentage)?,
        floor: each(floor.as_ref(), quantity)?,
        gate: *gate,
        witness: *witness,
        slower_clock: *slower_clock,
        slower_clock_unpinned: *slower_clock_unpinned,
        slower_clock_tolerance: each(slower_clock_tolerance.as_ref(), percentage)?,
        slower_clock_ceiling: each(slower_clock_ceiling.as_ref(), percentage)?,
    };
    for (lower, upper, value, message) in [
        (limits.tolerance, limits.warn, warn, "warn is below the tolerance of the same rule"),
        (limits.tolerance, limits.fail, fail, "fail is below the tolerance of the same rule"),
        (limits.warn, limits.fail, fail, "fail is below warn of the same rule"),
        (limits.fail, limits.target, target, "target is below fail of the same rule"),
        (
            limits.fail,
            limits.slower_clock_tolerance,
            slower_clock_tolerance,
            "slower_clock_tolerance is below fail of the same rule",
        ),
        (
            limits.slower_clock_tolerance,
            limits.slower_clock_ceiling,
            slower_clock_ceiling,
            "slower_clock_ceiling is below slower_clock_tolerance of the same rule",
        ),
    ] {
        if let (Some(lower), Some(upper), Some(value)) = (lower, upper, value)
            && upper < lower
        {
            return Err(Fault::at(value, message));
        }
    }
    let metric = each(metric.as_ref(), pattern)?.unwrap_or_else(Pattern::any);
    Ok(Rule { bench: pattern(bench)?, metric, limits })
}

fn waivers(raw: &[RawWaiver]) -> Result<Vec<Waiver>, Fault> {
    let mut waivers: Vec<Waiver> = Vec::with_capacity(raw.len());
    for raw in raw {
        let waiver = self::waiver(raw)?;
        let twin = waivers
            .iter()
            .any(|other| other.bench == waiver.bench && other.metric == waiver.metric);
        if twin {
            return Err(Fault::at(&raw.bench, "this row already has a waiver; keep one of them"));
        }
        waivers.push(waiver);
    }
    Ok(waivers)
}

fn waiver(raw: &RawWaiver) -> Result<Waiver, Fault> {
    let RawWaiver { bench, metric, up_to, until, reason } = raw;
    if reason.get_ref().trim().is_empty() {
        return Err(Fault::at(reason, "a waiver needs a reason that a reader can check"));
    }
    Ok(Waiver {
        bench: bench.get_ref().clone(),
        metric: metric.clone(),
        up_to: percentage(up_to)?,
        until: until.get_ref().parse::<Date>().map_err(|_| {
            Fault::at(until, format!("\"{}\" is not a date: write \"2027-01-31\"", until.get_ref()))
        })?,
        reason: reason.get_ref().clone(),
    })
}
