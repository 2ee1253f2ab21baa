//! The share of targets that are met, as a grade.

use std::collections::BTreeMap;

use crate::judge::report::{Grade, Letter, TargetRow, TargetStatus};
use crate::policy::{GradeRules, Target};

/// The grade of all targets, and of each group.
pub(super) fn of(
    judged: &[(&Target, Vec<TargetRow>)],
    rules: GradeRules,
) -> (Grade, BTreeMap<String, Grade>) {
    let mut all = Vec::with_capacity(judged.len());
    let mut groups: BTreeMap<String, Vec<TargetStatus>> = BTreeMap::new();
    for (target, rows) in judged {
        // A target is as good as the worst of its rows.
        let status = rows.iter().map(|row| row.status).min().unwrap_or(TargetStatus::NotMeasured);
        all.push(status);
        if let Some(group) = &target.group {
            groups.entry(group.clone()).or_default().push(status);
        }
    }
    let groups = groups.into_iter().map(|(group, statuses)| (group, grade(&statuses, rules)));
    (grade(&all, rules), groups.collect())
}

fn grade(statuses: &[TargetStatus], rules: GradeRules) -> Grade {
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    let (targets, met) = (statuses.len(), count(TargetStatus::Met));
    #[expect(clippy::cast_precision_loss, reason = "far fewer targets than 2^52")]
    let share = met as f64 / targets.max(1) as f64;
    Grade {
        letter: letter(share, rules),
        targets,
        met,
        missed: count(TargetStatus::Missed),
        unsupported: count(TargetStatus::Unsupported),
        undecided: count(TargetStatus::Undecided),
        not_measured: count(TargetStatus::NotMeasured),
    }
}

fn letter(share: f64, rules: GradeRules) -> Letter {
    let GradeRules { a_plus, a, b_plus, b, c } = rules;
    let bounds = [
        (a_plus, Letter::APlus),
        (a, Letter::A),
        (b_plus, Letter::BPlus),
        (b, Letter::B),
        (c, Letter::C),
    ];
    let reached = bounds.into_iter().find(|(bound, _)| share >= *bound);
    reached.map_or(Letter::D, |(_, letter)| letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_share_has_its_letter() {
        let rules = GradeRules { a_plus: 1.0, a: 0.9, b_plus: 0.8, b: 0.7, c: 0.6 };
        for (share, want) in [
            (1.0, "A+"),
            (0.999, "A"),
            (0.9, "A"),
            (0.899, "B+"),
            (0.8, "B+"),
            (0.7, "B"),
            (0.6, "C"),
            (0.599, "D"),
            (0.0, "D"),
        ] {
            assert_eq!(letter(share, rules).to_string(), want, "{share}");
        }
    }

    #[test]
    fn only_met_targets_count_for_the_grade() {
        use TargetStatus::{Met, Missed, NotMeasured, Undecided, Unsupported};
        let rules = GradeRules { a_plus: 1.0, a: 0.9, b_plus: 0.8, b: 0.7, c: 0.6 };
        let grade = grade(&[Met, Met, Met, Missed, Unsupported, Undecided, NotMeasured], rules);
        assert_eq!(grade.letter, Letter::D);
        assert_eq!((grade.targets, grade.met, grade.not_measured), (7, 3, 1));
    }
}
