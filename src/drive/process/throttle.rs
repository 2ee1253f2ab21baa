//! Slows a running process group by a known share, from outside.

use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

/// About how long a group runs and pauses: less than one of criterion's samples takes, so that
/// each sample is slowed.
const CYCLE: Duration = Duration::from_millis(1);

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
            let slice = CYCLE.div_f64(1.0 + share);
            let mut paused = Duration::ZERO;
            let started = Instant::now();
            while ended.recv_timeout(slice) == Err(RecvTimeoutError::Timeout) {
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
    use std::os::unix::process::CommandExt as _;
    use std::process::{Child, Command};
    use std::time::{Duration, Instant};

    use rustix::process::Pid;

    use super::Throttle;

    /// The state of a process as the kernel shows it: `T` is stopped.
    fn state(child: &Child) -> char {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", child.id())).expect("it runs");
        let (_, after) = stat.rsplit_once(") ").expect("a name in parentheses");
        after.chars().next().expect("a state")
    }

    #[test]
    fn a_slowed_group_is_stopped_at_times_and_runs_on_afterwards() {
        let mut child = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .process_group(0)
            .spawn()
            .expect("a shell");
        let throttle = Throttle::start(Pid::from_child(&child), 3.0).expect("a thread");
        let until = Instant::now() + Duration::from_secs(30);
        while state(&child) != 'T' {
            assert!(Instant::now() < until, "it never stood still");
        }
        drop(throttle);
        assert_ne!(state(&child), 'T', "it was left stopped");
        child.kill().expect("it still runs");
        child.wait().expect("it ended");
    }
}
