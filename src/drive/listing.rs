//! Which benchmarks an executable holds, as it lists them.

use std::ffi::OsString;
use std::time::Duration;

use super::process::{self, Ended, ProcessError, Stream};
use super::{BenchExecutable, Filter, Harness, Interrupt};
use crate::model::NotRun;
use crate::record;
use crate::sources;

/// A benchmark as an executable lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listed {
    /// Criterion's title, which is the `full_id` unless `cut`, or iai-callgrind's path.
    pub name: String,
    /// Whether criterion cut the title short: `name` is then only its beginning.
    pub cut: bool,
}

impl Listed {
    /// Whether this is the title of the benchmark of that `full_id`.
    pub fn names(&self, full_id: &str) -> bool {
        if self.cut { full_id.starts_with(&self.name) } else { full_id == self.name }
    }
}

/// An executable's answer when it is asked for its benchmarks.
#[derive(Clone, Debug)]
pub enum Listing {
    /// Its benchmarks.
    Benchmarks {
        /// In its own order.
        listed: Vec<Listed>,
        /// Whether they are listed as criterion 0.3 and 0.4 do. These take times in
        /// whole seconds only, and give up at a fraction.
        whole_seconds: bool,
        /// What it cannot run here, recorded by [`crate::record::not_run`].
        not_run: Vec<NotRun>,
    },
    /// It succeeded, but did not print a list.
    Garbage {
        /// The first lines that it printed, unchanged.
        first: Vec<String>,
    },
    /// It failed.
    Failed {
        /// How it ended.
        ended: Ended,
        /// The last lines it printed.
        tail: Vec<String>,
    },
}

/// Asks an executable for its benchmarks (`EXE --bench --list`).
///
/// criterion and the two callgrind harnesses answer with a line `NAME: benchmark`
/// for each, criterion 0.3 and 0.4 with `NAME: bench`. Code outside of the timed
/// closures runs, so this can take as long as the target's set-up, and that code may
/// print lines of its own. What cannot run here is recorded in the file that
/// `BENCHGATE_RECORD` names.
pub fn list(
    executable: &BenchExecutable,
    harness: Harness,
    filter: Option<&Filter>,
    time_limit: Duration,
    interrupt: &Interrupt,
) -> Result<Listing, ProcessError> {
    let ask = |filter| Answer::of(executable, harness, filter, time_limit, interrupt);
    let answer = ask(filter)?;
    if answer.is_list() || filter.is_none() {
        return Ok(answer.into_listing());
    }
    // The filter may have left only what a set-up prints.
    let listing = ask(None)?.into_listing();
    Ok(match listing {
        Listing::Benchmarks { whole_seconds, not_run, .. } => {
            Listing::Benchmarks { listed: Vec::new(), whole_seconds, not_run }
        }
        other => other,
    })
}

/// Asks for the benchmarks of a filter once. Without any, the answer is no list if a
/// set-up printed other lines.
pub(super) fn list_once(
    executable: &BenchExecutable,
    harness: Harness,
    filter: &Filter,
    time_limit: Duration,
    interrupt: &Interrupt,
) -> Result<Listing, ProcessError> {
    let answer = Answer::of(executable, harness, Some(filter), time_limit, interrupt)?;
    Ok(answer.into_listing())
}

/// What an executable answered, before it is known to be a list.
struct Answer {
    listed: Vec<Listed>,
    /// Listed in the form of criterion 0.3 and 0.4.
    listed_early: Vec<Listed>,
    /// The first lines that do not belong to a list.
    other: Vec<String>,
    not_run: Vec<NotRun>,
    ended: Ended,
    tail: Vec<String>,
}

