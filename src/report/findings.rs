//! Findings for human readers: findings with the same message are grouped.

use std::collections::BTreeMap;

use super::plain;
use crate::judge::{Code, Finding, Severity};

/// Findings with the same message, about several benchmarks or both sides.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) severity: Severity,
    /// `benchmark-missing`; two codes if a program fails on both sides.
    pub(super) code: String,
    /// The subjects of the findings: `name (metric)`, on one line and without control
    /// characters.
    pub(super) subjects: Vec<String>,
    /// The message, which is hostile because it comes from files.
    pub(super) message: String,
}

/// The groups, in the order of their first findings.
pub(super) fn grouped(findings: &[Finding]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut known = BTreeMap::new();
    for finding in findings {
        let failure = match on_both_sides(findings, finding) {
            // The head's finding stands for both.
            Some(_) if finding.code == Code::BaseBroken => continue,
            other => other,
        };
        let (severity, code, message) = match failure {
            Some(base) => (
                finding.severity.min(base.severity),
                format!("{}, {}", finding.code, base.code),
                of_both_sides(&finding.message, &base.message),
            ),
            None => (finding.severity, finding.code.to_string(), finding.message.clone()),
        };
        let key = (severity, code.clone(), message.clone());
        let at = *known.entry(key).or_insert_with(|| {
            groups.push(Group { severity, code, subjects: Vec::new(), message });
            groups.len() - 1
        });
        groups[at].subjects.extend(subject(finding));
    }
    groups
}

/// The other side's finding, if a program fails in the base and in the head.
fn on_both_sides<'a>(findings: &'a [Finding], finding: &Finding) -> Option<&'a Finding> {
    let other = match finding.code {
        Code::BenchmarkFailed => Code::BaseBroken,
        Code::BaseBroken => Code::BenchmarkFailed,
        _ => return None,
    };
    finding.id.as_ref()?;
    findings.iter().find(|candidate| candidate.code == other && candidate.id == finding.id)
}

/// The message for both sides. The base's message names its side.
fn of_both_sides(head: &str, base: &str) -> String {
    if base.ends_with(head) {
        format!("on both sides: {head}")
    } else {
        format!("in the head: {head}; {base}")
    }
}

/// The subject of a finding: `name (metric)`.
pub(super) fn subject(finding: &Finding) -> Option<String> {
    let metric = finding.metric.as_ref().map_or_else(String::new, |m| format!(" ({m})"));
    finding.id.as_ref().map(|id| plain(&format!("{id}{metric}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(code: Code, severity: Severity, id: &str, message: &str) -> Finding {
        let (id, message) = (Some(id.to_owned()), message.to_owned());
        Finding { code, severity, id, metric: None, message }
    }

    fn lines(findings: &[Finding]) -> Vec<String> {
        let groups = grouped(findings).into_iter();
        groups
            .map(|Group { severity, code, subjects, message }| {
                format!("{severity:?} {code} {}: {message}", subjects.join(", "))
            })
            .collect()
    }

    #[test]
    fn a_program_that_fails_on_both_sides_is_one_line() {
        let failed = |id, message| finding(Code::BenchmarkFailed, Severity::Fail, id, message);
        let broken = |id, message| finding(Code::BaseBroken, Severity::Warn, id, message);
        assert_eq!(
            lines(&[
                failed("words", "thread 'main' panicked at words.rs:9: no texts/a.txt"),
                failed("lines", "ended with exit status 1"),
                failed("only head", "killed"),
                broken("only base", "in the base: killed"),
                broken("lines", "in the base: ended with exit status 2"),
                broken(
                    "words",
                    "in the base: thread 'main' panicked at words.rs:9: no texts/a.txt"
                ),
            ]),
            [
                "Fail benchmark-failed, base-broken words: on both sides: thread 'main' panicked \
                 at words.rs:9: no texts/a.txt",
                "Fail benchmark-failed, base-broken lines: in the head: ended with exit status 1; \
                 in the base: ended with exit status 2",
                "Fail benchmark-failed only head: killed",
                "Warn base-broken only base: in the base: killed",
            ]
        );
    }

    #[test]
    fn benchmarks_with_the_same_finding_share_a_line() {
        let new = |id| finding(Code::BenchmarkNew, Severity::Note, id, "not in the baseline");
        assert_eq!(lines(&[new("a"), new("b")]), ["Note benchmark-new a, b: not in the baseline"]);
    }
}
