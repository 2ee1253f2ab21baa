//! Which executables can be run, found out once before anything is measured.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::environment::facts;
use super::look_alike::without_look_alikes;
use super::process::{Ended, ProcessError};
use super::{
    BenchExecutable, Command, CriterionTimes, Event, Filter, Harness, Interrupt, Listed, Listing,
    list, runner_version, valgrind_version,
};
use crate::model::NotRun;

/// The programs to measure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Programs<'a> {
    /// Executables that hold benchmarks.
    pub(crate) executables: &'a [BenchExecutable],
    /// Commands of the policy.
    pub(crate) commands: &'a [Command],
}

/// A program that can be driven.
#[derive(Clone, Debug)]
pub(crate) struct Prepared<'a> {
    pub(crate) executable: &'a BenchExecutable,
    pub(crate) harness: Harness,
    /// How it is called in reports: its target, with the package where two
    /// packages have a target of that name.
    pub(crate) subject: String,
    /// The benchmarks to run, where it could list them.
    pub(crate) listed: Option<Vec<Listed>>,
    /// Whether its criterion takes times in whole seconds only.
    pub(crate) whole_seconds: bool,
    /// How long it took to list them, nothing where it could not: all code outside
    /// of timed closures runs, so this is what each of its processes takes besides.
    pub(crate) set_up: Duration,
    /// The longest time that a process may take.
    pub(crate) time_limit: Duration,
}

impl<'a> Prepared<'a> {
    /// A command. Which benchmarks it has is known once it has run.
    fn command(command: &'a Command, time_limit: Duration) -> Self {
        Self {
            executable: &command.program,
            harness: Harness::Command,
            subject: command.program.target.name.clone(),
            listed: None,
            whole_seconds: false,
            set_up: Duration::ZERO,
            time_limit: command.time_limit.unwrap_or(time_limit),
        }
    }

    /// Whether it is a command of the policy.
    pub(crate) fn is_command(&self) -> bool {
        self.harness == Harness::Command
    }

    /// The times that its criterion takes.
    pub(crate) fn times(&self, asked: CriterionTimes) -> CriterionTimes {
        if self.whole_seconds { asked.in_whole_seconds() } else { asked }
    }

    /// Says that it takes whole seconds only.
    pub(crate) fn in_whole_seconds(&self, asked: CriterionTimes) -> Event<'_> {
        let taken = asked.in_whole_seconds();
        Event::WholeSeconds {
            target: &self.subject,
            asked: asked.warm_up + asked.measurement,
            taken: taken.warm_up + taken.measurement,
        }
    }
}

/// Which executables can be driven, and what becomes of the others.
pub(crate) struct Ready<'a> {
    pub(crate) prepared: Vec<Prepared<'a>>,
    pub(crate) not_run: Vec<NotRun>,
}

/// Finds out for each executable its harness, whether its tools are there, and its
/// benchmarks. Commands are not asked.
pub(crate) fn prepare<'a>(
    programs: Programs<'a>,
    filter: Option<&Filter>,
    time_limit: Duration,
    interrupt: &Interrupt,
) -> Result<Ready<'a>, ProcessError> {
    let Programs { executables, commands } = programs;
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    let of_commands = commands.iter().map(|command| &command.program);
    for executable in executables.iter().chain(of_commands) {
        *names.entry(&executable.target.name).or_default() += 1;
    }
    let mut ready = Ready { prepared: Vec::new(), not_run: Vec::new() };
    for executable in executables {
        let target = &executable.target;
        let subject = if names.get(target.name.as_str()) == Some(&1) {
            target.name.clone()
        } else {
            target.to_string()
        };
        match Probe::of(executable, filter, time_limit, interrupt)? {
            Probe::Ready { harness, listed, whole_seconds, set_up } => {
                ready.prepared.push(Prepared {
                    executable,
                    harness,
                    subject,
                    listed,
                    whole_seconds,
                    set_up,
                    time_limit,
                });
            }
            Probe::NotSelected => {}
            Probe::Skipped(reason) => ready.not_run.push(NotRun::skipped(subject, reason)),
            Probe::Failed(reason) => ready.not_run.push(NotRun::failed(subject, reason)),
        }
    }
    ready.prepared.extend(commands.iter().map(|command| Prepared::command(command, time_limit)));
    Ok(ready)
}

/// What was found out about an executable.
enum Probe {
    /// It can be run.
    Ready { harness: Harness, listed: Option<Vec<Listed>>, whole_seconds: bool, set_up: Duration },
    /// The filter selects none of its benchmarks.
    NotSelected,
    /// Nothing is wrong with it, but it cannot be run here.
    Skipped(String),
    /// It cannot be read or started, or it failed to list its benchmarks.
    Failed(String),
}

