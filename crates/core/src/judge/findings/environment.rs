//! How the environments of the two sides differ.

use crate::judge::compare::Comparability;
use crate::judge::report::{Code, EnvironmentDifference, Finding, Severity};

pub(super) fn differences(comparability: &Comparability) -> Vec<Finding> {
    if comparability.unknown {
        let message = "one side does not record its environment; assuming the same machine and \
                       toolchain";
        return vec![Finding::new(Code::EnvironmentUnknown, Severity::Warn, message)];
    }
    let (blocking, others): (Vec<_>, Vec<_>) = comparability
        .differences
        .iter()
        .partition(|difference| difference.blocks_time || difference.blocks_counts);
    let mut findings = Vec::new();
    if !blocking.is_empty() {
        let message =
            format!("rows that depend on these fields are not comparable: {}", shown(&blocking));
        findings.push(Finding::new(Code::EnvironmentDiffers, Severity::Warn, message));
    }
    if !others.is_empty() {
        let message = format!("rows are still compared: {}", shown(&others));
        findings.push(Finding::new(Code::EnvironmentDiffers, Severity::Note, message));
    }
    findings
}

fn shown(differences: &[&EnvironmentDifference]) -> String {
    let each =
        differences.iter().map(|d| format!("{} ({} → {})", d.field, d.baseline, d.candidate));
    each.collect::<Vec<_>>().join(", ")
}
