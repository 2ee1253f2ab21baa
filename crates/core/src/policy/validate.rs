//! From the file's shape to a policy: every value checked, every error placed.

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Date;
use toml::Spanned;

use super::quantity::{self, Quantity};
use super::raw::{
    RawAb, RawBaseBroken, RawBudget, RawGate, RawLevel, RawMachineBusy, RawPolicy, RawProcess,
    RawRule, RawUndecided, RawVerdict, RawWaiver, RawWitness,
};
use super::{
    AbRules, BaseBroken, Bound, Budget, CalibrateRules, Gate, Level, MachineBusy, MeasureRules,
    OnUndecided, Policy, PolicyError, ProcessRules, Rule, VerdictRules, Waiver, Witness,
};
use crate::model::{Field, Pattern};
use crate::stats;

/// A value that is wrong: where it stood and what is wrong with it.
struct Fault {
    span: Range<usize>,
    message: String,
}

impl Fault {
    fn at<T>(value: &Spanned<T>, message: impl Into<String>) -> Self {
        Self { span: value.span(), message: message.into() }
    }
}

/// A policy from a file that holds every key: the defaults.
pub(super) fn complete(raw: &RawPolicy) -> Result<Policy, String> {
    let empty = Policy {
        source: None,
        verdict: VerdictRules {
            alpha: 0.0,
            undecided: OnUndecided::Block,
            nothing_compared: Level::Fail,
            missing: Level::Fail,
            new: Level::Fail,
            unreadable: Level::Fail,
            duplicate: Level::Fail,
            stale: Level::Fail,
            suite_shift: Level::Fail,
            require: Vec::new(),
        },
        ignored_fields: BTreeSet::new(),
        measure: MeasureRules {
            repeat: 0,
            process: ProcessRules::default(),
            counts: 0,
            uncounted: Vec::new(),
            time_limit: Duration::ZERO,
        },
        ab: AbRules {
            screening: 0,
            looks: Vec::new(),
            process: ProcessRules::default(),
            budget: Duration::ZERO,
            counts: 0,
            pin_layout: false,
            control: false,
            base_broken: BaseBroken::Undecided,
            machine_busy: MachineBusy::Fail,
        },
        calibrate: CalibrateRules { pairs: 0, budget: Duration::ZERO },
        rules: Vec::new(),
        builtin_rules: 0,
        budgets: Vec::new(),
        waivers: Vec::new(),
    };
    let mut policy = apply(empty, raw).map_err(|fault| fault.message)?;
    policy.builtin_rules = policy.rules.len();
    Ok(policy)
}

/// `base` with what the file says.
pub(super) fn extend(
    base: Policy,
    raw: &RawPolicy,
    text: &str,
    path: &Path,
) -> Result<Policy, PolicyError> {
    let mut policy =
        apply(base, raw).map_err(|fault| PolicyError::at(path, text, fault.span, fault.message))?;
    policy.source = Some(path.to_owned());
    Ok(policy)
}

fn apply(mut policy: Policy, raw: &RawPolicy) -> Result<Policy, Fault> {
    let RawPolicy { version, verdict, environment, measure, ab, calibrate, rule, budget, waiver } =
        raw;
    if *version.get_ref() != 1 {
        let message = format!(
            "version {} of the policy format is not known here; this gate reads version 1",
            version.get_ref()
        );
        return Err(Fault::at(version, message));
    }
    apply_verdict(&mut policy.verdict, verdict)?;
    for name in environment.ignore.iter().flatten() {
        let field = Field::from_key(name.get_ref()).ok_or_else(|| {
            let known: Vec<_> = Field::ALL.iter().map(|field| field.key()).collect();
            Fault::at(
                name,
                format!("no such field of an environment; known are {}", known.join(", ")),
            )
        })?;
        policy.ignored_fields.insert(field);
    }
    let settings = &mut policy.measure;
    if let Some(value) = &measure.repeat {
        settings.repeat = in_range(value, 1, 1000)?;
    }
    if let Some(value) = &measure.counts {
        settings.counts = in_range(value, 0, 100)?;
    }
    if let Some(globs) = &measure.uncounted {
        settings.uncounted = globs.iter().map(pattern).collect::<Result<_, _>>()?;
    }
    apply_process(&mut settings.process, &measure.process())?;
    if let Some(value) = &measure.time_limit {
        settings.time_limit = duration(value)?;
    }
    apply_ab(&mut policy.ab, ab)?;
    can_decide(&policy, raw)?;
    if let Some(value) = &calibrate.pairs {
        policy.calibrate.pairs = in_range(value, 6, 1000)?;
    }
    if let Some(value) = &calibrate.budget {
        policy.calibrate.budget = duration(value)?;
    }
    for raw in rule {
        policy.rules.push(self::rule(raw)?);
    }
    for raw in budget {
        policy.budgets.push(self::budget(raw)?);
    }
    for raw in waiver {
        let waiver = self::waiver(raw)?;
        let twin = policy
            .waivers
            .iter()
            .any(|other| other.bench == waiver.bench && other.metric == waiver.metric);
        if twin {
            return Err(Fault::at(&raw.bench, "this row already has a waiver; keep one of them"));
        }
        policy.waivers.push(waiver);
    }
    Ok(policy)
}

