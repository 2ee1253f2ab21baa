//! Why nothing was built.

use std::io;
use std::path::PathBuf;

use crate::drive::process::{Ended, ProcessError};
use crate::model::NotRun;

/// Why nothing was built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// cargo could not be run, or was interrupted.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// `cargo metadata` failed: no manifest, or a broken one.
    #[error("cannot read the project: {0}")]
    Metadata(cargo_metadata::Error),
    /// The current directory is not known.
    #[error("cannot tell where the target directory is: {0}")]
    Directory(io::Error),
    /// The program that stands in for benchmarks could not be prepared, or did not write.
    #[error("cannot tell which environment cargo gives to benchmarks: {0}")]
    Environment(io::Error),
    /// The code does not compile, or an option is wrong; cargo has said which.
    #[error(
        "`cargo {command}` failed ({ended}): cargo's messages above say why; the gate measures only what builds"
    )]
    Failed {
        /// cargo's arguments.
        command: String,
        /// How it ended.
        ended: Ended,
    },
    /// There is nothing to measure.
    #[error(
        "{} has no bench target to measure: add a `[[bench]]` with `harness = false` that uses criterion or iai-callgrind{}",
        root.display(), left_out(.not_run)
    )]
    NoBenches {
        /// The workspace.
        root: PathBuf,
        /// Targets that were left out.
        not_run: Vec<NotRun>,
    },
}

fn left_out(not_run: &[NotRun]) -> String {
    let each = not_run.iter().map(|one| format!("; {}: {}", one.subject, one.reason));
    each.collect::<Vec<_>>().concat()
}
