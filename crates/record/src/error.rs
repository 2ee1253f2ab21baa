//! Why something could not be recorded.

use std::path::PathBuf;
use std::{error, fmt, io};

use crate::metric::Unit;
use crate::variable::VARIABLE;

/// Why something could not be recorded.
///
/// `Display` and `Error` are written out: a derive would double what every user
/// of this package compiles.
#[derive(Debug)]
pub enum RecordError {
    /// NaN and infinities are not measurements.
    NotFinite {
        /// The benchmark.
        id: String,
        /// The metric's name.
        metric: String,
        /// The value.
        value: f64,
    },
    /// The unit has no such values.
    OutOfRange {
        /// The benchmark.
        id: String,
        /// The metric's name.
        metric: String,
        /// The value.
        value: f64,
        /// The unit.
        unit: Unit,
        /// The smallest value in that unit.
        least: f64,
        /// The largest.
        most: f64,
    },
    /// A process records one value of a metric: with two, neither could be used.
    Twice {
        /// The benchmark.
        id: String,
        /// The metric's name.
        metric: String,
    },
    /// A distribution holds latencies, or failed operations.
    Nothing {
        /// The benchmark.
        id: String,
        /// The distribution's name.
        metric: String,
    },
    /// The file that the gate named could not be written.
    Append {
        /// The file.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { id, metric, value } => write!(
                f,
                "metric `{metric}` of `{id}` is {value}; only finite values can be recorded"
            ),
            Self::OutOfRange { id, metric, value, unit, least, most } => write!(
                f,
                "metric `{metric}` of `{id}` is {value}; a value in {unit} must be between \
                 {least} and {most}"
            ),
            Self::Twice { id, metric } => write!(
                f,
                "metric `{metric}` of `{id}` is recorded twice in one process; record it once, \
                 outside of the code that the harness repeats"
            ),
            Self::Nothing { id, metric } => write!(
                f,
                "`{metric}` of `{id}` has neither a latency nor a failed operation; record what \
                 was observed"
            ),
            Self::Append { path, source } => {
                write!(f, "cannot append to {} (named by {VARIABLE}): {source}", path.display())
            }
        }
    }
}

impl error::Error for RecordError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Append { source, .. } => Some(source),
            Self::NotFinite { .. }
            | Self::OutOfRange { .. }
            | Self::Twice { .. }
            | Self::Nothing { .. } => None,
        }
    }
}
