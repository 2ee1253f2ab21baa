//! Which harness a bench executable was made with.

use std::io::{self, Read};
use std::path::Path;

use fs_err as fs;

use super::process::Job;

/// The harness of a bench executable, as far as the gate can drive it, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harness {
    /// criterion 0.3.3 or later, or a script that starts such an executable.
    Criterion,
    /// iai-callgrind: a small program that has its runner start valgrind.
    IaiCallgrind,
    /// gungraun, iai-callgrind's successor under its new name.
    Gungraun,
    /// No harness: a command of the policy, which records its results by itself. It is never
    /// detected.
    Command,
}

impl Harness {
    /// The harness that an executable was linked with, found by the texts that each
    /// harness keeps in its data; `None` for others (libtest, divan, …).
    ///
    /// The executable is not run: a bench target without a known harness may do
    /// anything. Each text was seen in release builds. It is read at run time, so it
    /// survives optimisation and stripping: criterion 0.3.3 to 0.8 read
    /// `CARGO_CRITERION_PORT` from the environment, and the other two print a message if
    /// their runner is not installed. An executable that holds several texts counts as
    /// the more special harness. A script (`#!`) is taken to start a criterion executable
    /// with the arguments that it gets.
    pub fn detect(executable: &Path) -> io::Result<Option<Self>> {
        // In two parts, so that a bench of this crate does not hold a whole text.
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

    /// Whether an executable without a harness that [`detect`](Self::detect) knows was
    /// made with criterion before 0.3.3. That version cannot be told where to put its
    /// results, and does not write the files that the gate reads.
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
            Self::Command => "command",
        }
    }

    /// Whether it counts instructions through valgrind and a runner.
    pub fn counts(self) -> bool {
        matches!(self, Self::IaiCallgrind | Self::Gungraun)
    }

    /// The program that starts valgrind for it.
    pub fn runner(self) -> Option<&'static str> {
        match self {
            Self::Criterion | Self::Command => None,
            Self::IaiCallgrind => Some("iai-callgrind-runner"),
            Self::Gungraun => Some("gungraun-runner"),
        }
    }

    /// The job with the directory that its results go to, if it has one.
    pub(crate) fn with_home(self, job: Job, home: &Path) -> Job {
        let variable = match self {
            Self::Criterion => "CRITERION_HOME",
            Self::IaiCallgrind => "IAI_CALLGRIND_HOME",
            Self::Gungraun => "GUNGRAUN_HOME",
            Self::Command => return job,
        };
        job.env(variable, home)
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
            Self::Command => &[],
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

/// Searches for byte strings, a piece at a time: executables are large.
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

/// Whether `haystack` contains `needle`.
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
    fn criterion_before_0_3_3_is_known_by_a_variable_that_it_reads() {
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
}
