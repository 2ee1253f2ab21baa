//! critcmp's export format (0.1.8): its types, a snapshot written in it, and a file
//! read from it.
//!
//! critcmp compares by the key in `benchmarks` (with `--group`, by `full_id`) and
//! shows the mean, the standard deviation and the throughput. It names its columns
//! after each benchmark's `baseline`.

pub(super) mod export;
pub(super) mod format;
pub(super) mod import;
