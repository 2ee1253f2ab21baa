//! The upstream and its caller together, for benchmarks.

use benchgate_record::{self as record, Metric, RecordError, Unit};
use tokio::runtime::Runtime;

use super::{
    Client, ClientConfig, Fault, Faults, FaultyUpstream, RetryPolicy, State, UpstreamError,
    Valuations, valuation,
};
use crate::sizes;

/// A faulty upstream and a caller of it.
#[derive(Debug)]
pub struct Fixture {
    upstream: FaultyUpstream,
    valuations: Valuations,
}

/// The property that an iteration asks for.
fn property(iteration: u64) -> u64 {
    iteration * 761 % sizes::UPSTREAM_PROPERTIES
}

/// The checksum of an iteration's valuation.
pub fn expected_checksum(iteration: u64) -> u64 {
    valuation(property(iteration)).checksum()
}

impl Fixture {
    /// Starts an upstream with these faults. Batches are handled on `runtime`, which also
    /// polls the calls.
    ///
    /// # Panics
    ///
    /// If the upstream cannot be started.
    pub fn new(runtime: &Runtime, faults: Faults, config: ClientConfig) -> Self {
        let upstream = FaultyUpstream::start(faults).expect("an upstream");
        let client = Client::new(&upstream.base(), config).expect("a client");
        let valuations =
            runtime.block_on(async { Valuations::new(client, sizes::UPSTREAM_BATCH_FULL) });
        Self { upstream, valuations }
    }

    /// An upstream without faults.
    pub fn healthy(runtime: &Runtime) -> Self {
        Self::new(runtime, Faults::none(), sizes::UPSTREAM_CLIENT)
    }

    /// An upstream that always fails, with a breaker that is open already.
    ///
    /// # Panics
    ///
    /// If the breaker does not open.
    pub fn open(runtime: &Runtime) -> Self {
        let faults = Faults::cycle([Fault::Unavailable]);
        let fixture = Self::new(runtime, faults, sizes::UPSTREAM_CLIENT_OPEN);
        let failure = runtime.block_on(fixture.valuations.one(0));
        failure.expect_err("the upstream is unavailable");
        assert_eq!(fixture.valuations.client().breaker().state(), State::Open);
        fixture
    }

    /// An upstream on which every other request fails, with a client that retries.
    pub fn alternating(runtime: &Runtime) -> Self {
        let faults = Faults::cycle([Fault::Unavailable, Fault::None]);
        Self::new(runtime, faults, sizes::UPSTREAM_CLIENT_PATIENT)
    }

    /// The caller.
    pub fn valuations(&self) -> &Valuations {
        &self.valuations
    }

    /// The number of requests so far.
    pub fn requests(&self) -> u64 {
        self.upstream.requests()
    }
}

/// The body of a benchmark: values the property of an iteration.
///
/// # Panics
///
/// If the call fails.
pub async fn value_property(valuations: Valuations, iteration: u64) -> u64 {
    valuations.checksum_of(property(iteration)).await.expect("a valuation")
}

/// The body of a benchmark: returns 1 if the breaker rejects the call, otherwise 0.
pub async fn be_rejected(valuations: Valuations, iteration: u64) -> u64 {
    match valuations.checksum_of(property(iteration)).await {
        Err(UpstreamError::Open { .. }) => 1,
        Ok(_) | Err(_) => 0,
    }
}

fn requests_metric() -> Metric {
    Metric::counted("upstream_requests", Unit::Count)
}

/// Records the requests that an operation sends, for the benchmark `id`.
pub fn record_requests(id: &str, requests: f64) -> Result<(), RecordError> {
    record::value(id, &requests_metric(), requests)
}

/// Records the success rate of calls to an upstream that fails in a fixed random order, with
/// and without retries.
pub fn record_success_rates(runtime: &Runtime) -> Result<(), RecordError> {
    let retried = sizes::UPSTREAM_CLIENT_PATIENT;
    let alone = ClientConfig { retry: RetryPolicy::NONE, ..retried };
    for (name, config) in [("alone", alone), ("retried", retried)] {
        let faults = Faults::drawn(sizes::UPSTREAM_SEED, sizes::UPSTREAM_SHARES);
        let Fixture { upstream, valuations } = Fixture::new(runtime, faults, config);
        let mut answered = 0_u32;
        for iteration in 0..sizes::UPSTREAM_FAULTY_CALLS {
            let call = valuations.checksum_of(property(u64::from(iteration)));
            answered += u32::from(runtime.block_on(call).is_ok());
        }
        let per_call = |count: f64| count / f64::from(sizes::UPSTREAM_FAULTY_CALLS);
        let id = format!("http/upstream_faulty/{name}");
        let success_rate = Metric::counted("success_rate", Unit::Share).higher();
        record::value(&id, &success_rate, per_call(f64::from(answered)))?;
        record_requests(&id, per_call(upstream.requests() as f64))?;
    }
    Ok(())
}
