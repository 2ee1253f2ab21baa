//! Shows on standard error what `measure` is doing.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::measure::{Event, Progress};

/// A bar where standard error is a terminal, else a line now and then.
pub(super) fn on_stderr() -> Box<dyn Progress> {
    if io::stderr().is_terminal() {
        Box::new(Bar::new(ProgressDrawTarget::stderr()))
    } else {
        Box::new(Lines::new(io::stderr()))
    }
}

/// How far it has come: benchmarks where the executables list them, else processes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    total: usize,
    /// Behind us with all processes that have ended.
    ended: usize,
    /// Begun by the running process.
    begun: usize,
    by_process: bool,
    /// Pairs of processes are counted, not what happens in them.
    by_pair: bool,
}

impl Count {
    fn take(&mut self, event: &Event<'_>) {
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

    /// Finished steps: the one that has begun last is not.
    fn position(self) -> usize {
        let running = if self.by_process { 0 } else { self.begun.saturating_sub(1) };
        (self.ended + running).min(self.total)
    }
}

/// A bar with the time that is left.
struct Bar {
    bar: ProgressBar,
    count: Count,
}

impl Bar {
    fn new(target: ProgressDrawTarget) -> Self {
        let bar = ProgressBar::with_draw_target(None, target);
        Self { bar, count: Count::default() }
    }

