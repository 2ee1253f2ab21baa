//! The parts of the service, and what its handlers share.

use std::sync::Arc;

use super::front::Front;
use super::leads::Leads;
use super::limits::Limits;
use super::metrics::Metrics;
use crate::cache::{Codec, RedisCache};
use crate::inference::{Backend, Batcher, BatcherHandle, Batching, Scorer};
use crate::queries::{Database, QueryError};
use crate::services::Redis;
use crate::upstream::{self, Valuations};
use crate::{SuiteError, sizes};

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
