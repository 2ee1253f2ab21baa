//! HTTP round trips over loopback to the reference service, whose client and server run on
//! separate runtimes; and to a service of your own.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `http/health` | A round trip on a kept connection to a route that does no work. | – | – | high |
//! | `http/keep_alive` | A lead from the in-process cache, on a kept connection. | `latency`, `queries`, `repeated_queries` | – | high |
//! | `http/new_connection` | The same with a new connection for each request. | – | – | high |
//! | `http/h2` | The same over HTTP/2, one request at a time. | – | – | high |
//! | `http/h2_at_once_16` | 16 such requests at once on one HTTP/2 connection. | – | – | high |
//! | `http/lead_loaded` | `latency`, A lead that no cache holds: the service loads it from the database. | `queries`, `repeated_queries` | – | high |
//! | `http/lead_promoted` | A lead that is in Redis, but not in the process. | – | Redis | high |
//! | `http/page_hit` | A page of 20 organisations from the response cache. | `latency`, `queries`, `repeated_queries` | – | high |
//! | `http/page_hit_gzip` | The same, compressed with gzip. | – | – | high |
//! | `http/page_miss` | `latency`, The same page when the response cache does not hold it: it is queried and rendered. | `queries`, `repeated_queries` | – | high |
//! | `http/page_miss_gzip` | `latency`, The same, and compressed. | – | – | high |
//! | `http/not_modified` | A request with the page's ETag, answered with 304. | – | – | high |
//! | `http/organisations_n_plus_1` | The counter-example: a page that sends one query for each organisation. | `queries`, `repeated_queries` | – | high |
//! | `http/audit_logs` | `latency`, A page of 20 audit logs, which is never cached. | `queries`, `repeated_queries` | – | high |
//! | `http/score` | `latency`, A score for features that the client sends. | – | – | high |
//! | `http/score_lead` | A score for a lead: cache, features, batched inference. | `latency` | – | high |
//! | `http/score_lead_loaded` | `latency`, The same for a lead that has to be loaded from the database first. | `queries`, `repeated_queries` | – | high |
//! | `http/score_lead_at_once_16` | 16 such scores at once on one HTTP/2 connection. | – | – | high |
//! | `http_target/keep_alive` | A GET to your own service, on a kept connection. | `latency` | `TARGET_URL` | high |

use std::cell::OnceCell;

use benchgate_record as record;
use benchgate_suite::cache::Level;
use benchgate_suite::http::{Fixture, Protocol, Requests, Target, record_round_trips};
use benchgate_suite::services::Redis;
use benchgate_suite::{bench, sizes};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

mod clock;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// Sends one call after the other on one connection.
fn sequential(
    fixture: &Fixture,
    group: &mut Group<'_>,
    name: &'static str,
    (protocol, requests): (Protocol, Requests),
) {
    let prepared = OnceCell::new();
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| {
        let prepared = prepared.get_or_init(|| fixture.prepare_as(name, protocol, requests));
        bencher.to_async(fixture.runtime()).iter(async || prepared.send().await);
    });
}

/// Like [`sequential`] over HTTP/1.1, and records the latencies.
fn with_latency(fixture: &Fixture, group: &mut Group<'_>, name: &'static str, requests: Requests) {
    let prepared = OnceCell::new();
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| {
        let prepared = prepared.get_or_init(|| {
            let prepared = fixture.prepare_as(name, Protocol::Http1, requests);
            fixture.record_latency(&format!("http/{name}"), &prepared, async |_| ());
            prepared
        });
        bencher.to_async(fixture.runtime()).iter(async || prepared.send().await);
    });
}

/// Sends one call after the other, and records the latencies. Before each, `set_up` runs and
/// is not timed.
fn after(
    fixture: &Fixture,
    group: &mut Group<'_>,
    name: &'static str,
    requests: Requests,
    set_up: impl AsyncFn(usize),
) {
    let prepared = OnceCell::new();
    group.throughput(Throughput::Elements(1));
    group.bench_function(name, |bencher| {
        let prepared = prepared.get_or_init(|| {
            let prepared = fixture.prepare_as(name, Protocol::Http1, requests);
            fixture.record_latency(&format!("http/{name}"), &prepared, &set_up);
            prepared
        });
        bencher.iter_custom(|iterations| {
            fixture.runtime().block_on(prepared.timed_after(iterations, &set_up))
        });
    });
}

/// Sends [`sizes::HTTP_STREAMS`] calls at once on one h2 connection.
fn concurrent(fixture: &Fixture, group: &mut Group<'_>, name: &str, requests: Requests) {
    let prepared = OnceCell::new();
    group.throughput(Throughput::Elements(sizes::HTTP_STREAMS as u64));
    group.bench_function(format!("{name}_{}", sizes::HTTP_STREAMS), |bencher| {
        let calls = prepared.get_or_init(|| fixture.concurrent(requests));
        bencher.to_async(fixture.runtime()).iter(async || calls.all().await);
    });
}

