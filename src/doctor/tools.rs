//! The tools: what counts instructions, what builds.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Check;
use crate::measure::{self, Harness};
use crate::project::Project;

/// Up to this `perf_event_paranoid` a user may count events of his own processes.
const PARANOID: i64 = 2;

/// The harnesses that count through a runner.
const COUNTING: [Harness; 2] = [Harness::IaiCallgrind, Harness::Gungraun];

/// What is installed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tools {
    /// `valgrind --version`.
    pub valgrind: Option<String>,
    /// The versions of the runners that there are.
    pub runners: BTreeMap<Harness, String>,
    /// Whether the program `perf` is there.
    pub perf: bool,
    /// The kernel's `perf_event_paranoid`, where readable.
    pub paranoid: Option<i64>,
    /// Where the toolchain keeps its own linker, on targets that pin layouts with
    /// it: whether it is there.
    pub linker: Option<(PathBuf, bool)>,
}

impl Tools {
    /// Asks valgrind, the runners and rustc; `/proc` lies below `root`.
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

/// `rust-lld`, beside the libraries of rustc's host.
fn linker() -> Option<(PathBuf, bool)> {
    if !cfg!(all(target_arch = "x86_64", target_os = "linux")) {
        return None;
    }
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let libraries = runs(Command::new(rustc).arg("--print=target-libdir"))?;
    let linker = Path::new(libraries.trim()).with_file_name("bin").join("rust-lld");
    let there = linker.is_file();
    Some((linker, there))
}

/// What a program says that ends well.
fn runs(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Looks at the tools that a project needs, or would gain from.
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
    checks.extend(tools.linker.as_ref().map(|(path, there)| {
        if *there {
            Check::ok("linker", path.display().to_string())
        } else {
            Check::warning(
                "linker",
                format!("{} is not there: layouts cannot be pinned with it", path.display()),
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
                format!("not installed: no benchmark of {} runs without it", harness.name());
            Check::problem(NAME, found, remedy)
        }
        (None, None) => {
            let found = "not installed: the clock decides alone, without counts of instructions";
            Check::warning(NAME, found, remedy)
        }
    }
}

/// A runner refuses a library of another version.
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
            let found = format!("{found}; there is no Cargo.lock that says which is needed");
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
        (Some(found), several) => Check::problem(
            name,
            format!("{found}, and Cargo.lock has {} of {}", several.join(" and "), harness.name()),
            format!("let all packages use one version of {}: no runner serves two", harness.name()),
        ),
    })
}

/// The gate does without perf; whoever looks for a cause by hand does not.
fn perf(tools: &Tools) -> Check {
    const NAME: &str = "perf";
    match (tools.perf, tools.paranoid) {
        (_, Some(level)) if level > PARANOID => Check::warning(
            NAME,
            format!(
                "perf_event_paranoid is {level}: perf is closed to you (the gate does without)"
            ),
            "sudo sysctl kernel.perf_event_paranoid=2",
        ),
        (true, Some(level)) => Check::ok(NAME, format!("there, perf_event_paranoid is {level}")),
        (true, None) => Check::ok(NAME, "there; what the kernel allows is not visible here"),
        (false, _) => Check::ok(NAME, "not installed; the gate does without"),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::doctor::Status;
    use crate::project::{Bench, Driver};

    fn project(harness: Harness, versions: &[&str]) -> Project {
        let versions: BTreeSet<String> = versions.iter().map(|one| (*one).to_owned()).collect();
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
            }],
            locked: locked.into_iter().collect(),
        }
    }

    fn found(all: &Tools, project: &Project) -> Vec<(Status, String)> {
        let checks = tools(all, Some(project)).into_iter();
        checks
            .map(|one| (one.status, format!("{}: {}", one.name, one.remedy.unwrap_or(one.found))))
            .collect()
    }

    #[test]
    fn nothing_installed() {
        let none = Tools::default();
        let of = |harness, versions: &[&str]| found(&none, &project(harness, versions));
        let install = "install it (Debian, Ubuntu: apt-get install valgrind)";
        let perf = (Status::Ok, "perf: not installed; the gate does without".to_owned());
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
