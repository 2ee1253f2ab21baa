//! Snapshots on disk: `<root>/<machine class>/<name>.json`, one file each.
//!
//! A file is a superset of critcmp's export format, so critcmp itself can compare two
//! of them. critcmp reads one set of estimates for each benchmark. The runs, the
//! samples, the environment and every metric that is not a criterion time are in
//! fields named `benchgate`, which it ignores. critcmp's part is derived from the runs.
//!
//! - [`Store`] saves, loads, lists, promotes and prunes baselines.
//! - [`Store::noise`] reads the known noise of a machine class, which is stored next to
//!   its baselines.
//! - [`read`] reads a single file: a snapshot or a plain critcmp export.
//! - [`import_critcmp`] and [`export_critcmp`] read and write critcmp's format.
//! - [`schema`] describes the files for editors and other tools.
//!
//! The text is formatted for `git diff`: a line for each field of a benchmark, sorted by
//! name.

mod checked;
mod critcmp;
mod decode;
mod derive;
mod encode;
mod error;
mod layout;
mod load;
mod name;
mod noise;
mod number;
mod store;
mod unique;
mod wire;

pub use critcmp::export::{CritcmpExport, export_critcmp};
pub use critcmp::import::import_critcmp;
pub use decode::read;
pub use error::{BaselineError, NameKind};
pub use load::MAX_FILE_BYTES;
pub use noise::{NOISE_SCHEMA_VERSION, noise_schema};
pub use store::{Entry, Promoted, Prune, Pruned, Store, Summary};
pub use wire::{SCHEMA_VERSION, schema};

use std::path::Path;

use crate::files;
use crate::model::Snapshot;

pub use crate::files::Existing;

/// Writes a snapshot to a file outside any store. An existing file is replaced
/// atomically.
pub fn write(path: &Path, snapshot: &Snapshot) -> Result<(), BaselineError> {
    Ok(files::write(path, &encode::text(snapshot)?, Existing::Replace)?)
}
