//! `gate report`

use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{Shown, write_all};
use crate::cli::context::{Context, Failed};
use crate::exit::Exit;
use crate::report;

/// Render a saved report in another format
///
/// `--output FILE`, `--report DIR` and `--format json` save reports:
///
///   gate report target/report/report.json                     as a table
///   gate report report.json --format markdown                 for a pull request's comment
///   gate report report.json --format html > report.html       to open in a browser
///   gate report report.json --report out                      in every format, into a directory
///
/// Nothing is judged again. The exit code is 0 once the report is written, whatever its verdict.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct ReportCommand {
    /// Render this report, a JSON file
    file: PathBuf,
    #[command(flatten)]
    shown: Shown,
    /// Write copies in every format into this directory [default: no copies]
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

impl ReportCommand {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { file, shown, report: directory } = self;
        let report = report::read(&file)?;
        if let Some(directory) = directory {
            write_all(&directory, &report)?;
        }
        shown.write(context, &report)?;
        Ok(Exit::Pass)
    }
}
