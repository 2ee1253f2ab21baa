//! Error control over many tests.

/// Holm's step-down adjustment: adjusted p-values in the order of the input.
/// Rejecting where the adjusted value is at most α keeps the chance of any
/// false rejection at most α, whatever the dependence between the tests.
///
/// S. Holm, "A simple sequentially rejective multiple test procedure",
/// Scandinavian Journal of Statistics 6(2), 1979.
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&a, &b| p_values[a].total_cmp(&p_values[b]));
    let mut adjusted = vec![0.0; p_values.len()];
    let mut reached: f64 = 0.0;
    for (rank, &index) in order.iter().enumerate() {
        let factor = (p_values.len() - rank) as f64;
        reached = reached.max((p_values[index] * factor).min(1.0));
        adjusted[index] = reached;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_values() {
        // statsmodels: multipletests([.01, .04, .03, .005], method="holm")
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (got, want) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            assert!((got - want).abs() < 1e-12, "{got} is not {want}");
        }
        assert!(holm(&[]).is_empty());
    }

    proptest! {
        #[test]
        fn never_below_the_input_nor_above_bonferroni(p in prop::collection::vec(0.0f64..=1.0, 1..40)) {
            let adjusted = holm(&p);
            for (raw, adjusted) in p.iter().zip(&adjusted) {
                prop_assert!(adjusted >= raw);
                prop_assert!(*adjusted <= (raw * p.len() as f64).min(1.0));
            }
        }

        #[test]
        fn keeps_the_order(p in prop::collection::vec(0.0f64..=1.0, 2..40)) {
            let adjusted = holm(&p);
            for i in 0..p.len() {
                for j in 0..p.len() {
                    if p[i] < p[j] {
                        prop_assert!(adjusted[i] <= adjusted[j]);
                    }
                }
            }
        }
    }
}
