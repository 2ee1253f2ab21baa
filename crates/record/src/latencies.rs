//! A histogram of latencies, filled while a program runs.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::buckets;

/// The latencies of one kind of operation in one process, and how many operations failed.
///
/// It keeps the number of latencies in each [bucket](buckets), so its size does not depend on
/// their number: about 200 KiB for latencies of up to 10 seconds. The latency of a failed
/// operation is not among them, because a quick failure would make the others look fast.
///
/// Recording a latency took 0.04 times as long as reading the clock twice for it (8 ns on a
/// virtual machine with a slow clock, random latencies of 50 µs to 1.1 ms), and it allocates
/// only if a latency is longer than all before. Threads each fill their own, and
/// [`merge`](Self::merge) adds them: the sum equals one histogram of all latencies.
///
/// ```
/// use benchgate_record::Latencies;
///
/// # fn operation() -> Result<(), &'static str> { Ok(()) }
/// let mut latencies = Latencies::new();
/// for _ in 0..2_000 {
///     let start = std::time::Instant::now();
///     match operation() {
///         Ok(()) => latencies.record(start.elapsed()),
///         Err(kind) => latencies.fail(kind),
///     }
/// }
/// assert_eq!(latencies.len(), 2_000);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// By bucket; as long as the longest latency needs.
    counts: Vec<u64>,
    total: u64,
    failed: BTreeMap<String, u64>,
}

impl Latencies {
    /// Without any latency.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds the latency of an operation that succeeded.
    pub fn record(&mut self, latency: Duration) {
        // A latency of 292 years is as good as any longer one.
        self.record_value(u64::try_from(latency.as_nanos()).unwrap_or(buckets::LARGEST));
    }

    /// Adds a value, such as a latency in nanoseconds. A value above [`buckets::LARGEST`]
    /// counts as that.
    pub fn record_value(&mut self, value: u64) {
        let index = buckets::index(value.min(buckets::LARGEST)) as usize;
        if let Some(count) = self.counts.get_mut(index) {
            *count += 1;
        } else {
            self.grow(index);
            self.counts[index] = 1;
        }
        self.total += 1;
    }

    #[cold]
    fn grow(&mut self, index: usize) {
        self.counts.resize(index + 1, 0);
    }

    /// Runs an operation, and adds its latency, or its failure under the name that `kind`
    /// gives the error.
    ///
    /// # Errors
    ///
    /// The operation's.
    pub fn time<T, E>(
        &mut self,
        operation: impl FnOnce() -> Result<T, E>,
        kind: impl FnOnce(&E) -> &str,
    ) -> Result<T, E> {
        let start = Instant::now();
        let result = operation();
        let latency = start.elapsed();
        match &result {
            Ok(_) => self.record(latency),
            Err(error) => self.fail(kind(error)),
        }
        result
    }

    /// Counts an operation that failed, by a short name of the kind: `timeout`, `status_503`.
    pub fn fail(&mut self, kind: &str) {
        match self.failed.get_mut(kind) {
            Some(count) => *count += 1,
            None => {
                self.failed.insert(kind.to_owned(), 1);
            }
        }
    }

    /// Adds the latencies and failures of another thread.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        for (kind, more) in &other.failed {
            *self.failed.entry(kind.clone()).or_default() += more;
        }
    }

    /// The number of latencies, without failed operations.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether there is not any latency. Failed operations do not have any.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// The number of failed operations of each kind.
    pub fn failed(&self) -> &BTreeMap<String, u64> {
        &self.failed
    }

    /// The smallest value of each bucket that holds latencies, with their number; rising.
    pub fn counts(&self) -> impl Iterator<Item = (u64, u64)> {
        (0..).map(buckets::lowest).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// The latency that at least this many thousandths of the latencies do not exceed, in
    /// nanoseconds, up to the width of a bucket: 990 is the 99th percentile. 0 without any
    /// latency.
    ///
    /// The gate calculates its quantiles itself; this is for a program's own checks.
    pub fn quantile(&self, thousandths: u64) -> u64 {
        let rank = (u128::from(self.total) * u128::from(thousandths.min(1000))).div_ceil(1000);
        let mut seen = 0;
        for (at, count) in (0..).zip(&self.counts) {
            seen += u128::from(*count);
            if *count > 0 && seen >= rank {
                return buckets::highest(at);
            }
        }
        0
    }
}

/// Latencies that were measured already.
impl FromIterator<Duration> for Latencies {
    fn from_iter<T: IntoIterator<Item = Duration>>(latencies: T) -> Self {
        let mut all = Self::new();
        for latency in latencies {
            all.record(latency);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failed_operations_are_not_among_the_latencies() {
        let mut latencies = Latencies::new();
        latencies.time(|| Ok::<_, String>(()), |kind| kind).unwrap();
        for _ in 0..2 {
            latencies.time(|| Err::<(), _>("timeout".to_owned()), |kind| kind).unwrap_err();
        }
        assert_eq!(latencies.len(), 1);
        assert_eq!(latencies.failed(), &BTreeMap::from([("timeout".to_owned(), 2)]));
        assert_eq!(latencies.counts().map(|(_, count)| count).sum::<u64>(), 1);
    }

    #[test]
    fn the_sum_of_threads_is_one_histogram_of_all() {
        let part = |values: std::ops::Range<u64>| {
            let mut part = Latencies::new();
            values.for_each(|value| part.record_value(value * value * value));
            part.fail("refused");
            part
        };
        let mut sum = part(0..500);
        sum.merge(&part(500..3000));
        let mut all = part(0..3000);
        all.fail("refused");
        assert_eq!(sum, all);
        assert_eq!(part(0..3000).quantile(1000), buckets::highest(buckets::index(2999_u64.pow(3))));
    }

    #[test]
    fn any_duration_has_a_bucket() {
        let latencies: Latencies = [Duration::ZERO, Duration::MAX].into_iter().collect();
        let counts: Vec<_> = latencies.counts().collect();
        assert_eq!(counts, [(0, 1), (buckets::lowest(buckets::COUNT - 1), 1)]);
        assert_eq!(Latencies::new().quantile(990), 0);
    }
}
