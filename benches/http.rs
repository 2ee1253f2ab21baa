//! HTTP round trips over loopback to the reference service, whose client and server run on
//! separate runtimes; and to a service of your own.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `http/health` | A round trip on a kept connection to a route that does no work. | – | – | high |
//! | `http/keep_alive` | A lead from the in-process cache, on a kept connection. | `latency.p99`, `queries`, `repeated_queries` | – | high |
//! | `http/new_connection` | The same with a new connection for each request. | – | – | high |
//! | `http/h2` | The same over HTTP/2, one request at a time. | – | – | high |
//! | `http/h2_at_once_16` | 16 such requests at once on one HTTP/2 connection. | – | – | high |
//! | `http/lead_loaded` | A lead that no cache holds: the service loads it from the database. | `queries`, `repeated_queries` | – | high |
//! | `http/lead_promoted` | A lead that is in Redis, but not in the process. | – | Redis | high |
//! | `http/page_hit` | A page of 20 organisations from the response cache. | `latency.p99`, `queries`, `repeated_queries` | – | high |
//! | `http/page_hit_gzip` | The same, compressed with gzip. | – | – | high |
//! | `http/page_miss` | The same page when the response cache does not hold it: it is queried and rendered. | `queries`, `repeated_queries` | – | high |
//! | `http/page_miss_gzip` | The same, and compressed. | – | – | high |
//! | `http/not_modified` | A request with the page's ETag, answered with 304. | – | – | high |
//! | `http/organisations_n_plus_1` | The counter-example: a page that sends one query for each organisation. | `queries`, `repeated_queries` | – | high |
//! | `http/audit_logs` | A page of 20 audit logs, which is never cached. | `queries`, `repeated_queries` | – | high |
//! | `http/score` | A score for features that the client sends. | – | – | high |
//! | `http/score_lead` | A score for a lead: cache, features, batched inference. | `latency.p99` | – | high |
//! | `http/score_lead_loaded` | The same for a lead that has to be loaded from the database first. | `queries`, `repeated_queries` | – | high |
//! | `http/score_lead_at_once_16` | 16 such scores at once on one HTTP/2 connection. | – | – | high |
//! | `http_target/keep_alive` | A GET to your own service, on a kept connection. | `latency.p99` | `TARGET_URL` | high |

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::io::Read as _;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};
use benchgate_suite::cache::Level;
use benchgate_suite::http::{Call, Client, Protocol, Server, Target};
use benchgate_suite::inference;
use benchgate_suite::queries::{AuditLog, Lead, OrganisationUsers, Queries, count_queries};
use benchgate_suite::service::{Parts, Service, answer};
use benchgate_suite::services::Redis;
use benchgate_suite::{SuiteError, cache, sizes};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use hyper::StatusCode;
use hyper::header::{ACCEPT_ENCODING, HeaderValue, IF_NONE_MATCH};
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

const PAGE: &str = "/organisations";
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// The client's runtime, polled by this thread alone, and the server, started by
/// the first row that runs.
struct Bench {
    runtime: Runtime,
    redis: Cell<Option<Redis>>,
    server: OnceCell<Server>,
    connections: Cell<u64>,
    ran: RefCell<BTreeSet<&'static str>>,
}

impl Bench {
    fn new(redis: Option<Redis>) -> Self {
        Self {
            runtime: runtime(),
            redis: Cell::new(redis),
            server: OnceCell::new(),
            connections: Cell::new(0),
            ran: RefCell::default(),
        }
    }

    fn server(&self) -> &Server {
        self.server.get_or_init(|| {
            let redis = self.redis.take();
            if let Some(redis) = &redis {
                redis.record().expect("recorded");
            }
            let parts = async { Ok(Parts { redis, ..Parts::embedded().await? }) };
            Server::service(parts).expect("a server")
        })
    }

    fn service(&self) -> &Service {
        self.server().reference().expect("the reference service")
    }

    /// The process holds that lead no longer.
    async fn forget(&self, id: u32) {
        self.service().leads().l1().invalidate(&cache::key(id)).await;
    }

    fn client(&self, protocol: Protocol) -> Client {
        self.connections.set(self.connections.get() + 1);
        let connecting = Client::connect(self.server().address(), protocol);
        self.runtime.block_on(connecting).expect("a client")
    }

    /// What a body is to sum up to, whatever the order of its keys.
    fn assert_body(&self, client: &Client, call: &Call, body: &impl serde::Serialize) {
        let sum = self.runtime.block_on(client.checksum_of(call)).expect("a reply");
        let expected = serde_json::to_vec(body).expect("JSON");
        assert_eq!(sum, expected.iter().map(|byte| u64::from(*byte)).sum::<u64>(), "{call:?}");
    }

