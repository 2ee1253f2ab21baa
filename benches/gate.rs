//! The gate itself: how long it takes to judge what a large project measured.

use std::hint::black_box;

use benchgate::stats::{
    Side, SplitMix64, hodges_lehmann, hodges_lehmann_interval, holm, signed_rank,
};
use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

/// A thousand: under callgrind each instruction takes fifty times as long.
const BENCHMARKS: usize = 1_000;
const PAIRS: usize = 30;
/// Every hundredth benchmark is slower by this much, beyond any of the noise.
const SLOWER: f64 = 0.5;
const TOLERANCE: f64 = 0.01;

/// Paired differences with a deviation of some 2%, and a wild one among ten.
fn measured() -> Vec<Vec<f64>> {
    let mut random = SplitMix64::new(1);
    let mut uniform = || (random.next_bits() >> 11) as f64 / 2.0_f64.powi(53) - 0.5;
    (0..BENCHMARKS)
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

/// The signed-rank test, the estimate, both bounds, and Holm over all: how many
/// are regressions at a family-wise 1%, how many are clearly below the target,
/// and where the centres lie on average.
fn judge(measured: &[Vec<f64>]) -> (usize, usize, f64) {
    let p_values: Option<Vec<f64>> = measured
        .iter()
        .map(|differences| signed_rank(differences, TOLERANCE, Side::Above))
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

fn judging(criterion: &mut Criterion) {
    let measured = measured();
    let (regressions, cleared, centre) = judge(&measured);
    assert_eq!(regressions, BENCHMARKS / 100, "the slower ones, and no others");
    assert!(cleared > BENCHMARKS * 9 / 10 && cleared <= BENCHMARKS - regressions);
    assert!((centre - SLOWER / 100.0).abs() < 0.001, "{centre}");
    let mut group = criterion.benchmark_group("gate");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function("judge_1000_benchmarks_of_30_pairs", |bencher| {
        bencher.iter(|| judge(black_box(&measured)));
    });
}

criterion_group!(benches, judging);
criterion_main!(benches);
