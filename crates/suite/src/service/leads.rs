//! Leads through the tiers: the process, Redis if there is one, SQL.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::metrics::Metrics;
use crate::cache::{CacheError, Found, L1, Level, Payload, RedisCache};
use crate::inference::LeadFields;
use crate::queries::{Database, QueryError};
use crate::sizes;

/// Why a lead was not returned.
#[derive(Debug, thiserror::Error)]
pub enum LeadError {
    /// No lead has this number.
    #[error("there is no lead {0}")]
    Unknown(u32),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] QueryError),
    /// The cached value is not a lead.
    #[error("lead {number} is damaged: {source}")]
    Damaged {
        /// The lead.
        number: u32,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// The tiers. A value found further down is promoted to the tiers above. If several
/// callers miss the same lead at once, one of them looks further down.
///
/// If Redis fails or is slow, it is skipped and then not asked for
/// [`sizes::SERVICE_REDIS_PAUSE`], so that a hanging server does not slow down every
/// request.
#[derive(Debug)]
pub struct Leads {
    l1: L1,
    l2: Option<Second>,
    database: Database,
    metrics: Arc<Metrics>,
}

impl Leads {
    /// Combines these parts, with an empty first level.
    pub fn new(redis: Option<RedisCache>, database: Database, metrics: Arc<Metrics>) -> Self {
        let l1 = L1::empty(sizes::L1_CAPACITY, sizes::L1_LIFETIMES);
        Self { l1, l2: redis.map(Second::new), database, metrics }
    }

    /// The first level.
    pub fn l1(&self) -> &L1 {
        &self.l1
    }

    /// The second level, if there is one.
    pub fn redis(&self) -> Option<&RedisCache> {
        self.l2.as_ref().map(|second| &second.cache)
    }

    /// Looks up a lead: its JSON, and where it was found.
    pub async fn lookup(&self, number: u32) -> Result<Found, Arc<LeadError>> {
        // Unknown leads are neither queried nor cached.
        if number == 0 || number > sizes::LEADS {
            return Err(Arc::new(LeadError::Unknown(number)));
        }
        let mut level = Level::Source;
        let descend = async {
            if let Some(payload) = self.in_redis(number).await {
                level = Level::L2;
                return Ok(payload);
            }
            let payload = self.in_database(number).await?;
            self.to_redis(number, &payload).await;
            Ok::<_, LeadError>(payload)
        };
        let (payload, loaded) = self.l1.get_or_try_load(number, descend).await?;
        let level = if loaded { level } else { Level::L1 };
        self.metrics.found(level);
        Ok(Found { payload, level })
    }

    async fn in_database(&self, number: u32) -> Result<Payload, LeadError> {
        let mut connection = self.database.reader().acquire().await?;
        let lead = connection.lead(number.into()).await?.ok_or(LeadError::Unknown(number))?;
        drop(connection);
        let json = serde_json::to_vec(&lead);
        Ok(json.map_err(|source| LeadError::Damaged { number, source })?.into())
    }

    async fn in_redis(&self, number: u32) -> Option<Payload> {
        let second = self.l2.as_ref()?;
        self.ask_redis(second, second.cache.get(number)).await?
    }

    async fn to_redis(&self, number: u32, payload: &Payload) {
        if let Some(second) = &self.l2 {
            self.ask_redis(second, second.cache.put(number, payload)).await;
        }
    }

    /// Redis's answer, or `None` if it fails, is too slow or is paused.
    async fn ask_redis<T>(
        &self,
        second: &Second,
        asked: impl Future<Output = Result<T, CacheError>>,
    ) -> Option<T> {
        if second.is_paused() {
            return None;
        }
        let failed = match tokio::time::timeout(sizes::SERVICE_REDIS_TIMEOUT, asked).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        self.metrics.redis_failures.inc();
        tracing::warn!(error = failed, "Redis is skipped");
        second.pause();
        None
    }
}

/// Redis, and until when it is paused.
struct Second {
    cache: RedisCache,
    began: Instant,
    /// In milliseconds since `began`.
    paused_until: AtomicU64,
}

impl std::fmt::Debug for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Second").field("paused", &self.is_paused()).finish_non_exhaustive()
    }
}

impl Second {
    fn new(cache: RedisCache) -> Self {
        Self { cache, began: Instant::now(), paused_until: AtomicU64::new(0) }
    }

    fn milliseconds(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    fn is_paused(&self) -> bool {
        let until = self.paused_until.load(Ordering::Relaxed);
        until > 0 && Self::milliseconds(self.began.elapsed()) < until
    }

    fn pause(&self) {
        let until = self.began.elapsed() + sizes::SERVICE_REDIS_PAUSE;
        self.paused_until.store(Self::milliseconds(until), Ordering::Relaxed);
    }
}

/// The part of a lead's JSON that its score is computed from.
#[derive(Debug, Deserialize)]
pub struct Scorable<'a> {
    created_at: i64,
    scored_at: i64,
    #[serde(borrow)]
    stage: Cow<'a, str>,
    #[serde(borrow)]
    email: Cow<'a, str>,
    #[serde(borrow)]
    property: Wanted<'a>,
}

#[derive(Debug, Deserialize)]
struct Wanted<'a> {
    #[serde(borrow)]
    location: Cow<'a, str>,
    price: i64,
    bedrooms: u32,
}

impl<'a> Scorable<'a> {
    /// Parses the JSON of lead `number`.
    pub fn read(number: u32, json: &'a [u8]) -> Result<Self, LeadError> {
        serde_json::from_slice(json).map_err(|source| LeadError::Damaged { number, source })
    }

    /// The fields that the features are computed from.
    pub fn fields(&self) -> LeadFields<'_> {
        LeadFields {
            stage: &self.stage,
            location: &self.property.location,
            email: &self.email,
            budget: self.property.price,
            rooms: self.property.bedrooms,
            created_at: self.created_at,
            scored_at: self.scored_at,
            ..LeadFields::default()
        }
    }
}
