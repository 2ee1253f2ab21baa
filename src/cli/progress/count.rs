//! The progress of a measurement.

use crate::measure::Event;

/// The finished steps: benchmarks if the executables list them, else processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) total: usize,
    /// Steps of all processes that have ended.
    pub(super) ended: usize,
    /// Steps that the running process has started.
    begun: usize,
    by_process: bool,
    /// Whether pairs of processes are counted instead of benchmarks.
    pub(super) by_pair: bool,
}

impl Count {
    pub(super) fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { processes, steps } => {
                let by_process = *steps == 0;
                let total = if by_process { *processes } else { *steps };
                *self = Self { total, by_process, ..Self::default() };
            }
            Event::Pair { number, planned, .. } => {
                let (ended, total) = (*number as usize - 1, *planned as usize);
                *self = Self { total, ended, by_pair: true, ..Self::default() };
            }
            Event::Benchmark { .. } | Event::ProcessEnded { .. } if self.by_pair => {}
            Event::Benchmark { .. } => self.begun += 1,
            Event::CountingPlanned { benchmarks } => {
                *self = Self { total: *benchmarks, ..Self::default() };
            }
            Event::CountEnded { .. } => self.ended += 1,
            Event::ProcessEnded { steps, .. } => {
                self.ended += if self.by_process { 1 } else { *steps };
                self.begun = 0;
            }
            _ => {}
        }
    }

    /// The number of finished steps: the last started step is not finished.
    pub(super) fn position(self) -> usize {
        let running = if self.by_process { 0 } else { self.begun.saturating_sub(1) };
        (self.ended + running).min(self.total)
    }
}
