//! A cargo project, as its manifests and sources describe it; nothing is built.
//!
//! Cargo's metadata does not tell whether a bench target has its own harness, and only
//! its source tells which: a package may depend on several.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use cargo_metadata::{Metadata, MetadataCommand, Package, Target, TargetKind};
use serde::Deserialize;

use crate::measure::Harness;

/// A cargo project, as far as measuring it goes.
#[derive(Clone, Debug)]
pub struct Project {
    /// The workspace's directory.
    pub root: PathBuf,
    /// Where cargo builds.
    pub target_directory: PathBuf,
    /// Whether a plain `cargo bench` leaves out packages with bench targets.
    pub needs_workspace: bool,
    /// The bench targets, by package, then target.
    pub benches: Vec<Bench>,
    /// The versions of each harness's crate in Cargo.lock, if there is a Cargo.lock.
    pub locked: BTreeMap<String, BTreeSet<String>>,
}

/// A bench target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bench {
    /// Its package.
    pub package: String,
    /// Its name.
    pub target: String,
    /// Its harness.
    pub driver: Driver,
    /// Features without which cargo leaves it out.
    pub required_features: Vec<String>,
    /// Its source file.
    pub source: PathBuf,
}

/// The harness of a bench target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Driver {
    /// A harness that the gate can run.
    Known(Harness),
    /// divan.
    Divan,
    /// The compiler's own: `harness = false` is missing.
    Libtest,
    /// Something else.
    Unknown,
}

impl Driver {
    /// Why the gate does not measure it, and the remedy; `None` if it does.
    pub fn refusal(self) -> Option<&'static str> {
        match self {
            Self::Known(_) => None,
            Self::Divan => Some("not measured: the gate cannot run divan; port it to criterion"),
            Self::Libtest => {
                Some("not measured: add `harness = false` to its [[bench]], and use criterion")
            }
            Self::Unknown => Some(
                "not measured, unless its program turns out to contain criterion, iai-callgrind or \
                 gungraun",
            ),
        }
    }
}

impl fmt::Display for Driver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Known(harness) => harness.name(),
            Self::Divan => "divan",
            Self::Libtest => "the compiler's own harness",
            Self::Unknown => "a harness of its own",
        })
    }
}

/// Why a project could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The manifest does not exist, or cargo rejects it.
    #[error("cannot read the project: {0}")]
    Metadata(#[from] cargo_metadata::Error),
    /// A manifest or a Cargo.lock cannot be read.
    #[error(transparent)]
    Read(#[from] std::io::Error),
    /// A manifest or a Cargo.lock is malformed.
    #[error("{}: {source}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// The fault.
        source: toml::de::Error,
    },
}

/// The part of a manifest that cargo's metadata lacks.
#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    bench: Vec<ManifestBench>,
}

#[derive(Deserialize)]
struct ManifestBench {
    name: Option<String>,
    harness: Option<bool>,
}

/// The part of a Cargo.lock that is read here.
#[derive(Deserialize)]
struct Lock {
    #[serde(default)]
    package: Vec<LockedPackage>,
}

#[derive(Deserialize)]
struct LockedPackage {
    name: String,
    version: String,
}

impl Project {
    /// Reads the project of `directory`, or of a manifest.
    pub fn read(directory: &Path, manifest: Option<&Path>) -> Result<Self, ProjectError> {
        let mut command = MetadataCommand::new();
        command.no_deps().current_dir(directory);
        if let Some(manifest) = manifest {
            command.manifest_path(manifest);
        }
        let metadata = command.exec()?;
        let mut benches = Vec::new();
        for package in metadata.workspace_packages() {
            benches.extend(benches_of(package)?);
        }
        benches.sort_by(|a, b| (&a.package, &a.target).cmp(&(&b.package, &b.target)));
        let root = metadata.workspace_root.clone().into_std_path_buf();
        Ok(Self {
            needs_workspace: needs_workspace(&metadata),
            locked: locked(&root.join("Cargo.lock"))?,
            target_directory: metadata.target_directory.into_std_path_buf(),
            root,
            benches,
        })
    }

    /// The harnesses of its bench targets.
    pub fn harnesses(&self) -> BTreeSet<Harness> {
        let known = self.benches.iter().filter_map(|bench| match bench.driver {
            Driver::Known(harness) => Some(harness),
            _ => None,
        });
        known.collect()
    }
}

