//! Real processes: shells that print, crash, hang and leave children.

use super::*;

fn sh(script: &str) -> Job {
    Job::new("/bin/sh").arg("-c").arg(script)
}

fn run_quietly(job: &Job) -> Outcome {
    run(job, &Interrupt::new(), &mut |_, _| {}).expect("the job runs")
}

#[test]
fn lines_of_both_streams_arrive_with_status_and_tail() {
    let mut lines = Vec::new();
    let job = sh("echo one; echo two >&2; printf 'three'; exit 7");
    let outcome = run(&job, &Interrupt::new(), &mut |stream, line| {
        lines.push((stream == Stream::Stderr, line.to_owned()));
    })
    .expect("the job runs");
    lines.sort();
    assert_eq!(
        lines,
        [(false, "one".to_owned()), (false, "three".to_owned()), (true, "two".to_owned())]
    );
    assert_eq!(outcome.ended.to_string(), "exit status 7");
    assert_eq!(outcome.tail.len(), 3);
}

#[test]
fn a_signal_is_named() {
    assert_eq!(run_quietly(&sh("kill -SEGV $$")).ended.to_string(), "signal 11 (SIGSEGV)");
}

#[test]
fn a_panic_is_shown_rather_than_the_backtrace_behind_it() {
    let script = "echo before >&2; echo \"thread 'main' (4711) panicked at a.rs:1:2:\" >&2; \
                  echo message >&2; for n in 1 2 3 4 5 6 7 8 9; do echo $n >&2; done; exit 101";
    let tail = run_quietly(&sh(script)).tail;
    assert_eq!(tail, ["thread 'main' panicked at a.rs:1:2:", "message", "1"]);
}

#[test]
fn the_environment_is_set_and_removed_and_stdin_is_empty() {
    let mut job = sh("cat; echo \"[$SET][$CARGO_MANIFEST_DIR]\"").env("SET", "yes");
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some(), "cargo sets it for tests");
    job.environment.insert("CARGO_MANIFEST_DIR".into(), None);
    assert_eq!(run_quietly(&job).tail, ["[yes][]"]);
}

#[test]
fn the_log_holds_what_was_printed() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut job = sh("echo one; echo two");
    job.log = Some(directory.path().join("logs/job.log"));
    run_quietly(&job);
    let log = std::fs::read_to_string(directory.path().join("logs/job.log")).expect("a log");
    assert_eq!(log, "one\ntwo\n");
}

#[test]
fn a_time_limit_ends_the_whole_group_even_if_it_ignores_sigterm() {
    // The shell and its child both ignore SIGTERM and wait for ever.
    let mut job = sh("trap '' TERM; (while :; do :; done) & echo $!; while :; do :; done");
    job.time_limit = Some(Duration::from_millis(300));
    let mut child = None;
    let outcome = run(&job, &Interrupt::new(), &mut |_, line| {
        child = line.trim().parse::<i32>().ok().and_then(Pid::from_raw);
    })
    .expect("the job runs");
    assert_eq!(outcome.ended, Ended::TimedOut(Duration::from_millis(300)));
    let child = child.expect("the shell printed its child's number");
    assert!(gone(child), "the child of the job outlived it");
}

#[test]
fn what_a_job_leaves_running_is_ended() {
    let mut child = None;
    let job = sh("(while :; do :; done) >/dev/null 2>&1 & echo $!");
    let outcome = run(&job, &Interrupt::new(), &mut |_, line| {
        child = line.trim().parse::<i32>().ok().and_then(Pid::from_raw);
    })
    .expect("the job runs");
    assert!(outcome.ended.success());
    assert!(gone(child.expect("the shell printed its child's number")));
}

#[test]
fn an_interrupt_ends_the_job_and_later_jobs_do_not_start() {
    let interrupt = Interrupt::new();
    let raise = interrupt.clone();
    let job = sh("echo ready; while :; do :; done");
    let error = run(&job, &interrupt, &mut |_, line| {
        assert_eq!(line, "ready");
        raise.raise(2);
    })
    .expect_err("interrupted");
    assert_eq!(error.to_string(), "interrupted by signal 2");
    let error = run(&sh("echo no"), &interrupt, &mut |_, _| panic!("it must not start"))
        .expect_err("still interrupted");
    assert_eq!(error.to_string(), "interrupted by signal 2");
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = run(&Job::new("/nonexistent/bench"), &Interrupt::new(), &mut |_, _| {})
        .expect_err("cannot start");
    assert!(error.to_string().starts_with("cannot start /nonexistent/bench: "), "{error}");
}

#[test]
fn a_program_that_never_stops_printing_meets_its_time_limit() {
    let mut job = sh("trap '' TERM; while :; do echo more; done");
    job.time_limit = Some(Duration::from_millis(200));
    assert_eq!(run_quietly(&job).ended, Ended::TimedOut(Duration::from_millis(200)));
}

#[test]
fn endless_output_without_a_newline_is_cut() {
    let mut longest = 0;
    let job = sh("head -c 9000000 /dev/zero | tr '\\0' 'x'");
    run(&job, &Interrupt::new(), &mut |_, line| longest = longest.max(line.len()))
        .expect("the job runs");
    assert_eq!(longest, LINE_BYTES);
}

/// Whether a process has gone, or is a zombie that its new parent will reap.
fn gone(pid: Pid) -> bool {
    let until = Instant::now() + Duration::from_secs(10);
    loop {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
        if stat.is_empty() || matches!(state, Some('Z' | 'X')) {
            return true;
        }
        if Instant::now() > until {
            return false;
        }
        std::thread::yield_now();
    }
}
