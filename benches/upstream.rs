//! Calls of another service (an upstream) over loopback: with retries, a circuit breaker and
//! batches.
//!
//! The upstream is local, and its faults come in a fixed order. The number of requests that each
//! operation sends is recorded, and checked for all iterations.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `http/upstream_closed` | A call with the breaker closed and no fault. | `upstream_requests` | – | high |
//! | `http/upstream_open` | A call with the breaker open: nothing is sent. | `upstream_requests` | – | low |
//! | `http/upstream_one_retry` | A call whose first attempt fails and whose second succeeds. | `upstream_requests` | – | high |
//! | `http/upstream_single_32` | 32 lookups at once, each in a request of its own. | `upstream_requests` | – | high |
//! | `http/upstream_batched_32` | 32 lookups at once, joined into one request. | `upstream_requests` | – | high |
//!
//! The effect of retries is recorded without a time.
//!
//! | also recorded | what it is | metrics | needs |
//! |---|---|---|---|
//! | `http/upstream_faulty/{alone,retried}` | 500 calls of an upstream that fails one request in five, without and with retries. | `success_rate`, `upstream_requests` | – |

use std::cell::{Cell, OnceCell};

use benchgate_record as record;
use benchgate_suite::bench::runtime;
use benchgate_suite::sizes;
use benchgate_suite::upstream::{
    Fixture, Valuations, be_rejected, expected_checksum, record_requests, record_success_rates,
    valuation, value_property,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

mod clock;

/// Each iteration is one `operation`, which sends `requests` requests. It gets the number of
/// the iteration, and `expected` gives its checksum.
fn operation<F: Future<Output = u64>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    requests: u64,
    set_up: impl Fn(&Runtime) -> Fixture,
    operation: impl Fn(Valuations, u64) -> F,
    expected: impl Fn(u64) -> u64,
) {
    let runtime = runtime(1);
    let ready = OnceCell::new();
    let iterations = Cell::new(0_u64);
    group.bench_function(name, |bencher| {
        let fixture: &Fixture = ready.get_or_init(|| {
            let fixture = set_up(&runtime);
            let before = fixture.requests();
            for iteration in 0..4 {
                let sum = runtime.block_on(operation(fixture.valuations().clone(), iteration));
                assert_eq!(sum, expected(iteration), "{name}");
            }
            let sent = (fixture.requests() - before) as f64 / 4.0;
            record_requests(&format!("http/{name}"), sent).expect("recorded");
            fixture
        });
        let (before, first) = (fixture.requests(), iterations.get());
        bencher.to_async(&runtime).iter(|| {
            let iteration = iterations.get();
            iterations.set(iteration + 1);
            operation(fixture.valuations().clone(), iteration)
        });
        let (sent, made) = (fixture.requests() - before, iterations.get() - first);
        assert_eq!(sent, made * requests, "requests of {made} operations");
    });
}

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("http");
    let expected = expected_checksum;
    operation(&mut group, "upstream_closed", 1, Fixture::healthy, value_property, expected);
    operation(&mut group, "upstream_open", 0, Fixture::open, be_rejected, |_| 1);

    let alternating = |runtime: &Runtime| {
        if record::wanted() {
            record_success_rates(runtime).expect("recorded");
        }
        Fixture::alternating(runtime)
    };
    operation(&mut group, "upstream_one_retry", 2, alternating, value_property, expected);

    let lookups = sizes::UPSTREAM_LOOKUPS;
    let sum = (0..lookups).map(|property| valuation(property).checksum()).sum::<u64>();
    group.throughput(Throughput::Elements(lookups));
    for (kind, batched, requests) in [("single", false, lookups), ("batched", true, 1)] {
        let crowd = |valuations: Valuations, _| async move {
            valuations.crowd(0..lookups, batched).await.expect("valuations")
        };
        let name = format!("upstream_{kind}_{lookups}");
        operation(&mut group, &name, requests, Fixture::healthy, crowd, |_| sum);
    }
}

criterion_group! {
    name = benches;
    config = clock::settings();
    targets = calls
}
criterion_main!(benches);
