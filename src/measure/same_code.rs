//! Benchmarks that execute only code that is the same on both sides.
//!
//! A benchmark is one of them if its counts are exact and equal, and everything that its
//! process executes, set-up included, is the same on both sides, with the same constants:
//! see [`same_code`](crate::build::same_code). The libraries of the system are the same files
//! on both sides. The counting run executes the body once, so this does not show that no
//! iteration ever takes another path.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::count::coverage::{Coverage, coverage};
use super::error::MeasureError;
use super::{CountError, CountOptions, CountTarget};
use crate::build::same_code::{FunctionName, SameCode};
use crate::drive::{Interrupt, Listed, Prepared, Progress};
use crate::model::{BenchId, Sides, TargetId};
use crate::sources::callgrind_profile::Executed;

/// Which benchmarks executed the same code on both sides, and which did not.
#[derive(Debug, Default)]
pub(super) struct Compared {
    pub(super) same: BTreeSet<BenchId>,
    pub(super) differing: BTreeSet<BenchId>,
}

/// Compares what benchmarks of the head execute with the base. `wanted` are those whose
/// counts are exact and equal; `maps` are the linker's, of targets that can be compared.
pub(super) fn compare(
    pairs: &[Sides<Option<&Prepared<'_>>>],
    maps: &BTreeMap<TargetId, Sides<PathBuf>>,
    wanted: &BTreeSet<(TargetId, String)>,
    options: &CountOptions,
    interrupt: &Interrupt,
    progress: &mut dyn Progress,
) -> Result<Compared, MeasureError> {
    let mut targets = Vec::new();
    let mut codes = Vec::new();
    for pair in pairs {
        let Sides { base: Some(base), head: Some(head) } = *pair else { continue };
        let target = &head.executable.target;
        let Some(maps) = maps.get(target) else { continue };
        let is_wanted = |one: &&Listed| {
            // Of a name that is cut it is not known which benchmark it is.
            !one.cut && wanted.contains(&(target.clone(), one.name.clone()))
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
    for Coverage { target, listed, executed } in found {
        let Some(executed) = executed else { continue };
        let executable = targets[target].executable;
        let id = BenchId { name: listed.name, target: Some(executable.target.clone()) };
        let functions = functions(&executed, &executable.path);
        if functions.is_some_and(|functions| codes[target].differing(&functions).is_none()) {
            compared.same.insert(id);
        } else {
            compared.differing.insert(id);
        }
    }
    Ok(compared)
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
}
