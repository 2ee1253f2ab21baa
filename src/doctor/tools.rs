//! The tools that count instructions and build.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Check;
use crate::measure::{self, Harness};
use crate::project::Project;

/// Up to this `perf_event_paranoid`, users may count events of their own processes.
const PARANOID: i64 = 2;

/// The harnesses that count through a runner.
const COUNTING: [Harness; 2] = [Harness::IaiCallgrind, Harness::Gungraun];

/// The installed tools.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tools {
    /// `valgrind --version`.
    pub valgrind: Option<String>,
    /// The versions of the installed runners.
    pub runners: BTreeMap<Harness, String>,
    /// Whether the program `perf` is installed.
    pub perf: bool,
    /// The kernel's `perf_event_paranoid`, if readable.
    pub paranoid: Option<i64>,
    /// The path of the toolchain's own linker and whether it exists, on targets that pin
    /// layouts with it.
    pub linker: Option<(PathBuf, bool)>,
}

impl Tools {
    /// Asks valgrind, the runners and rustc; `/proc` is below `root`.
    pub fn find(root: &Path) -> Self {
        let runners = COUNTING
            .into_iter()
            .filter_map(|harness| Some((harness, measure::runner_version(harness)?)));
        let paranoid = std::fs::read_to_string(root.join("proc/sys/kernel/perf_event_paranoid"));
        Self {
            valgrind: measure::valgrind_version(),
            runners: runners.collect(),
            perf: runs(Command::new("perf").arg("--version")).is_some(),
            paranoid: paranoid.ok().and_then(|text| text.trim().parse().ok()),
            linker: linker(),
        }
    }
}

/// `rust-lld`, next to the libraries of rustc's host.
fn linker() -> Option<(PathBuf, bool)> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return None;
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = runs(Command::new(rustc).arg("--print=target-libdir"))?;
    let linker = Path::new(libraries.trim()).with_file_name("bin").join("rust-lld");
    let exists = linker.is_file();
    Some((linker, exists))
}

