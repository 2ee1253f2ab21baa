//! Scores the rows of single callers in batches.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

use super::{Batch, BatcherError, Batching, Caller, Predict, Reply};

/// Counts of events since the batcher was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows passed to a model.
    pub rows: u64,
    /// Calls of a model.
    pub batches: u64,
    /// Callers rejected because the queue was full.
    pub shed: u64,
}

/// Worker threads that score the rows of single callers in batches.
///
/// Each worker has its own model, because running a model needs exclusive access. The
/// workers wait on a condition variable and not on tokio's timer, whose resolution is a
/// millisecond.
///
/// Dropping it rejects new callers, answers the waiting ones and ends the threads. This
/// blocks until the remaining batches are done.
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
    /// If there is no model, if a batch or the queue has no room, or if the system
    /// cannot start a thread.
    pub fn start<M: Predict>(models: Vec<M>, batching: Batching) -> Result<Self, BatcherError> {
        let Some(width) = models.first().map(Predict::width) else {
            return Err(BatcherError::Configuration { problem: "no model to score with" });
        };
        if models.iter().any(|model| model.width() != width) {
            return Err(BatcherError::Configuration {
                problem: "the models have different numbers of features",
            });
        }
        if batching.max_rows == 0 || batching.queue == 0 {
            return Err(BatcherError::Configuration {
                problem: "no room in a batch or in the queue",
            });
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
        // If a thread cannot be started, dropping this value ends the others.
        let mut batcher = Self { handle: BatcherHandle { shared }, workers: Vec::new() };
        for model in models {
            let worker = Worker { shared: Arc::clone(&batcher.handle.shared) };
            let thread = std::thread::Builder::new()
                .name("benchgate-batcher".to_owned())
                .spawn(move || worker.run(model))
                .map_err(BatcherError::Thread)?;
            batcher.workers.push(thread);
        }
        Ok(batcher)
    }

    /// A handle for callers, cheap to clone.
    pub fn handle(&self) -> BatcherHandle {
        self.handle.clone()
    }
}

impl Drop for Batcher {
    fn drop(&mut self) {
        self.handle.shared.lock().open = false;
        self.handle.shared.changed.notify_all();
        for worker in self.workers.drain(..) {
            // A panic has been reported on stderr and to the worker's callers.
            let _ = worker.join();
        }
    }
}

/// A handle to a [`Batcher`], for callers.
#[derive(Clone, Debug)]
pub struct BatcherHandle {
    shared: Arc<Shared>,
}

impl BatcherHandle {
    /// Scores one row, in a batch with the rows of other callers.
    ///
    /// Dropping the future leaves the queue, and the row is not scored.
    ///
    /// # Errors
    ///
    /// [`BatcherError::Features`] if the features are not one row of the model,
    /// [`BatcherError::Overloaded`] if the queue is full, [`BatcherError::Batch`] if the
    /// model failed on the batch, and [`BatcherError::Ended`] if the batcher was dropped
    /// or its workers have died.
    pub async fn score(&self, features: impl Into<Vec<f32>> + Send) -> Result<f32, BatcherError> {
        let reply = self.enqueue(features.into())?;
        match reply.await {
            Ok(Ok(score)) => Ok(score),
            Ok(Err(source)) => Err(BatcherError::Batch { source }),
            Err(_dropped) => Err(BatcherError::Ended),
        }
    }

    /// The number of features in a row.
    pub fn width(&self) -> usize {
        self.shared.width
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        self.shared.lock().counts
    }

    /// The number of callers whose batch has not started.
    pub fn waiting(&self) -> usize {
        self.shared.lock().waiting.len()
    }

    fn enqueue(&self, features: Vec<f32>) -> Result<oneshot::Receiver<Reply>, BatcherError> {
        let Shared { batching, width, changed, .. } = &*self.shared;
        if features.len() != *width {
            return Err(BatcherError::Features { values: features.len(), width: *width });
        }
        let (caller, receiver) = Caller::new(features);
        let mut state = self.shared.lock();
        if !state.open || state.workers == 0 {
            return Err(BatcherError::Ended);
        }
        if state.waiting.len() >= batching.queue {
            state.counts.shed += 1;
            return Err(BatcherError::Overloaded { waiting: state.waiting.len() });
        }
        state.waiting.push_back(caller);
        // Callers in between wake no worker: a worker waits for the first caller, and
        // then for a full batch or the end of the wait.
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
    /// The number of live workers.
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

    /// Waits for the next batch; `None` once the batcher is closed and no caller waits.
    fn next(&self) -> Option<Vec<Caller>> {
        let Batching { max_rows, max_wait, .. } = self.batching;
        let mut state = self.lock();
        loop {
            // Callers who have gone take no place in a batch.
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

/// A live worker. It is dropped when its thread ends, even by a panic.
struct Worker {
    shared: Arc<Shared>,
}

impl Worker {
    fn run<M: Predict>(self, mut model: M) {
        let mut batch = Batch::with_capacity(self.shared.batching.max_rows, self.shared.width);
        while let Some(callers) = self.shared.next() {
            batch.answer(callers, &mut model);
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.workers -= 1;
        if state.workers == 0 {
            // No worker is left to answer them; dropping them tells the callers.
            state.waiting.clear();
        }
        drop(state);
        // Passes a notification that reached this worker on to another one.
        self.shared.changed.notify_one();
    }
}
