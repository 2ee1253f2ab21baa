//! Which harness a bench executable was made with, and what it holds.

use std::ffi::OsString;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use fs_err as fs;

use super::process::{self, Ended, ProcessError, Stream};
use super::{BenchExecutable, Interrupt};
use crate::model::NotRun;
use crate::record;
use crate::sources;

/// The harness of a bench executable, as far as the gate can drive it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harness {
    /// criterion 0.3.3 or later, or a script that starts such an executable.
    Criterion,
    /// iai-callgrind: a small program that has its runner start valgrind.
    IaiCallgrind,
    /// gungraun, iai-callgrind's successor under its new name.
    Gungraun,
}

impl Harness {
    /// The harness that an executable was linked with, from the texts that each
    /// harness keeps in its data; `None` is something else (libtest, divan, …).
    ///
    /// Nothing is run: a bench target without a known harness may do anything.
    /// Each text was seen in release builds and, being read at run time,
    /// survives optimisation and stripping: criterion 0.3.3 to 0.8 read
    /// `CRITERION_HOME` and `CARGO_CRITERION_PORT` from the environment, and the
    /// other two say so when their runner is not installed. An executable that
    /// holds several counts as the more special one. A script (`#!`) is taken
    /// to start a criterion executable with the arguments that it gets.
    pub fn detect(executable: &Path) -> io::Result<Option<Self>> {
        // Written in two parts, so that a bench of this crate holds none of them whole.
        let texts = [
            (Self::Gungraun, ["Is gungraun-runner", " installed and"]),
            (Self::IaiCallgrind, ["Is iai-callgrind-runner", " installed and"]),
            (Self::Criterion, ["CARGO_CRITERION", "_PORT"]),
        ];
        let needles: Vec<Vec<u8>> =
            texts.iter().map(|(_, parts)| parts.concat().into_bytes()).collect();
        let mut file = fs::File::open(executable)?;
        let found = find(&mut file, &needles)?;
        if found.script {
            return Ok(Some(Self::Criterion));
        }
        Ok(texts.iter().zip(found.seen).find(|(_, seen)| *seen).map(|((harness, _), _)| *harness))
    }

    /// Whether an executable that [`detect`](Self::detect) knows no harness of was
    /// made with criterion before 0.3.3, which can be told neither where to put its
    /// results nor to put them into files that are read here.
    pub fn is_early_criterion(executable: &Path) -> io::Result<bool> {
        let needle = ["CRITERION", "_DEBUG"].concat().into_bytes();
        Ok(find(&mut fs::File::open(executable)?, &[needle])?.seen == [true])
    }

    /// Its name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Criterion => "criterion",
            Self::IaiCallgrind => "iai-callgrind",
            Self::Gungraun => "gungraun",
        }
    }

    /// Whether it counts instructions through valgrind and a runner.
    pub fn counts(self) -> bool {
        self != Self::Criterion
    }

    /// The program that starts valgrind for it.
    pub fn runner(self) -> Option<&'static str> {
        match self {
            Self::Criterion => None,
            Self::IaiCallgrind => Some("iai-callgrind-runner"),
            Self::Gungraun => Some("gungraun-runner"),
        }
    }

    /// The variable that names its results directory.
    pub(crate) fn home_variable(self) -> &'static str {
        match self {
            Self::Criterion => "CRITERION_HOME",
            Self::IaiCallgrind => "IAI_CALLGRIND_HOME",
            Self::Gungraun => "GUNGRAUN_HOME",
        }
    }

    /// Variables of the caller that would send results elsewhere or leave
    /// benchmarks out: not passed on.
    pub(crate) fn hidden_variables(self) -> &'static [&'static str] {
        match self {
            Self::Criterion => &["CARGO_CRITERION_PORT", "CRITERION_DEBUG"],
            Self::IaiCallgrind => &[
                "IAI_CALLGRIND_BASELINE",
                "IAI_CALLGRIND_FILTER",
                "IAI_CALLGRIND_LIST",
                "IAI_CALLGRIND_LOAD_BASELINE",
                "IAI_CALLGRIND_SAVE_BASELINE",
            ],
            Self::Gungraun => &[
                "GUNGRAUN_BASELINE",
                "GUNGRAUN_FILTER",
                "GUNGRAUN_LIST",
                "GUNGRAUN_LOAD_BASELINE",
                "GUNGRAUN_SAVE_BASELINE",
            ],
        }
    }

    /// How to install the runner of that version, where known.
    pub fn install_hint(self, version: Option<&str>) -> String {
        let Some(runner) = self.runner() else { return String::new() };
        match version {
            Some(version) => {
                format!("install it with `cargo install --locked {runner} --version {version}`")
            }
            None => format!(
                "install it with `cargo install --locked {runner} --version V`, V being the version of {} in Cargo.lock",
                self.name()
            ),
        }
    }
}

