//! The environment that `cargo bench` gives a benchmark's process, as far as it is known
//! here: for programs that use this library and cannot [stand in](super::stand_in) for a
//! benchmark, and for targets that cargo cannot be asked about.
//!
//! See "Environment variables" in cargo's reference, and `Compilation::fill_env` in
//! its sources for the order in which they win.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_metadata::cargo_platform::Cfg;
use cargo_metadata::{Artifact, BuildScript, Package, TargetKind};

use super::config::{Config, plain_flags, program};
use super::options::BuildOptions;
use super::toolchain::{rustc, triple};

/// The variable that names where the system's loader looks for libraries.
pub(super) const LIBRARIES: &str =
    if cfg!(target_os = "macos") { "DYLD_FALLBACK_LIBRARY_PATH" } else { "LD_LIBRARY_PATH" };

/// What cargo knows once it has built.
#[derive(Debug)]
pub(super) struct Processes<'a> {
    options: &'a BuildOptions,
    artifacts: &'a [Artifact],
    scripts: &'a [BuildScript],
    target_directory: &'a Path,
    config: Config,
    /// The target that was built for.
    triple: Option<String>,
    /// The directory of the standard library's own libraries.
    sysroot: Option<PathBuf>,
}

impl<'a> Processes<'a> {
    pub(super) fn new(
        options: &'a BuildOptions,
        artifacts: &'a [Artifact],
        scripts: &'a [BuildScript],
        target_directory: &'a Path,
    ) -> Self {
        let directory = options.directory.as_deref().unwrap_or(Path::new("."));
        let config = Config::load(directory);
        let version = rustc(options, &["-vV"]).unwrap_or_default();
        let triple = triple(options, &config, &version);
        let mut arguments = vec!["--print", "target-libdir"];
        arguments.extend(triple.iter().flat_map(|triple| ["--target", triple]));
        let sysroot = rustc(options, &arguments);
        Self {
            options,
            artifacts,
            scripts,
            target_directory,
            config,
            triple,
            sysroot: sysroot.map(|path| PathBuf::from(path.trim())),
        }
    }

    /// The program through which the executables are started, and its arguments.
    pub(super) fn runner(&self) -> Vec<OsString> {
        let Some(triple) = &self.triple else { return Vec::new() };
        match std::env::var(runner_variable(triple)) {
            Ok(words) => {
                let words = words.split_whitespace().map(str::to_owned).collect();
                program(words, self.options.directory.as_deref().unwrap_or(Path::new(".")))
            }
            Err(_) => self.config.runner(triple, &self.cfgs(triple)),
        }
    }

