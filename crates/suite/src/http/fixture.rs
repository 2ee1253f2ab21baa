//! What the HTTP benchmarks share.

#![expect(
    clippy::missing_panics_doc,
    reason = "a fixture panics if a body returns another checksum than it has to: that is its use"
)]

use std::cell::{Cell, OnceCell, RefCell};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::Request;
use benchgate_record::{self as record, Latencies, RecordError};
use hyper::StatusCode;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::requests::{PAGE, lead_ids};
use super::{Call, Client, Protocol, Requests, Server};
use crate::bench::{Cycle, runtime};
use crate::queries::{Queries, count_queries};
use crate::service::{Parts, Service, answer};
use crate::services::Redis;
use crate::{cache, sizes};

/// The client's runtime, polled by the calling thread alone, and the reference service,
/// which the first benchmark that runs starts.
///
/// Its methods panic when the service fails or gives wrong answers: a benchmark cannot go on
/// then.
#[derive(Debug)]
pub struct Fixture {
    runtime: Runtime,
    redis: RefCell<Option<Redis>>,
    server: OnceCell<Server>,
    connections: Cell<u64>,
    ran: RefCell<BTreeSet<&'static str>>,
}

/// The benchmarks whose queries are recorded: the request, and the state of the caches before it.
const COUNTED: [(&str, &str, Before); 7] = [
    ("keep_alive", "/leads/1", Before::Answered),
    ("lead_loaded", "/leads/2", Before::LeadsForgotten),
    ("page_hit", PAGE, Before::Answered),
    ("page_miss", "/organisations?after=0", Before::ResponseForgotten),
    ("organisations_n_plus_1", "/organisations?form=n-plus-one", Before::LeadsForgotten),
    ("audit_logs", "/audit-logs", Before::LeadsForgotten),
    ("score_lead_loaded", "/score/3", Before::LeadsForgotten),
];

/// The state of the caches before a counted request.
#[derive(Clone, Copy)]
enum Before {
    /// The same request has been answered.
    Answered,
    /// The response cache does not hold the response.
    ResponseForgotten,
    /// The process does not hold the first leads.
    LeadsForgotten,
}

impl Fixture {
    /// With a service that uses Redis if there is one.
    pub fn new(redis: Option<Redis>) -> Self {
        Self {
            runtime: runtime(1),
            redis: RefCell::new(redis),
            server: OnceCell::new(),
            connections: Cell::new(0),
            ran: RefCell::default(),
        }
    }

    /// The client's runtime.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
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

    /// The reference service.
    pub fn service(&self) -> &Service {
        self.server().reference().expect("the reference service")
    }

    /// Whether a benchmark has started the service.
    pub fn has_started(&self) -> bool {
        self.server.get().is_some()
    }

    /// Removes the lead at a position of [`Requests::Leads`] from the process's cache.
    pub async fn forget_lead(&self, position: usize) {
        self.forget(lead_ids()[position]).await;
    }

    async fn forget(&self, id: u32) {
        self.service().leads().l1().invalidate(&cache::key(id)).await;
    }

    /// Removes the page of organisations from the response cache.
    pub async fn forget_page(&self) {
        self.service().front().responses().forget(PAGE).await;
    }

    /// Opens a connection.
    pub async fn connect(&self, protocol: Protocol) -> Client {
        self.connections.set(self.connections.get() + 1);
        Client::connect(self.server().address(), protocol).await.expect("a client")
    }

    /// A client with the checked calls of a benchmark.
    pub fn prepare(&self, protocol: Protocol, requests: Requests) -> Prepared {
        self.runtime.block_on(async {
            let client = self.connect(protocol).await;
            let calls = requests.calls(&client).await.expect("replies");
            Prepared { client, calls: Cycle::new(calls) }
        })
    }

    /// Like [`prepare`](Self::prepare), and remembers that the benchmark has run: see
    /// [`record_queries`](Self::record_queries).
    pub fn prepare_as(
        &self,
        benchmark: &'static str,
        protocol: Protocol,
        requests: Requests,
    ) -> Prepared {
        self.ran.borrow_mut().insert(benchmark);
        self.prepare(protocol, requests)
    }

    /// An h2 client that sends [`sizes::HTTP_STREAMS`] of these requests concurrently.
    pub fn concurrent(&self, requests: Requests) -> Concurrent {
        let Prepared { client, calls } = self.prepare(Protocol::H2, requests);
        let calls = calls.items()[..sizes::HTTP_STREAMS].to_vec();
        let concurrent = Concurrent { client: Arc::new(client), calls };
        let (one_by_one, all) = self.runtime.block_on(async {
            let mut sum = 0;
            for call in &concurrent.calls {
                sum += concurrent.client.checksum_of(call).await.expect("a reply");
            }
            (sum, concurrent.all().await)
        });
        assert_eq!(all, one_by_one, "the same answers as one by one");
        concurrent
    }

