//! The gate itself: how long it takes to judge the results of a large project.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `gate/judge_1000_benchmarks_of_30_pairs` | The signed-rank test, the estimate with its interval, and Holm's method, for 1,000 benchmarks of 30 pairs each. | – | – | low |

use std::hint::black_box;

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};

mod gate_statistics;

use gate_statistics::{assert_judged, judge, measured};

/// A thousand benchmarks, as the gate also counts this benchmark's instructions under
/// callgrind, which is fifty times slower.
const BENCHMARKS: usize = 1_000;

fn judging(criterion: &mut Criterion) {
    let measured = measured(BENCHMARKS);
    assert_judged(judge(&measured), BENCHMARKS);
    let mut group = criterion.benchmark_group("gate");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group.bench_function(
        format!("judge_{BENCHMARKS}_benchmarks_of_{}_pairs", gate_statistics::PAIRS),
        |bencher| bencher.iter(|| judge(black_box(&measured))),
    );
}

criterion_group!(benches, judging);
criterion_main!(benches);
