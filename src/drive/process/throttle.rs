//! Slows a running process group by a known share, from outside.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// How long a group runs between two pauses: less than one of criterion's samples takes, so
/// that each sample is slowed.
const SLICE: Duration = Duration::from_millis(1);

/// A shorter pause is put off: waking up takes about as long.
const LEAST_PAUSE: Duration = Duration::from_micros(100);

/// Stops and continues a process group until it is dropped. The group then runs on.
pub(super) struct Throttle {
    /// Its end ends the thread.
    running: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Throttle {
    /// Makes everything that the group does take `share` longer: 0.1 is a slowdown of 10%.
    pub(super) fn start(group: Pid, share: f64) -> std::io::Result<Self> {
        let (running, ended) = sync_channel::<()>(0);
        let thread = std::thread::Builder::new().name("throttle".to_owned()).spawn(move || {
            let mut paused = Duration::ZERO;
            let started = Instant::now();
            while ended.recv_timeout(SLICE) == Err(RecvTimeoutError::Timeout) {
                let ran = started.elapsed().saturating_sub(paused);
                let owed = ran.mul_f64(share).saturating_sub(paused);
                if owed < LEAST_PAUSE {
                    continue;
                }
                let pause = Instant::now();
                // Both fail only where no process of the group is left.
                let _ = kill_process_group(group, Signal::STOP);
                std::thread::sleep(owed);
                let _ = kill_process_group(group, Signal::CONT);
                paused += pause.elapsed();
            }
        })?;
        Ok(Self { running: Some(running), thread: Some(thread) })
    }
}

impl Drop for Throttle {
    fn drop(&mut self) {
        self.running = None;
        if let Some(thread) = self.thread.take() {
            // It ends with the group continued.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Job, run};
    use crate::drive::Interrupt;

    /// Iterations of a loop in a shell until half a second of wall time has passed.
    const SPIN: &str = "n=0; end=$(($(date +%s%N) + 500000000)); \
                        while [ \"$(date +%s%N)\" -lt \"$end\" ]; do n=$((n + 1)); done; echo $n";

    fn iterations(slowdown: Option<f64>) -> u32 {
        let mut job = Job::new("sh").arg("-c").arg(SPIN);
        job.slowdown = slowdown;
        let mut printed = String::new();
        let outcome = run(&job, &Interrupt::new(), &mut |_, line| printed = line.to_owned());
        assert!(outcome.expect("it runs").ended.success());
        printed.trim().parse().expect("a number")
    }

    /// A group that takes four times as long gets a quarter done. Other programs may take
    /// the processor from either, so the best of three counts.
    #[test]
    fn a_slowed_group_gets_less_done_and_ends_by_itself() {
        let best = |slowdown| (0..3).map(|_| iterations(slowdown)).max().unwrap_or_default();
        let (plain, slowed) = (best(None), best(Some(3.0)));
        assert!(slowed > 0 && f64::from(slowed) < 0.5 * f64::from(plain), "{slowed} of {plain}");
    }
}