    /// Records the latencies of single round trips for the benchmark `id`. Before each call,
    /// `set_up` runs with the call's position, and is not part of the latency.
    pub fn record_latency(&self, id: &str, prepared: &Prepared, set_up: impl AsyncFn(usize)) {
        let Prepared { client, calls } = prepared;
        record_round_trips(id, &self.runtime, client, calls.items(), set_up);
    }

    /// Checks that every client has kept its connection.
    pub fn assert_connections_kept(&self) {
        let opened = self.connections.get();
        assert_eq!(self.server().accepted(), opened, "every client kept its one connection");
    }

    /// Records the database queries of one request for each benchmark that has run, by
    /// counting the same requests without a socket. Must be called last: from then on, every
    /// request is traced.
    pub fn record_queries(&self) -> Result<(), RecordError> {
        if !record::wanted() {
            return Ok(());
        }
        count_queries().expect("no other subscriber");
        let router = self.service().router();
        for (name, path, before) in COUNTED {
            if !self.ran.borrow().contains(name) {
                continue;
            }
            let request = || Request::get(path).body(Body::empty()).expect("a request");
            let counted = self.server().runtime().block_on(async {
                match before {
                    Before::Answered => drop(answer(&router, request()).await),
                    Before::ResponseForgotten => {
                        self.service().front().responses().forget(path).await;
                    }
                    Before::LeadsForgotten => {
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
}

/// Measures single round trips and records their latencies, if records are wanted. A round
/// trip that fails is counted by the status or the kind of its error, and has no latency.
///
/// # Panics
///
/// If every request fails.
pub fn record_round_trips(
    id: &str,
    runtime: &Runtime,
    client: &Client,
    calls: &[Call],
    set_up: impl AsyncFn(usize),
) {
    if !record::wanted() {
        return;
    }
    let measure = async {
        let mut latencies = Latencies::new();
        for (position, call) in calls.iter().enumerate().cycle().take(sizes::HTTP_LATENCY_CALLS) {
            set_up(position).await;
            let start = Instant::now();
            match client.checksum_of(call).await {
                Ok(_) => latencies.record(start.elapsed()),
                Err(error) => latencies.fail(&error.kind()),
            }
        }
        latencies
    };
    let latencies = runtime.block_on(measure);
    assert!(!latencies.is_empty(), "no request to {id} succeeds: {:?}", latencies.failed());
    record::latencies(id, &latencies).expect("recorded");
}

/// A client with the calls of a benchmark.
#[derive(Debug)]
pub struct Prepared {
    client: Client,
    calls: Cycle<Call>,
}

impl Prepared {
    /// The body of a benchmark: sends the next call and returns its checksum.
    ///
    /// # Panics
    ///
    /// If the request fails.
    pub async fn send(&self) -> u64 {
        self.send_on(&self.client).await
    }

    /// Sends the next call on another connection.
    ///
    /// # Panics
    ///
    /// If the request fails.
    pub async fn send_on(&self, client: &Client) -> u64 {
        client.checksum_of(self.calls.next()).await.expect("a reply")
    }

    /// The time of `iterations` calls. Before each call, `set_up` runs with the call's
    /// position, which is not timed.
    ///
    /// # Panics
    ///
    /// If a request fails.
    pub async fn timed_after(&self, iterations: u64, set_up: impl AsyncFn(usize)) -> Duration {
        let mut timed = Duration::ZERO;
        for _ in 0..iterations {
            set_up(self.calls.position()).await;
            let call = self.calls.next();
            let start = Instant::now();
            self.client.checksum_of(call).await.expect("a reply");
            timed += start.elapsed();
        }
        timed
    }
}

/// Calls that are sent concurrently on one h2 connection.
#[derive(Debug)]
pub struct Concurrent {
    client: Arc<Client>,
    calls: Vec<Call>,
}

impl Concurrent {
    /// The body of a benchmark: sends all calls at once and returns the sum of checksums.
    ///
    /// # Panics
    ///
    /// If a request fails.
    pub async fn all(&self) -> u64 {
        let mut running = JoinSet::new();
        for call in &self.calls {
            let (client, call) = (Arc::clone(&self.client), call.clone());
            running.spawn(async move { client.checksum_of(&call).await });
        }
        let replies = running.join_all().await;
        replies.into_iter().map(|sum| sum.expect("a reply")).sum()
    }
}
