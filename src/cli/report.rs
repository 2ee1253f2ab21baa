//! `gate report`

use std::path::PathBuf;

use clap::Args;

use super::output::{self, Shown};
use super::{Context, Failed};
use crate::exit::Exit;
use crate::report;

/// Render a saved report again
///
/// The report is what `--output FILE`, `--report DIR` or `--format json` wrote:
///
///   gate report target/report/report.json                     as a table
///   gate report report.json --format markdown                 for a pull request's comment
///   gate report report.json --format html > report.html       to open in a browser
///   gate report report.json --report out                      in every format, into a directory
///
/// Nothing is judged again: whatever the verdict, the exit code is 0 once it is written.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct ReportCommand {
    /// The report, as JSON
    file: PathBuf,
    #[command(flatten)]
    shown: Shown,
    /// Also write it in every format into this directory
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl ReportCommand {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { file, shown, report: directory } = self;
        let report = report::read(&file)?;
        if let Some(directory) = directory {
            output::write_all(&directory, &report)?;
        }
        shown.write(context, &report)?;
        Ok(Exit::Pass)
    }
}
