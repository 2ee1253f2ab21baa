//! Reads the lines of callgrind's files.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rustc_demangle::demangle;

use super::allocator;
use super::graph::{Function, Graph};
use super::profile::{Part, Profile};
use crate::sources::file;

/// Characters of a function's name that are kept: generic code has names of
/// any length.
const NAME_CHARS: usize = 300;

const CUT_OFF: &str = "it is cut off: its last line, `totals:`, is missing";

/// The profile of a file without parts.
pub(super) fn profile(text: &str) -> Result<Profile, String> {
    let mut parser = Parser::default();
    parser.lines(text)?;
    parser.finish()
}

/// The parts of a file, each of which ends where the clock is read.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, String> {
    let mut parser = Parser { parts: Some(Vec::new()), ..Parser::default() };
    parser.lines(text)?;
    match parser.parts {
        Some(parts) if !parts.is_empty() && !parser.begun => Ok(parts),
        _ => Err(CUT_OFF.to_owned()),
    }
}

/// Names that were given a number when they first appeared.
#[derive(Default)]
pub(super) struct Names(BTreeMap<u64, Arc<str>>);

impl Names {
    /// `(3) name` gives a number to a name, `(3)` refers to it, `name` is itself.
    pub(super) fn resolve(&mut self, text: &str) -> Result<Arc<str>, String> {
        let Some((number, name)) = text.strip_prefix('(').and_then(|rest| rest.split_once(')'))
        else {
            return Ok(text.into());
        };
        // A name of its own may begin with a parenthesis: `(below main)`.
        let Ok(number) = number.parse::<u64>() else { return Ok(text.into()) };
        let name = name.trim_start();
        if !name.is_empty() {
            let name: Arc<str> = name.into();
            self.0.insert(number, Arc::clone(&name));
            return Ok(name);
        }
        self.0.get(&number).cloned().ok_or_else(|| format!("nothing was called ({number}) before"))
    }
}

/// Which function the costs belong to.
#[derive(Clone)]
struct Current {
    /// How the graph knows it.
    key: Arc<str>,
    shown: String,
    enters_allocator: bool,
    /// It reads the clock, called by these functions, innermost first.
    clock: Option<Vec<String>>,
}

/// A call, whose cost is in the next line.
struct Call {
    callee: Arc<str>,
    entry: Option<u64>,
}