/// Whether the looks of `gate ab` can reach their level at all.
fn can_decide(policy: &Policy, raw: &RawPolicy) -> Result<(), Fault> {
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

fn apply_ab(rules: &mut AbRules, raw: &RawAb) -> Result<(), Fault> {
    let RawAb {
        screening,
        looks,
        warm_up: _,
        time: _,
        samples: _,
        budget,
        counts,
        pin_layout,
        control,
        base_broken,
        machine_busy,
    } = raw;
    rules.pin_layout = pin_layout.unwrap_or(rules.pin_layout);
    rules.control = control.unwrap_or(rules.control);
    if let Some(busy) = machine_busy {
        rules.machine_busy = match busy {
            RawMachineBusy::Allow => MachineBusy::Allow,
            RawMachineBusy::Warn => MachineBusy::Warn,
            RawMachineBusy::ClearNothing => MachineBusy::ClearNothing,
            RawMachineBusy::DecideNothing => MachineBusy::DecideNothing,
            RawMachineBusy::Fail => MachineBusy::Fail,
        };
    }
    if let Some(broken) = base_broken {
        rules.base_broken = match broken {
            RawBaseBroken::Undecided => BaseBroken::Undecided,
            RawBaseBroken::Fail => BaseBroken::Fail,
        };
    }
    if let Some(value) = screening {
        // Fewer can never clear a benchmark at the 2% of each bound: 2^-6 is below.
        rules.screening = in_range(value, 6, 1000)?;
    }
    if let Some(value) = looks {
        let looks = value.get_ref();
        if looks.is_empty() || !looks.is_sorted_by(|a, b| a < b) || looks[0] == 0 {
            return Err(Fault::at(value, "looks must be rising numbers of pairs, at least one"));
        }
        rules.looks.clone_from(looks);
    }
    apply_process(&mut rules.process, &raw.process())?;
    if let Some(value) = budget {
        rules.budget = duration(value)?;
    }
    if let Some(value) = counts {
        rules.counts = in_range(value, 0, 100)?;
    }
    Ok(())
}

fn apply_process(rules: &mut ProcessRules, raw: &RawProcess<'_>) -> Result<(), Fault> {
    let RawProcess { warm_up, time, samples } = raw;
    for (rule, raw) in [(&mut rules.warm_up, warm_up), (&mut rules.time, time)] {
        if let Some(value) = raw {
            *rule = duration(value)?;
        }
    }
    if let Some(value) = samples {
        rules.samples = in_range(value, 10, 100_000)?;
    }
    Ok(())
}

fn apply_verdict(rules: &mut VerdictRules, raw: &RawVerdict) -> Result<(), Fault> {
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
    if let Some(value) = alpha {
        let alpha = percentage(value)?;
        if alpha <= 0.0 || alpha > 0.2 {
            return Err(Fault::at(value, "alpha must be above 0% and at most 20%"));
        }
        rules.alpha = alpha;
    }
    if let Some(undecided) = undecided {
        rules.undecided = match undecided {
            RawUndecided::Block => OnUndecided::Block,
            RawUndecided::BlockIfNoneDecided => OnUndecided::BlockIfNoneDecided,
            RawUndecided::Allow => OnUndecided::Allow,
        };
    }
    for (rule, raw) in [
        (&mut rules.nothing_compared, nothing_compared),
        (&mut rules.missing, missing),
        (&mut rules.new, new),
        (&mut rules.unreadable, unreadable),
        (&mut rules.duplicate, duplicate),
        (&mut rules.stale, stale),
        (&mut rules.suite_shift, suite_shift),
    ] {
        if let Some(level) = raw {
            *rule = self::level(*level);
        }
    }
    for glob in require.iter().flatten() {
        rules.require.push(pattern(glob)?);
    }
    Ok(())
}

fn level(raw: RawLevel) -> Level {
    match raw {
        RawLevel::Allow => Level::Allow,
        RawLevel::Warn => Level::Warn,
        RawLevel::Fail => Level::Fail,
    }
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
    } = raw;
    let rule = Rule {
        bench: pattern(bench)?,
        metric: match metric {
            Some(metric) => pattern(metric)?,
            None => Pattern::new("**").map_err(|message| Fault::at(bench, message))?,
        },
        tolerance: tolerance.as_ref().map(percentage).transpose()?,
        target: target.as_ref().map(percentage).transpose()?,
        warn: warn.as_ref().map(percentage).transpose()?,
        fail: fail.as_ref().map(percentage).transpose()?,
        floor: floor.as_ref().map(quantity).transpose()?,
        gate: gate.map(self::gate),
        witness: witness.map(|witness| match witness {
            RawWitness::Both => Witness::Both,
            RawWitness::Clock => Witness::Clock,
            RawWitness::Instructions => Witness::Instructions,
        }),
        slower_clock: slower_clock.map(self::gate),
        slower_clock_unpinned: slower_clock_unpinned.map(self::gate),
        slower_clock_tolerance: slower_clock_tolerance.as_ref().map(percentage).transpose()?,
    };
    for (lower, upper, value, message) in [
        (rule.tolerance, rule.warn, warn, "warn lies below the tolerance of the same rule"),
        (rule.tolerance, rule.fail, fail, "fail lies below the tolerance of the same rule"),
        (rule.warn, rule.fail, fail, "fail lies below warn of the same rule"),
        (rule.fail, rule.target, target, "target lies below fail of the same rule"),
        (
            rule.fail,
            rule.slower_clock_tolerance,
            slower_clock_tolerance,
            "slower_clock_tolerance lies below fail of the same rule",
        ),
    ] {
        if let (Some(lower), Some(upper), Some(value)) = (lower, upper, value)
            && upper < lower
        {
            return Err(Fault::at(value, message));
        }
    }
    Ok(rule)
}

