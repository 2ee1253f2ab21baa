//! Leads through the tiers: the process, Redis where there is one, SQL.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Deserialize;

use super::metrics::Metrics;
use crate::cache::{Found, L1, Level, Payload, RedisCache};
use crate::inference::LeadFields;
use crate::queries::Database;
use crate::{SuiteError, sizes};

/// Why there is no lead.
#[derive(Debug, thiserror::Error)]
pub enum LeadError {
    /// Nobody knows it.
    #[error("there is no lead {0}")]
    Unknown(u32),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] SuiteError),
    /// What is cached is no lead.
    #[error("lead {number} is damaged: {source}")]
    Damaged {
        /// The lead.
        number: u32,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

/// The tiers. What is found further down moves up, and of several callers who
/// miss the same lead at once, one goes down.
///
/// Redis is there to be quick: where it fails or is slow it is passed over, and
/// then not asked for [`sizes::SERVICE_REDIS_PAUSE`], so that a server that hangs
/// does not slow down every request.
#[derive(Debug)]
pub struct Leads {
    l1: L1,
    l2: Option<Second>,
    database: Database,
    metrics: Arc<Metrics>,
}

impl Leads {
    /// Of these parts, with nothing in the first level.
    pub fn new(redis: Option<RedisCache>, database: Database, metrics: Arc<Metrics>) -> Self {
        let l1 = L1::empty(sizes::L1_CAPACITY, sizes::L1_LIFETIMES);
        Self { l1, l2: redis.map(Second::new), database, metrics }
    }

    /// The first level.
    pub fn l1(&self) -> &L1 {
        &self.l1
    }

    /// The second level, where there is one.
    pub fn redis(&self) -> Option<&RedisCache> {
        self.l2.as_ref().map(|second| &second.cache)
    }

    /// The lead with this id, as JSON, and where it was.
    pub async fn lookup(&self, number: u32) -> Result<Found, Arc<LeadError>> {
        // Nothing that is not there is asked of the database, nor kept.
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
        self.patiently(second, second.cache.get(number)).await?
    }

    async fn to_redis(&self, number: u32, payload: &Payload) {
        if let Some(second) = &self.l2 {
            self.patiently(second, second.cache.put(number, payload)).await;
        }
    }

    /// What Redis answers, or nothing: at once while it is given a rest.
    async fn patiently<T>(
        &self,
        second: &Second,
        asked: impl Future<Output = Result<T, SuiteError>>,
    ) -> Option<T> {
        if second.rests() {
            return None;
        }
        let failed = match tokio::time::timeout(sizes::SERVICE_REDIS_TIMEOUT, asked).await {
            Ok(Ok(answer)) => return Some(answer),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        self.metrics.redis_failures.inc();
        tracing::warn!(error = failed, "Redis is passed over");
        second.rest();
        None
    }
}

/// Redis, and until when it is not asked.
struct Second {
    cache: RedisCache,
    began: Instant,
    /// In milliseconds since `began`.
    rests_until: AtomicU64,
}

impl std::fmt::Debug for Second {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Second").field("rests", &self.rests()).finish_non_exhaustive()
    }
}

impl Second {
    fn new(cache: RedisCache) -> Self {
        Self { cache, began: Instant::now(), rests_until: AtomicU64::new(0) }
    }

    fn milliseconds(duration: Duration) -> u64 {
        u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
    }

    fn rests(&self) -> bool {
        let until = self.rests_until.load(Ordering::Relaxed);
        until > 0 && Self::milliseconds(self.began.elapsed()) < until
    }

    fn rest(&self) {
        let until = self.began.elapsed() + sizes::SERVICE_REDIS_PAUSE;
        self.rests_until.store(Self::milliseconds(until), Ordering::Relaxed);
    }
}

/// What of a lead's JSON its score is made of.
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
    /// Reads it from lead `number`'s JSON.
    pub fn read(number: u32, json: &'a [u8]) -> Result<Self, LeadError> {
        serde_json::from_slice(json).map_err(|source| LeadError::Damaged { number, source })
    }

    /// Its fields.
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
