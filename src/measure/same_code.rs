//! Benchmarks that can reach only code that is the same on both sides.
//!
//! A benchmark is one of them if its counts are exact and equal, and nothing differs that can
//! be reached from the functions that its process executes, set-up included, whether it ran or
//! not: see [`same_code`](crate::build::same_code). The libraries of the system are the same
//! files on both sides.
//!
//! Valgrind hides some features of the processor from a program, and the counting run executes
//! the body only once. So a function that was not executed may still be what the clock would
//! measure. Only those functions are known not to be that other benchmarks of the target
//! executed, and that are reached from nothing but the code that registers all benchmarks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::count::coverage::{Coverage, coverage};
use super::count::is_routine;
use super::error::MeasureError;
use super::witness::{Key, Trace};
use super::{CountError, CountOptions, CountTarget};
use crate::build::same_code::{Execution, FunctionName, SameCode};
use crate::drive::{Interrupt, Listed, Prepared, Progress};
use crate::model::{BenchId, Sides, TargetId};
use crate::sources::callgrind_profile::Executed;

/// Which benchmarks reach the same code on both sides, and which do not.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) same: BTreeSet<BenchId>,
    pub(super) differing: BTreeSet<BenchId>,
}

/// What is known of both sides before.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    /// The linker's maps, of targets that can be compared.
    pub(super) maps: &'a BTreeMap<TargetId, Sides<PathBuf>>,
    /// The benchmarks whose counts are exact and equal.
    pub(super) wanted: &'a BTreeSet<Key>,
    /// What benchmarks were seen to execute.
    pub(super) traces: &'a BTreeMap<Key, Trace>,
}

