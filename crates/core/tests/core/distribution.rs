//! Distributions: merging, and quantiles compared with sorted values.

use benchgate_core::model::{Distribution, DistributionFault, Quantile, Statistic};
use proptest::prelude::*;

fn of(values: &[u64]) -> Distribution {
    Distribution::new(values.iter().map(|value| (*value, 1)), None).unwrap()
}

/// Values of every size.
fn values() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec((0_u32..50).prop_flat_map(|bits| 0..=(1_u64 << bits)), 1..3000)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn merging_is_recording_everything(values in values(), at in any::<prop::sample::Index>()) {
        let (left, right) = values.split_at(at.index(values.len()));
        let parts: Vec<Distribution> =
            [left, right].into_iter().filter(|part| !part.is_empty()).map(of).collect();
        prop_assert_eq!(Distribution::merged(&parts), Some(of(&values)));
        prop_assert_eq!(Distribution::merged(parts.iter().rev()), Some(of(&values)));
    }

    #[test]
    fn a_quantile_is_the_sorted_value_to_three_digits(mut values in values()) {
        let distribution = of(&values);
        values.sort_unstable();
        for quantile in Quantile::ALL {
            let n = values.len() as u64;
            let thousandths = 1000 - 10_000 / quantile.needed();
            let rank = (n * thousandths).div_ceil(1000);
            let found = distribution.value(&Statistic::Quantile(quantile));
            // Ten are above the rank, or there is not a number.
            prop_assert_eq!(found.is_some(), n - rank >= 10, "{} of {}", rank, n);
            if let Some(found) = found {
                let exact = values[usize::try_from(rank).unwrap() - 1] as f64;
                prop_assert!(found >= exact && found <= exact * 1.001, "{} for {}", found, exact);
            }
        }
        let mean = values.iter().map(|value| *value as f64).sum::<f64>() / values.len() as f64;
        let found = distribution.value(&Statistic::Mean).unwrap();
        prop_assert!((found - mean).abs() <= mean * 0.001, "{} for {}", found, mean);
    }
}

#[test]
fn quantiles_are_supported_from_ten_observations_above_them() {
    let needed = Quantile::ALL.map(|quantile| (quantile.name(), quantile.needed()));
    let expected = [("p50", 20), ("p90", 100), ("p95", 200), ("p99", 1000), ("p99.9", 10_000)];
    assert_eq!(needed, expected.map(|(name, needed)| (name.to_owned(), needed)));
    let p99 = Statistic::Quantile(Quantile::of_thousandths(990).unwrap());
    assert_eq!(of(&vec![5; 999]).value(&p99), None);
    assert_eq!(of(&vec![5; 1000]).value(&p99), Some(5.0));
    assert_eq!(Quantile::of_thousandths(980), None);
}

#[test]
fn statistics_of_known_values() {
    let distribution = of(&[2, 4, 4, 4, 5, 5, 7, 9]);
    let value = |statistic| distribution.value(&statistic);
    assert_eq!((value(Statistic::Count), value(Statistic::Mean)), (Some(8.0), Some(5.0)));
    assert_eq!((value(Statistic::Min), value(Statistic::Max)), (Some(2.0), Some(9.0)));
    // 32 / 7: the sample's standard deviation.
    assert!((value(Statistic::Deviation).unwrap() - (32.0_f64 / 7.0).sqrt()).abs() < 1e-12);
    assert_eq!(of(&[7]).value(&Statistic::Deviation), None);
    assert_eq!(value(Statistic::ErrorRate), None, "failures were not counted");
}

#[test]
fn numbers_that_are_not_a_distribution_are_refused() {
    let new = |values: &[(u64, u64)]| Distribution::new(values.iter().copied(), None);
    assert_eq!(new(&[]), Err(DistributionFault::Nothing));
    assert_eq!(new(&[(5, 0)]), Err(DistributionFault::Nothing));
    assert_eq!(new(&[(5, u64::MAX), (6, 1)]), Err(DistributionFault::Overflow));
    assert_eq!(new(&[(u64::MAX, 1)]), Err(DistributionFault::Value { value: u64::MAX }));
}