impl Probe {
    fn of(
        executable: &BenchExecutable,
        filter: Option<&Filter>,
        time_limit: Duration,
        interrupt: &Interrupt,
    ) -> Result<Self, ProcessError> {
        let harness = match harness_of(executable) {
            Ok(harness) => harness,
            Err(probe) => return Ok(probe),
        };
        let started = Instant::now();
        match list(executable, harness, filter, time_limit, interrupt) {
            Ok(Listing::Benchmarks { listed, whole_seconds, not_run }) => {
                let set_up = started.elapsed();
                let listed = selected(listed, harness, filter);
                let listed = if listed.is_empty() || harness != Harness::Criterion {
                    listed
                } else {
                    without_look_alikes(listed, executable, filter, time_limit, interrupt)?
                };
                Ok(if !listed.is_empty() {
                    let listed = Some(listed);
                    Self::Ready { harness, listed, whole_seconds, set_up }
                } else if filter.is_some() {
                    Self::NotSelected
                } else {
                    Self::Skipped(why_empty(executable, &not_run))
                })
            }
            Ok(Listing::Garbage { first }) => Ok(Self::Failed(no_list(&first))),
            // It may still run: a script need not know `--list`.
            Ok(Listing::Failed { ended: Ended::Exited(_), .. })
                if harness == Harness::Criterion =>
            {
                let (listed, whole_seconds, set_up) = (None, false, Duration::ZERO);
                Ok(Self::Ready { harness, listed, whole_seconds, set_up })
            }
            Ok(Listing::Failed { ended, tail }) => Ok(Self::Failed(refusal(harness, ended, &tail))),
            Err(error @ ProcessError::Start { .. }) => Ok(Self::Failed(error.to_string())),
            Err(error) => Err(error),
        }
    }
}

/// The harness, if the gate can drive it here.
fn harness_of(executable: &BenchExecutable) -> Result<Harness, Probe> {
    let harness = match Harness::detect(&executable.path) {
        Ok(Some(harness)) => harness,
        Ok(None) if Harness::is_early_criterion(&executable.path).unwrap_or_default() => {
            return Err(Probe::Skipped(
                "it was built with criterion before 0.3.3, which the gate cannot drive; update \
                 criterion, preferably to 0.5 or later: 0.3 and 0.4 take whole seconds for each \
                 benchmark"
                    .to_owned(),
            ));
        }
        Ok(None) => {
            return Err(Probe::Skipped(
                "unsupported harness; the gate can run criterion, iai-callgrind and gungraun \
                 benches (a target without `harness = false` uses libtest's)"
                    .to_owned(),
            ));
        }
        Err(error) => return Err(Probe::Failed(error.to_string())),
    };
    if harness.counts() {
        let (valgrind, runner) = (valgrind_version(), runner_version(harness));
        if let Some(missing) = missing_tool(harness, (valgrind.as_deref(), runner.as_deref())) {
            return Err(Probe::Skipped(missing));
        }
    }
    Ok(harness)
}

/// The benchmarks that a filter selects. Criterion has applied it already.
fn selected(listed: Vec<Listed>, harness: Harness, filter: Option<&Filter>) -> Vec<Listed> {
    match filter {
        Some(filter) if harness.counts() => {
            listed.into_iter().filter(|benchmark| accepts_path(filter, &benchmark.name)).collect()
        }
        _ => listed,
    }
}

/// Why an executable lists no benchmarks, as it has recorded.
fn why_empty(executable: &BenchExecutable, not_run: &[NotRun]) -> String {
    if not_run.is_empty() {
        return "it lists no benchmarks".to_owned();
    }
    let reasons = not_run.iter().map(|not_run| {
        // The executable's own name is shown in front of the reason already.
        if not_run.subject == executable.target.name {
            not_run.reason.clone()
        } else {
            format!("{}: {}", not_run.subject, not_run.reason)
        }
    });
    reasons.collect::<Vec<_>>().join("; ")
}

/// Whether a filter accepts a callgrind benchmark by its listed path,
/// `target::group::function::case`. Results leave the target out and put a space
/// before the case, which a path does not tell from a function.
fn accepts_path(filter: &Filter, path: &str) -> bool {
    let name = path.split_once("::").map_or(path, |(_, name)| name);
    let case = name.rsplit_once("::").map(|(function, case)| format!("{function} {case}"));
    filter.accepts(name) || case.is_some_and(|name| filter.accepts(&name))
}

/// What is missing to run a harness, and how to get it, given the versions that
/// were found of valgrind and of its runner.
fn missing_tool(harness: Harness, tools: (Option<&str>, Option<&str>)) -> Option<String> {
    let runner = harness.runner()?;
    match tools {
        (None, _) => Some(format!(
            "{} needs valgrind, which is not installed (Debian, Ubuntu: `apt-get install valgrind`)",
            harness.name()
        )),
        (Some(_), None) => {
            Some(format!("{runner} is not installed; {}", harness.install_hint(None)))
        }
        (Some(_), Some(_)) => None,
    }
}