fn gate(raw: RawGate) -> Gate {
    match raw {
        RawGate::Show => Gate::Show,
        RawGate::Warn => Gate::Warn,
        RawGate::Fail => Gate::Fail,
    }
}

fn budget(raw: &RawBudget) -> Result<Budget, Fault> {
    let RawBudget { bench, metric, at_most, at_least, reason } = raw;
    let bound = match (at_most, at_least) {
        (Some(limit), None) => Bound::AtMost(quantity(limit)?),
        (None, Some(limit)) => Bound::AtLeast(quantity(limit)?),
        _ => return Err(Fault::at(bench, "a budget needs one of at_most and at_least")),
    };
    Ok(Budget { bench: pattern(bench)?, metric: metric.clone(), bound, reason: reason.clone() })
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
            Fault::at(until, format!("\"{}\" is no day: write \"2027-01-31\"", until.get_ref()))
        })?,
        reason: reason.get_ref().clone(),
    })
}

fn in_range(value: &Spanned<u32>, least: u32, most: u32) -> Result<u32, Fault> {
    let number = *value.get_ref();
    if (least..=most).contains(&number) {
        Ok(number)
    } else {
        Err(Fault::at(value, format!("{number} is not between {least} and {most}")))
    }
}

fn percentage(value: &Spanned<String>) -> Result<f64, Fault> {
    quantity::percentage(value.get_ref()).map_err(|message| Fault::at(value, message))
}

fn quantity(value: &Spanned<String>) -> Result<Quantity, Fault> {
    value.get_ref().parse().map_err(|message: String| Fault::at(value, message))
}

fn duration(value: &Spanned<String>) -> Result<Duration, Fault> {
    let text = value.get_ref();
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|duration| Duration::try_from(duration).ok())
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| {
            Fault::at(
                value,
                format!("\"{text}\" is no length of time: write \"500ms\", \"2s\" or \"10m\""),
            )
        })
}

fn pattern(value: &Spanned<String>) -> Result<Pattern, Fault> {
    Pattern::new(value.get_ref()).map_err(|message| Fault::at(value, message))
}
