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

use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};
use benchgate_suite::sizes;
use benchgate_suite::upstream::{
    Client, ClientConfig, Fault, Faults, FaultyUpstream, RetryPolicy, State, UpstreamError,
    Valuations, valuation,
};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

/// An upstream, and who calls it.
struct Calls {
    upstream: FaultyUpstream,
    valuations: Valuations,
}

impl Calls {
    fn new(runtime: &Runtime, faults: Faults, config: ClientConfig) -> Self {
        let upstream = FaultyUpstream::start(faults).expect("an upstream");
        let client = Client::new(&upstream.base(), config).expect("a client");
        // Its batches are handled on the runtime that polls the calls.
        let valuations =
            runtime.block_on(async { Valuations::new(client, sizes::UPSTREAM_BATCH_FULL) });
        Self { upstream, valuations }
    }
}

/// Each of the calls is made as the others are: on one thread, the upstream's own
/// beside it.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Each iteration is one `operation`, which sends `requests`; it gets the number
/// of its turn, and its checksum is to be what `expected` says.
fn bench<F: Future<Output = u64>>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    requests: u64,
    set_up: impl Fn(&Runtime) -> Calls,
    operation: impl Fn(Valuations, u64) -> F,
    expected: impl Fn(u64) -> u64,
) {
    let runtime = runtime();
    let ready = OnceCell::new();
    let turn = Cell::new(0_u64);
    group.bench_function(name, |bencher| {
        let calls: &Calls = ready.get_or_init(|| {
            let calls = set_up(&runtime);
            let before = calls.upstream.requests();
            for turn in 0..4 {
                let sum = runtime.block_on(operation(calls.valuations.clone(), turn));
                assert_eq!(sum, expected(turn), "{name}");
            }
            let sent = (calls.upstream.requests() - before) as f64 / 4.0;
            record::value(&format!("http/{name}"), &requests_metric(), sent).expect("recorded");
            calls
        });
        let (before, first) = (calls.upstream.requests(), turn.get());
        bencher.to_async(&runtime).iter(|| {
            let now = turn.get();
            turn.set(now + 1);
            operation(calls.valuations.clone(), now)
        });
        let (sent, made) = (calls.upstream.requests() - before, turn.get() - first);
        assert_eq!(sent, made * requests, "requests of {made} operations");
    });
}

fn requests_metric() -> Metric {
    Metric::counted("upstream_requests", Unit::Count)
}

/// The property of a turn.
fn property(turn: u64) -> u64 {
    turn * 761 % sizes::UPSTREAM_PROPERTIES
}

async fn one(valuations: Valuations, turn: u64) -> u64 {
    valuations.checksum_of(property(turn)).await.expect("a valuation")
}

/// Rejected by the breaker: 1, else 0.
async fn rejected(valuations: Valuations, turn: u64) -> u64 {
    match valuations.checksum_of(property(turn)).await {
        Err(UpstreamError::Open { .. }) => 1,
        Ok(_) | Err(_) => 0,
    }
}

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("http");
    let checksum = |turn| valuation(property(turn)).checksum();

    let well = |runtime: &Runtime| Calls::new(runtime, Faults::none(), sizes::UPSTREAM_CLIENT);
    bench(&mut group, "upstream_closed", 1, well, one, checksum);

    let open = |runtime: &Runtime| {
        let faults = Faults::cycle([Fault::Unavailable]);
        let calls = Calls::new(runtime, faults, sizes::UPSTREAM_CLIENT_OPEN);
        runtime.block_on(one_failure(&calls.valuations));
        assert_eq!(calls.valuations.client().breaker().state(), State::Open);
        calls
    };
    bench(&mut group, "upstream_open", 0, open, rejected, |_| 1);

    let every_other = |runtime: &Runtime| {
        if record::wanted() {
            record_faulty(runtime).expect("recorded");
        }
        let faults = Faults::cycle([Fault::Unavailable, Fault::None]);
        Calls::new(runtime, faults, sizes::UPSTREAM_CLIENT_PATIENT)
    };
    bench(&mut group, "upstream_one_retry", 2, every_other, one, checksum);

    let lookups = sizes::UPSTREAM_LOOKUPS;
    let sum = (0..lookups).map(|property| valuation(property).checksum()).sum::<u64>();
    group.throughput(Throughput::Elements(lookups));
    for (kind, batched, requests) in [("single", false, lookups), ("batched", true, 1)] {
        let crowd = |valuations: Valuations, _| async move {
            valuations.crowd(0..lookups, batched).await.expect("valuations")
        };
        let name = format!("upstream_{kind}_{lookups}");
        bench(&mut group, &name, requests, well, crowd, |_| sum);
    }
}

async fn one_failure(valuations: &Valuations) {
    valuations.one(0).await.expect_err("the upstream is unavailable");
}

/// What retries make of an upstream that fails, in a fixed order of faults.
fn record_faulty(runtime: &Runtime) -> Result<(), RecordError> {
    let patient = sizes::UPSTREAM_CLIENT_PATIENT;
    let alone = ClientConfig { retry: RetryPolicy::NONE, ..patient };
    for (kind, config) in [("alone", alone), ("retried", patient)] {
        let faults = Faults::drawn(sizes::UPSTREAM_SEED, sizes::UPSTREAM_SHARES);
        let Calls { upstream, valuations } = Calls::new(runtime, faults, config);
        let mut answered = 0_u32;
        for turn in 0..sizes::UPSTREAM_FAULTY_CALLS {
            let answer = runtime.block_on(valuations.checksum_of(property(u64::from(turn))));
            answered += u32::from(answer.is_ok());
        }
        let of_all = |count: f64| count / f64::from(sizes::UPSTREAM_FAULTY_CALLS);
        let id = format!("http/upstream_faulty/{kind}");
        let success_rate = Metric::counted("success_rate", Unit::Share).higher();
        record::value(&id, &success_rate, of_all(f64::from(answered)))?;
        record::value(&id, &requests_metric(), of_all(upstream.requests() as f64))?;
    }
    Ok(())
}

fn times() -> Criterion {
    Criterion::default()
        .warm_up_time(sizes::CLOCK_WARM_UP)
        .measurement_time(sizes::CLOCK_TIME)
        .sample_size(sizes::CLOCK_SAMPLES)
}

criterion_group! {
    name = benches;
    config = times();
    targets = calls
}
criterion_main!(benches);
