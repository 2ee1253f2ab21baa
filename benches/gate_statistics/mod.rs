//! Statistics on the measurements of a large project. `gate` times them, and
//! `gate_instructions` counts their instructions.

use benchgate::stats::{
    Alternative, SplitMix64, hodges_lehmann, hodges_lehmann_interval, holm, signed_rank,
};

pub(crate) const PAIRS: usize = 30;
/// Every hundredth benchmark is slower by this much, which is beyond the noise.
const SLOWER: f64 = 0.5;
pub(crate) const TOLERANCE: f64 = 0.01;

/// Paired differences with a deviation of about 2%, and one outlier in ten.
pub(crate) fn measured(benchmarks: usize) -> Vec<Vec<f64>> {
    let mut random = SplitMix64::new(1);
    let mut uniform = || (random.next_bits() >> 11) as f64 / 2.0_f64.powi(53) - 0.5;
    (0..benchmarks)
        .map(|benchmark| {
            let slower = if benchmark % 100 == 0 { SLOWER } else { 0.0 };
            let mut difference = |pair| {
                let spread = if pair % 10 == 0 { 0.4 } else { 0.04 };
                slower + spread * (uniform() + uniform())
            };
            (0..PAIRS).map(&mut difference).collect()
        })
        .collect()
}

/// How many benchmarks are regressions, how many are clearly below the target, and the mean
/// of their centres.
pub(crate) type Judged = (usize, usize, f64);

/// The signed-rank test, the estimate with both bounds, and Holm's adjustment over all
/// benchmarks, at a family-wise level of 1%.
pub(crate) fn judge(measured: &[Vec<f64>]) -> Judged {
    let p_values: Option<Vec<f64>> = measured
        .iter()
        .map(|differences| signed_rank(differences, TOLERANCE, Alternative::Above))
        .collect();
    let adjusted = holm(&p_values.expect("finite differences"));
    let regressions = adjusted.iter().filter(|p| **p <= 0.01).count();
    let (mut cleared, mut centres) = (0, 0.0);
    for differences in measured {
        let interval = hodges_lehmann_interval(differences, 0.01 / 3.0).expect("enough pairs");
        cleared += usize::from(interval.upper < 0.03);
        centres += hodges_lehmann(differences).expect("finite differences");
    }
    (regressions, cleared, centres / measured.len() as f64)
}

pub(crate) fn assert_judged((regressions, cleared, centre): Judged, benchmarks: usize) {
    assert_eq!(regressions, benchmarks / 100, "only the slower ones");
    assert!(cleared > benchmarks * 9 / 10 && cleared <= benchmarks - regressions);
    assert!((centre - SLOWER / 100.0).abs() < 0.005, "{centre}");
}
