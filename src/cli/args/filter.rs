//! The benchmarks to measure, and durations.

use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;

use crate::cli::context::Failed;
use crate::measure::{BuildOptions, Filter};
use crate::model::Snapshot;

#[derive(Debug, Args)]
pub(in crate::cli) struct FilterArgs {
    /// Measure only benchmarks whose name matches this regular expression [default: all]
    #[arg(long, value_name = "REGEX")]
    filter: Option<String>,
}

impl FilterArgs {
    pub(in crate::cli) fn compile(&self) -> Result<Option<Filter>, Failed> {
        self.filter.as_deref().map(Filter::matching).transpose().map_err(Failed::usage)
    }
}

/// The benchmarks of results that exist, and that are to be judged or shown.
#[derive(Debug, Args)]
pub(in crate::cli) struct PartArgs {
    /// Judge only benchmarks whose name matches this regular expression; the others are neither
    /// compared nor missing [default: all]
    #[arg(long, value_name = "REGEX")]
    filter: Option<String>,
}

impl PartArgs {
    /// Leaves the other benchmarks out of both sides. The candidate says that it is a part.
    pub(in crate::cli) fn apply(
        &self,
        candidate: &mut Snapshot,
        others: [Option<&mut Snapshot>; 2],
    ) -> Result<(), Failed> {
        let Some(text) = self.filter.as_deref() else { return Ok(()) };
        let filter = Filter::matching(text).map_err(Failed::usage)?;
        for side in others.into_iter().flatten() {
            side.keep(|id| filter.accepts(&id.name));
        }
        candidate.keep(|id| filter.accepts(&id.name));
        let words = format!("--filter {text}");
        candidate.selection = Some(match candidate.selection.take() {
            Some(selection) => format!("{selection} {words}"),
            None => words,
        });
        Ok(())
    }
}

/// The part of the benchmarks that was selected, in the words of the command line;
/// `None` if all are measured.
pub(in crate::cli) fn selection(build: &BuildOptions, filter: Option<&Filter>) -> Option<String> {
    let mut words = Vec::new();
    for (option, values) in [("--bench", &build.benches), ("--package", &build.packages)] {
        words.extend(values.iter().map(|value| format!("{option} {value}")));
    }
    words.extend(filter.map(|filter| format!("--filter {}", filter.as_str())));
    (!words.is_empty()).then(|| words.join(" "))
}

/// Reads a duration such as `90s` or `10m`.
pub(in crate::cli) fn parse_duration(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "write a duration such as 90s or 10m".to_owned())
}

/// Reads a positive share such as `10%`.
pub(in crate::cli) fn parse_share(text: &str) -> Result<f64, String> {
    text.strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok())
        .filter(|percent| *percent > 0.0 && *percent <= 1000.0)
        .map(|percent| percent / 100.0)
        .ok_or_else(|| "write a share such as 10%, up to 1000%".to_owned())
}
