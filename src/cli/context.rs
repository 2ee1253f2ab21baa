//! The context of every command, and how a command fails.

use std::path::{Path, PathBuf};

use jiff::civil::Date;

use super::progress;
use super::shell::Shell;
use crate::exit::Exit;
use crate::measure::{Claim, ClaimError, Interrupt, Progress, Silent};

/// The context of every command.
pub(super) struct Context {
    /// How the user called the program: `gate` or `cargo gate`.
    pub(super) program: &'static str,
    pub(super) shell: Shell,
    /// The working directory.
    pub(super) directory: PathBuf,
    /// The day on which the program started: it decides which waivers have expired.
    pub(super) today: Date,
}

impl Context {
    /// Shows on stderr what is being built and measured.
    pub(super) fn progress(&self) -> Box<dyn Progress> {
        if self.shell.quiet { Box::new(Silent) } else { progress::on_stderr() }
    }

    /// Keeps other gates out of a target directory, and waits while one is in it.
    pub(super) fn claim(
        &self,
        command: &str,
        target: &Path,
        interrupt: &Interrupt,
    ) -> Result<Claim, ClaimError> {
        let place = target.join("gate");
        Claim::take(&place, command, interrupt, &mut |holder| {
            let place = place.display();
            self.shell.note(&format!(
                "waiting for another gate to end ({holder}): it builds and measures in {place}. \
                 CARGO_TARGET_DIR can set another directory for this gate, but two gates at once \
                 disturb each other's times"
            ));
        })
    }
}

/// An error with the exit code that it asks for.
#[derive(Debug)]
pub(super) struct Failed {
    pub(super) exit: Exit,
    pub(super) error: anyhow::Error,
}

impl Failed {
    /// The command line or the policy is wrong.
    pub(super) fn usage(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::Usage, error: error.into() }
    }

    /// The command exists, but its feature was not compiled in.
    #[cfg(not(feature = "full"))]
    pub(super) fn not_compiled_in(command: &str, feature: &str) -> Self {
        Self::usage(anyhow::anyhow!(
            "`gate {command}` needs the feature `{feature}`, which is not compiled in; install it \
             with: cargo install benchgate --features {feature}"
        ))
    }

    /// There is nothing to compare with.
    pub(super) fn nothing(error: impl Into<anyhow::Error>) -> Self {
        Self { exit: Exit::NothingCompared, error: error.into() }
    }

    /// The error and its causes on one line. A cause that the text already
    /// contains is not repeated.
    pub(super) fn message(&self) -> String {
        let mut text = String::new();
        for cause in self.error.chain().map(ToString::to_string) {
            if text.is_empty() {
                text = cause;
            } else if !text.contains(&cause) {
                text = format!("{text}: {cause}");
            }
        }
        text
    }
}

impl<E: Into<anyhow::Error>> From<E> for Failed {
    fn from(error: E) -> Self {
        Self { exit: Exit::Failure, error: error.into() }
    }
}
