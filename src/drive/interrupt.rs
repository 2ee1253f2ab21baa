//! Ctrl-C and termination as an event that reaches whoever is waiting.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Whether this process was asked to stop.
///
/// Every function that starts processes takes one. Once it is raised, the
/// running process group is ended, scratch directories are removed, and the
/// function returns an error that names the signal. Cheap to clone; clones
/// share their state.
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    signal: Option<i32>,
    next: u64,
    waiting: BTreeMap<u64, Box<dyn Fn() + Send>>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("signal", &self.signal).finish_non_exhaustive()
    }
}

impl Interrupt {
    /// One that only [`raise`](Self::raise) raises.
    pub fn new() -> Self {
        Self::default()
    }

    /// One that SIGINT, SIGTERM and SIGHUP raise from now on, in place of
    /// ending the process. To be called once, early in `main`. A SIGHUP that
    /// was ignored from outside (`nohup`) stays ignored. A second signal while
    /// no process runs ends this one: nothing is left that could be tidied up.
    pub fn install() -> io::Result<Self> {
        let mut signals = vec![SIGINT, SIGTERM];
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        if !ignores(&status, SIGHUP) {
            signals.push(SIGHUP);
        }
        let mut signals = Signals::new(signals)?;
        let interrupt = Self::new();
        let raised = interrupt.clone();
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                let again = raised.signal().is_some();
                raised.raise(signal);
                if again && raised.lock().waiting.is_empty() {
                    // Fails for unknown signals only, and those are not asked for.
                    let _ = signal_hook::low_level::emulate_default_handler(signal);
                }
            }
        })?;
        Ok(interrupt)
    }

    /// Asks to stop, as that signal would. The first signal counts.
    pub fn raise(&self, signal: i32) {
        let mut state = self.lock();
        state.signal.get_or_insert(signal);
        for wake in state.waiting.values() {
            wake();
        }
    }

    /// The signal that asked to stop, if one did.
    pub fn signal(&self) -> Option<i32> {
        self.lock().signal
    }

    /// Calls `wake` once it is raised, at once if it is already, until the
    /// returned value is dropped. `wake` must not block.
    pub(crate) fn on_raise(&self, wake: impl Fn() + Send + 'static) -> Waiting<'_> {
        let mut state = self.lock();
        if state.signal.is_some() {
            wake();
        }
        let key = state.next;
        state.next += 1;
        state.waiting.insert(key, Box::new(wake));
        Waiting { interrupt: self, key }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is a number and a map: whole after any panic.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A registration with [`Interrupt::on_raise`]; dropping it ends it.
pub(crate) struct Waiting<'a> {
    interrupt: &'a Interrupt,
    key: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.interrupt.lock().waiting.remove(&self.key);
    }
}

/// Whether `/proc/self/status` says that a signal is ignored.
fn ignores(status: &str, signal: i32) -> bool {
    status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn raising_wakes_those_who_wait_and_the_first_signal_counts() {
        let interrupt = Interrupt::new();
        assert_eq!(interrupt.signal(), None);
        let (send, woken) = channel();
        let waiting = interrupt.on_raise(move || send.send(()).expect("the receiver lives"));
        interrupt.clone().raise(SIGTERM);
        interrupt.raise(SIGINT);
        assert_eq!(interrupt.signal(), Some(SIGTERM));
        assert_eq!(woken.try_iter().count(), 2);
        drop(waiting);

        let (send, woken) = channel();
        let _waiting = interrupt.on_raise(move || send.send(()).expect("the receiver lives"));
        assert_eq!(woken.try_iter().count(), 1, "already raised: woken at once");
    }

    #[test]
    fn an_ignored_hangup_is_seen_in_the_process_status() {
        assert!(ignores("Name:\tgate\nSigIgn:\t0000000000000001\n", SIGHUP));
        assert!(!ignores("Name:\tgate\nSigIgn:\t0000000000001002\n", SIGHUP));
        assert!(ignores("SigIgn:\t0000000000001002\n", SIGINT));
        assert!(!ignores("", SIGHUP));
        assert!(!ignores("SigIgn:\tzzz\n", SIGHUP));
    }
}
