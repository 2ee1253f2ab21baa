//! The reference service: the suite's parts combined as in a real service.
//! `gate service` runs it, and the HTTP benchmarks send requests to it.
//!
//! | route | answer |
//! |---|---|
//! | `GET /leads/{id}` | a lead from the tiered cache: the process, Redis if there is one, SQL |
//! | `GET /organisations?after&rows&form` | organisations with their users, with one query or (a bad example) `form=n-plus-one`; cacheable |
//! | `GET /audit-logs?after&rows&form` | audit logs with their users, likewise, never cached |
//! | `POST /score` | the score of `{"features":[…]}` or `{"lead":{…}}`, computed in batches |
//! | `GET /score/{lead}` | the score of a stored lead: cache, SQL, features, batch |
//! | `GET /valuations/{property}` | the answer of another service, if one is configured: retries, a circuit breaker, batched lookups |
//! | `GET /health`, `/health/detailed` | liveness; each part with its state and latency |
//! | `GET /metrics` | counts and latencies, for Prometheus |
//!
//! [`Front`] is the middleware of all routes; other routes can use it too. Errors are
//! problem details (RFC 9457) that say what the client can do and reveal nothing
//! internal. There is no authentication, so the service listens on loopback by default;
//! put a proxy with authentication in front before you open it up.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::response::Response;
use tower::ServiceExt as _;

use super::cache::{Codec, RedisCache};
use super::inference::{Backend, Batcher, BatcherHandle, Batching, Scorer};
use super::queries::{Database, QueryError};
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

/// The limits of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Concurrent requests of the API; further ones are answered with 503.
    pub requests: usize,
    /// Concurrent connections; further ones wait.
    pub connections: usize,
    /// Concurrent requests on one h2 connection.
    pub streams: u32,
    /// The time for an answer, from the request's head; beyond it the answer is 504.
    pub timeout: Duration,
    /// The time for a request's head to arrive, and for a connection to be idle.
    pub head: Duration,
    /// Bytes of a request's body; beyond it the answer is 413.
    pub body_bytes: usize,
    /// The time to answer the requests under way when the service stops.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        sizes::SERVICE_LIMITS
    }
}

/// The parts of the service.
#[derive(Debug)]
pub struct Parts {
    /// The seeded database.
    pub database: Database,
    /// The second level of the cache, if there is one.
    pub redis: Option<Redis>,
    /// The backend that runs the model.
    pub backend: Backend,
    /// How callers are gathered into batches.
    pub batching: Batching,
    /// The limits.
    pub limits: Limits,
    /// The address of the service that values properties, if there is one.
    pub upstream: Option<String>,
}

impl Parts {
    /// The parts that need no installation: `SQLite` and tract, without Redis.
    pub async fn embedded() -> Result<Self, QueryError> {
        Ok(Self::of(Database::sqlite(sizes::SERVICE_POOL).await?))
    }

    /// The parts for a database, with tract and without Redis.
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

/// The service. A clone is another handle to it.
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
    // Dropping these ends the workers' threads and the private server.
    _batcher: Batcher,
    _redis: Option<Redis>,
}

impl Service {
    /// Combines these parts. Must be called on the runtime that will serve, as
    /// connections belong to it.
    pub async fn new(parts: Parts) -> Result<Self, SuiteError> {
        let Parts { database, redis, backend, batching, limits, upstream } = parts;
        let batcher = Batcher::start(vec![Scorer::load(&backend)?], batching)?;
        let second = match &redis {
            // Leads are numbered from 1.
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

    /// The routes of the service, with the middleware in front.
    pub fn router(&self) -> Router {
        let bind = |routes: Router<Self>| routes.with_state(self.clone());
        let front = self.front();
        front.dress(bind(routes::cached()), bind(routes::uncached()), bind(routes::operating()))
    }

    /// The middleware.
    pub fn front(&self) -> &Front {
        &self.shared.front
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.shared.limits
    }

    /// The leads, through the tiers.
    pub fn leads(&self) -> &Leads {
        &self.shared.leads
    }

    /// The database.
    pub fn database(&self) -> &Database {
        &self.shared.database
    }

    /// The batcher that scores rows.
    pub fn batcher(&self) -> &BatcherHandle {
        &self.shared.scoring
    }

    /// The valuations of another service, if one is configured.
    pub fn valuations(&self) -> Option<&Valuations> {
        self.shared.valuations.as_ref()
    }

    /// Releases the service's resources outside the process: its keys in Redis and its
    /// connections. To be called once nothing is served any more.
    pub async fn stop(&self) -> Result<(), SuiteError> {
        if let Some(redis) = self.leads().redis() {
            redis.clone().remove().await?;
        }
        // A connection that is still in use after this time will not be returned.
        if tokio::time::timeout(self.limits().drain, self.database().close()).await.is_err() {
            tracing::warn!("some connections were still in use and were abandoned");
        }
        Ok(())
    }
}

/// Sends a request to routes without a socket, and returns the response.
pub async fn answer(router: &Router, request: Request) -> Response {
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}