    /// The 99th percentile of single round trips.
    fn latency(&self, id: &str, client: &Client, calls: &[Call]) {
        if !record::wanted() {
            return;
        }
        let p99 = self.runtime.block_on(p99(client, calls)).expect("replies");
        let metric = Metric::sampled("latency.p99", Unit::Nanoseconds);
        record::value(id, &metric, p99.as_nanos() as f64).expect("recorded");
    }

    /// One call after the other, on one connection.
    fn sequential(
        &self,
        group: &mut Group<'_>,
        name: &'static str,
        protocol: Protocol,
        prepare: impl Fn(&Client) -> Vec<Call>,
    ) {
        let prepared = OnceCell::new();
        let turn = Cell::new(0);
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            let (client, calls) = prepared.get_or_init(|| {
                self.ran.borrow_mut().insert(name);
                let client = self.client(protocol);
                let calls = prepare(&client);
                (client, calls)
            });
            bencher
                .to_async(&self.runtime)
                .iter(async || client.checksum_of(next(calls, &turn)).await.expect("a reply"));
        });
    }

    /// The same, each after something that is not timed.
    fn after<F: Future>(
        &self,
        group: &mut Group<'_>,
        name: &'static str,
        prepare: impl Fn(&Client) -> Vec<Call>,
        first: impl Fn(usize) -> F,
    ) {
        let prepared = OnceCell::new();
        let turn = Cell::new(0);
        group.throughput(Throughput::Elements(1));
        group.bench_function(name, |bencher| {
            let (client, calls) = prepared.get_or_init(|| {
                self.ran.borrow_mut().insert(name);
                let client = self.client(Protocol::Http1);
                let calls = prepare(&client);
                (client, calls)
            });
            bencher.iter_custom(|iterations| {
                self.runtime.block_on(async {
                    let mut timed = Duration::ZERO;
                    for _ in 0..iterations {
                        first(turn.get() % calls.len()).await;
                        let call = next(calls, &turn);
                        let start = Instant::now();
                        client.checksum_of(call).await.expect("a reply");
                        timed += start.elapsed();
                    }
                    timed
                })
            });
        });
    }

    /// What one request of the rows that ran asks of the database, by counts of
    /// the same requests without a socket. Last of all: who counts listens to
    /// every request from then on.
    fn queries(&self) -> Result<(), RecordError> {
        if !record::wanted() {
            return Ok(());
        }
        count_queries().expect("no other subscriber");
        let (service, router) = (self.service(), self.service().router());
        for (name, path) in [
            ("keep_alive", "/leads/1"),
            ("lead_loaded", "/leads/2"),
            ("page_hit", PAGE),
            ("page_miss", "/organisations?after=0"),
            ("organisations_n_plus_1", "/organisations?form=n-plus-one"),
            ("audit_logs", "/audit-logs"),
            ("score_lead_loaded", "/score/3"),
        ] {
            if !self.ran.borrow().contains(name) {
                continue;
            }
            let request = || Request::get(path).body(Body::empty()).expect("a request");
            let counted = self.server().runtime().block_on(async {
                match name {
                    "keep_alive" | "page_hit" => drop(answer(&router, request()).await),
                    "page_miss" => service.front().responses().forget(path).await,
                    _ => {
                        for id in 1..=3 {
                            self.forget(id).await;
                        }
                    }
                }
                Queries::of(answer(&router, request())).await
            });
            let (response, queries) = counted.expect("counted");
            assert_eq!(response.status(), StatusCode::OK, "{path}");
            queries.record(&format!("http/{name}"))?;
        }
        Ok(())
    }

    /// As many at once as there are calls, on one h2 connection.
    fn at_once(&self, group: &mut Group<'_>, name: &str, prepare: impl Fn(&Client) -> Vec<Call>) {
        let prepared = OnceCell::new();
        group.throughput(Throughput::Elements(sizes::HTTP_STREAMS as u64));
        group.bench_function(name, |bencher| {
            let (client, calls, right) = prepared.get_or_init(|| {
                let client = std::sync::Arc::new(self.client(Protocol::H2));
                let calls = prepare(&client);
                let singly = async {
                    let mut sum = 0;
                    for call in &calls {
                        sum += client.checksum_of(call).await.expect("a reply");
                    }
                    sum
                };
                let right = self.runtime.block_on(singly);
                (client, calls, right)
            });
            let all = async || {
                let mut running = JoinSet::new();
                for call in calls {
                    let (client, call) = (std::sync::Arc::clone(client), call.clone());
                    running.spawn(async move { client.checksum_of(&call).await });
                }
                let replies = running.join_all().await;
                replies.into_iter().map(|sum| sum.expect("a reply")).sum::<u64>()
            };
            assert_eq!(self.runtime.block_on(all()), *right, "the same as one by one");
            bencher.to_async(&self.runtime).iter(all);
        });
    }
}

