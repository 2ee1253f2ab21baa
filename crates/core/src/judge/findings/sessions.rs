//! How the two sessions differ as wholes.

use crate::judge::compare::{Coverage, Shift, ShiftCounts};
use crate::judge::report::{Code, Finding, Severity};
use crate::model::Metric;
use crate::policy::VerdictRules;
use crate::text::percent;

/// A change that most times have in common, if it is beyond noise.
pub(super) fn shift(shift: &Shift, rules: &VerdictRules) -> Option<Finding> {
    if !shift.beyond {
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
    let severity = Severity::from(rules.suite_shift);
    // A faster machine calls for a new baseline, but it is not a regression.
    let severity = if shift.change > 0.0 { severity } else { severity.max(Severity::Warn) };
    Some(Finding::new(Code::SuiteShift, severity, message).metric(Metric::TIME))
}

/// Rows for which it is not known how much sessions differ.
pub(super) fn coverage(Coverage { rows, known }: Coverage) -> Option<Finding> {
    let unknown = rows - known;
    let which = if known == 0 { String::new() } else { format!(" of {unknown} rows") };
    (unknown > 0).then(|| {
        let message = format!(
            "only the noise of the runs themselves{which} is covered; `gate calibrate` measures \
             how much sessions differ"
        );
        Finding::new(Code::SessionsUnknown, Severity::Note, message)
    })
}