/// Opens a connection for each call.
fn new_connection(fixture: &Fixture, group: &mut Group<'_>) {
    let prepared = OnceCell::new();
    group.bench_function("new_connection", |bencher| {
        let prepared = prepared.get_or_init(|| fixture.prepare(Protocol::Http1, Requests::Leads));
        bencher.to_async(fixture.runtime()).iter(async || {
            let client = fixture.connect(Protocol::Http1).await;
            prepared.send_on(&client).await
        });
    });
}

/// Connections and protocols.
fn transport(fixture: &Fixture, group: &mut Group<'_>) {
    sequential(fixture, group, "health", (Protocol::Http1, Requests::Health));
    with_latency(fixture, group, "keep_alive", Requests::Leads);
    new_connection(fixture, group);
    sequential(fixture, group, "h2", (Protocol::H2, Requests::Leads));
    concurrent(fixture, group, "h2_at_once", Requests::Leads);
}

/// The caches that answer requests, and what they save.
fn caches(fixture: &Fixture, group: &mut Group<'_>) {
    let forget_lead = async |position| fixture.forget_lead(position).await;
    let forget_page = async |_| fixture.forget_page().await;
    after(fixture, group, "lead_loaded", Requests::Leads, forget_lead);
    with_latency(fixture, group, "page_hit", Requests::Page);
    sequential(fixture, group, "page_hit_gzip", (Protocol::Http1, Requests::PageGzip));
    after(fixture, group, "page_miss", Requests::Page, forget_page);
    after(fixture, group, "page_miss_gzip", Requests::PageGzip, forget_page);
    sequential(fixture, group, "not_modified", (Protocol::Http1, Requests::PageNotModified));
}

/// Lists from the database.
fn lists(fixture: &Fixture, group: &mut Group<'_>) {
    let page = (Protocol::Http1, Requests::PageNPlusOne);
    sequential(fixture, group, "organisations_n_plus_1", page);
    with_latency(fixture, group, "audit_logs", Requests::AuditLogs);
}

/// Scores, one by one and batched.
fn scores(fixture: &Fixture, group: &mut Group<'_>) {
    let forget_lead = async |position| fixture.forget_lead(position).await;
    with_latency(fixture, group, "score", Requests::Score);
    with_latency(fixture, group, "score_lead", Requests::LeadScores);
    after(fixture, group, "score_lead_loaded", Requests::LeadScores, forget_lead);
    concurrent(fixture, group, "score_lead_at_once", Requests::LeadScores);
}

fn service(criterion: &mut Criterion) {
    let fixture = Fixture::new(None);
    let mut group = criterion.benchmark_group("http");
    transport(&fixture, &mut group);
    caches(&fixture, &mut group);
    lists(&fixture, &mut group);
    scores(&fixture, &mut group);
    if fixture.has_started() {
        fixture.assert_connections_kept();
        fixture.record_queries().expect("recorded");
    }
}

/// A lead that is in Redis but not in the process.
fn second_level(criterion: &mut Criterion) {
    const NAME: &str = "lead_promoted";
    let fixture = match Redis::find() {
        Ok(redis) => Fixture::new(Some(redis)),
        Err(unavailable) => {
            let subject = format!("http/{NAME}");
            return record::not_run(&subject, &unavailable.reason).expect("recorded");
        }
    };
    let forget_lead = async |position| fixture.forget_lead(position).await;
    let mut group = criterion.benchmark_group("http");
    after(&fixture, &mut group, NAME, Requests::Leads, forget_lead);
    if fixture.has_started() {
        let metrics = fixture.service().front().metrics();
        let loaded = metrics.leads(Level::Source);
        assert_eq!(loaded, u64::from(sizes::HTTP_LEADS), "each lead is loaded once");
        assert_eq!(metrics.leads(Level::L1), 0, "all other lookups find it in Redis");
    }
}

/// The user's own service.
fn target(criterion: &mut Criterion) {
    let runtime = bench::runtime(1);
    let connected = Target::find().and_then(|target| runtime.block_on(target.connect()));
    let (client, call) = match connected {
        Ok(connected) => connected,
        Err(unavailable) => {
            return record::not_run("http_target", &unavailable.reason).expect("recorded");
        }
    };
    let recorded = OnceCell::new();
    criterion.benchmark_group("http_target").bench_function("keep_alive", |bencher| {
        recorded.get_or_init(|| {
            let calls = std::slice::from_ref(&call);
            record_round_trips("http_target/keep_alive", &runtime, &client, calls, async |_| ());
        });
        bencher.to_async(&runtime).iter(async || client.checksum_of(&call).await.expect("a reply"));
    });
}

criterion_group! {
    name = benches;
    config = clock::settings();
    targets = service, second_level, target
}
criterion_main!(benches);