struct Found {
    script: bool,
    seen: Vec<bool>,
}

/// Looks for byte strings, a piece at a time: executables are large.
fn find(file: &mut impl Read, needles: &[Vec<u8>]) -> io::Result<Found> {
    const PIECE: usize = 1 << 20;
    let overlap = needles.iter().map(Vec::len).max().unwrap_or(1) - 1;
    let mut found = Found { script: false, seen: vec![false; needles.len()] };
    let mut window: Vec<u8> = Vec::with_capacity(PIECE + overlap);
    let mut first = true;
    loop {
        let kept = window.len();
        let count = file.by_ref().take(PIECE as u64).read_to_end(&mut window)?;
        if first {
            found.script = window.starts_with(b"#!");
            first = false;
        }
        for (needle, seen) in needles.iter().zip(&mut found.seen) {
            *seen = *seen || contains(&window, needle);
        }
        if count == 0 || found.script || found.seen[0] {
            return Ok(found);
        }
        window.drain(..(kept + count).saturating_sub(overlap));
    }
}

/// Whether bytes are found among others.
pub(crate) fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    let Some((&head, _)) = needle.split_first() else { return true };
    let mut rest = haystack;
    while let Some(at) = rest.iter().position(|&byte| byte == head) {
        rest = &rest[at..];
        if rest.starts_with(needle) {
            return true;
        }
        rest = &rest[1..];
    }
    false
}

/// A benchmark as an executable lists it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Listed {
    /// criterion's title or iai-callgrind's path. For criterion this is the
    /// `full_id` unless `cut`.
    pub name: String,
    /// Whether criterion cut the title short: `name` is then only how it begins.
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
            job = job.env(harness.home_variable(), home.path());
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

    /// Whether it is a list, possibly an empty one, or why there is none is known.
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
        // Where lines have today's form, those of the earlier form are a set-up's.
        let whole_seconds = listed.is_empty() && !listed_early.is_empty();
        let listed = if whole_seconds { listed_early } else { listed };
        Listing::Benchmarks { listed, whole_seconds, not_run }
    }
}

/// Lines that are kept of what is not a list.
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

/// Bytes of a title before criterion cuts it, and what it puts behind.
const TITLE_BYTES: usize = 100;
const TITLE_CUT: &str = "...";

/// What follows a title in a listing, and in one of criterion 0.3 and 0.4.
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

/// Which benchmarks to run.
#[derive(Clone, Debug)]
pub struct Filter {
    text: String,
    pattern: Option<regex::Regex>,
}

impl Filter {
    /// Those whose name holds a match of a regular expression, as criterion
    /// reads it.
    pub fn matching(pattern: &str) -> Result<Self, regex::Error> {
        Ok(Self { text: pattern.to_owned(), pattern: Some(regex::Regex::new(pattern)?) })
    }

    /// The one of exactly that name.
    pub fn exactly(name: impl Into<String>) -> Self {
        Self { text: name.into(), pattern: None }
    }

    /// Those of exactly these names, together.
    pub fn one_of(names: &[&str]) -> Result<Self, regex::Error> {
        if let [name] = names {
            return Ok(Self::exactly(*name));
        }
        let text = anchored(names);
        let pattern = regex::Regex::new(&text)?;
        Ok(Self { text, pattern: Some(pattern) })
    }

    /// Whether a benchmark of that name is among them.
    pub fn accepts(&self, name: &str) -> bool {
        match &self.pattern {
            Some(pattern) => pattern.is_match(name),
            None => self.text == name,
        }
    }