/// The root of the workspace that a directory belongs to; `None` outside of cargo
/// projects, or without cargo.
pub fn workspace_root(directory: &Path) -> Option<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let located = Command::new(cargo)
        .args(["locate-project", "--workspace", "--message-format", "plain"])
        .current_dir(directory)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    let manifest = PathBuf::from(String::from_utf8(located.stdout).ok()?.trim_end());
    manifest.parent().map(Path::to_owned)
}

fn needs_workspace(metadata: &Metadata) -> bool {
    let bench = |package: &&Package| package.targets.iter().any(is_bench);
    // An older cargo does not report its default packages.
    metadata.workspace_default_members.is_available() && {
        let usual: BTreeSet<_> =
            metadata.workspace_default_packages().into_iter().map(|package| &package.id).collect();
        metadata
            .workspace_packages()
            .into_iter()
            .filter(bench)
            .any(|package| !usual.contains(&package.id))
    }
}

fn is_bench(target: &Target) -> bool {
    target.kind.contains(&TargetKind::Bench)
}

fn benches_of(package: &Package) -> Result<Vec<Bench>, ProjectError> {
    let path = package.manifest_path.as_std_path();
    let manifest: Manifest = toml::from_str(&fs_err::read_to_string(path)?)
        .map_err(|source| ProjectError::Toml { path: path.to_owned(), source })?;
    let own_harness = |target: &Target| {
        let mut listed = manifest.bench.iter();
        listed
            .any(|bench| bench.name.as_ref() == Some(&target.name) && bench.harness == Some(false))
    };
    let depends =
        |name: &str| package.dependencies.iter().any(|dependency| dependency.name == name);
    let benches = package.targets.iter().filter(|target| is_bench(target)).map(|target| {
        // A source that cannot be read counts as empty: cargo reports it when it builds.
        let path = target.src_path.as_std_path();
        let source = fs_err::read_to_string(path).unwrap_or_default();
        let mut found = driver(own_harness(target), &source, depends);
        if found == Driver::Unknown {
            found = driver(true, &with_modules(path, source), depends);
        }
        Bench {
            package: package.name.to_string(),
            target: target.name.clone(),
            driver: found,
            required_features: target.required_features.clone(),
            source: target.src_path.clone().into_std_path_buf(),
        }
    });
    Ok(benches.collect())
}

/// The source of a bench target, followed by the files of its modules: benches of one
/// package often share the module that calls the harness. A `#[path]` is not followed.
fn with_modules(path: &Path, source: String) -> String {
    let directory = path.parent().unwrap_or(Path::new(""));
    let mut files = modules(&source, directory);
    let mut seen = BTreeSet::from([path.to_owned()]);
    let mut all = source;
    while let Some((file, directory)) = files.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        if let Ok(module) = fs_err::read_to_string(&file) {
            files.extend(modules(&module, &directory));
            all.push('\n');
            all.push_str(&module);
        }
    }
    all
}

/// The files that may hold the modules which a source in `directory` declares, each with
/// the directory of its own modules.
fn modules(source: &str, directory: &Path) -> Vec<(PathBuf, PathBuf)> {
    let name = |line: &str| -> Option<String> {
        let (name, _) = line.split("//").next()?.split_once("mod ")?.1.split_once(';')?;
        let name = name.trim().trim_start_matches("r#");
        let plain = |c: char| c.is_alphanumeric() || c == '_';
        (!name.is_empty() && name.chars().all(plain)).then(|| name.to_owned())
    };
    let names = source.lines().filter_map(name);
    names
        .flat_map(|name| {
            let own = directory.join(&name);
            [directory.join(format!("{name}.rs")), own.join("mod.rs")]
                .map(|file| (file, own.clone()))
        })
        .collect()
}

/// The harness of a bench target, by the names in its source. If it names none, as with
/// a macro of its own, the package's dependencies decide.
fn driver(own_harness: bool, source: &str, depends: impl Fn(&str) -> bool) -> Driver {
    const DRIVERS: [(&str, &str, Driver); 4] = [
        ("gungraun", "gungraun", Driver::Known(Harness::Gungraun)),
        ("iai_callgrind", "iai-callgrind", Driver::Known(Harness::IaiCallgrind)),
        ("criterion", "criterion", Driver::Known(Harness::Criterion)),
        ("divan", "divan", Driver::Divan),
    ];
    if !own_harness {
        return Driver::Libtest;
    }
    let named = |text: &str| {
        source.lines().any(|line| {
            let code = line.split("//").next().unwrap_or_default();
            code.contains(&format!("{text}::")) || code.contains(&format!("{text}_main!"))
        })
    };
    if !DRIVERS.iter().any(|(text, _, _)| named(text)) && source.contains("fn main(") {
        return Driver::Unknown;
    }
    let by_source = DRIVERS.iter().find(|(text, _, _)| named(text));
    let mut depended = DRIVERS.iter().filter(|(_, name, _)| depends(name));
    let by_manifest = match (depended.next(), depended.next()) {
        (only, None) => only,
        _ => None,
    };
    by_source.or(by_manifest).map_or(Driver::Unknown, |(_, _, driver)| *driver)
}