/// The output of a program that succeeds.
fn runs(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Checks the tools that a project needs or would benefit from.
pub fn tools(tools: &Tools, project: Option<&Project>) -> Vec<Check> {
    let needed: Vec<Harness> =
        project.map(Project::harnesses).unwrap_or_default().into_iter().collect();
    let mut checks = vec![valgrind(tools, &needed)];
    if let Some(project) = project {
        checks.extend(
            COUNTING
                .into_iter()
                .filter(|harness| needed.contains(harness))
                .filter_map(|harness| runner(tools, harness, project)),
        );
    }
    checks.push(perf(tools));
    checks.extend(tools.linker.as_ref().map(|(path, exists)| {
        if *exists {
            Check::ok("linker", path.display().to_string())
        } else {
            Check::warning(
                "linker",
                format!("{} does not exist, so layouts cannot be pinned", path.display()),
                "use rustup's toolchain, which brings rust-lld",
            )
        }
    }));
    checks
}

fn valgrind(tools: &Tools, needed: &[Harness]) -> Check {
    const NAME: &str = "valgrind";
    let remedy = "install it (Debian, Ubuntu: apt-get install valgrind)";
    let counting = needed.iter().find(|harness| harness.counts());
    match (&tools.valgrind, counting) {
        (Some(version), _) => Check::ok(NAME, version.clone()),
        (None, Some(harness)) => {
            let found =
                format!("not installed: benchmarks of {} cannot run without it", harness.name());
            Check::problem(NAME, found, remedy)
        }
        (None, None) => {
            let found = "not installed: only times are compared, not instruction counts";
            Check::warning(NAME, found, remedy)
        }
    }
}

/// A runner works only with a library of its own version.
fn runner(tools: &Tools, harness: Harness, project: &Project) -> Option<Check> {
    let name = harness.runner()?;
    let locked: Vec<&str> =
        project.locked.get(harness.name()).into_iter().flatten().map(String::as_str).collect();
    Some(match (tools.runners.get(&harness), &locked[..]) {
        (None, versions) => {
            let version = (versions.len() == 1).then(|| versions[0]);
            Check::problem(name, "not installed", harness.install_hint(version))
        }
        (Some(found), []) => {
            let found = format!("{found}; without a Cargo.lock the required version is unknown");
            Check::warning(name, found, "cargo generate-lockfile, and commit Cargo.lock")
        }
        (Some(found), [wanted]) if found == wanted => {
            Check::ok(name, format!("{found}, as {} in Cargo.lock", harness.name()))
        }
        (Some(found), [wanted]) => Check::problem(
            name,
            format!("{found}, and {} in Cargo.lock is {wanted}", harness.name()),
            harness.install_hint(Some(wanted)),
        ),
        (Some(found), versions) => Check::problem(
            name,
            format!("{found}, and Cargo.lock has {} of {}", versions.join(" and "), harness.name()),
            format!(
                "let all packages use one version of {}: a runner works with only one",
                harness.name()
            ),
        ),
    })
}

/// The gate does not use perf, but someone who looks for a cause by hand does.
fn perf(tools: &Tools) -> Check {
    const NAME: &str = "perf";
    match (tools.perf, tools.paranoid) {
        (_, Some(level)) if level > PARANOID => Check::warning(
            NAME,
            format!(
                "perf_event_paranoid is {level}: you cannot use perf (the gate does not need it)"
            ),
            "sudo sysctl kernel.perf_event_paranoid=2",
        ),
        (true, Some(level)) => {
            Check::ok(NAME, format!("installed, perf_event_paranoid is {level}"))
        }
        (true, None) => {
            Check::ok(NAME, "installed; the kernel's restrictions are not visible here")
        }
        (false, _) => Check::ok(NAME, "not installed; the gate does not need it"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::doctor::Status;
    use crate::project::{Bench, Driver};

    fn project(harness: Harness, versions: &[&str]) -> Project {
        let versions: BTreeSet<String> =
            versions.iter().map(|version| (*version).to_owned()).collect();
        let locked = (!versions.is_empty()).then(|| (harness.name().to_owned(), versions));
        Project {
            root: "/p".into(),
            target_directory: "/p/target".into(),
            needs_workspace: false,
            benches: vec![Bench {
                package: "p".to_owned(),
                target: "b".to_owned(),
                driver: Driver::Known(harness),
                required_features: Vec::new(),
                source: "benches/b.rs".into(),
            }],
            locked: locked.into_iter().collect(),
        }
    }

    fn found(all: &Tools, project: &Project) -> Vec<(Status, String)> {
        let checks = tools(all, Some(project)).into_iter();
        checks
            .map(|check| {
                (check.status, format!("{}: {}", check.name, check.remedy.unwrap_or(check.found)))
            })
            .collect()
    }

    #[test]
    fn nothing_installed() {
        let none = Tools::default();
        let of = |harness, versions: &[&str]| found(&none, &project(harness, versions));
        let install = "install it (Debian, Ubuntu: apt-get install valgrind)";
        let perf = (Status::Ok, "perf: not installed; the gate does not need it".to_owned());
        assert_eq!(
            of(Harness::Criterion, &["0.8.2"]),
            [(Status::Warning, format!("valgrind: {install}")), perf.clone()]
        );
        assert_eq!(
            of(Harness::IaiCallgrind, &["0.16.1"]),
            [
                (Status::Problem, format!("valgrind: {install}")),
                (
                    Status::Problem,
                    "iai-callgrind-runner: install it with `cargo install --locked \
                     iai-callgrind-runner --version 0.16.1`"
                        .to_owned()
                ),
                perf
            ]
        );
    }

    #[test]
    fn the_runner_must_be_the_librarys() {
        let tools = Tools {
            valgrind: Some("valgrind-3.24.0".to_owned()),
            runners: BTreeMap::from([(Harness::Gungraun, "0.17.0".to_owned())]),
            perf: true,
            paranoid: Some(4),
            linker: Some(("/rust/bin/rust-lld".into(), false)),
        };
        let runner =
            |versions: &[&str]| found(&tools, &project(Harness::Gungraun, versions))[1].clone();
        let all = found(&tools, &project(Harness::Gungraun, &["0.17.0"]));
        assert_eq!(
            all,
            [
                (Status::Ok, "valgrind: valgrind-3.24.0".to_owned()),
                (Status::Ok, "gungraun-runner: 0.17.0, as gungraun in Cargo.lock".to_owned()),
                (Status::Warning, "perf: sudo sysctl kernel.perf_event_paranoid=2".to_owned()),
                (
                    Status::Warning,
                    "linker: use rustup's toolchain, which brings rust-lld".to_owned()
                ),
            ]
        );
        let (status, remedy) = runner(&["0.16.0"]);
        assert_eq!(status, Status::Problem);
        assert!(remedy.ends_with("gungraun-runner --version 0.16.0`"), "{remedy}");
        assert_eq!(runner(&["0.16.0", "0.17.0"]).0, Status::Problem);
        assert_eq!(runner(&[]).0, Status::Warning);
    }
}
