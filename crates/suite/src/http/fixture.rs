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
use benchgate_record::{self as record, RecordError};
use hyper::StatusCode;
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::requests::{PAGE, lead_ids};
use super::{Call, Client, HttpError, Protocol, Requests, Server};
use crate::bench::{Cycle, record_latency, runtime};
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

    /// Records the 99th percentile of single round trips for the benchmark `id`.
    pub fn record_latency(&self, id: &str, prepared: &Prepared) {
        record_p99(id, &self.runtime, &prepared.client, prepared.calls.items());
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

/// Measures single round trips and records their 99th percentile, if records are wanted.
///
/// # Panics
///
/// If a request fails.
pub fn record_p99(id: &str, runtime: &Runtime, client: &Client, calls: &[Call]) {
    if !record::wanted() {
        return;
    }
    let measure = async {
        let mut latencies = Vec::new();
        for call in calls.iter().cycle().take(sizes::HTTP_LATENCY_CALLS) {
            let start = Instant::now();
            client.checksum_of(call).await?;
            latencies.push(start.elapsed());
        }
        Ok::<_, HttpError>(latencies)
    };
    let latencies = runtime.block_on(measure).expect("replies");
    record_latency(id, latencies).expect("recorded");
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
