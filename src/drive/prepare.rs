//! What can be run at all: found out once, before anything is measured.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::environment::facts;
use super::process::{Ended, ProcessError};
use super::{
    CriterionTimes, Event, Filter, Harness, Interrupt, Listed, Listing, list, runner_version,
    valgrind_version,
};
use crate::build::BenchExecutable;
use crate::model::NotRun;

/// An executable that can be driven.
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
}

impl Prepared<'_> {
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

/// Looks at each executable: harness, tools, benchmarks.
pub(crate) fn prepare<'a>(
    executables: &'a [BenchExecutable],
    filter: Option<&Filter>,
    time_limit: Duration,
    interrupt: &Interrupt,
) -> Result<Ready<'a>, ProcessError> {
    let mut names: BTreeMap<&str, u32> = BTreeMap::new();
    for executable in executables {
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
        match look_at(executable, filter, time_limit, interrupt)? {
            Look::Ready { harness, listed, whole_seconds, set_up } => {
                ready.prepared.push(Prepared {
                    executable,
                    harness,
                    subject,
                    listed,
                    whole_seconds,
                    set_up,
                });
            }
            Look::NotAskedFor => {}
            Look::Skipped(reason) => ready.not_run.push(NotRun::skipped(subject, reason)),
            Look::Failed(reason) => ready.not_run.push(NotRun::failed(subject, reason)),
        }
    }
    Ok(ready)
}

enum Look {
    Ready {
        harness: Harness,
        listed: Option<Vec<Listed>>,
        whole_seconds: bool,
        set_up: Duration,
    },
    /// The filter leaves nothing of it.
    NotAskedFor,
    /// Nothing is wrong with it, but it cannot be driven here.
    Skipped(String),
    /// It cannot be read or started, or crashed when asked what it holds.
    Failed(String),
}

fn look_at(
    executable: &BenchExecutable,
    filter: Option<&Filter>,
    time_limit: Duration,
    interrupt: &Interrupt,
) -> Result<Look, ProcessError> {
    let harness = match Harness::detect(&executable.path) {
        Ok(Some(harness)) => harness,
        Ok(None) if Harness::is_early_criterion(&executable.path).unwrap_or_default() => {
            return Ok(Look::Skipped(
                "it was made with criterion before 0.3.3, which the gate cannot drive; update \
                 criterion, best to 0.5 or later: 0.3 and 0.4 take whole seconds for each benchmark"
                    .to_owned(),
            ));
        }
        Ok(None) => {
            return Ok(Look::Skipped(
                "its harness is none that the gate can drive: criterion, iai-callgrind and \
                 gungraun are (a target without `harness = false` uses libtest's)"
                    .to_owned(),
            ));
        }
        Err(error) => return Ok(Look::Failed(error.to_string())),
    };
    if harness.counts() {
        let (valgrind, runner) = (valgrind_version(), runner_version(harness));
        if let Some(missing) = missing_tool(harness, (valgrind.as_deref(), runner.as_deref())) {
            return Ok(Look::Skipped(missing));
        }
    }
    let started = Instant::now();
    let listing = list(executable, harness, filter, time_limit, interrupt);
    let (listed, whole_seconds, not_run) = match listing {
        Ok(Listing::Benchmarks { listed, whole_seconds, not_run }) => {
            (listed, whole_seconds, not_run)
        }
        Ok(Listing::Garbage { first }) => return Ok(Look::Failed(no_list(&first))),
        Ok(Listing::Failed { ended, tail }) => {
            return Ok(match (harness, ended) {
                // It may still run: a script need not know `--list`.
                (Harness::Criterion, Ended::Exited(_)) => Look::Ready {
                    harness,
                    listed: None,
                    whole_seconds: false,
                    set_up: Duration::ZERO,
                },
                _ => Look::Failed(refusal(harness, ended, &tail)),
            });
        }
        Err(error @ ProcessError::Start { .. }) => return Ok(Look::Failed(error.to_string())),
        Err(error) => return Err(error),
    };
    let wanted: Vec<Listed> = match filter {
        Some(filter) if harness.counts() => {
            listed.into_iter().filter(|one| accepts_path(filter, &one.name)).collect()
        }
        _ => listed,
    };
    Ok(match (wanted.is_empty(), filter) {
        (false, _) => {
            let (listed, set_up) = (Some(wanted), started.elapsed());
            Look::Ready { harness, listed, whole_seconds, set_up }
        }
        (true, Some(_)) => Look::NotAskedFor,
        (true, None) if not_run.is_empty() => Look::Skipped("it lists no benchmarks".to_owned()),
        (true, None) => {
            // Where it names itself, its name stands before the reason already.
            let own = format!("{}: ", executable.target.name);
            let reasons = not_run.iter().map(|said| said.strip_prefix(&own).unwrap_or(said));
            Look::Skipped(reasons.collect::<Vec<_>>().join("; "))
        }
    })
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

/// What is said of an executable that answers `--list` with something else.
fn no_list(first: &[String]) -> String {
    const CHARACTERS: usize = 100;
    let lines: Vec<String> = first
        .iter()
        .map(|line| format!("\"{}\"", shortened(line, CHARACTERS).escape_debug()))
        .collect();
    format!(
        "asked for its benchmarks (`--bench --list`) it ended well, and what it printed is no list \
         of them (`NAME: benchmark` lines; nothing where there is none): {}",
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
