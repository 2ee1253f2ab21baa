//! Callgrind's own output file: how many instructions each function took.
//!
//! The format is described in Valgrind's manual, "Callgrind Format
//! Specification". Only what a function took itself is read: the line after
//! `calls=` holds what a callee took, and is the callee's to report.
//!
//! A file can hold several parts. With `--dump-before=FUNCTION` callgrind writes
//! one whenever that function is entered, and with `--combine-dumps=yes` it
//! appends all of them to one file. [`parts`] reads such a file where the function
//! is the one that reads the clock.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rustc_demangle::demangle;

use super::file;

/// How many functions [`differences`] names.
const NAMED: usize = 5;
/// Characters of a function's name that are kept: generic code has names of
/// any length.
const NAME_CHARS: usize = 300;

/// The instructions of one program, by function.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// All that was collected.
    pub total: u64,
    /// What each function took itself, without what it called; under its
    /// demangled name, so instances of one generic function stand together.
    /// Their sum is `total`.
    pub functions: BTreeMap<String, u64>,
}

/// What a function took on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The function's demangled name.
    pub function: String,
    /// Instructions in the baseline; 0 where it did not run.
    pub baseline: u64,
    /// Instructions in the candidate.
    pub candidate: u64,
}

/// What one thread took between two readings of the clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The thread's number, from 1.
    pub thread: u32,
    /// What was collected.
    pub profile: Profile,
    /// The callers of the clock reading that begins this part, as mangled names,
    /// innermost first. `None` where callgrind did not collect at that moment, and
    /// in the thread's first part, which no reading begins.
    pub reading: Option<Vec<String>>,
}

/// Why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", path.display())]
pub struct ProfileError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it, and in which line.
    pub reason: String,
}

impl Profile {
    /// Reads a file that callgrind wrote when its program ended.
    pub fn read(path: &Path) -> Result<Self, ProfileError> {
        file::bytes(path)
            .and_then(|bytes| Self::parse(&String::from_utf8_lossy(&bytes)))
            .map_err(|reason| ProfileError { path: path.to_owned(), reason })
    }

    /// Adds what the same program took in another part or thread.
    pub fn add(&mut self, other: &Self) {
        self.total = self.total.saturating_add(other.total);
        for (function, took) in &other.functions {
            let sum = self.functions.entry(function.clone()).or_default();
            *sum = sum.saturating_add(*took);
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        let mut parser = Parser::default();
        parser.lines(text)?;
        parser.finish()
    }
}

/// Reads a file of parts, each of which ends where the clock is read, in the order
/// in which they were written. Function names must not be demangled in it.
pub fn parts(path: &Path) -> Result<Vec<Part>, ProfileError> {
    file::bytes(path)
        .and_then(|bytes| parse_parts(&String::from_utf8_lossy(&bytes)))
        .map_err(|reason| ProfileError { path: path.to_owned(), reason })
}

fn parse_parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parser = Parser { parts: Some(Vec::new()), ..Parser::default() };
    parser.lines(text)?;
    match parser.parts {
        Some(parts) if !parts.is_empty() && !parser.begun => Ok(parts),
        _ => Err(CUT_OFF.to_owned()),
    }
}

/// The functions that account for most of what differs, largest first, at most
/// five; none where nothing does.
pub fn differences(baseline: &Profile, candidate: &Profile) -> Vec<Difference> {
    let took = |profile: &Profile, name: &str| profile.functions.get(name).copied().unwrap_or(0);
    let names = baseline
        .functions
        .keys()
        .chain(candidate.functions.keys().filter(|name| !baseline.functions.contains_key(*name)));
    let mut all: Vec<Difference> = names
        .map(|name| Difference {
            function: name.clone(),
            baseline: took(baseline, name),
            candidate: took(candidate, name),
        })
        .filter(|one| one.baseline != one.candidate)
        .collect();
    all.sort_by(|a, b| {
        let by = |one: &Difference| one.baseline.abs_diff(one.candidate);
        by(b).cmp(&by(a)).then_with(|| a.function.cmp(&b.function))
    });
    all.truncate(NAMED);
    all
}

