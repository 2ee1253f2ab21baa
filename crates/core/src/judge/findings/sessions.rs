//! How the two sessions differ as wholes.

use crate::judge::compare::{Coverage, Shift, ShiftCounts};
use crate::judge::report::{Code, Finding, Severity};
use crate::model::Metric;
use crate::policy::{SessionRules, VerdictRules};
use crate::text::percent;

/// A change that most times have in common, if it is beyond noise.
pub(super) fn shift(shift: &Shift, rules: &VerdictRules) -> Option<Finding> {
    if !shift.shared {
        return None;
    }
    let change = percent(shift.change.exp_m1().abs());
    let direction = if shift.change > 0.0 { "slower" } else { "faster" };
    let rows = shift.rows;
    let witness = match shift.counts {
        Some(ShiftCounts { alike, of }) if shift.is_code() => format!(
            "the instructions of {alike} of {of} moved the same way, so the code changed and \
             nothing is subtracted"
        ),
        Some(ShiftCounts { alike, of }) => format!(
            "the instructions of {} of {of} did not, so it is the machine, memory or layout; it \
             is subtracted from each",
            of - alike
        ),
        None => "it is subtracted from each; either the machine changed or all benchmarks did: \
                 instruction counts would tell"
            .to_owned(),
    };
    let message = format!("the median of {rows} times is {change} {direction}; {witness}");
    let severity = Severity::from(rules.suite_shift).max(most_severe(shift));
    let usual = if shift.is_code() || shift.is_unusual() {
        ""
    } else if shift.sessions_known {
        "; sessions of this machine differ by as much"
    } else {
        "; sessions are assumed to differ by as much"
    };
    let message = format!("{message}{usual}");
    Some(Finding::new(Code::SuiteShift, severity, message).metric(Metric::TIME))
}

/// The most that a shift may do, whatever the policy says.
fn most_severe(shift: &Shift) -> Severity {
    if shift.is_code() && shift.change > 0.0 {
        Severity::Fail
    } else if !shift.is_code() && !shift.is_unusual() {
        Severity::Note
    } else if shift.change > 0.0 && shift.sessions_known {
        Severity::Fail
    } else {
        // A faster machine calls for a new baseline, but it is not a regression. And
        // without known sessions, a clock alone fails nothing.
        Severity::Warn
    }
}

/// Rows for which it is not known how much sessions differ.
pub(super) fn coverage(
    Coverage { rows, known }: Coverage,
    assumed: SessionRules,
) -> Option<Finding> {
    let unknown = rows - known;
    let which = if known == 0 { String::new() } else { format!(" of {unknown} rows") };
    (unknown > 0).then(|| {
        let message = format!(
            "how much sessions differ{which} is not known but assumed ({} in common, {} for \
             each), so a slower clock only warns; `gate calibrate` at three different times \
             measures it",
            percent(assumed.common),
            percent(assumed.own)
        );
        Finding::new(Code::SessionsUnknown, Severity::Note, message)
    })
}