    fn begin(&self) {
        // Pairs know how long they take; what is left of anything else is a guess.
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
            // cargo shows its own progress until then.
            Event::BuildStarted | Event::Compiled { .. } | Event::BuildFinished { .. } => return,
            Event::Planned { .. } => self.begin(),
            Event::WholeSeconds { .. } => self.bar.println(whole_seconds(event)),
            Event::Estimated { .. } => self.bar.println(estimate(event)),
            Event::Pair { number, .. } => {
                // The first of a look, which need not be number 1.
                if self.bar.length() != Some(self.count.total as u64) || *number == 1 {
                    self.begin();
                }
                let (phase, what) = pair(event);
                self.bar.set_prefix(phase);
                self.bar.set_message(what);
            }
            // The pair's line stands: it changes too often to be read otherwise.
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

/// The bar is taken away on an error too.
impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How long a log hears nothing while measuring goes on as it did.
const QUIET: Duration = Duration::from_secs(10);

/// Lines for logs: one as each phase begins, and whatever goes wrong; in between one
/// now and then, so that the log of an hour can be read.
struct Lines<W> {
    to: W,
    count: Count,
    /// How long it is quiet.
    quiet: Duration,
    /// The phase that the last line on how far it has come was about, and its time.
    last: Option<(String, Instant)>,
}

impl<W: Write> Lines<W> {
    fn new(to: W) -> Self {
        Self { to, count: Count::default(), quiet: QUIET, last: None }
    }

    /// How far a phase has come, if it is new or nothing was said for a while.
    fn now_and_then(&mut self, phase: &str, line: &str) {
        let quiet = self.quiet;
        let recent = |(last, at): &(String, Instant)| last == phase && at.elapsed() < quiet;
        if !self.last.as_ref().is_some_and(recent) {
            self.line(line);
            self.last = Some((phase.to_owned(), Instant::now()));
        }
    }

    fn line(&mut self, line: &str) {
        // Nobody reads it, or the disk is full: measuring goes on.
        let _ = writeln!(self.to, "{line}");
    }
}

impl<W: Write> Progress for Lines<W> {
    fn event(&mut self, event: &Event<'_>) {
        self.count.take(event);
        match event {
            Event::Planned { processes, steps } => {
                let what = if *steps == 0 { "" } else { " for benchmarks in all: " };
                let steps = if *steps == 0 { String::new() } else { steps.to_string() };
                self.line(&format!("measuring: processes to run: {processes}{what}{steps}"));
            }
            Event::WholeSeconds { .. } => self.line(&whole_seconds(event)),
            Event::Estimated { .. } => self.line(&estimate(event)),
            Event::Pair { number, planned, .. } => {
                let (phase, what) = pair(event);
                let line = format!("{phase}: pair {number}/{planned}, {what}");
                self.now_and_then(&format!("{phase} {planned}"), &line);
            }
            Event::ProcessStarted { .. } if self.count.by_pair => {}
            Event::ProcessStarted { run, runs, target } => {
                let Count { total, .. } = self.count;
                let position = self.count.position();
                let target = shown(target);
                let line = format!("run {}/{runs}: {target} ({position}/{total})", run + 1);
                self.now_and_then("run", &line);
            }
            Event::CountingPlanned { benchmarks } => {
                self.now_and_then(
                    "counting",
                    &format!("counting instructions of benchmarks: {benchmarks}"),
                );
            }
            Event::CountEnded { .. } => {
                let Count { total, ended, .. } = self.count;
                self.now_and_then("counting", &format!("counted {ended}/{total}"));
            }
            Event::ProcessEnded { target, failure: Some(failure), .. } => {
                self.line(&failed(target, failure));
            }
            _ => {}
        }
    }
}

/// What became of a process; it quotes what a program printed.
fn failed(target: &str, failure: &str) -> String {
    let failure: String = failure.chars().filter(|c| !c.is_control()).collect();
    format!("{}: {failure}", shown(target))
}

/// Why a target takes so much longer than others.
fn whole_seconds(event: &Event<'_>) -> String {
    let Event::WholeSeconds { target, asked, taken } = event else { return String::new() };
    format!(
        "{}: criterion 0.3 and 0.4 take whole seconds only: {} s for each benchmark instead of \
         {} s; criterion 0.5 or later is quicker",
        shown(target),
        taken.as_secs_f64(),
        asked.as_secs_f64()
    )
}

/// How long it will take, in words.
fn estimate(event: &Event<'_>) -> String {
    let Event::Estimated { screening, most } = event else { return String::new() };
    let (screening, most) = (length(*screening), length(*most));
    format!("screening takes about {screening}; all of it up to {most} if everything is a suspect")
}

/// What a pair is for, and the rest of what is known of it.
fn pair(event: &Event<'_>) -> (&'static str, String) {
    let Event::Pair { suspects, left, .. } = event else { return ("", String::new()) };
    let left = format!("about {} left", length(*left));
    match suspects {
        None => ("screening", left),
        Some(names) => {
            let count = names.len();
            let word = if count == 1 { "suspect" } else { "suspects" };
            ("confirming", format!("{left}, {count} {word}: {}", list(names)))
        }
    }
}

/// Names as far as they fit, and how many more there are.
fn list(names: &[&str]) -> String {
    const WIDTH: usize = 60;
    let mut text = String::new();
    for (at, name) in names.iter().map(|name| shown(name)).enumerate() {
        if at > 0 && text.chars().count() + name.chars().count() > WIDTH {
            return format!("{text} and {} more", names.len() - at);
        }
        text += if at > 0 { ", " } else { "" };
        text += &name;
    }
    text
}

/// A length of time to read: no more exact than such estimates are.
fn length(time: Duration) -> String {
    match time.as_secs() {
        0 => "1 s".to_owned(),
        seconds @ 1..100 => {
            format!("{} s", if time.subsec_millis() < 500 { seconds } else { seconds + 1 })
        }
        seconds @ 100..5400 => format!("{} min", (seconds + 30) / 60),
        seconds => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// A name that may go to a terminal: it comes from a program's output.
fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events() -> Vec<Event<'static>> {
        vec![
            Event::Planned { processes: 4, steps: 6 },
            Event::ProcessStarted { run: 0, runs: 2, target: "cache" },
            Event::Benchmark { id: "get/hit" },
            Event::Benchmark { id: "get/\u{1b}[31mmiss" },
            Event::ProcessEnded { run: 0, target: "cache", steps: 3, failure: None },
            Event::ProcessStarted { run: 0, runs: 2, target: "http" },
            Event::ProcessEnded { run: 0, target: "http", steps: 0, failure: Some("it hangs") },
            Event::Finished,
        ]
    }

    /// As if a while passed between any two events.
    fn slow() -> Lines<Vec<u8>> {
        Lines { quiet: Duration::ZERO, ..Lines::new(Vec::new()) }
    }

    #[test]
    fn a_log_of_many_quick_processes_is_short() {
        let mut lines = Lines { quiet: Duration::MAX, ..Lines::new(Vec::new()) };
        lines.event(&Event::Planned { processes: 100, steps: 0 });
        for run in 0..100 {
            lines.event(&Event::ProcessStarted { run, runs: 100, target: "cache" });
            let failure = (run == 50).then_some("it \u{1b}[31mhangs");
            lines.event(&Event::ProcessEnded { run, target: "cache", steps: 0, failure });
        }
        lines.event(&Event::CountingPlanned { benchmarks: 30 });
        for _ in 0..30 {
            lines.event(&Event::CountEnded { target: "cache", id: "a" });
        }
        let left = Duration::from_secs(9);
        for (planned, suspects) in [(8, None), (14, Some(&["a"][..])), (28, Some(&["a"][..]))] {
            for number in 1..=planned {
                lines.event(&Event::Pair { number, planned, suspects, left });
            }
        }
        assert_eq!(
            String::from_utf8(lines.to).expect("text"),
            "measuring: processes to run: 100\n\
             run 1/100: cache (0/100)\n\
             cache: it [31mhangs\n\
             counting instructions of benchmarks: 30\n\
             screening: pair 1/8, about 9 s left\n\
             confirming: pair 1/14, about 9 s left, 1 suspect: a\n\
             confirming: pair 1/28, about 9 s left, 1 suspect: a\n"
        );
    }

    #[test]
    fn a_log_of_slow_processes_gets_a_line_for_each_and_for_failures() {
        let mut lines = slow();
        for event in events() {
            lines.event(&event);
        }
        assert_eq!(
            String::from_utf8(lines.to).expect("text"),
            "measuring: processes to run: 4 for benchmarks in all: 6\n\
             run 1/2: cache (0/6)\n\
             run 1/2: http (3/6)\n\
             http: it hangs\n"
        );
    }

    #[test]
    fn a_trial_says_how_long_it_takes_and_what_it_suspects() {
        let mut lines = slow();
        let seconds = Duration::from_secs;
        let long = "x".repeat(50);
        let suspects = ["a", long.as_str(), "b\u{7}", "c"];
        for event in [
            Event::Estimated { screening: seconds(130), most: seconds(540) },
            Event::Pair { number: 1, planned: 8, suspects: None, left: seconds(99) },
            Event::ProcessStarted { run: 0, runs: 1, target: "cache" },
            Event::Benchmark { id: "a" },
            Event::ProcessEnded { run: 0, target: "cache", steps: 3, failure: None },
            Event::Pair { number: 3, planned: 14, suspects: Some(&["a"]), left: seconds(7200) },
            Event::Pair { number: 4, planned: 14, suspects: Some(&suspects), left: seconds(0) },
            Event::ProcessEnded { run: 0, target: "http", steps: 0, failure: Some("it hangs") },
        ] {
            lines.event(&event);
        }
        assert_eq!((lines.count.position(), lines.count.total), (3, 14));
        assert_eq!(
            String::from_utf8(lines.to).expect("text"),
            format!(
                "screening takes about 2 min; all of it up to 9 min if everything is a suspect\n\
                 screening: pair 1/8, about 99 s left\n\
                 confirming: pair 3/14, about 2 h 0 min left, 1 suspect: a\n\
                 confirming: pair 4/14, about 1 s left, 4 suspects: a, {long}, b, c\n\
                 http: it hangs\n"
            )
        );
        let many: Vec<&str> = std::iter::repeat_n("somewhat/long", 9).collect();
        assert!(list(&many).ends_with("somewhat/long and 5 more"), "{}", list(&many));

        let mut bar = Bar::new(ProgressDrawTarget::hidden());
        bar.event(&Event::Pair {
            number: 3,
            planned: 14,
            suspects: Some(&["a"]),
            left: seconds(9),
        });
        bar.event(&Event::Benchmark { id: "a" });
        assert_eq!((bar.bar.position(), bar.bar.length()), (2, Some(14)));
        assert_eq!(bar.bar.prefix(), "confirming");
        assert_eq!(bar.bar.message(), "about 9 s left, 1 suspect: a");
    }

    #[test]
    fn the_position_never_passes_what_has_ended() {
        let mut count = Count::default();
        let mut positions = Vec::new();
        for event in events() {
            count.take(&event);
            positions.push(count.position());
        }
        assert_eq!(positions, [0, 0, 0, 1, 3, 3, 3, 3]);
        // More benchmarks than were listed do not run past the end.
        for _ in 0..20 {
            count.take(&Event::Benchmark { id: "x" });
        }
        assert_eq!(count.position(), 6);
    }

    #[test]
    fn without_lists_processes_are_counted() {
        let mut count = Count::default();
        count.take(&Event::Planned { processes: 2, steps: 0 });
        count.take(&Event::Benchmark { id: "x" });
        assert_eq!(count.position(), 0);
        count.take(&Event::ProcessEnded { run: 0, target: "t", steps: 0, failure: None });
        assert_eq!((count.position(), count.total), (1, 2));
    }

    #[test]
    fn the_bar_follows_and_goes_away() {
        let mut bar = Bar::new(ProgressDrawTarget::hidden());
        for event in &events()[..4] {
            bar.event(event);
        }
        assert_eq!((bar.bar.position(), bar.bar.length()), (1, Some(6)));
        assert_eq!(bar.bar.prefix(), "run 1/2 cache");
        assert_eq!(bar.bar.message(), "get/[31mmiss");
        bar.event(&Event::Finished);
        assert!(bar.bar.is_finished());
    }
}
