//! The criterion settings of all benches that time the suite's workloads.

use benchgate_suite::sizes;
use criterion::Criterion;

/// Times and samples under a plain `cargo bench`; options of the command line override them.
pub(crate) fn settings() -> Criterion {
    Criterion::default()
        .warm_up_time(sizes::CLOCK_WARM_UP)
        .measurement_time(sizes::CLOCK_TIME)
        .sample_size(sizes::CLOCK_SAMPLES)
}
