//! The format of a report, and the files that it is written to.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::cli::context::{Context, Failed};
use crate::exit::Exit;
use crate::files::{self, Existing};
use crate::judge::Report;
use crate::report::{
    Annotations, Bencher, Csv, GithubBenchmark, Html, Json, Junit, Markdown, Render, TargetCsv,
    Terminal,
};

/// Names the file that GitHub's runner takes a step's summary from.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

const SMALLER: GithubBenchmark = GithubBenchmark { bigger_is_better: false };
const BIGGER: GithubBenchmark = GithubBenchmark { bigger_is_better: true };

/// The format of a report, and the files that it is written to.
#[derive(Debug, Args)]
pub(in crate::cli) struct OutputArgs {
    #[command(flatten)]
    shown: Shown,
    /// Write a copy of the report to this file, as JSON [default: no copy]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Write copies in every format into this directory: report.json, report.md, report.html,
    /// report.csv, targets.csv, junit.xml, bencher.json, github-action-benchmark.json
    /// [default: no copies]
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// The part that is written to stdout.
#[derive(Debug, Args)]
pub(in crate::cli) struct Shown {
    /// Write the report to stdout in this format
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Show all rows, also those that cannot fail the gate or were not selected
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table to read
    Terminal,
    /// JSON; its schema is docs/schema/report.schema.json
    Json,
    /// A comment on a pull request: at most 65,536 characters
    Markdown,
    /// A single file to open in a browser, with plots
    Html,
    /// For spreadsheets and scripts: a line for each row
    Csv,
    /// XML for CI servers
    Junit,
    /// Annotations of a GitHub workflow, and the job's summary
    Github,
    /// Bencher Metric Format
    Bmf,
    /// For github-action-benchmark, tool customSmallerIsBetter
    GhaBenchmark,
    /// For github-action-benchmark, tool customBiggerIsBetter
    GhaBenchmarkBigger,
}

impl OutputArgs {
    /// The directory for a report in every format, if there is to be one.
    pub(in crate::cli) fn directory(&self) -> Option<&Path> {
        self.report.as_deref()
    }

    /// Writes the report. Everything is written before a failing exit code is returned.
    pub(in crate::cli) fn write(&self, context: &Context, report: &Report) -> Result<Exit, Failed> {
        let Self { shown, output, report: directory } = self;
        if let Some(path) = output {
            files::write(path, Json.render(report).as_bytes(), Existing::Replace)?;
        }
        if let Some(directory) = directory {
            write_all(directory, report)?;
        }
        shown.write(context, report)?;
        Ok(report.verdict.as_ref().map_or(Exit::Pass, |verdict| verdict.exit))
    }
}

/// Writes a file for each format, each replaced atomically. The report itself comes
/// first: the others can be rendered from it again.
pub(in crate::cli) fn write_all(directory: &Path, report: &Report) -> Result<(), Failed> {
    let mut formats: Vec<(&str, &dyn Render)> = vec![
        ("report.json", &Json),
        ("report.md", &Markdown::COMMENT),
        ("report.html", &Html),
        ("report.csv", &Csv),
        ("junit.xml", &Junit),
        ("bencher.json", &Bencher),
        ("github-action-benchmark.json", &SMALLER),
    ];
    if report.targets.is_some() {
        formats.push(("targets.csv", &TargetCsv));
    }
    if BIGGER.applies(report) {
        formats.push(("github-action-benchmark-bigger.json", &BIGGER));
    }
    for (name, format) in formats {
        let text = format.render(report);
        files::write(&directory.join(name), text.as_bytes(), Existing::Replace)?;
    }
    Ok(())
}

impl Shown {
    /// Writes the report to stdout, and the job's summary if GitHub asks for it.
    pub(in crate::cli) fn write(&self, context: &Context, report: &Report) -> Result<(), Failed> {
        let Self { format, all } = self;
        let (width, bars) = (context.shell.width(), context.shell.bars());
        let text = match format {
            Format::Terminal => Terminal { width, all: *all, bars }.render(report),
            Format::Json => Json.render(report),
            Format::Markdown => Markdown::COMMENT.render(report),
            Format::Html => Html.render(report),
            Format::Csv => Csv.render(report),
            Format::Junit => Junit.render(report),
            Format::Github => Annotations.render(report),
            Format::Bmf => Bencher.render(report),
            Format::GhaBenchmark => SMALLER.render(report),
            Format::GhaBenchmarkBigger => BIGGER.render(report),
        };
        context.shell.data(&text)?;
        if *format == Format::Github
            && let Some(path) = std::env::var_os(STEP_SUMMARY).filter(|path| !path.is_empty())
        {
            // Appended: other steps of the job write to the same file.
            let mut file = fs_err::OpenOptions::new().append(true).create(true).open(path)?;
            file.write_all(Markdown::SUMMARY.render(report).as_bytes())?;
        }
        Ok(())
    }
}