async fn p99(client: &Client, calls: &[Call]) -> Result<Duration, SuiteError> {
    let mut taken = Vec::new();
    for call in calls.iter().cycle().take(sizes::HTTP_LATENCY_CALLS) {
        let start = Instant::now();
        client.checksum_of(call).await?;
        taken.push(start.elapsed());
    }
    taken.sort_unstable();
    Ok(taken[taken.len() * 99 / 100])
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Goes through `items` again and again, over all samples of a benchmark.
fn next<'a, T>(items: &'a [T], turn: &Cell<usize>) -> &'a T {
    let now = turn.get();
    turn.set(now + 1);
    &items[now % items.len()]
}

/// The ids of leads that rows ask for, in an order that no prefetcher follows.
fn ids() -> Vec<u32> {
    cache::order(sizes::LEADS, sizes::HTTP_LEADS).map(|number| number + 1).collect()
}

fn calls(client: &Client, paths: impl IntoIterator<Item = String>) -> Vec<Call> {
    paths.into_iter().map(|path| client.get(&path).expect("an address")).collect()
}

/// Leads, which are all in the process's cache from then on.
fn leads(bench: &Bench, client: &Client) -> Vec<Call> {
    let ids = ids();
    let calls = calls(client, ids.iter().map(|id| format!("/leads/{id}")));
    for (id, call) in ids.iter().zip(&calls) {
        bench.assert_body(client, call, &Lead::seeded(id - 1));
    }
    calls
}

/// The first page, in that form, as the database has it.
fn page(bench: &Bench, client: &Client, query: &str) -> Vec<Call> {
    let call = client.get(&format!("{PAGE}{query}")).expect("an address");
    let rows = sizes::PAGE_ROWS;
    let items: Vec<OrganisationUsers> = (0..rows).map(OrganisationUsers::seeded).collect();
    bench.assert_body(client, &call, &json!({ "items": items, "next": rows }));
    vec![call]
}

/// The same page compressed: what comes out again is the page.
fn gzipped(bench: &Bench, client: &Client) -> Vec<Call> {
    let plain = page(bench, client, "").remove(0);
    let compressed = plain.clone().with(ACCEPT_ENCODING, GZIP);
    let replies = bench.runtime.block_on(async {
        (client.send(&plain).await.expect("a reply"), client.send(&compressed).await)
    });
    let (plain, reply) = (replies.0, replies.1.expect("a reply"));
    let mut inflated = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&*reply.body);
    decoder.read_to_end(&mut inflated).expect("gzip");
    assert_eq!(inflated, plain.body);
    vec![compressed]
}

/// How requests get there.
fn transport(bench: &Bench, group: &mut Group<'_>) {
    bench.sequential(group, "health", Protocol::Http1, |client| {
        let call = client.get("/health").expect("an address");
        bench.assert_body(client, &call, &json!({ "status": "up" }));
        vec![call]
    });
    bench.sequential(group, "keep_alive", Protocol::Http1, |client| {
        let calls = leads(bench, client);
        bench.latency("http/keep_alive", client, &calls);
        calls
    });
    let turn = Cell::new(0);
    let prepared = OnceCell::new();
    group.bench_function("new_connection", |bencher| {
        let calls = prepared.get_or_init(|| leads(bench, &bench.client(Protocol::Http1)));
        let address = bench.server().address();
        bencher.to_async(&bench.runtime).iter(async || {
            bench.connections.set(bench.connections.get() + 1);
            let client = Client::connect(address, Protocol::Http1).await.expect("a client");
            client.checksum_of(next(calls, &turn)).await.expect("a reply")
        });
    });
    bench.sequential(group, "h2", Protocol::H2, |client| leads(bench, client));
    bench.at_once(group, &format!("h2_at_once_{}", sizes::HTTP_STREAMS), |client| {
        leads(bench, client).into_iter().take(sizes::HTTP_STREAMS).collect()
    });
}

/// Where answers come from.
fn caches(bench: &Bench, group: &mut Group<'_>) {
    let ids = ids();
    bench.after(group, "lead_loaded", |client| leads(bench, client), |at| bench.forget(ids[at]));
    bench.sequential(group, "page_hit", Protocol::Http1, |client| {
        let calls = page(bench, client, "");
        bench.latency("http/page_hit", client, &calls);
        calls
    });
    bench.sequential(group, "page_hit_gzip", Protocol::Http1, |client| gzipped(bench, client));
    let forget = |_| bench.service().front().responses().forget(PAGE);
    bench.after(group, "page_miss", |client| page(bench, client, ""), forget);
    bench.after(group, "page_miss_gzip", |client| gzipped(bench, client), forget);
    bench.sequential(group, "not_modified", Protocol::Http1, |client| {
        let call = page(bench, client, "").remove(0);
        let reply = bench.runtime.block_on(client.send(&call)).expect("a reply");
        let tag = reply.headers["etag"].clone();
        vec![call.with(IF_NONE_MATCH, tag).expecting(StatusCode::NOT_MODIFIED)]
    });
}

