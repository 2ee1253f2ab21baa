//! Paths that both sides of a trial use in turn.

use std::fmt;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use crate::model::TrialSide;

/// Paths that hold the files of one side at a time.
///
/// A process that needs a side's files enters it first. Processes of
/// one side may run at once; a process of the other side waits until they have
/// ended, and the paths are switched.
pub struct SharedPaths {
    state: Mutex<State>,
    left: Condvar,
    switch: Box<dyn Fn(TrialSide) -> io::Result<()> + Send + Sync>,
}

#[derive(Debug, Default)]
struct State {
    /// Unknown at first, and after a switch that failed.
    side: Option<TrialSide>,
    users: usize,
}

impl fmt::Debug for SharedPaths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedPaths").field("state", &self.state).finish_non_exhaustive()
    }
}

impl SharedPaths {
    /// Paths that `switch` gives to a side. It is called while nothing uses them.
    pub fn new(switch: impl Fn(TrialSide) -> io::Result<()> + Send + Sync + 'static) -> Self {
        Self { state: Mutex::default(), left: Condvar::new(), switch: Box::new(switch) }
    }

    fn enter(&self, side: TrialSide) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while state.users > 0 && state.side != Some(side) {
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.side != Some(side) {
            state.side = None;
            (self.switch)(side)?;
            state.side = Some(side);
        }
        state.users += 1;
        Ok(())
    }

    fn leave(&self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.users -= 1;
        if state.users == 0 {
            self.left.notify_all();
        }
    }
}

/// The side whose files a process needs at shared paths.
#[derive(Clone, Debug)]
pub struct OnSide {
    paths: Arc<SharedPaths>,
    side: TrialSide,
}

impl OnSide {
    /// One side of shared paths.
    pub fn new(paths: Arc<SharedPaths>, side: TrialSide) -> Self {
        Self { paths, side }
    }

    /// Gives the paths to this side until the guard is dropped.
    ///
    /// # Errors
    /// They cannot be switched.
    pub fn enter(&self) -> io::Result<Entered<'_>> {
        self.paths.enter(self.side)?;
        Ok(Entered { paths: &self.paths })
    }
}

/// Two are equal if they are the same side of the same paths.
impl PartialEq for OnSide {
    fn eq(&self, other: &Self) -> bool {
        self.side == other.side && Arc::ptr_eq(&self.paths, &other.paths)
    }
}

impl Eq for OnSide {}

/// Keeps shared paths with one side.
#[derive(Debug)]
pub struct Entered<'a> {
    paths: &'a SharedPaths,
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.paths.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn sides_use_the_paths_in_turn_and_never_together() {
        let switched = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&switched);
        let paths = Arc::new(SharedPaths::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Ok(())
        }));
        let inside = Mutex::new((0_u32, 0_u32));
        std::thread::scope(|scope| {
            for side in [TrialSide::Base, TrialSide::Head, TrialSide::Base, TrialSide::Head] {
                let on_side = OnSide::new(Arc::clone(&paths), side);
                let inside = &inside;
                scope.spawn(move || {
                    for _ in 0..100 {
                        let _entered = on_side.enter().unwrap();
                        let change = |by: i32| {
                            let mut inside = inside.lock().unwrap();
                            let count =
                                if side == TrialSide::Base { &mut inside.0 } else { &mut inside.1 };
                            *count = count.checked_add_signed(by).unwrap();
                            assert!(inside.0 == 0 || inside.1 == 0, "{inside:?}");
                        };
                        change(1);
                        std::thread::yield_now();
                        change(-1);
                    }
                });
            }
        });
        assert!(switched.load(Ordering::Relaxed) >= 2);
        let base = OnSide::new(Arc::clone(&paths), TrialSide::Base);
        let before = switched.load(Ordering::Relaxed);
        drop(base.enter().unwrap());
        drop(base.enter().unwrap());
        assert!(switched.load(Ordering::Relaxed) <= before + 1, "the side did not change");
    }

    #[test]
    fn a_switch_that_failed_is_tried_again() {
        let calls = AtomicU32::new(0);
        let paths = SharedPaths::new(move |_| match calls.fetch_add(1, Ordering::Relaxed) {
            1 => Err(io::Error::other("busy")),
            _ => Ok(()),
        });
        let paths = Arc::new(paths);
        let on = |side| OnSide::new(Arc::clone(&paths), side);
        drop(on(TrialSide::Base).enter().unwrap());
        assert!(on(TrialSide::Head).enter().is_err());
        drop(on(TrialSide::Head).enter().unwrap());
    }
}