/// Names that were given a number when they first appeared.
#[derive(Default)]
struct Names(BTreeMap<u64, String>);

impl Names {
    /// `(3) name` gives a number to a name, `(3)` stands for it, `name` is itself.
    fn resolve(&mut self, text: &str) -> Result<String, String> {
        let Some((number, name)) = text.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        else {
            return Ok(text.to_owned());
        };
        // A name of its own may begin with a parenthesis: `(below main)`.
        let Ok(number) = number.parse::<u64>() else { return Ok(text.to_owned()) };
        let name = name.trim_start();
        if !name.is_empty() {
            self.0.insert(number, name.to_owned());
            return Ok(name.to_owned());
        }
        self.0.get(&number).cloned().ok_or_else(|| format!("nothing was called ({number}) before"))
    }
}

const CUT_OFF: &str = "it is cut off: its last line, `totals:`, is missing";

#[derive(Default)]
struct Parser {
    /// The parts so far, where the file is read by parts.
    parts: Option<Vec<Part>>,
    /// A part has begun and not ended.
    begun: bool,
    thread: u32,
    /// The callers of the clock function that the next costs belong to.
    clock: Option<Vec<String>>,
    /// The callers of the clock reading in this part.
    reading: Option<Vec<String>>,
    /// Which of the costs counts instructions, once the header has said so.
    instructions: Option<usize>,
    /// Numbers in front of the costs.
    positions: Option<usize>,
    objects: Names,
    functions: Names,
    object: String,
    function: Option<String>,
    /// The next line of numbers is a callee's.
    callee: bool,
    total: Option<u64>,
    took: BTreeMap<String, u64>,
}

