//! Joins single lookups into batches.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::BatchConfig;
use crate::sizes;

/// Why a lookup in a batch has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError<E> {
    /// The lookup of the whole batch failed. All its callers get this error.
    #[error(transparent)]
    Lookup(E),
    /// The lookup panicked, or its runtime has ended.
    #[error("the lookup's batch was abandoned, because its runtime has ended")]
    Lost,
}

type Reply<V, E> = oneshot::Sender<Result<Option<V>, BatchError<E>>>;

struct Caller<K, V, E> {
    key: K,
    reply: Reply<V, E>,
}

/// Joins concurrent lookups into one. A clone is another handle to the same batcher, which
/// ends with its last handle.
///
/// Several batches may be under way at once. A batch looks up each key once, whatever the
/// number of its callers, and skips callers who have gone.
pub struct Batcher<K, V, E> {
    callers: mpsc::Sender<Caller<K, V, E>>,
}

impl<K, V, E> Clone for Batcher<K, V, E> {
    fn clone(&self) -> Self {
        Self { callers: self.callers.clone() }
    }
}

impl<K, V, E> fmt::Debug for Batcher<K, V, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batcher").finish_non_exhaustive()
    }
}

impl<K, V, E> Batcher<K, V, E>
where
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + 'static,
    E: Clone + Send + 'static,
{
    /// Starts a batcher on the current runtime. `lookup` gets at most
    /// [`BatchConfig::max_size`] sorted, distinct keys and returns the values that exist.
    ///
    /// # Panics
    ///
    /// If there is no current runtime.
    pub fn new<L, F>(config: BatchConfig, lookup: L) -> Self
    where
        L: Fn(Vec<K>) -> F + Send + 'static,
        F: Future<Output = Result<BTreeMap<K, V>, E>> + Send + 'static,
    {
        // Further callers wait for a place in the queue.
        let (callers, queue) = mpsc::channel(sizes::UPSTREAM_BATCH_QUEUE);
        tokio::spawn(collect(queue, config, lookup));
        Self { callers }
    }

    /// Looks up one key as part of a batch; `None` if it has no value.
    pub async fn get(&self, key: K) -> Result<Option<V>, BatchError<E>> {
        let (reply, answer) = oneshot::channel();
        self.callers.send(Caller { key, reply }).await.map_err(|_| BatchError::Lost)?;
        answer.await.map_err(|_| BatchError::Lost)?
    }
}

/// Collects callers into batches and answers them, until the last handle is dropped.
async fn collect<K, V, E, L, F>(
    mut queue: mpsc::Receiver<Caller<K, V, E>>,
    config: BatchConfig,
    lookup: L,
) where
    K: Ord + Clone + Send + 'static,
    V: Clone + Send + 'static,
    E: Clone + Send + 'static,
    L: Fn(Vec<K>) -> F,
    F: Future<Output = Result<BTreeMap<K, V>, E>> + Send + 'static,
{
    let mut running = JoinSet::new();
    while let Some(first) = queue.recv().await {
        let start = Instant::now();
        let left = || config.max_wait.saturating_sub(start.elapsed());
        let mut batch = vec![first];
        // Callers that are already in the queue are taken without waiting.
        while batch.len() < config.max_size
            && let Ok(Some(caller)) = timeout(left(), queue.recv()).await
        {
            batch.push(caller);
        }
        batch.retain(|caller| !caller.reply.is_closed());
        if batch.is_empty() {
            continue;
        }
        let mut keys: Vec<K> = batch.iter().map(|caller| caller.key.clone()).collect();
        keys.sort_unstable();
        keys.dedup();
        running.spawn(answer(batch, lookup(keys)));
        while running.try_join_next().is_some() {}
    }
    // Callers may still wait for these batches.
    while running.join_next().await.is_some() {}
}

async fn answer<K: Ord, V: Clone, E: Clone>(
    batch: Vec<Caller<K, V, E>>,
    lookup: impl Future<Output = Result<BTreeMap<K, V>, E>>,
) {
    let found = lookup.await;
    for Caller { key, reply } in batch {
        let answer = match &found {
            Ok(values) => Ok(values.get(&key).cloned()),
            Err(error) => Err(BatchError::Lookup(error.clone())),
        };
        // Sending fails if the caller has gone, which does not matter.
        let _ = reply.send(answer);
    }
}
