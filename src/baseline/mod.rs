//! Snapshots on disk: `<root>/<machine class>/<name>.json`, one file each.
//!
//! A file is a superset of critcmp's export format, so the real critcmp
//! compares two of them as they are. critcmp sees one set of estimates a
//! benchmark; the runs, the samples, the environment and every metric that is
//! not a criterion time ride in fields named `benchgate`, which it passes over.
//! Where both speak, the runs are the truth and critcmp's part is derived.
//!
//! - [`Store`] saves, loads, lists, promotes and prunes. A file is replaced
//!   whole: whenever a writer dies, the previous or the next one is there.
//! - [`Store::noise`] keeps what is known of a machine class's noise beside them.
//! - [`read`] takes any one file, ours or a plain critcmp export.
//! - [`import_critcmp`] and [`export_critcmp`] speak critcmp's format alone.
//! - [`schema`] describes the files to editors and to other tools.
//!
//! The text is laid out for `git diff`: one line for each field of a benchmark,
//! sorted by name.

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