/// Compares what benchmarks of the head reach with the base.
pub(super) fn compare(
    pairs: &[Sides<Option<&Prepared<'_>>>],
    known: &Known<'_>,
    options: &CountOptions,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Compared, MeasureError> {
    let mut targets = Vec::new();
    let mut codes = Vec::new();
    for pair in pairs {
        let Sides { base: Some(base), head: Some(head) } = *pair else { continue };
        let target = &head.executable.target;
        let Some(maps) = known.maps.get(target) else { continue };
        let is_wanted = |one: &&Listed| {
            // Of a name that is cut it is not known which benchmark it is.
            !one.cut && known.wanted.contains(&(target.clone(), one.name.clone()))
        };
        let benchmarks: Vec<Listed> =
            head.listed.iter().flatten().filter(is_wanted).cloned().collect();
        if benchmarks.is_empty() {
            continue;
        }
        let executables = Sides { base: &*base.executable.path, head: &*head.executable.path };
        let maps = Sides { base: &*maps.base, head: &*maps.head };
        // Files that cannot be compared leave the clocks to decide.
        let Ok(code) = SameCode::read(executables, maps) else { continue };
        codes.push(code);
        targets.push(CountTarget {
            executable: head.executable,
            subject: &head.subject,
            benchmarks,
        });
    }
    let mut compared = Compared::default();
    if targets.is_empty() {
        return Ok(compared);
    }
    let found = coverage(&targets, options, interrupt, progress).map_err(|error| match error {
        CountError::Scratch(error) => MeasureError::Scratch(error),
        CountError::Process(error) => error.into(),
        error @ CountError::NoValgrind => MeasureError::Plan(error.to_string()),
    })?;
    // What a target executes if no benchmark is selected.
    let mut registering = vec![BTreeSet::new(); targets.len()];
    // What any of its benchmarks executes.
    let mut executed_by_any = vec![BTreeSet::new(); targets.len()];
    let mut benchmarks = Vec::new();
    for Coverage { target, listed, executed } in found {
        let executable = targets[target].executable;
        let functions = executed.as_ref().map(|executed| functions(executed, &executable.path));
        match listed {
            None => registering[target] = functions.flatten().unwrap_or_default(),
            Some(listed) => {
                let Some(functions) = functions else { continue };
                executed_by_any[target].extend(functions.iter().flatten().filter_map(symbol));
                benchmarks.push((target, listed.name, functions));
            }
        }
    }
    for (target, name, functions) in benchmarks {
        let key = (targets[target].executable.target.clone(), name.clone());
        let id = BenchId { name, target: Some(key.0.clone()) };
        let execution = functions.map(|functions| {
            let others = &executed_by_any[target];
            execution(&functions, &registering[target], others, &key, known.traces)
        });
        if execution.is_some_and(|execution| codes[target].differing(&execution).is_none()) {
            compared.same.insert(id);
        } else {
            compared.differing.insert(id);
        }
    }
    Ok(compared)
}

/// Tells apart what a benchmark executes for itself, what registers benchmarks, and what
/// belongs to other benchmarks of its target.
fn execution(
    functions: &BTreeSet<FunctionName>,
    registering: &BTreeSet<FunctionName>,
    executed_by_any: &BTreeSet<String>,
    key: &Key,
    traces: &BTreeMap<Key, Trace>,
) -> Execution {
    let named = |name: &String| FunctionName::Symbol(name.clone());
    let inside = traces.get(key).into_iter().flat_map(|trace| &trace.inside).map(named).collect();
    let registering: BTreeSet<_> = registering.difference(&inside).cloned().collect();
    let (registering, own): (BTreeSet<_>, BTreeSet<_>) =
        functions.iter().cloned().partition(|function| registering.contains(function));
    let of_target = traces.iter().filter(|(other, _)| other.0 == key.0);
    // The processes of benchmarks whose counts differ were not repeated: their traces remain.
    let timed = of_target.flat_map(|(_, trace)| trace.inside.iter().chain(&trace.callers));
    let all = timed.chain(executed_by_any);
    let others: BTreeSet<String> =
        all.filter(|name| !functions.contains(&named(name))).cloned().collect();
    let routines = others.iter().filter(|name| is_routine(name)).cloned().collect();
    Execution { registering, own, others, routines }
}

/// The functions of the executable itself; `None` if other code of the build was executed.
fn functions(executed: &Executed, executable: &Path) -> Option<BTreeSet<FunctionName>> {
    let build = executable.parent().and_then(Path::parent)?;
    let real = fs_err::canonicalize(build).ok()?;
    let mut functions = BTreeSet::new();
    for (object, names) in executed {
        let object = Path::new(object);
        if object.file_name() == executable.file_name() {
            functions.extend(names.iter().map(|name| function(name)));
        } else if object.starts_with(build) || object.starts_with(&real) {
            return None;
        }
    }
    (!functions.is_empty()).then_some(functions)
}

/// The mangled name of a function that has one.
fn symbol(function: &FunctionName) -> Option<String> {
    match function {
        FunctionName::Symbol(name) => Some(name.clone()),
        FunctionName::Address(_) => None,
    }
}

fn function(name: &str) -> FunctionName {
    let address = name.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    address.map_or_else(|| FunctionName::Symbol(name.to_owned()), FunctionName::Address)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_code_of_the_build_is_not_compared() {
        let home = tempfile::tempdir().unwrap();
        let deps = home.path().join("release/deps");
        std::fs::create_dir_all(&deps).unwrap();
        let bench = deps.join("bench-1.pinned");
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        let path = |path: &Path| path.display().to_string();
        let mut executed = Executed::from([
            (path(&bench), names(&["main", "0x00aa"])),
            ("/usr/lib/libc.so.6".to_owned(), names(&["malloc"])),
        ]);
        let found = functions(&executed, &bench).expect("only its own code");
        let own = [FunctionName::Symbol("main".to_owned()), FunctionName::Address(0xaa)];
        assert_eq!(found, own.into());
        executed.insert(path(&deps.join("libplugin.so")), names(&["run"]));
        assert_eq!(functions(&executed, &bench), None);
    }

    #[test]
    fn what_registers_benchmarks_is_told_from_what_belongs_to_one() {
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect();
        let symbols = |all: &[&str]| -> BTreeSet<FunctionName> {
            all.iter().map(|name| FunctionName::Symbol((*name).to_owned())).collect()
        };
        let key = |target: &str, name: &str| -> Key {
            (TargetId { package: None, name: target.to_owned() }, name.to_owned())
        };
        let routine = "_ZN9criterion7routine7Routine4test17hc9e527cfc2e4cf38E";
        let traces = BTreeMap::from([
            (key("t", "a"), Trace { inside: names(&["iter", "push"]), callers: names(&["main"]) }),
            (key("t", "b"), Trace { inside: names(&["work"]), callers: names(&["main", routine]) }),
            (key("other", "c"), Trace { inside: names(&["far"]), callers: names(&["main"]) }),
        ]);
        let functions = symbols(&["main", "push", "register", "set_up", "iter"]);
        let registering = symbols(&["main", "push", "register"]);
        let any = names(&["main", "push", "input"]);
        let found = execution(&functions, &registering, &any, &key("t", "a"), &traces);
        assert_eq!(found.registering, symbols(&["main", "register"]));
        assert_eq!(found.own, symbols(&["iter", "push", "set_up"]), "what is timed is its own");
        assert_eq!(found.others, names(&["work", "input", routine]));
        assert_eq!(found.routines, names(&[routine]));
    }
}