/// What the database is asked for.
fn lists(bench: &Bench, group: &mut Group<'_>) {
    bench.sequential(group, "organisations_n_plus_1", Protocol::Http1, |client| {
        page(bench, client, "?form=n-plus-one")
    });
    bench.sequential(group, "audit_logs", Protocol::Http1, |client| {
        let call = client.get("/audit-logs").expect("an address");
        let (all, rows) = (sizes::AUDIT_LOGS, sizes::PAGE_ROWS);
        let items: Vec<AuditLog> = (1..=rows).map(|back| AuditLog::seeded(all - back)).collect();
        let next = all - rows + 1;
        bench.assert_body(client, &call, &json!({ "items": items, "next": next }));
        vec![call]
    });
}

/// Scores, alone and together.
fn scores(bench: &Bench, group: &mut Group<'_>) {
    // What numpy gives: scripts/models prints it.
    const FIRST: f64 = 0.293_679;
    bench.sequential(group, "score", Protocol::Http1, |client| {
        let features = json!({ "features": inference::features(1) });
        let call = client.get("/score").expect("an address").json(features.to_string());
        let reply = bench.runtime.block_on(client.send(&call)).expect("a reply");
        let reply: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
        let score = reply["score"].as_f64().expect("a score");
        assert!((score - FIRST).abs() < 1e-4, "{score}");
        vec![call]
    });
    let scored = |client: &Client| {
        leads(bench, client);
        calls(client, ids().iter().map(|id| format!("/score/{id}")))
    };
    bench.sequential(group, "score_lead", Protocol::Http1, |client| {
        let calls = scored(client);
        bench.latency("http/score_lead", client, &calls);
        calls
    });
    let ids = ids();
    bench.after(group, "score_lead_loaded", scored, |at| bench.forget(ids[at]));
    bench.at_once(group, &format!("score_lead_at_once_{}", sizes::HTTP_STREAMS), |client| {
        scored(client).into_iter().take(sizes::HTTP_STREAMS).collect()
    });
}

fn service(criterion: &mut Criterion) {
    let bench = Bench::new(None);
    let mut group = criterion.benchmark_group("http");
    transport(&bench, &mut group);
    caches(&bench, &mut group);
    lists(&bench, &mut group);
    scores(&bench, &mut group);
    if let Some(server) = bench.server.get() {
        let opened = bench.connections.get();
        assert_eq!(server.accepted(), opened, "every client kept its one connection");
        bench.queries().expect("recorded");
    }
}

/// A lead that is in Redis, and not in the process.
fn second_level(criterion: &mut Criterion) {
    const NAME: &str = "lead_promoted";
    let bench = match Redis::find() {
        Ok(redis) => Bench::new(Some(redis)),
        Err(unavailable) => {
            let subject = format!("http/{NAME}");
            return record::not_run(&subject, &unavailable.reason).expect("recorded");
        }
    };
    let ids = ids();
    bench.after(
        &mut criterion.benchmark_group("http"),
        NAME,
        |client| leads(&bench, client),
        |at| bench.forget(ids[at]),
    );
    if bench.server.get().is_some() {
        let metrics = bench.service().front().metrics();
        let loaded = metrics.leads(Level::Source);
        assert_eq!(loaded, u64::from(sizes::HTTP_LEADS), "each one once");
        assert_eq!(metrics.leads(Level::L1), 0, "each time from Redis");
    }
}

/// A service of the user's own.
fn target(criterion: &mut Criterion) {
    let found = Target::find().and_then(|target| {
        let runtime = runtime();
        let (client, call) = runtime.block_on(target.connect())?;
        Ok((runtime, client, call))
    });
    let (runtime, client, call) = match found {
        Ok(found) => found,
        Err(unavailable) => {
            return record::not_run("http_target", &unavailable.reason).expect("recorded");
        }
    };
    let recorded = OnceCell::new();
    criterion.benchmark_group("http_target").bench_function("keep_alive", |bencher| {
        recorded.get_or_init(|| latency_of(&runtime, &client, &call).expect("recorded"));
        bencher.to_async(&runtime).iter(async || client.checksum_of(&call).await.expect("a reply"));
    });
}

fn latency_of(runtime: &Runtime, client: &Client, call: &Call) -> Result<(), RecordError> {
    if !record::wanted() {
        return Ok(());
    }
    let p99 = runtime.block_on(p99(client, std::slice::from_ref(call))).expect("replies");
    let metric = Metric::sampled("latency.p99", Unit::Nanoseconds);
    record::value("http_target/keep_alive", &metric, p99.as_nanos() as f64)
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
    targets = service, second_level, target
}
criterion_main!(benches);
