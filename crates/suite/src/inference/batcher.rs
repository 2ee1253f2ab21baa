//! Single callers, scored in batches.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use super::{Batch, Caller, Predict, Reply};
use crate::SuiteError;

/// How callers are gathered into batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    /// Rows that a batch has at most.
    pub max_rows: usize,
    /// How long a caller waits for others at most. A batch starts sooner when it
    /// is full.
    pub max_wait: Duration,
    /// Callers that wait at most, beyond those whose batch is running. One more is
    /// turned away at once: a queue without a bound only makes everybody late.
    pub queue: usize,
}

/// How often what happened, since the batcher was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows handed to a model.
    pub rows: u64,
    /// Calls of a model that these came to.
    pub batches: u64,
    /// Callers turned away because the queue was full.
    pub shed: u64,
}

/// Worker threads that score what single callers ask, in batches.
///
/// Each worker has a model of its own, because running one needs it alone. The
/// workers wait on a condition variable and not on tokio's timer, which knows
/// no times below a millisecond.
///
/// Dropped, it takes no new callers, answers those who wait, and ends its
/// threads: it blocks for as long as the batches that are left take.
#[derive(Debug)]
pub struct Batcher {
    handle: BatcherHandle,
    workers: Vec<JoinHandle<()>>,
}

impl Batcher {
    /// Starts one worker thread for each of `models`.
    ///
    /// # Errors
    ///
    /// When there is no model, when a batch or the queue would have room for
    /// nobody, or when the system gives no thread.
    pub fn start<M: Predict>(models: Vec<M>, batching: Batching) -> Result<Self, SuiteError> {
        let Some(width) = models.first().map(Predict::width) else {
            return Err(SuiteError::Batching { what: "no model to score with" });
        };
        if models.iter().any(|model| model.width() != width) {
            return Err(SuiteError::Batching { what: "models of different numbers of features" });
        }
        if batching.max_rows == 0 || batching.queue == 0 {
            return Err(SuiteError::Batching { what: "no room in a batch or in the queue" });
        }
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                open: true,
                workers: models.len(),
                counts: Counts::default(),
            }),
            changed: Condvar::new(),
            batching,
            width,
        });
        // Held from here on: if a thread cannot be had, the others are ended.
        let mut batcher = Self { handle: BatcherHandle { shared }, workers: Vec::new() };
        for model in models {
            let working = Working { shared: Arc::clone(&batcher.handle.shared) };
            let worker = std::thread::Builder::new()
                .name("benchgate-batcher".to_owned())
                .spawn(move || working.work(model))
                .map_err(|source| SuiteError::Io { action: "start a batcher's thread", source })?;
            batcher.workers.push(worker);
        }
        Ok(batcher)
    }

    /// For a caller; cheap to clone.
    pub fn handle(&self) -> BatcherHandle {
        self.handle.clone()
    }
}

impl Drop for Batcher {
    fn drop(&mut self) {
        self.handle.shared.lock().open = false;
        self.handle.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A worker that panicked has said so, and its callers have been told.
            let _ = worker.join();
        }
    }
}

/// What callers ask a [`Batcher`] through.
#[derive(Clone, Debug)]
pub struct BatcherHandle {
    shared: Arc<Shared>,
}

impl BatcherHandle {
    /// The score of one row, in a batch with others'.
    ///
    /// Dropping the future leaves the queue: nothing is computed for a caller
    /// who has gone.
    ///
    /// # Errors
    ///
    /// [`SuiteError::Features`] when that is no row of the model's,
    /// [`SuiteError::Overloaded`] when the queue is full,
    /// [`SuiteError::Batch`] when the model failed on the batch, and
    /// [`SuiteError::BatcherEnded`] when the batcher was dropped or its workers
    /// died.
    pub async fn score(&self, features: impl Into<Vec<f32>> + Send) -> Result<f32, SuiteError> {
        let reply = self.enqueue(features.into())?;
        match reply.await {
            Ok(Ok(score)) => Ok(score),
            Ok(Err(source)) => Err(SuiteError::Batch { source }),
            Err(_dropped) => Err(SuiteError::BatcherEnded),
        }
    }

    /// Features of one row.
    pub fn width(&self) -> usize {
        self.shared.width
    }

    /// What has happened so far.
    pub fn counts(&self) -> Counts {
        self.shared.lock().counts
    }

    /// Callers that wait for their batch to begin.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    fn enqueue(&self, features: Vec<f32>) -> Result<oneshot::Receiver<Reply>, SuiteError> {
        let Shared { batching, width, changed, .. } = &*self.shared;
        if features.len() != *width {
            return Err(SuiteError::Features { values: features.len(), width: *width });
        }
        let (caller, receiver) = Caller::new(features);
        let mut state = self.shared.lock();
        if !state.open || state.workers == 0 {
            return Err(SuiteError::BatcherEnded);
        }
        if state.waiting.len() >= batching.queue {
            state.counts.shed += 1;
            return Err(SuiteError::Overloaded { waiting: state.waiting.len() });
        }
        state.waiting.push_back(caller);
        // Those between change nothing: a worker waits for the first one, and from
        // then on for a full batch or the end of its time.
        let waiting = state.waiting.len();
        drop(state);
        if waiting == 1 || waiting.is_multiple_of(batching.max_rows) {
            changed.notify_one();
        }
        Ok(receiver)
    }
}

#[derive(Debug)]
struct State {
    waiting: VecDeque<Caller>,
    open: bool,
    /// Workers that live.
    workers: usize,
    counts: Counts,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    batching: Batching,
    width: usize,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next batch; `None` when the batcher has ended and nobody waits.
    fn next(&self) -> Option<Vec<Caller>> {
        let Batching { max_rows, max_wait, .. } = self.batching;
        let mut state = self.lock();
        loop {
            // Those who have gone take no place in a batch.
            state.waiting.retain(|caller| !caller.has_gone());
            let Some(first) = state.waiting.front() else {
                if !state.open {
                    return None;
                }
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let left = max_wait.saturating_sub(first.since().elapsed());
            if state.open && state.waiting.len() < max_rows && !left.is_zero() {
                let waited = self.changed.wait_timeout(state, left);
                state = waited.unwrap_or_else(PoisonError::into_inner).0;
                continue;
            }
            let rows = state.waiting.len().min(max_rows);
            let batch: Vec<Caller> = state.waiting.drain(..rows).collect();
            state.counts.rows += batch.len() as u64;
            state.counts.batches += 1;
            if !state.waiting.is_empty() {
                self.changed.notify_one();
            }
            return Some(batch);
        }
    }
}

/// A living worker. Dropped by its end, also by a panic.
struct Working {
    shared: Arc<Shared>,
}

impl Working {
    fn work<M: Predict>(self, mut model: M) {
        let mut batch = Batch::with_capacity(self.shared.batching.max_rows, self.shared.width);
        while let Some(callers) = self.shared.next() {
            batch.answer(callers, &mut model);
        }
    }
}

impl Drop for Working {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.workers -= 1;
        if state.workers == 0 {
            // Nobody is left to answer them: dropped, their callers are told.
            state.waiting.clear();
        }
        drop(state);
        // A call to work that reached this worker is for another one.
        self.shared.changed.notify_one();
    }
}