impl Parser {
    fn lines(&mut self, text: &str) -> Result<(), String> {
        for (at, line) in text.lines().enumerate() {
            self.line(line).map_err(|reason| {
                file::shorten(format!("line {} cannot be read: {reason}", at + 1))
            })?;
        }
        Ok(())
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        if line.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '*')) {
            return self.costs(line);
        }
        // A key of the body ends in `=`, one of the header in `:`; values hold both.
        let key_ends = line.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(line.len());
        let (key, rest) = line.split_at(key_ends);
        match rest.split_at_checked(1) {
            Some(("=", value)) => self.body(key, value),
            Some((":", value)) => self.header(key, value.trim()),
            _ => Err(format!("it is neither numbers nor `key=value` nor `key: value`: {line}")),
        }
    }

    fn header(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "version" if value != "1" => Err(format!("version {value} of the format is not known")),
            "positions" => {
                self.positions = Some(value.split_whitespace().count());
                Ok(())
            }
            "events" => {
                let at = value.split_whitespace().position(|event| event == "Ir");
                self.instructions = Some(at.ok_or("instructions (Ir) were not counted")?);
                Ok(())
            }
            "totals" => {
                let at = self.instructions.ok_or("totals come before the names of events")?;
                // Costs that are zero may be left out at the end.
                let total = value.split_whitespace().nth(at).unwrap_or("0");
                let total: u64 = total.parse().map_err(|_| format!("{total} is no count"))?;
                let sum = self.total.unwrap_or(0).checked_add(total);
                self.total = Some(sum.ok_or("the counts are too large")?);
                self.end_part()
            }
            "part" => {
                self.begun = true;
                Ok(())
            }
            "thread" => {
                self.thread = value.parse().map_err(|_| format!("{value} is not a thread"))?;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn body(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key {
            "ob" => self.object = self.objects.resolve(value)?,
            "cob" => drop(self.objects.resolve(value)?),
            "fn" => {
                let name = self.functions.resolve(value)?;
                if self.parts.is_some() {
                    // Undemangled names hold no apostrophe of their own.
                    let mut names = name.split('\'');
                    let own = names.next().unwrap_or(&name);
                    self.clock = reads_clock(own).then(|| names.map(str::to_owned).collect());
                    self.function = Some(shown(own, &self.object));
                } else {
                    self.function = Some(shown(&name, &self.object));
                }
            }
            "cfn" => drop(self.functions.resolve(value)?),
            "calls" => self.callee = true,
            // Files: functions are told apart by name. Jumps cost nothing.
            "fl" | "fi" | "fe" | "cfi" | "cfl" | "jump" | "jcnd" | "jfi" | "jfn" => {}
            _ => return Err(format!("`{key}` is not known")),
        }
        Ok(())
    }

    fn costs(&mut self, line: &str) -> Result<(), String> {
        let (Some(positions), Some(at)) = (self.positions, self.instructions) else {
            return Err("numbers come before their names".to_owned());
        };
        if std::mem::take(&mut self.callee) {
            return Ok(());
        }
        // Costs that are zero may be left out at the end.
        let Some(cost) = line.split_whitespace().nth(positions + at) else { return Ok(()) };
        let cost: u64 = cost.parse().map_err(|_| format!("{cost} is no count"))?;
        let function = self.function.as_ref().ok_or("numbers come before a function")?;
        if cost > 0 {
            let sum = self.took.entry(function.clone()).or_default();
            *sum = sum.checked_add(cost).ok_or("the counts are too large")?;
            if let Some(callers) = &self.clock {
                self.reading = Some(callers.clone());
            }
        }
        Ok(())
    }

    /// Ends a part, where the file is read by parts.
    fn end_part(&mut self) -> Result<(), String> {
        if self.parts.is_none() {
            return Ok(());
        }
        let profile = self.profile()?;
        let part = Part { thread: self.thread, profile, reading: self.reading.take() };
        (self.function, self.clock, self.begun) = (None, None, false);
        self.parts.get_or_insert_default().push(part);
        Ok(())
    }

    fn finish(mut self) -> Result<Profile, String> {
        self.profile()
    }

    /// What was read since the last part ended.
    fn profile(&mut self) -> Result<Profile, String> {
        let total = self.total.take().ok_or(CUT_OFF)?;
        let functions = std::mem::take(&mut self.took);
        let sum = functions.values().try_fold(0_u64, |sum, took| sum.checked_add(*took));
        if sum != Some(total) {
            return Err(format!(
                "the functions took {sum:?} instructions, not the total of {total}"
            ));
        }
        Ok(Profile { total, functions })
    }
}

/// Whether a function is the C library's that reads a clock. musl has it under a
/// second name, and 32-bit systems with 64-bit times under a third.
fn reads_clock(name: &str) -> bool {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    matches!(name.trim_start_matches('_'), "clock_gettime" | "clock_gettime64")
}

/// A function's name for people. Code without a symbol has an address, which
/// moves with every build: its object's name stands for all of it.
fn shown(name: &str, object: &str) -> String {
    if name.starts_with("0x") || name == "???" {
        let object = Path::new(object).file_name().unwrap_or_default().to_string_lossy();
        return format!("code without symbols in {object}");
    }
    // Calls of a function by itself are a function of their own: `name'2`.
    let name = match name.rsplit_once('\'') {
        Some((first, level)) if level.bytes().all(|byte| byte.is_ascii_digit()) => first,
        _ => name,
    };
    // Versions of a library's symbol (`@@GLIBC_2.17`) say nothing about the cause.
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    format!("{:#}", demangle(name)).chars().take(NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "# callgrind format\nversion: 1\npositions: line\nevents: Dr Ir\n";

    fn parse(body: &str) -> Result<Profile, String> {
        Profile::parse(&format!("{HEADER}{body}"))
    }

    fn profile(functions: &[(&str, u64)]) -> Profile {
        Profile {
            total: functions.iter().map(|(_, took)| took).sum(),
            functions: functions.iter().map(|(name, took)| ((*name).to_owned(), *took)).collect(),
        }
    }

    #[test]
    fn what_a_callee_took_is_not_counted_twice() {
        let body = "ob=(1) /lib/libx.so\nfl=(1) a.rs\nfn=(1) a\n16 0 400\n+3 1\n\
                    cfi=(2) b.rs\ncfn=(2) b\ncalls=3 51\n16 0 700\n* 0 5\n\n\
                    fl=(2)\nfn=(2)\n51 0 500\nfi=(1)\n-2 0 200\n\n\
                    fn=(3) 0x00000000000045a0\n0 0 7\ntotals: 1 1112\n";
        assert_eq!(
            parse(body).expect("it is read"),
            profile(&[("a", 405), ("b", 700), ("code without symbols in libx.so", 7)])
        );
    }

    #[test]
    fn names_are_those_that_people_write() {
        for (name, expected) in [
            (
                "_ZN9criterion7bencher16Bencher$LT$M$GT$4iter17h41354e2a279978f9E",
                "criterion::bencher::Bencher<M>::iter",
            ),
            (
                "_RNvXs6_NtCsdAk34rDP1Gj_9criterion6reportNtB5_13BencherReportNtB5_6Report20measurement_complete",
                "<criterion::report::BencherReport as criterion::report::Report>::measurement_complete",
            ),
            ("clock_gettime@@GLIBC_2.17", "clock_gettime"),
            ("(below main)", "(below main)"),
            ("_ZN8profiled9recursive17ha14184b4b630218aE'2", "profiled::recursive"),
            ("a'b", "a'b"),
        ] {
            assert_eq!(shown(name, ""), expected);
        }
        assert_eq!(shown(&"x".repeat(1000), "").len(), 300);
    }

    #[test]
    fn the_five_largest_differences_are_named() {
        let base =
            profile(&[("a", 10), ("b", 100), ("c", 5), ("d", 5), ("e", 5), ("f", 5), ("g", 9)]);
        let head =
            profile(&[("a", 10), ("b", 90), ("d", 6), ("e", 7), ("f", 8), ("g", 8), ("h", 50)]);
        let named = differences(&base, &head);
        let named: Vec<_> =
            named.iter().map(|one| (one.function.as_str(), one.baseline, one.candidate)).collect();
        assert_eq!(named, [("h", 0, 50), ("b", 100, 90), ("c", 5, 0), ("f", 5, 8), ("e", 5, 7)]);
        assert_eq!(differences(&base, &base), []);
    }

    #[test]
    fn what_is_no_profile_is_refused_with_its_line() {
        for (body, reason) in [
            ("", "it is cut off: its last line, `totals:`, is missing"),
            (
                "fn=(1) a\n1 0 5\ntotals: 0 6\n",
                "the functions took Some(5) instructions, not the total of 6",
            ),
            ("fn=(1)\n", "line 5 cannot be read: nothing was called (1) before"),
            ("1 0 5\n", "line 5 cannot be read: numbers come before a function"),
            ("fn=a\n1 0 x\n", "line 6 cannot be read: x is no count"),
            ("fn=a\n1 0 -5\n", "line 6 cannot be read: -5 is no count"),
            (
                "fn=a\n1 0 18446744073709551615\n1 0 1\n",
                "line 7 cannot be read: the counts are too large",
            ),
            ("wat=1\n", "line 5 cannot be read: `wat` is not known"),
            (
                "<html>\n",
                "line 5 cannot be read: it is neither numbers nor `key=value` nor `key: value`: <html>",
            ),
        ] {
            assert_eq!(parse(body).expect_err(body), reason);
        }
        assert_eq!(
            Profile::parse("version: 2\n"),
            Err("line 1 cannot be read: version 2 of the format is not known".to_owned())
        );
        assert_eq!(
            Profile::parse("events: Dr\n"),
            Err("line 1 cannot be read: instructions (Ir) were not counted".to_owned())
        );
        assert_eq!(
            Profile::parse("1 2\n"),
            Err("line 1 cannot be read: numbers come before their names".to_owned())
        );
    }
}
