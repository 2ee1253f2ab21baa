//! The reference service: the suite's parts joined as a service joins them.
//! `gate service` runs it, and the HTTP benchmarks ask it.
//!
//! | route | what answers |
//! |---|---|
//! | `GET /leads/{id}` | the tiered cache: the process, Redis where there is one, SQL |
//! | `GET /organisations?after&rows&form` | organisations with their users, by one query or, as counter-example, `form=n-plus-one`; the response cache |
//! | `GET /audit-logs?after&rows&form` | audit logs with their users, likewise, never cached |
//! | `POST /score` | `{"features":[…]}` or `{"lead":{…}}`, scored in batches |
//! | `GET /score/{lead}` | the whole path: cache, SQL, features, batch |
//! | `GET /valuations/{property}` | another service, where one is named: retries, a circuit breaker, lookups joined into batches |
//! | `GET /health`, `/health/detailed` | liveness; each part with its state and latency |
//! | `GET /metrics` | counts and latencies, for Prometheus |
//!
//! [`Front`] stands before all of them, and before anybody's own routes where it
//! is asked to. Errors are problem details (RFC 9457) that say what the client
//! can do, and nothing of what is inside. Nothing is protected by a password,
//! and so there is no default one: the service listens on loopback unless told
//! otherwise, and whoever opens it up puts their own door in front.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower::ServiceExt as _;

use super::cache::{Codec, RedisCache};
use super::inference::{Backend, Batcher, BatcherHandle, Batching, Scorer};
use super::queries::Database;
use super::services::Redis;
use super::upstream::{self, Valuations};
use super::{SuiteError, sizes};

pub use encoding::Encoding;
pub use front::Front;
pub use leads::{LeadError, Leads, Scorable};
pub use metrics::{Metrics, OPEN_METRICS};
pub use problem::{PROBLEM_JSON, Problem};
pub use response_cache::{CACHE_STATUS, ResponseCache};
pub use serve::{Drained, serve};

mod body;
mod encoding;
mod front;
mod health;
mod leads;
mod metrics;
mod problem;
mod response_cache;
mod routes;
mod serve;
mod validators;

/// How much the service takes on, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests of the API under way at once; one more is answered with 503.
    pub requests: usize,
    /// Connections at once; more of them wait.
    pub connections: usize,
    /// Requests at once on one h2 connection.
    pub streams: u32,
    /// For an answer, from the request's head on; longer is a 504.
    pub timeout: Duration,
    /// For a request's head to arrive, and for a connection to be idle.
    pub head: Duration,
    /// Bytes of a request's body; more is a 413.
    pub body_bytes: usize,
    /// For requests under way to be answered when the service stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        sizes::SERVICE_LIMITS
    }
}

/// What the service is made of.
#[derive(Debug)]
pub struct Parts {
    /// The database, which has been seeded.
    pub database: Database,
    /// The second level of the cache, if there is one.
    pub redis: Option<Redis>,
    /// What runs the model.
    pub backend: Backend,
    /// How callers are gathered into batches.
    pub batching: Batching,
    /// How much it takes on.
    pub limits: Limits,
    /// The address of the service that knows what properties are worth, if there
    /// is one.
    pub upstream: Option<String>,
}

impl Parts {
    /// With nothing to install: `SQLite`, tract, and no Redis.
    pub async fn embedded() -> Result<Self, SuiteError> {
        Ok(Self::of(Database::sqlite(sizes::SERVICE_POOL).await?))
    }

    /// On that database, with tract, and no Redis.
    pub fn of(database: Database) -> Self {
        Self {
            database,
            redis: None,
            backend: Backend::Tract,
            batching: sizes::BATCHING,
            limits: sizes::SERVICE_LIMITS,
            upstream: None,
        }
    }
}

/// The service; a clone is another handle on it.
#[derive(Clone, Debug)]
pub struct Service {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    leads: Leads,
    database: Database,
    scoring: BatcherHandle,
    valuations: Option<Valuations>,
    front: Front,
    limits: Limits,
    // Held for their ends: the workers' threads, and a private server.
    _batcher: Batcher,
    _redis: Option<Redis>,
}

impl Service {
    /// Of these parts. To be called on the runtime that is to serve: connections
    /// live there.
    pub async fn new(parts: Parts) -> Result<Self, SuiteError> {
        let Parts { database, redis, backend, batching, limits, upstream } = parts;
        let batcher = Batcher::start(vec![Scorer::load(&backend)?], batching)?;
        let second = match &redis {
            // Leads are numbered from 1 on.
            Some(redis) => {
                let codec = Codec::compressing_from(sizes::COMPRESSION_THRESHOLD);
                Some(RedisCache::claim(redis, sizes::LEADS + 1, codec).await?)
            }
            None => None,
        };
        let valuations = match upstream {
            Some(base) => {
                let client = upstream::Client::new(&base, sizes::UPSTREAM_CLIENT)?;
                Some(Valuations::new(client, sizes::UPSTREAM_BATCH))
            }
            None => None,
        };
        let metrics = Arc::new(Metrics::default());
        let shared = Shared {
            leads: Leads::new(second, database.clone(), Arc::clone(&metrics)),
            database,
            scoring: batcher.handle(),
            valuations,
            front: Front::new(limits, metrics),
            limits,
            _batcher: batcher,
            _redis: redis,
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Its routes, with all that stands in front of them.
    pub fn router(&self) -> Router {
        let of = |routes: Router<Self>| routes.with_state(self.clone());
        let front = self.front();
        front.dress(of(routes::cached()), of(routes::uncached()), of(routes::operating()))
    }

    /// What stands in front of its routes.
    pub fn front(&self) -> &Front {
        &self.shared.front
    }

    /// How much it takes on.
    pub fn limits(&self) -> Limits {
        self.shared.limits
    }

    /// Leads, through the tiers.
    pub fn leads(&self) -> &Leads {
        &self.shared.leads
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.shared.database
    }

    /// Where rows are scored.
    pub fn batcher(&self) -> &BatcherHandle {
        &self.shared.scoring
    }

    /// What another service knows, where one is named.
    pub fn valuations(&self) -> Option<&Valuations> {
        self.shared.valuations.as_ref()
    }

    /// Gives back what it holds outside the process, once nothing is served any
    /// more: its keys in Redis, and its connections.
    pub async fn stop(&self) -> Result<(), SuiteError> {
        if let Some(redis) = self.leads().redis() {
            redis.clone().remove().await?;
        }
        // Who holds a connection now does not give it back any more.
        if tokio::time::timeout(self.limits().drain, self.database().close()).await.is_err() {
            tracing::warn!("connections were still in use, and are given up");
        }
        Ok(())
    }
}

/// What these routes answer to a request, without a socket.
pub async fn answer(router: &Router, request: Request) -> Response {
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