    /// The conditions that hold for what is built.
    fn cfgs(&self, triple: &str) -> Vec<Cfg> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        let flags = plain_flags(
            variable("CARGO_ENCODED_RUSTFLAGS").as_deref(),
            variable("RUSTFLAGS").as_deref(),
            &self.config,
            triple,
        );
        let mut arguments = vec!["--print", "cfg", "--target", triple];
        arguments.extend(flags.iter().map(String::as_str));
        let printed = rustc(self.options, &arguments).unwrap_or_default();
        printed.lines().filter_map(|line| line.parse().ok()).collect()
    }

    /// The variables for an executable of a package.
    pub(super) fn variables(
        &self,
        package: &Package,
        executable: &Path,
    ) -> BTreeMap<OsString, OsString> {
        let mut variables = self.of_package(package);
        variables.extend(self.of_build_script(package));
        variables.extend(self.programs(package));
        variables.extend(self.libraries(executable));
        for (key, value) in self.config.environment(|key| std::env::var_os(key)) {
            variables.entry(key).or_insert(value);
        }
        variables
    }

    fn of_package(&self, package: &Package) -> BTreeMap<OsString, OsString> {
        let version = &package.version;
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let path = |path: &Option<cargo_metadata::camino::Utf8PathBuf>| {
            path.as_ref().map(ToString::to_string).unwrap_or_default()
        };
        let directory = package.manifest_path.parent().map(ToString::to_string);
        let rust_version = package.rust_version.as_ref().map(ToString::to_string);
        let named = [
            ("CARGO_MANIFEST_DIR", directory.unwrap_or_default()),
            ("CARGO_MANIFEST_PATH", package.manifest_path.to_string()),
            ("CARGO_PKG_AUTHORS", package.authors.join(":")),
            ("CARGO_PKG_DESCRIPTION", text(&package.description)),
            ("CARGO_PKG_HOMEPAGE", text(&package.homepage)),
            ("CARGO_PKG_LICENSE", text(&package.license)),
            ("CARGO_PKG_LICENSE_FILE", path(&package.license_file)),
            ("CARGO_PKG_NAME", package.name.to_string()),
            ("CARGO_PKG_README", path(&package.readme)),
            ("CARGO_PKG_REPOSITORY", text(&package.repository)),
            ("CARGO_PKG_RUST_VERSION", rust_version.unwrap_or_default()),
            ("CARGO_PKG_VERSION", version.to_string()),
            ("CARGO_PKG_VERSION_MAJOR", version.major.to_string()),
            ("CARGO_PKG_VERSION_MINOR", version.minor.to_string()),
            ("CARGO_PKG_VERSION_PATCH", version.patch.to_string()),
            ("CARGO_PKG_VERSION_PRE", version.pre.to_string()),
        ];
        let named = named.into_iter().map(|(key, value)| (key.into(), value.into()));
        named.chain([("CARGO".into(), self.options.cargo())]).collect()
    }

    /// Where the package's build script wrote, and the variables that it set.
    fn of_build_script(&self, package: &Package) -> BTreeMap<OsString, OsString> {
        let own = self.scripts.iter().filter(|script| script.package_id == package.id);
        let variables = own.flat_map(|script| {
            let out = ("OUT_DIR".into(), script.out_dir.to_string().into());
            let set = script.env.iter().map(|(key, value)| (key.into(), value.into()));
            set.chain([out])
        });
        variables.collect()
    }

    /// The package's own programs, which cargo names at run time from 1.94 on.
    fn programs(&self, package: &Package) -> BTreeMap<OsString, OsString> {
        let is_own = |artifact: &&Artifact| {
            artifact.package_id == package.id && artifact.target.kind.contains(&TargetKind::Bin)
        };
        let programs = self.artifacts.iter().filter(is_own).filter_map(|artifact| {
            let key = format!("CARGO_BIN_EXE_{}", artifact.target.name);
            Some((key.into(), artifact.executable.as_ref()?.to_string().into()))
        });
        programs.collect()
    }

    /// Where the system's loader looks for libraries.
    fn libraries(&self, executable: &Path) -> Option<(OsString, OsString)> {
        let variable = LIBRARIES;
        let native = self.scripts.iter().flat_map(|script| &script.linked_paths).map(|path| {
            // `native=/path` and the like.
            let path = path.as_str();
            PathBuf::from(path.split_once('=').map_or(path, |(_, path)| path))
        });
        // cargo adds those that are in its target directory.
        let mut paths: Vec<PathBuf> = native
            .filter(|path| path.starts_with(self.target_directory))
            .map(|path| settled(&path))
            .collect();
        paths.sort();
        paths.dedup();
        let deps = executable.parent();
        paths.extend(deps.and_then(Path::parent).map(Path::to_owned));
        paths.extend(deps.map(Path::to_owned));
        paths.extend(self.sysroot.clone());
        let inherited = std::env::var_os(variable).unwrap_or_default();
        let inherited = std::env::split_paths(&inherited);
        paths.extend(inherited.filter(|path| !path.as_os_str().is_empty()));
        Some((variable.into(), std::env::join_paths(paths).ok()?))
    }
}

/// The variable by which cargo is told a target's runner.
pub(super) fn runner_variable(triple: &str) -> String {
    format!("CARGO_TARGET_{}_RUNNER", triple.to_uppercase().replace(['-', '.'], "_"))
}

/// Where a file really is; the path itself where that cannot be found out.
pub(super) fn settled(path: &Path) -> PathBuf {
    std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}
