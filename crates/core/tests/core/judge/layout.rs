//! The effect of a slower clock depends on whether the builds' layout is pinned.

use benchgate_core::judge::{Code, Outcome};
use benchgate_core::model::{Layout, Snapshot, TargetId};

use super::common::{codes, exit, verdict};
use super::trial::{alternating, from_differences};
use super::witness::with_equal_instructions;

/// Eight screening pairs and 28 confirming pairs, all 20% slower.
fn slower(layout: Option<&Layout>) -> [Snapshot; 2] {
    let (base, head) = from_differences(&[("a", alternating(0.2, 0.005, 36))]);
    [base, head].map(|side| {
        let mut side = with_equal_instructions(side);

        for measurement in &mut side.measurements {
            measurement.id.target = Some(TargetId::in_package("one", "part"));
        }
        let pairing = side.pairing.as_mut().expect("a trial");
        pairing.layouts = layout.cloned().into_iter().collect();
        side
    })
}

fn layout(target: &str, reason: Option<&str>) -> Layout {
    Layout {
        target: TargetId::in_package(target, "part"),
        functions: 10,
        same: if reason.is_some() { 1 } else { 10 },
        reason: reason.map(str::to_owned),
    }
}

#[test]
fn a_slower_clock_with_equal_instructions_fails_only_if_the_layout_is_pinned() {
    for (layout, policy, expected) in [
        (Some(layout("one", None)), "", 3),
        (Some(layout("one", Some("another linker"))), "", 0),
        // The layout of another bench target does not matter.
        (Some(layout("two", None)), "", 0),
        (None, "", 0),
        (None, "slower_clock_unpinned = \"fail\"", 3),
        (Some(layout("one", None)), "slower_clock = \"warn\"", 0),
        // The effect is never more severe than with a pinned layout.
        (None, "slower_clock = \"show\"\nslower_clock_unpinned = \"fail\"", 0),
    ] {
        let [base, head] = slower(layout.as_ref());
        let policy = match policy {
            "" => String::new(),
            keys => format!("[[rule]]\nbench = \"**\"\n{keys}\n"),
        };
        let report = verdict(&base, &head, &policy);
        assert_eq!(exit(&report), expected, "{layout:?} {policy}");
        let clock = report.rows.iter().find(|row| row.metric == "time").expect("the row");
        assert_eq!(clock.outcome(), Some(Outcome::Regression));
    }
}

#[test]
fn a_layout_that_could_not_be_pinned_is_reported() {
    let [base, head] = slower(Some(&layout("one", Some("it was linked by another linker"))));
    let report = verdict(&base, &head, "");
    let finding = report.findings.iter().find(|it| it.code == Code::LayoutFree).unwrap();
    assert!(finding.message.contains("another linker"), "{}", finding.message);
    assert_eq!(finding.id.as_deref(), Some("one"));
    let [base, head] = slower(Some(&layout("one", None)));
    assert_eq!(codes(&verdict(&base, &head, "")), []);
}
