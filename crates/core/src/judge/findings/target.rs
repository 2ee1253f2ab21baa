//! Targets and budgets that are missed, or might be.

use crate::judge::report::{BoundKind, Code, Finding, Severity, TargetRow, TargetStatus, Targets};
use crate::model::Unit;
use crate::policy::TargetKind;

/// A finding for each row whose target does something to the gate, and for each budget that
/// no row matches.
pub(crate) fn of_targets(targets: &Targets) -> Vec<Finding> {
    let shown = |row: &&TargetRow| {
        let unmatched = row.status == TargetStatus::NotMeasured;
        row.effect < Severity::Note || (row.kind == TargetKind::Budget && unmatched)
    };
    targets.rows.iter().filter(shown).map(finding).collect()
}

fn finding(row: &TargetRow) -> Finding {
    let why = row.why.as_deref().unwrap_or_default();
    let semicolon = if why.is_empty() { "" } else { "; " };
    let message = match row.status {
        TargetStatus::NotMeasured => why.to_owned(),
        TargetStatus::Unsupported => format!("unsupported: {why}"),
        TargetStatus::Missed | TargetStatus::Undecided | TargetStatus::Met => {
            format!("{}{semicolon}{why}", compared(row))
        }
    };
    let id = row.id.as_ref().unwrap_or(&row.bench);
    Finding::new(code(row), row.effect, message).about(id).metric(&row.metric)
}

fn code(row: &TargetRow) -> Code {
    match (row.kind, row.status) {
        (TargetKind::Budget, TargetStatus::NotMeasured | TargetStatus::Unsupported) => {
            Code::BudgetUnmatched
        }
        (TargetKind::Budget, TargetStatus::Undecided) => Code::BudgetUndecided,
        (TargetKind::Budget, _) => Code::BudgetExceeded,
        (TargetKind::Target, TargetStatus::NotMeasured) => Code::TargetUnmatched,
        (TargetKind::Target, TargetStatus::Undecided) => Code::TargetUndecided,
        (TargetKind::Target, TargetStatus::Unsupported) => Code::TargetUnsupported,
        (TargetKind::Target, TargetStatus::Met) => Code::TargetNear,
        (TargetKind::Target, TargetStatus::Missed) => Code::TargetMissed,
    }
}

/// `48 µs where at most 40 µs is allowed (the service's promise)`.
fn compared(row: &TargetRow) -> String {
    let unit = Unit::from(row.unit.as_deref().unwrap_or_default());
    let value = row.after.map_or_else(String::new, |value| unit.show(value));
    format!("{value} where {} is allowed{}", limit(row), reason(row))
}

fn limit(row: &TargetRow) -> String {
    let word = match row.bound {
        BoundKind::AtMost => "at most",
        BoundKind::AtLeast => "at least",
    };
    format!("{word} {}", row.limit)
}

fn reason(row: &TargetRow) -> String {
    row.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"))
}