/// Why an executable did not even list its benchmarks.
fn refusal(harness: Harness, ended: Ended, tail: &[String]) -> String {
    let text = tail.join(" ");
    // "iai-callgrind-runner (0.16.1) is newer than iai-callgrind (0.14.0)."
    let versions: Vec<&str> = facts::versions(&text).collect();
    if let (Some(runner), [found, wanted, ..]) = (harness.runner(), versions.as_slice())
        && (text.contains("is older than") || text.contains("is newer than"))
    {
        return format!(
            "{runner} has version {found} and {} version {wanted}; {}",
            harness.name(),
            harness.install_hint(Some(wanted))
        );
    }
    format!("listing its benchmarks ended with {ended}{}", last_lines(tail))
}

/// The reason for an executable that answers `--list` with something else.
fn no_list(first: &[String]) -> String {
    const CHARACTERS: usize = 100;
    let lines: Vec<String> = first
        .iter()
        .map(|line| format!("\"{}\"", shortened(line, CHARACTERS).escape_debug()))
        .collect();
    format!(
        "`--bench --list` succeeded but did not print a list of benchmarks (`NAME: benchmark` \
         lines, or nothing): {}",
        lines.join(", ")
    )
}

fn shortened(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The end of what a process printed, for a reason.
pub(crate) fn last_lines(tail: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = &tail[tail.len().saturating_sub(SHOWN)..];
    if shown.is_empty() {
        return "; it printed nothing".to_owned();
    }
    format!("; it printed last: {}", shown.join(" | "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    #[test]
    fn a_runner_of_another_version_is_told_from_other_failures() {
        let ended = Ended::Exited(ExitStatus::from_raw(1 << 8));
        let newer = ["iai_callgrind_runner: Error: iai-callgrind-runner (0.16.1) is newer than \
                      iai-callgrind (0.14.0). Please update iai-callgrind to '0.16.1'"
            .to_owned()];
        assert_eq!(
            refusal(Harness::IaiCallgrind, ended, &newer),
            "iai-callgrind-runner has version 0.16.1 and iai-callgrind version 0.14.0; install it \
             with `cargo install --locked iai-callgrind-runner --version 0.14.0`"
        );
        let other = ["a".to_owned(), "b".to_owned()];
        assert_eq!(
            refusal(Harness::Gungraun, ended, &other),
            "listing its benchmarks ended with exit status 1; it printed last: a | b"
        );
    }

    #[test]
    fn a_missing_tool_is_named_with_the_way_to_get_it() {
        let there = Some("1.0");
        let reason = |tools| missing_tool(Harness::IaiCallgrind, tools);
        assert_eq!(reason((there, there)), None);
        assert_eq!(
            reason((None, there)).as_deref(),
            Some(
                "iai-callgrind needs valgrind, which is not installed (Debian, Ubuntu: \
                 `apt-get install valgrind`)"
            )
        );
        assert_eq!(
            reason((there, None)).as_deref(),
            Some(
                "iai-callgrind-runner is not installed; install it with `cargo install --locked \
                 iai-callgrind-runner --version V`, V being the version of iai-callgrind in \
                 Cargo.lock"
            )
        );
        assert_eq!(missing_tool(Harness::Criterion, (None, None)), None);
    }

    #[test]
    fn callgrind_benchmarks_are_filtered_by_either_form_of_their_name() {
        let case = Filter::exactly("g::sum ten");
        assert!(accepts_path(&case, "count::g::sum::ten"));
        assert!(!accepts_path(&case, "count::g::sum::tens"));
        let function = Filter::exactly("g::sum");
        assert!(accepts_path(&function, "count::g::sum"));
        assert!(!accepts_path(&function, "count::g::sum::ten"));
        let part = Filter::matching("^g::sum").expect("a pattern");
        assert!(accepts_path(&part, "count::g::sum::ten"));
    }

    #[test]
    fn what_is_no_list_is_shown_with_its_escapes_and_not_at_length() {
        let said = no_list(&["\u{1b}[31m\"red\"".to_owned(), "ü".repeat(200)]);
        let shown = format!(": \"\\u{{1b}}[31m\\\"red\\\"\", \"{}…\"", "ü".repeat(100));
        assert!(said.ends_with(&shown), "{said}");
    }

    #[test]
    fn only_the_last_lines_are_shown() {
        let lines: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        assert_eq!(last_lines(&lines), "; it printed last: 4 | 5 | 6 | 7 | 8");
        assert_eq!(last_lines(&[]), "; it printed nothing");
    }
}
