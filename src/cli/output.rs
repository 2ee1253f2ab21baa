//! How and where a report is written.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Context, Failed};
use crate::exit::Exit;
use crate::judge::Report;
use crate::report::{
    Annotations, Bencher, GithubBenchmark, Html, Json, Junit, Markdown, Render, Terminal,
};

/// Where GitHub's runner takes a step's summary from.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

const SMALLER: GithubBenchmark = GithubBenchmark { bigger_is_better: false };
const BIGGER: GithubBenchmark = GithubBenchmark { bigger_is_better: true };

/// How and where a report is written.
#[derive(Debug, Args)]
pub(super) struct OutputArgs {
    #[command(flatten)]
    pub(super) shown: Shown,
    /// Also write the report as JSON to this file
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Also write the report in every format into this directory: report.json, report.md,
    /// report.html, junit.xml, bencher.json, github-action-benchmark.json
    #[arg(long, value_name = "DIR")]
    report: Option<PathBuf>,
}

/// What is written on stdout.
#[derive(Debug, Args)]
pub(super) struct Shown {
    /// The format of the report on stdout
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Also rows of metrics that cannot gate, and of what was not selected
    #[arg(long)]
    all: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A table to read
    #[value(alias = "table")]
    Terminal,
    /// JSON, whose schema is docs/schema/report.schema.json
    Json,
    /// For a pull request's comment: at most 65,536 characters
    Markdown,
    /// One file to open in a browser, with plots
    Html,
    /// XML for CI servers
    Junit,
    /// Annotations of a GitHub workflow; the job's summary, too, in one
    Github,
    /// Bencher Metric Format
    Bmf,
    /// For github-action-benchmark, tool customSmallerIsBetter
    GhaBenchmark,
    /// For github-action-benchmark, tool customBiggerIsBetter
    GhaBenchmarkBigger,
}

impl OutputArgs {
    /// Writes the report; only then may the exit code fail anything.
    pub(super) fn write(&self, context: &Context, report: &Report) -> Result<Exit, Failed> {
        let Self { shown, output, report: directory } = self;
        if let Some(path) = output {
            crate::baseline::replace(path, Json.render(report).as_bytes())?;
        }
        if let Some(directory) = directory {
            write_all(directory, report)?;
        }
        shown.write(context, report)?;
        let code = report.verdict.as_ref().map_or(0, |verdict| verdict.exit_code);
        Ok(Exit::from_code(code).unwrap_or(Exit::Failure))
    }
}

/// Every format in a file of its own, each replaced whole. The report itself is
/// the first: the others can be made from it again.
pub(super) fn write_all(directory: &Path, report: &Report) -> Result<(), Failed> {
    let mut files: Vec<(&str, &dyn Render)> = vec![
        ("report.json", &Json),
        ("report.md", &Markdown::COMMENT),
        ("report.html", &Html),
        ("junit.xml", &Junit),
        ("bencher.json", &Bencher),
        ("github-action-benchmark.json", &SMALLER),
    ];
    if BIGGER.applies(report) {
        files.push(("github-action-benchmark-bigger.json", &BIGGER));
    }
    for (name, format) in files {
        crate::baseline::replace(&directory.join(name), format.render(report).as_bytes())?;
    }
    Ok(())
}

impl Shown {
    /// Writes the report to stdout, and a job's summary where GitHub wants one.
    pub(super) fn write(&self, context: &Context, report: &Report) -> Result<(), Failed> {
        let Self { format, all } = self;
        let (width, bars) = (context.shell.width(), context.shell.bars());
        let text = match format {
            Format::Terminal => Terminal { width, all: *all, bars }.render(report),
            Format::Json => Json.render(report),
            Format::Markdown => Markdown::COMMENT.render(report),
            Format::Html => Html.render(report),
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
            // Other steps of the job write there, too.
            let mut file = fs_err::OpenOptions::new().append(true).create(true).open(path)?;
            file.write_all(Markdown::SUMMARY.render(report).as_bytes())?;
        }
        Ok(())
    }
}
