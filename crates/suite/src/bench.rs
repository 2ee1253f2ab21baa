//! Small helpers that several benches share: cycling through inputs, timing without the
//! set-up, and runtimes.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

/// Goes through its items endlessly, over all samples of a benchmark.
#[derive(Clone, Debug)]
pub struct Cycle<T> {
    items: Vec<T>,
    taken: Cell<usize>,
}

impl<T> Cycle<T> {
    /// Starts at the first item.
    pub fn new(items: Vec<T>) -> Self {
        Self { items, taken: Cell::new(0) }
    }

    /// The next item.
    ///
    /// # Panics
    ///
    /// If there are no items.
    pub fn next(&self) -> &T {
        let taken = self.taken.get();
        self.taken.set(taken + 1);
        &self.items[taken % self.items.len()]
    }

    /// The index of the next item.
    ///
    /// # Panics
    ///
    /// If there are no items.
    pub fn position(&self) -> usize {
        self.taken.get() % self.items.len()
    }

    /// How many items have been taken so far.
    pub fn taken(&self) -> usize {
        self.taken.get()
    }

    /// All items, in order.
    pub fn items(&self) -> &[T] {
        &self.items
    }
}

/// Times `iterations` in batches. `prepare` sets up a batch of the given size, and `check`
/// checks the checksum of its `body`; neither is timed.
///
/// # Panics
///
/// If `check` does.
pub fn timed_in_batches<T>(
    iterations: u64,
    mut prepare: impl FnMut(usize) -> T,
    mut body: impl FnMut(&T) -> u64,
    mut check: impl FnMut(&T, u64),
) -> Duration {
    const BATCH: u64 = 500;
    let mut timed = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let count = left.min(BATCH);
        let prepared = prepare(usize::try_from(count).expect("a small batch"));
        let start = Instant::now();
        let sum = body(&prepared);
        timed += start.elapsed();
        check(&prepared, sum);
        left -= count;
    }
    timed
}

/// A runtime with this many threads. A runtime of one thread uses the calling thread and
/// never hands work over to another.
///
/// # Panics
///
/// If the system cannot start a thread.
pub fn runtime(threads: usize) -> Runtime {
    let mut builder = if threads == 1 {
        tokio::runtime::Builder::new_current_thread()
    } else {
        tokio::runtime::Builder::new_multi_thread()
    };
    builder.worker_threads(threads).enable_all().build().expect("a runtime")
}
