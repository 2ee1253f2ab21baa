//! Progress on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::count::Count;
use super::text::{estimate, failed, pair, shown, whole_seconds};
use crate::measure::{Event, Progress};

/// A bar with the remaining time.
pub(super) struct Bar {
    pub(super) bar: ProgressBar,
    count: Count,
}

impl Bar {
    pub(super) fn on_stderr() -> Self {
        Self::new(ProgressDrawTarget::stderr())
    }

    pub(super) fn new(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        Self { bar, count: Count::default() }
    }

    fn begin(&self) {
        // The remaining time of pairs is known; for anything else it is a guess.
        let template = if self.count.by_pair {
            "{prefix} [{bar:20}] {pos}/{len} {wide_msg}"
        } else {
            "{prefix} [{bar:30}] {pos}/{len} {wide_msg} {eta} left"
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.set_length(self.count.total as u64);
        self.bar.reset();
    }
}

impl Progress for Bar {
    fn event(&mut self, event: &Event<'_>) {
        self.count.take(event);
        match event {
            // While cargo builds, it shows its own bar.
            Event::BuildStarted | Event::Compiled { .. } | Event::BuildFinished { .. } => return,
            Event::Planned { .. } => self.begin(),
            Event::WholeSeconds { .. } => self.bar.println(whole_seconds(event)),
            Event::Estimated { .. } => self.bar.println(estimate(event)),
            Event::Pair { number, .. } => {
                // The first pair of a look, which need not be number 1.
                if self.bar.length() != Some(self.count.total as u64) || *number == 1 {
                    self.begin();
                }
                let (phase, what) = pair(event);
                self.bar.set_prefix(phase);
                self.bar.set_message(what);
            }
            // The line of the pair stays: anything else would change too often to be read.
            Event::ProcessStarted { .. } | Event::Benchmark { .. } if self.count.by_pair => {}
            Event::ProcessStarted { run, runs, target } => {
                self.bar.set_prefix(format!("run {}/{runs} {}", run + 1, shown(target)));
                self.bar.set_message("");
            }
            Event::Benchmark { id } | Event::CountStarted { id, .. } => {
                self.bar.set_message(shown(id));
            }
            Event::ProcessEnded { target, failure, .. } => {
                if let Some(failure) = failure {
                    self.bar.println(failed(target, failure));
                }
            }
            Event::CountingPlanned { .. } => {
                self.begin();
                self.bar.set_prefix("instructions");
                self.bar.set_message("");
            }
            Event::CountEnded { .. } => {}
            Event::Finished => return self.bar.finish_and_clear(),
        }
        self.bar.set_position(self.count.position() as u64);
    }
}

/// Removes the bar on errors as well.
impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
