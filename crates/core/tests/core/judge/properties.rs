//! Properties of every verdict.

use benchgate_core::judge::{Outcome, Report};
use benchgate_core::model::Snapshot;
use proptest::prelude::*;

use super::common::{exit, times, verdict};

/// Snapshots of three benchmarks with five runs each.
fn any_times() -> impl Strategy<Value = Vec<Vec<f64>>> {
    prop::collection::vec(prop::collection::vec(10.0f64..1000.0, 5), 3)
}

fn three(runs: &[Vec<f64>], scale: f64) -> Snapshot {
    let scaled: Vec<Vec<f64>> =
        runs.iter().map(|runs| runs.iter().map(|value| value * scale).collect()).collect();
    times(&[("a", &scaled[0]), ("b", &scaled[1]), ("c", &scaled[2])])
}

fn outcomes(report: &Report) -> Vec<(String, Outcome)> {
    let mut all: Vec<_> =
        report.rows.iter().map(|row| (row.id.clone(), row.outcome().unwrap())).collect();
    all.sort();
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn swapping_the_sides_swaps_the_outcomes(base in any_times(), cand in any_times()) {
        let (base, cand) = (three(&base, 1.0), three(&cand, 1.0));
        let forth = verdict(&base, &cand, "");
        let back = verdict(&cand, &base, "");
        for ((_, forth), (_, back)) in outcomes(&forth).into_iter().zip(outcomes(&back)) {
            match forth {
                Outcome::Regression => prop_assert_eq!(back, Outcome::Improvement),
                Outcome::Improvement => prop_assert_eq!(back, Outcome::Regression),
                _ => prop_assert!(back == Outcome::Unchanged || back == Outcome::Undecided),
            }
        }
    }

    #[test]
    fn rescaling_units_keeps_the_verdict(base in any_times(), cand in any_times()) {
        let once = verdict(&three(&base, 1.0), &three(&cand, 1.0), "");
        let thousandfold = verdict(&three(&base, 1024.0), &three(&cand, 1024.0), "");
        prop_assert_eq!(outcomes(&once), outcomes(&thousandfold));
        prop_assert_eq!(once.verdict, thousandfold.verdict);
    }

    #[test]
    fn a_stricter_policy_never_turns_fail_into_pass(
        base in any_times(), cand in any_times(), strict in 0.0f64..20.0, more in 0.0f64..50.0,
    ) {
        let rule = |limit: f64| {
            format!("[[rule]]\nbench = \"**\"\ntolerance = \"{limit}%\"\nwarn = \"{limit}%\"\nfail = \"{limit}%\"\ntarget = \"90%\"")
        };
        let (base, cand) = (three(&base, 1.0), three(&cand, 1.0));
        let lax = verdict(&base, &cand, &rule(strict + more));
        let strict = verdict(&base, &cand, &rule(strict));
        if exit(&lax) == 3 {
            prop_assert_eq!(exit(&strict), 3);
        }
    }

    #[test]
    fn the_order_of_input_is_irrelevant(base in any_times(), cand in any_times()) {
        let (base, cand) = (three(&base, 1.0), three(&cand, 1.0));
        let (mut back_base, mut back_cand) = (base.clone(), cand.clone());
        back_base.measurements.reverse();
        back_cand.measurements.reverse();
        for measurement in &mut back_cand.measurements {
            measurement.runs.reverse();
        }
        let (forth, back) = (verdict(&base, &cand, ""), verdict(&back_base, &back_cand, ""));
        prop_assert_eq!(outcomes(&forth), outcomes(&back));
        prop_assert_eq!(forth.verdict, back.verdict);
    }
}
