//! A pool under pressure: many callers compete for few connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::QueryError;
use super::database::Pool;
use super::rows::Lead;
use crate::sizes;
use benchgate_record::{self as record, Latencies, Metric, RecordError, Unit};

/// How long callers waited for connections, where each caller sends one query and
/// then acquires the next connection at once.
///
/// A returned connection is not idle at once, as the pool tests it first. So even a
/// single caller waits at a pool of one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressure {
    /// How long each acquire took, the shortest first.
    pub acquires: Vec<Duration>,
    /// Acquires that found a connection idle for which no earlier caller was waiting,
    /// and so neither waited nor connected.
    pub at_once: usize,
}

impl Pressure {
    /// Shares `acquires` acquires among `callers` tasks. Must run on a runtime of one
    /// thread: only then is a connection that a caller sees idle still idle when the
    /// caller acquires it.
    ///
    /// # Panics
    ///
    /// If a task panics.
    pub async fn of(pool: &Pool, callers: u32, acquires: u32) -> Result<Self, QueryError> {
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let (pool, waiting) = (pool.clone(), Arc::clone(&waiting));
            // The first callers take the remainder.
            let share = acquires / callers + u32::from(caller < acquires % callers);
            tasks.spawn(async move { calls(&pool, caller, share, &waiting).await });
        }
        let mut all = Self { acquires: Vec::with_capacity(acquires as usize), at_once: 0 };
        for caller in tasks.join_all().await {
            let caller = caller?;
            all.acquires.extend(caller.acquires);
            all.at_once += caller.at_once;
        }
        all.acquires.sort_unstable();
        Ok(all)
    }

    /// The share of acquires that neither waited nor connected.
    pub fn efficiency(&self) -> f64 {
        self.at_once as f64 / self.acquires.len().max(1) as f64
    }

    /// The distribution of the time that acquiring took.
    pub fn latencies(&self) -> Latencies {
        self.acquires.iter().copied().collect()
    }

    /// Records `pool_efficiency` and the distribution `acquire` for the benchmark `id`.
    pub fn record(&self, id: &str) -> Result<(), RecordError> {
        let efficiency = Metric::sampled("pool_efficiency", Unit::Share).higher();
        record::value(id, &efficiency, self.efficiency())?;
        record::distribution(id, "acquire", &self.latencies())
    }
}

async fn calls(
    pool: &Pool,
    caller: u32,
    count: u32,
    waiting: &AtomicUsize,
) -> Result<Pressure, QueryError> {
    let mut all = Pressure { acquires: Vec::with_capacity(count as usize), at_once: 0 };
    for turn in 0..count {
        let at_once = pool.idle() > waiting.load(Ordering::Relaxed);
        let start = Instant::now();
        let mut connection = if at_once {
            pool.acquire().await?
        } else {
            waiting.fetch_add(1, Ordering::Relaxed);
            let acquired = pool.acquire().await;
            waiting.fetch_sub(1, Ordering::Relaxed);
            acquired?
        };
        all.acquires.push(start.elapsed());
        all.at_once += usize::from(at_once);
        let number = (caller * 7919 + turn * 104_729) % sizes::LEADS;
        let (created_at, scored_at) = Lead::times(number);
        if connection.point(created_at, scored_at, true).await?.is_none() {
            return Err(QueryError::RowMissing { table: "leads", number });
        }
    }
    Ok(all)
}