#[derive(Default)]
struct Parser {
    /// The parts so far, where the file is read by parts.
    parts: Option<Vec<Part>>,
    /// A part has begun and not ended.
    begun: bool,
    thread: u32,
    /// The callers of the clock reading in this part.
    reading: Option<Vec<String>>,
    /// Which of the costs counts instructions, once the header has named them.
    instructions: Option<usize>,
    /// Which of them counts system calls.
    system_calls: Option<usize>,
    /// Numbers in front of the costs.
    positions: Option<usize>,
    /// The first of them is an address.
    addresses: bool,
    /// The address of the last costs.
    address: u64,
    /// What was collected at that address in this function: instructions, system calls.
    at: (u64, u64),
    objects: Names,
    functions: Names,
    object: Arc<str>,
    /// The object of the next callee, where it is another one.
    callee_object: Option<Arc<str>>,
    function: Option<Current>,
    callee: Option<Arc<str>>,
    /// The next line of numbers is a callee's.
    call: Option<Call>,
    total: Option<u64>,
    took: BTreeMap<String, u64>,
    graph: BTreeMap<Arc<str>, Function>,
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
                self.addresses = value.split_whitespace().next() == Some("instr");
                Ok(())
            }
            "events" => {
                let at = |wanted| value.split_whitespace().position(|event| event == wanted);
                self.instructions = Some(at("Ir").ok_or("instructions (Ir) were not counted")?);
                self.system_calls = at("sysCount");
                Ok(())
            }
            "totals" => {
                let at = self.instructions.ok_or("totals come before the names of events")?;
                // Costs that are zero may be left out at the end.
                let total = value.split_whitespace().nth(at).unwrap_or("0");
                let total: u64 = total.parse().map_err(|_| format!("{total} is not a count"))?;
                let sum = self.total.unwrap_or(0).checked_add(total);
                self.total = Some(sum.ok_or("the counts are too large")?);
                self.end_part()
            }
            "part" => {
                self.begun = true;
                self.address = 0;
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
            "cob" => self.callee_object = Some(self.objects.resolve(value)?),
            "fn" => {
                let name = self.functions.resolve(value)?;
                self.function = Some(self.current(&name));
                self.at = (0, 0);
            }
            "cfn" => {
                let name = self.functions.resolve(value)?;
                let object = self.callee_object.take().unwrap_or_else(|| Arc::clone(&self.object));
                self.callee = Some(key_of(own(&name, self.parts.is_some()), &name, &object));
            }
            "calls" => {
                let callee = self.callee.take().ok_or("calls come before what is called")?;
                let entry = value.split_whitespace().nth(1).filter(|_| self.addresses);
                let entry = entry.map(|text| position(text, self.address)).transpose()?;
                self.call = Some(Call { callee, entry });
            }
            // Files: functions are told apart by name. Jumps cost nothing.
            "fl" | "fi" | "fe" | "cfi" | "cfl" | "jump" | "jcnd" | "jfi" | "jfn" => {}
            _ => return Err(format!("`{key}` is not known")),
        }
        Ok(())
    }

    /// The function of a line `fn=`.
    fn current(&self, name: &Arc<str>) -> Current {
        let by_parts = self.parts.is_some();
        let own = own(name, by_parts);
        let callers = || name.split('\'').skip(1).map(str::to_owned).collect();
        let clock = reads_clock(own).then(|| if by_parts { callers() } else { Vec::new() });
        let key = key_of(own, name, &self.object);
        Current {
            enters_allocator: allocator::request(&key).is_some(),
            key,
            shown: shown(own, &self.object),
            clock,
        }
    }

    fn costs(&mut self, line: &str) -> Result<(), String> {
        let (Some(positions), Some(at)) = (self.positions, self.instructions) else {
            return Err("numbers come before their names".to_owned());
        };
        let mut words = line.split_whitespace();
        if self.addresses
            && let Some(word) = words.next()
        {
            let address = position(word, self.address)?;
            if address != self.address {
                (self.address, self.at) = (address, (0, 0));
            }
        }
        // Costs that are zero may be left out at the end.
        let number = |at: usize| match line.split_whitespace().nth(positions + at) {
            Some(text) => text.parse::<u64>().map_err(|_| format!("{text} is not a count")),
            None => Ok(0),
        };
        let cost = number(at)?;
        let system_calls = self.system_calls.map_or(Ok(0), number)?;
        let call = self.call.take();
        let Some(current) = &self.function else {
            return if call.is_some() || cost == 0 {
                Ok(())
            } else {
                Err("numbers come before a function".to_owned())
            };
        };
        if let Some(Call { callee, entry }) = call {
            if let Some(entry) = entry.filter(|_| allocator::request(&callee).is_some()) {
                let function = self.graph.entry(Arc::clone(&callee)).or_default();
                function.entry = function.entry.into_iter().chain([entry]).min();
            }
            let function = self.graph.entry(Arc::clone(&current.key)).or_default();
            if callee != current.key {
                let sum = function.callees.entry(callee).or_default();
                *sum = sum.checked_add(cost).ok_or("the counts are too large")?;
            }
            return Ok(());
        }
        self.at = (self.at.0.saturating_add(cost), self.at.1.saturating_add(system_calls));
        if cost == 0 && system_calls == 0 {
            return Ok(());
        }
        let function = self.graph.entry(Arc::clone(&current.key)).or_default();
        if function.shown.is_empty() {
            function.shown.clone_from(&current.shown);
        }
        function.is_clock |= current.clock.is_some();
        // Callgrind counts system calls also while it does not collect. The instruction
        // that makes them tells how many it did while collecting.
        let (executed, all) = self.at;
        if system_calls > 0 {
            function.system_calls += if self.addresses { executed.min(all) } else { 0 };
        }
        if cost > 0 {
            function.own = function.own.saturating_add(cost);
            if current.enters_allocator && self.addresses {
                *function.executed.entry(self.address).or_default() += cost;
            }
            let sum = self.took.entry(current.shown.clone()).or_default();
            *sum = sum.checked_add(cost).ok_or("the counts are too large")?;
            if let Some(callers) = current.clock.as_ref().filter(|_| self.parts.is_some()) {
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
        (self.function, self.begun) = (None, false);
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
        let graph = Graph {
            functions: std::mem::take(&mut self.graph),
            addresses: self.addresses,
            counts_system_calls: self.system_calls.is_some() && self.addresses,
        };
        Ok(Profile { total, functions, graph })
    }
}

/// A position: a number, or how far it is from the last one.
fn position(text: &str, last: u64) -> Result<u64, String> {
    let number = |text: &str| match text.strip_prefix("0x") {
        Some(digits) => u64::from_str_radix(digits, 16),
        None => text.parse(),
    };
    let wrong = || format!("{text} is not a position");
    let (far, rest) = match text.split_at_checked(1) {
        Some(("*", "")) => return Ok(last),
        Some((sign @ ("+" | "-"), rest)) => (Some(sign), rest),
        _ => (None, text),
    };
    let number = number(rest).map_err(|_| wrong())?;
    match far {
        None => Some(number),
        Some("+") => last.checked_add(number),
        Some(_) => last.checked_sub(number),
    }
    .ok_or_else(wrong)
}

/// Whether a function is the C library's that reads a clock. musl has it under a
/// second name, and 32-bit systems with 64-bit times under a third.
fn reads_clock(name: &str) -> bool {
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    matches!(name.trim_start_matches('_'), "clock_gettime" | "clock_gettime64")
}

/// A function's name without its callers, and without the number that calls of it by
/// itself have: `name'2`.
fn own(name: &str, by_parts: bool) -> &str {
    if by_parts {
        // Undemangled names hold no apostrophe of their own.
        return name.split('\'').next().unwrap_or(name);
    }
    match name.rsplit_once('\'') {
        Some((first, level)) if level.bytes().all(|byte| byte.is_ascii_digit()) => first,
        _ => name,
    }
}

/// Whether it is code without a symbol, which has an address for a name.
fn is_unnamed(name: &str) -> bool {
    name.starts_with("0x") || name == "???"
}

/// How a graph knows a function: by its name, without the version of a library's symbol.
fn key_of(own: &str, name: &Arc<str>, object: &str) -> Arc<str> {
    if is_unnamed(own) {
        return format!("{own} in {object}").into();
    }
    match own.split_once('@') {
        Some((own, _)) => own.into(),
        None if own.len() == name.len() => Arc::clone(name),
        None => own.into(),
    }
}

/// A function's name for people. Code without a symbol has an address, which
/// moves with every build: its object's name represents all of it.
fn shown(name: &str, object: &str) -> String {
    if is_unnamed(name) {
        let object = Path::new(object).file_name().unwrap_or_default().to_string_lossy();
        return format!("code without symbols in {object}");
    }
    let name = own(name, false);
    // Versions of a library's symbol (`@@GLIBC_2.17`) say nothing about the cause.
    let name = name.split_once('@').map_or(name, |(name, _)| name);
    format!("{:#}", demangle(name)).chars().take(NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "# callgrind format\nversion: 1\npositions: line\nevents: Dr Ir\n";

    fn parse(body: &str) -> Result<Profile, String> {
        super::profile(&format!("{HEADER}{body}"))
    }

    #[test]
    fn what_a_callee_took_is_not_counted_twice() {
        let body = "ob=(1) /lib/libx.so\nfl=(1) a.rs\nfn=(1) a\n16 0 400\n+3 1\n\
                    cfi=(2) b.rs\ncfn=(2) b\ncalls=3 51\n16 0 700\n* 0 5\n\n\
                    fl=(2)\nfn=(2)\n51 0 500\nfi=(1)\n-2 0 200\n\n\
                    fn=(3) 0x00000000000045a0\n0 0 7\ntotals: 1 1112\n";
        let profile = parse(body).expect("it is read");
        let functions: Vec<_> =
            profile.functions.iter().map(|(name, took)| (name.as_str(), *took)).collect();
        assert_eq!(functions, [("a", 405), ("b", 700), ("code without symbols in libx.so", 7)]);
        assert_eq!(profile.total, 1112);
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
    fn a_file_that_is_not_a_profile_is_refused_with_its_line() {
        for (body, reason) in [
            ("", "it is cut off: its last line, `totals:`, is missing"),
            (
                "fn=(1) a\n1 0 5\ntotals: 0 6\n",
                "the functions took Some(5) instructions, not the total of 6",
            ),
            ("fn=(1)\n", "line 5 cannot be read: nothing was called (1) before"),
            ("1 0 5\n", "line 5 cannot be read: numbers come before a function"),
            ("fn=a\n1 0 x\n", "line 6 cannot be read: x is not a count"),
            ("fn=a\n1 0 -5\n", "line 6 cannot be read: -5 is not a count"),
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
            super::profile("version: 2\n"),
            Err("line 1 cannot be read: version 2 of the format is not known".to_owned())
        );
        assert_eq!(
            super::profile("events: Dr\n"),
            Err("line 1 cannot be read: instructions (Ir) were not counted".to_owned())
        );
        assert_eq!(
            super::profile("1 2\n"),
            Err("line 1 cannot be read: numbers come before their names".to_owned())
        );
    }
}