    /// The pattern or name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// As criterion's arguments: always a pattern, as criterion 0.3 and 0.4 know no
    /// `--exact`.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let pattern = match &self.pattern {
            Some(_) => self.text.clone(),
            None => anchored(&[&self.text]),
        };
        let mut arguments = Vec::new();
        if pattern.starts_with('-') {
            arguments.push("--".into());
        }
        arguments.push(OsString::from(pattern));
        arguments
    }

    /// Whether Linux would refuse it as one argument, of 128 KiB with its end.
    pub(crate) fn is_too_long(&self) -> bool {
        const MOST: usize = 128 * 1024 - 1;
        self.arguments().iter().any(|argument| argument.len() > MOST)
    }
}

/// A pattern of these names and no others.
fn anchored(names: &[&str]) -> String {
    let escaped: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
    format!("^(?:{})$", escaped.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect_in(bytes: &[u8]) -> Option<Harness> {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), bytes).expect("written");
        Harness::detect(file.path()).expect("readable")
    }

    #[test]
    fn each_harness_is_known_by_a_text_that_it_holds() {
        assert_eq!(detect_in(b"\x7fELF..CARGO_CRITERION_PORT.."), Some(Harness::Criterion));
        assert_eq!(
            detect_in(b"\x7fELF..\n\nIs iai-callgrind-runner installed and iai-"),
            Some(Harness::IaiCallgrind)
        );
        assert_eq!(
            detect_in(b"\x7fELF Is gungraun-runner installed and CARGO_CRITERION_PORT"),
            Some(Harness::Gungraun)
        );
        assert_eq!(detect_in(b"\x7fELF RUST_TEST_THREADS"), None);
        assert_eq!(detect_in(b""), None);
        assert_eq!(detect_in(b"#!/bin/sh\nexec bench \"$@\"\n"), Some(Harness::Criterion));
    }

    #[test]
    fn criterion_before_0_3_3_is_known_by_what_it_reads() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        for (bytes, expected) in [("..CRITERION_DEBUG..", true), ("RUST_TEST_THREADS", false)] {
            std::fs::write(file.path(), bytes).expect("written");
            assert_eq!(Harness::detect(file.path()).expect("readable"), None);
            assert_eq!(Harness::is_early_criterion(file.path()).expect("readable"), expected);
        }
    }

    #[test]
    fn a_text_across_two_pieces_is_found() {
        for start in [(1 << 20) - 21, (1 << 20) - 10, (1 << 20) - 1, 1 << 20, (2 << 20) - 3] {
            let mut bytes = vec![b'C'; start];
            bytes.extend_from_slice(b"CARGO_CRITERION_PORT");
            assert_eq!(detect_in(&bytes), Some(Harness::Criterion), "at {start}");
        }
    }

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
    fn a_filter_that_linux_would_refuse_is_known() {
        let names = |count| vec!["x".repeat(100); count];
        let filter = |names: &[String]| {
            Filter::one_of(&names.iter().map(String::as_str).collect::<Vec<_>>()).expect("a filter")
        };
        assert!(!filter(&names(1000)).is_too_long());
        assert!(filter(&names(1300)).is_too_long());
    }

    #[test]
    fn a_cut_title_names_what_begins_with_it() {
        let long = "x".repeat(100);
        let listed = parse_listed(&format!("{long}...: benchmark"), LISTED).expect("a benchmark");
        assert!(listed.cut);
        assert!(listed.names(&format!("{long}yz")));
        assert!(!listed.names("x"));
        let short = parse_listed("wait...: bench", LISTED_EARLY).expect("a benchmark");
        assert!(short.names("wait..."));
        assert!(!short.names("wait...more"));
    }

    #[test]
    fn filters_accept_and_pass_on_what_criterion_does() {
        let filter = Filter::matching("get/(hit|miss)$").expect("a pattern");
        assert!(filter.accepts("cache/get/hit"));
        assert!(!filter.accepts("cache/get/hits"));
        assert_eq!(filter.arguments(), ["get/(hit|miss)$"]);
        let exact = Filter::exactly("-odd (name");
        assert!(exact.accepts("-odd (name"));
        assert!(!exact.accepts("-odd (name)"));
        assert_eq!(exact.arguments(), [r"^(?:\-odd \(name)$"]);
        assert!(Filter::matching("(").is_err());
    }
}
