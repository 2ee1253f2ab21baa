//! One gate at a time in a target directory.

use std::fs::TryLockError;
use std::io::{self, Read, Seek, Write};
use std::path::Path;
use std::time::Duration;

use fs_err as fs;

use crate::drive::Interrupt;

/// The file that is locked. It stays behind; what counts is who holds it.
pub(super) const FILE: &str = "in-use";

/// How often one that waits looks again.
const PATIENCE: Duration = Duration::from_millis(100);

/// Characters that are read of a holder's description.
const DESCRIBED: u64 = 200;

/// Why a directory was not claimed.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Whether another gate is at work could not be found out.
    #[error("cannot lock the target directory against another gate: {0}")]
    Lock(#[from] io::Error),
    /// This process was asked to stop while it waited.
    #[error("interrupted by signal {signal}; nothing was saved")]
    Interrupted {
        /// The signal.
        signal: i32,
    },
}

/// That this process alone builds and measures below a directory, until it is
/// dropped.
///
/// Two gates in one target directory would replace each other's executables while
/// they are measured, and disturb each other's times. The lock is advisory and the
/// system's: it ends with the process, however that ends.
#[derive(Debug)]
pub struct Claim {
    // Held open, and with it the lock. Programs that are started do not inherit it.
    _file: fs::File,
}

impl Claim {
    /// Claims a directory, which is made where it is missing, for `what`: a command.
    ///
    /// While another process holds it this waits, once `waiting` has been told who
    /// that is. On a file system without locks nothing is guarded.
    pub fn take(
        directory: &Path,
        what: &str,
        interrupt: &Interrupt,
        waiting: &mut dyn FnMut(&str),
    ) -> Result<Self, ClaimError> {
        fs::create_dir_all(directory)?;
        let mut options = fs::OpenOptions::new();
        // Not truncated: it may be another's.
        options.read(true).write(true).create(true).truncate(false);
        let mut file = options.open(directory.join(FILE))?;
        let mut told = false;
        loop {
            match file.file().try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                    return Ok(Self { _file: file });
                }
                Err(TryLockError::Error(error)) => return Err(error.into()),
                Err(TryLockError::WouldBlock) => {}
            }
            if !std::mem::replace(&mut told, true) {
                waiting(&holder(&mut file));
            }
            if let Some(signal) = interrupt.signal() {
                return Err(ClaimError::Interrupted { signal });
            }
            std::thread::sleep(PATIENCE);
        }
        let described = format!("`{what}`, process {}", std::process::id());
        // Only a message is the poorer where that fails.
        let _ = file.rewind();
        let _ = file.set_len(0).and_then(|()| file.write_all(described.as_bytes()));
        Ok(Self { _file: file })
    }
}

/// Who holds it, as it says itself.
fn holder(file: &mut fs::File) -> String {
    let mut text = Vec::new();
    let read = file.rewind().and_then(|()| file.take(DESCRIBED).read_to_end(&mut text));
    match String::from_utf8_lossy(&text).trim() {
        described if read.is_ok() && !described.is_empty() => described.to_owned(),
        // It has only just begun.
        _ => "another gate".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    #[test]
    fn the_second_waits_for_the_first_and_can_be_interrupted() {
        let home = tempfile::tempdir().expect("a directory");
        let home = &home.path().join("gate");
        let first = Claim::take(home, "gate ab", &Interrupt::new(), &mut |_| panic!("it is free"));
        let first = first.expect("claimed");
        let interrupt = Interrupt::new();
        let (send, told) = channel();
        std::thread::scope(|scope| {
            let second = scope.spawn(|| {
                let mut tell = |who: &str| send.send(who.to_owned()).expect("somebody listens");
                Claim::take(home, "gate run", &interrupt, &mut tell).map(drop)
            });
            let who = told.recv().expect("it is told");
            assert_eq!(who, format!("`gate ab`, process {}", std::process::id()));
            interrupt.raise(2);
            let ended = second.join().expect("it ends");
            assert!(matches!(ended, Err(ClaimError::Interrupted { signal: 2 })), "{ended:?}");

            let third = scope.spawn(|| {
                let mut tell = |who: &str| send.send(who.to_owned()).expect("somebody listens");
                Claim::take(home, "gate run", &Interrupt::new(), &mut tell).map(drop)
            });
            told.recv().expect("it is told");
            drop(first);
            third.join().expect("it ends").expect("claimed");
        });
        let text = std::fs::read_to_string(home.join(FILE)).expect("it is there");
        assert_eq!(text, format!("`gate run`, process {}", std::process::id()));
    }
}
