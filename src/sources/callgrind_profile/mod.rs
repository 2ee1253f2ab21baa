//! Callgrind's own output file: how many instructions each function took.
//!
//! The format is described in Valgrind's manual, "Callgrind Format
//! Specification". A function's own instructions are read, and those of the functions that
//! it called, which follow a line `calls=`.
//!
//! A file can hold several parts. With `--dump-before=FUNCTION` callgrind writes
//! one whenever that function is entered, and with `--combine-dumps=yes` it
//! appends all of them to one file. [`parts`] reads such a file where the function
//! is the one that reads the clock.
//!
//! # Counts that follow the code
//!
//! One and the same request takes an allocator more or fewer instructions, depending on what
//! earlier requests left of the heap. [`Profile::charged`] therefore leaves an allocator's
//! instructions out and charges a constant for each call of it ([`CALL`]). What is left out is
//! the cost of all calls that enter an allocator from outside of it; this cost holds only what
//! was executed while callgrind collected. How many calls there were is read at the entry
//! instruction, which needs `--dump-instr=yes`: callgrind's number of calls in `calls=` also
//! contains calls that were made while it did not collect. An allocator that enters itself by
//! a public name (mimalloc's `mi_realloc` frees by `mi_free`) is charged for that, too.
//!
//! Callgrind does not record how many bytes were asked for.

mod allocator;
mod executed;
mod graph;
mod parser;
mod profile;

use std::path::{Path, PathBuf};

pub use allocator::CALL;
pub use executed::{Executed, executed};
pub use graph::Uncharged;
pub use profile::{Charged, Difference, Part, Profile, differences};

use super::file;

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct ProfileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and in which line.
    pub reason: String,
}

impl Profile {
    /// Reads a file that callgrind wrote when its program ended.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        file::bytes(path)
            .and_then(|bytes| parser::profile(&String::from_utf8_lossy(&bytes)))
            .map_err(|reason| ProfileError { path: path.to_owned(), reason })
    }
}

/// Reads a file of parts, each of which ends where the clock is read, in the order
/// in which they were written. Function names must not be demangled in it.
pub fn parts(path: &Path) -> Result<Vec<Part>, ProfileError> {
    file::bytes(path)
        .and_then(|bytes| parser::parts(&String::from_utf8_lossy(&bytes)))
        .map_err(|reason| ProfileError { path: path.to_owned(), reason })
}
