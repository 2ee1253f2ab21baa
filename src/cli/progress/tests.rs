//! Progress, event by event.

use std::time::Duration;

use indicatif::ProgressDrawTarget;

use super::bar::Bar;
use super::count::Count;
use super::lines::Lines;
use super::text::list;
use crate::measure::{Event, Progress as _};

fn events() -> Vec<Event<'static>> {
    vec![
        Event::Planned { processes: 4, steps: 6 },
        Event::ProcessStarted { run: 0, runs: 2, target: "cache" },
        Event::Benchmark { id: "get/hit" },
        Event::Benchmark { id: "get/\u{1b}[31mmiss" },
        Event::ProcessEnded { run: 0, target: "cache", steps: 3, failure: None },
        Event::ProcessStarted { run: 0, runs: 2, target: "http" },
        Event::ProcessEnded { run: 0, target: "http", steps: 0, failure: Some("no answer") },
        Event::Finished,
    ]
}

/// A log as if time passed between all events.
fn slow() -> Lines<Vec<u8>> {
    Lines::every(Duration::ZERO, Vec::new())
}

#[test]
fn a_log_of_a_build_counts_compiled_crates() {
    let mut lines = slow();
    let compiled = |target, fresh| Event::Compiled { target, fresh };
    for side in ["base", "head"] {
        lines.event(&Event::BuildStarted);
        lines.event(&compiled("old", true));
        lines.event(&compiled("serde", false));
        lines.event(&compiled(side, false));
        lines.event(&Event::BuildFinished { executables: 1 });
    }
    assert_eq!(
        String::from_utf8(lines.to).expect("text"),
        "crates built: 1, last serde\n\
         crates built: 2, last base\n\
         crates built: 1, last serde\n\
         crates built: 2, last head\n"
    );
}

#[test]
fn a_log_of_many_quick_processes_is_short() {
    let mut lines = Lines::every(Duration::MAX, Vec::new());
    lines.event(&Event::Planned { processes: 100, steps: 0 });
    for run in 0..100 {
        lines.event(&Event::ProcessStarted { run, runs: 100, target: "cache" });
        let failure = (run == 50).then_some("\u{1b}[31mno answer");
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
         cache: [31mno answer\n\
         counting instructions of both sides' benchmarks: 30\n\
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
         http: no answer\n"
    );
}

#[test]
fn a_trial_reports_its_time_and_its_suspects() {
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
        Event::ProcessEnded { run: 0, target: "http", steps: 0, failure: Some("no answer") },
    ] {
        lines.event(&event);
    }
    assert_eq!((lines.count.position(), lines.count.total), (3, 14));
    assert_eq!(
        String::from_utf8(lines.to).expect("text"),
        format!(
            "screening takes about 2 min; the whole trial up to 9 min if every benchmark is a suspect\n\
             screening: pair 1/8, about 99 s left\n\
             confirming: pair 3/14, about 2 h 0 min left, 1 suspect: a\n\
             confirming: pair 4/14, about 1 s left, 4 suspects: a, {long}, b, c\n\
             http: no answer\n"
        )
    );
    let many: Vec<&str> = std::iter::repeat_n("somewhat/long", 9).collect();
    assert!(list(&many).ends_with("somewhat/long and 5 more"), "{}", list(&many));

    let mut bar = Bar::new(ProgressDrawTarget::hidden());
    bar.event(&Event::Pair { number: 3, planned: 14, suspects: Some(&["a"]), left: seconds(9) });
    bar.event(&Event::Benchmark { id: "a" });
    assert_eq!((bar.bar.position(), bar.bar.length()), (2, Some(14)));
    assert_eq!(bar.bar.prefix(), "confirming");
    assert_eq!(bar.bar.message(), "about 9 s left, 1 suspect: a");
}

#[test]
fn the_position_never_exceeds_the_finished_steps() {
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
fn the_bar_shows_progress_and_is_removed() {
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
