//! A pool under pressure: many callers who want one of few connections.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::database::Pool;
use super::rows::Lead;
use crate::{SuiteError, sizes};
use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};

/// What it came to when callers took connections out of a pool, each asking one
/// query and asking for the next connection at once.
///
/// A connection that is given back is on its way for a while: the pool tests it.
/// So even a single caller waits at a pool of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pressure {
    /// How long each acquire took, the shortest first.
    pub acquires: Vec<Duration>,
    /// Acquires that found a connection idle that nobody before them waited for:
    /// neither waiting nor connecting was part of them.
    pub at_once: usize,
}

impl Pressure {
    /// So many acquires altogether, by callers who each do their share. On a
    /// runtime of one thread: what is idle when a caller asks is its own then.
    pub async fn of(pool: &Pool, callers: u32, acquires: u32) -> Result<Self, SuiteError> {
        let waiting = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for caller in 0..callers {
            let (pool, waiting) = (pool.clone(), Arc::clone(&waiting));
            // The first ones do one more where it does not come out even.
            let share = acquires / callers + u32::from(caller < acquires % callers);
            tasks.spawn(async move { calls(&pool, caller, share, &waiting).await });
        }
        let mut all = Self { acquires: Vec::with_capacity(acquires as usize), at_once: 0 };
        while let Some(done) = tasks.join_next().await {
            let of_one = done.map_err(|source| SuiteError::Io {
                action: "wait for a caller",
                source: source.into(),
            })??;
            all.acquires.extend(of_one.acquires);
            all.at_once += of_one.at_once;
        }
        all.acquires.sort_unstable();
        Ok(all)
    }

    /// The share of acquires that were served without waiting or connecting.
    pub fn efficiency(&self) -> f64 {
        self.at_once as f64 / self.acquires.len().max(1) as f64
    }

    /// The 99th percentile of the time that acquiring took.
    pub fn p99(&self) -> Duration {
        let rank = self.acquires.len() * 99 / 100;
        self.acquires.get(rank).copied().unwrap_or_default()
    }

    /// Records both for the benchmark of this id.
    pub fn record(&self, id: &str) -> Result<(), RecordError> {
        let efficiency = Metric::sampled("pool_efficiency", Unit::Share).higher();
        record::value(id, &efficiency, self.efficiency())?;
        let p99 = Metric::sampled("acquire.p99", Unit::Nanoseconds);
        record::value(id, &p99, self.p99().as_nanos() as f64)
    }
}

async fn calls(
    pool: &Pool,
    caller: u32,
    count: u32,
    waiting: &AtomicUsize,
) -> Result<Pressure, SuiteError> {
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
            return Err(SuiteError::RowMissing { table: "leads", number });
        }
    }
    Ok(all)
}
