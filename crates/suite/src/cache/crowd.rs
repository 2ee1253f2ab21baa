//! Many tasks on one cache.

use std::sync::Arc;

use tokio::task::JoinSet;

use super::{L1, Pattern, Source, checksum, key};
use crate::sizes;

/// Tasks that share a first level and a source.
#[derive(Clone, Debug)]
pub struct Crowd {
    l1: L1,
    source: Arc<Source>,
    keys: Arc<[String]>,
}

impl Crowd {
    /// Sets up an L1 that holds [`sizes::L1_ENTRIES`] leads and
    /// [`sizes::CONTENTION_LOOKUPS`] lookups of them by Zipf's law, all of them hits.
    /// A load from the source lets the other tasks run first.
    pub async fn new() -> Self {
        let pattern = Pattern::Zipf { keys: sizes::L1_ENTRIES, skew: sizes::ZIPF_SKEW };
        Self {
            l1: L1::filled(sizes::L1_ENTRIES).await,
            source: Arc::new(Source::even(1).waiting(1)),
            keys: pattern.keys().take(sizes::CONTENTION_LOOKUPS as usize).map(key).collect(),
        }
    }

    /// The source behind the cache.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Shares the lookups evenly among `tasks` tasks. Returns the sum of checksums,
    /// which does not depend on the number of tasks.
    ///
    /// # Panics
    ///
    /// If a task panics.
    pub async fn contend(&self, tasks: usize) -> u64 {
        let mut running = JoinSet::new();
        for task in 0..tasks {
            let (l1, keys) = (self.l1.clone(), Arc::clone(&self.keys));
            running.spawn(async move {
                let mut sum = 0_u64;
                for key in keys.iter().skip(task).step_by(tasks) {
                    sum = sum.wrapping_add(l1.checksum_of(key).await);
                }
                sum
            });
        }
        running.join_all().await.into_iter().fold(0, u64::wrapping_add)
    }

    /// `callers` tasks look up the same missing lead at once. If `protected`, only
    /// one of them loads it from the source. Returns the sum of checksums.
    ///
    /// # Panics
    ///
    /// If a task panics.
    pub async fn stampede(&self, callers: usize, protected: bool) -> u64 {
        // Not one of the leads that `contend` looks up.
        let number = sizes::L1_ENTRIES;
        self.l1.invalidate(&key(number)).await;
        let mut running = JoinSet::new();
        for _ in 0..callers {
            let Self { l1, source, .. } = self.clone();
            running.spawn(async move {
                checksum(&if protected {
                    l1.get_or_load(number, &source).await.0
                } else {
                    l1.get_or_load_unprotected(number, &source).await
                })
            });
        }
        running.join_all().await.into_iter().fold(0, u64::wrapping_add)
    }
}