impl Answer {
    fn of(
        executable: &BenchExecutable,
        harness: Harness,
        filter: Option<&Filter>,
        time_limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<Self, ProcessError> {
        let home = tempfile::tempdir().map_err(ProcessError::Log)?;
        let record = home.path().join("record.jsonl");
        let mut job = executable.job().arg("--bench").arg("--list");
        job.time_limit = Some(time_limit);
        for variable in harness.hidden_variables() {
            job.environment.insert(OsString::from(variable), None);
        }
        if harness == Harness::Criterion {
            // Nothing is written there. Without it criterion asks cargo for the target
            // directory, which takes longer than the list.
            job = harness.with_home(job, home.path());
            job.arguments.extend(filter.map(Filter::arguments).unwrap_or_default());
        }
        job = job.env(record::VARIABLE, &record);
        let (mut listed, mut listed_early, mut other) = (Vec::new(), Vec::new(), Vec::new());
        let outcome = process::run(&job, interrupt, &mut |stream, line| {
            if stream == Stream::Stdout {
                match ListLine::of(line, harness) {
                    ListLine::Benchmark(benchmark) => listed.push(benchmark),
                    ListLine::EarlyBenchmark(benchmark) => listed_early.push(benchmark),
                    ListLine::Other if other.len() < GARBAGE_LINES => other.push(line.to_owned()),
                    ListLine::Total | ListLine::Other => {}
                }
            }
        })?;
        // A record that cannot be read hides a reason, and nothing else.
        let recorded = sources::record::read(&record, None).unwrap_or_default();
        Ok(Self {
            listed,
            listed_early,
            other,
            not_run: recorded.harvest.not_run,
            ended: outcome.ended,
            tail: outcome.tail,
        })
    }

    /// Whether it is a list, possibly empty, or the reason for having none is known.
    fn is_list(&self) -> bool {
        !self.ended.success()
            || !self.listed.is_empty()
            || !self.listed_early.is_empty()
            || self.other.is_empty()
    }

    fn into_listing(self) -> Listing {
        let is_list = self.is_list();
        let Self { listed, listed_early, other, not_run, ended, tail } = self;
        if !ended.success() {
            return Listing::Failed { ended, tail };
        }
        if !is_list {
            return Listing::Garbage { first: other };
        }
        // If lines have today's form, a set-up printed those of the earlier form.
        let whole_seconds = listed.is_empty() && !listed_early.is_empty();
        let listed = if whole_seconds { listed_early } else { listed };
        Listing::Benchmarks { listed, whole_seconds, not_run }
    }
}

/// Lines that are kept of output that is not a list.
const GARBAGE_LINES: usize = 3;

/// A line that an executable prints when it is asked for its benchmarks.
enum ListLine {
    /// Names a benchmark.
    Benchmark(Listed),
    /// Names a benchmark as criterion 0.3 and 0.4 do.
    EarlyBenchmark(Listed),
    /// Blank, or the total: `0 tests, 2 benchmarks`.
    Total,
    /// Something else, printed by a set-up.
    Other,
}

impl ListLine {
    fn of(line: &str, harness: Harness) -> Self {
        if let Some(benchmark) = parse_listed(line, LISTED) {
            return Self::Benchmark(benchmark);
        }
        let early = parse_listed(line, LISTED_EARLY).filter(|_| harness == Harness::Criterion);
        if let Some(benchmark) = early {
            return Self::EarlyBenchmark(benchmark);
        }
        let counts = |part: &str, word: &str| {
            let number = part.strip_suffix(word).map(str::trim_end).unwrap_or_default();
            !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
        };
        let total = line.trim().split_once(", ").is_some_and(|(tests, benchmarks)| {
            counts(tests, "tests") && counts(benchmarks, "benchmarks")
        });
        if line.trim().is_empty() || total { Self::Total } else { Self::Other }
    }
}

/// Bytes of a title before criterion cuts it, and the text that it adds then.
const TITLE_BYTES: usize = 100;
const TITLE_CUT: &str = "...";

/// The text behind a title in a listing, and in a listing of criterion 0.3 and 0.4.
const LISTED: &str = ": benchmark";
const LISTED_EARLY: &str = ": bench";

/// Reads one line of a listing.
fn parse_listed(line: &str, suffix: &str) -> Option<Listed> {
    let title = line.strip_suffix(suffix)?;
    match title.strip_suffix(TITLE_CUT) {
        // Cut at the last character boundary within 100 bytes.
        Some(name) if (TITLE_BYTES - 3..=TITLE_BYTES).contains(&name.len()) => {
            Some(Listed { name: name.to_owned(), cut: true })
        }
        _ => Some(Listed { name: title.to_owned(), cut: false }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listing_is_read_with_its_blank_lines_and_its_total() {
        let text =
            "add: benchmark\n\ngrp/a name: with colons: benchmark\n\n0 tests, 2 benchmarks\n";
        let listed: Vec<_> = text.lines().filter_map(|line| parse_listed(line, LISTED)).collect();
        assert_eq!(
            listed,
            [
                Listed { name: "add".to_owned(), cut: false },
                Listed { name: "grp/a name: with colons".to_owned(), cut: false },
            ]
        );
    }

    #[test]
    fn blank_lines_and_totals_belong_to_a_list() {
        for (line, expected) in [
            ("", true),
            ("  ", true),
            ("0 tests, 2 benchmarks", true),
            ("10 tests, benchmarks", false),
            ("tests, benchmarks", false),
            ("0 tests, 2 benchmarks, and more", false),
            ("connected", false),
        ] {
            let is_total = matches!(ListLine::of(line, Harness::Criterion), ListLine::Total);
            assert_eq!(is_total, expected, "{line:?}");
        }
    }

    #[test]
    fn only_criterion_lists_benchmarks_in_the_earlier_form() {
        let early =
            |harness| matches!(ListLine::of("a: bench", harness), ListLine::EarlyBenchmark(_));
        assert!(early(Harness::Criterion));
        assert!(!early(Harness::IaiCallgrind));
    }

    #[test]
    fn a_cut_title_names_every_benchmark_that_begins_with_it() {
        let long = "x".repeat(100);
        let listed = parse_listed(&format!("{long}...: benchmark"), LISTED).expect("a benchmark");
        assert!(listed.cut);
        assert!(listed.names(&format!("{long}yz")));
        assert!(!listed.names("x"));
        let short = parse_listed("wait...: bench", LISTED_EARLY).expect("a benchmark");
        assert!(short.names("wait..."));
        assert!(!short.names("wait...more"));
    }
}
