//! Joins single lookups into one for many.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::sizes;

/// When a batch is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchConfig {
    /// At so many lookups at the latest. Of 0 and 1 each goes alone.
    pub max_size: usize,
    /// So long after its first lookup at the latest. With no time at all, a batch
    /// is what waits already.
    pub max_wait: Duration,
}

impl Default for BatchConfig {
    fn default() -> Self {
        sizes::UPSTREAM_BATCH
    }
}

/// Why a lookup in a batch has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BatchError<E> {
    /// The lookup of the whole batch failed: all its callers get this.
    #[error(transparent)]
    Lookup(E),
    /// The lookup panicked, or the runtime that it was on has ended.
    #[error("the batch that the lookup was in was given up; its runtime has ended")]
    Lost,
}

type Reply<V, E> = oneshot::Sender<Result<Option<V>, BatchError<E>>>;

struct Caller<K, V, E> {
    key: K,
    reply: Reply<V, E>,
}

/// Joins lookups that are wanted at about the same time into one. A clone is
/// another handle on the same one; with the last of them it ends.
///
/// Batches may be under way at the same time. Of callers who want the same key,
/// one batch asks once. Callers who have gone are not asked for.
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
    /// On the runtime that this is called in: `lookup` gets different keys in
    /// their order, at most [`BatchConfig::max_size`], and gives what there is.
    ///
    /// # Panics
    ///
    /// Outside of a runtime.
    pub fn new<L, F>(config: BatchConfig, lookup: L) -> Self
    where
        L: Fn(Vec<K>) -> F + Send + 'static,
        F: Future<Output = Result<BTreeMap<K, V>, E>> + Send + 'static,
    {
        // Callers beyond this wait for their place in the queue.
        let (callers, queue) = mpsc::channel(sizes::UPSTREAM_BATCH_QUEUE);
        tokio::spawn(collect(queue, config, lookup));
        Self { callers }
    }

    /// The value of one key, `None` if there is none; asked for in a batch.
    pub async fn get(&self, key: K) -> Result<Option<V>, BatchError<E>> {
        let (reply, answer) = oneshot::channel();
        self.callers.send(Caller { key, reply }).await.map_err(|_| BatchError::Lost)?;
        answer.await.map_err(|_| BatchError::Lost)?
    }
}

/// Until the last handle is gone: makes batches of callers and answers them.
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
        // What is in the queue already is taken without waiting.
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
    // Those who wait for these still hold their ends.
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
        // A caller who has gone in the meantime needs none.
        let _ = reply.send(answer);
    }
}