/// The versions of the harnesses' crates in a Cargo.lock.
fn locked(path: &Path) -> Result<BTreeMap<String, BTreeSet<String>>, ProjectError> {
    let text = match fs_err::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(error.into()),
    };
    let lock: Lock = toml::from_str(&text)
        .map_err(|source| ProjectError::Toml { path: path.to_owned(), source })?;
    let mut versions: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for LockedPackage { name, version } in lock.package {
        if ["criterion", "gungraun", "iai-callgrind"].contains(&name.as_str()) {
            versions.entry(name).or_default().insert(version);
        }
    }
    Ok(versions)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_source_says_which_harness_drives_it() {
        let all = |_: &str| true;
        let of = |source: &str| driver(true, source, all);
        assert_eq!(of("use criterion::{Criterion};"), Driver::Known(Harness::Criterion));
        assert_eq!(of("criterion_main!(a);"), Driver::Known(Harness::Criterion));
        assert_eq!(of("// not criterion::\nfn main() { divan::main() }"), Driver::Divan);
        assert_eq!(of("iai_callgrind::main!(x = y);"), Driver::Known(Harness::IaiCallgrind));
        assert_eq!(of("use gungraun::prelude::*;"), Driver::Known(Harness::Gungraun));
        assert_eq!(of("mine!();"), Driver::Unknown, "any of four may be meant");
        assert_eq!(driver(false, "use criterion::Criterion;", all), Driver::Libtest);
        let only = |name: &str| name == "criterion";
        assert_eq!(driver(true, "mine!();", only), Driver::Known(Harness::Criterion));
        assert_eq!(driver(true, "fn main() {}", only), Driver::Unknown);
        assert_eq!(driver(true, "mine!();", |_| false), Driver::Unknown);
    }

    #[test]
    fn the_modules_of_a_bench_say_which_harness_drives_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            fs_err::create_dir_all(path.parent().expect("a parent")).expect("a directory");
            fs_err::write(&path, text).expect("a file");
            path
        };
        write("utils/mod.rs", "pub mod bencher;\n// mod other;");
        write("utils/bencher.rs", "use criterion::Criterion;\nmod timer;");
        write("utils/bencher/timer.rs", "use super::super::bencher; mod timer;");
        write("other.rs", "use divan::Bencher;");
        let of = |source: &str| {
            let path = write("a.rs", source);
            driver(true, &with_modules(&path, source.to_owned()), |_: &str| true)
        };
        let main = "fn main() { utils::run() }";
        assert_eq!(of(&format!("mod utils;\n{main}")), Driver::Known(Harness::Criterion));
        assert_eq!(of(&format!("mod other;\n{main}")), Driver::Divan);
        assert_eq!(of(&format!("mod a;\nmod absent;\n{main}")), Driver::Unknown);
        assert_eq!(of(&format!("// mod utils;\nmod utils {{}}\n{main}")), Driver::Unknown);
    }

    #[test]
    fn real_projects() {
        let projects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/projects");
        let read = |name: &str| Project::read(&projects.join(name), None).expect("a project");
        let shown = |project: &Project| -> Vec<String> {
            project
                .benches
                .iter()
                .map(|bench| format!("{} {}", bench.target, bench.driver))
                .collect()
        };
        let tiny = read("tiny");
        assert_eq!(tiny.root, projects.join("tiny"));
        assert_eq!(
            shown(&tiny),
            [
                "empty criterion",
                "heap criterion",
                "kinds criterion",
                "moody criterion",
                "optional a harness of its own",
                "plain a harness of its own",
                "sums criterion"
            ]
        );
        assert_eq!(tiny.benches[4].required_features, ["more"]);
        assert!(!tiny.needs_workspace);
        let counted = read("counted");
        assert_eq!(shown(&counted), ["counts iai-callgrind"]);
        assert_eq!(counted.harnesses().into_iter().collect::<Vec<_>>(), [Harness::IaiCallgrind]);
        let version: Vec<&String> = counted.locked["iai-callgrind"].iter().collect();
        assert_eq!(version, ["0.16.1"]);
    }
}
