//! How cargo builds the bench executables.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand};

use super::error::BuildError;
use crate::drive::OnSide;

/// Has cargo build benchmarks without starting them.
pub(super) const NO_RUN: &str = "--no-run";

/// Has cargo describe what it builds. The beginning of an argument.
pub(super) const MESSAGES: &str = "--message-format=";

/// What to build: cargo's own options, passed on as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is one of cargo's own switches")]
pub struct BuildOptions {
    /// Where cargo runs; its configuration is looked for from here. Without
    /// one, where this process runs.
    pub directory: Option<PathBuf>,
    /// `--manifest-path`.
    pub manifest_path: Option<PathBuf>,
    /// `--package`, repeated.
    pub packages: Vec<String>,
    /// `--workspace`.
    pub workspace: bool,
    /// `--bench`, repeated; none of them means all bench targets.
    pub benches: Vec<String>,
    /// `--features`.
    pub features: Vec<String>,
    /// `--all-features`.
    pub all_features: bool,
    /// `--no-default-features`.
    pub no_default_features: bool,
    /// `--profile`; cargo's own choice is `bench`.
    pub profile: Option<String>,
    /// `--target`.
    pub target: Option<String>,
    /// `--target-dir`.
    pub target_dir: Option<PathBuf>,
    /// `--locked`.
    pub locked: bool,
    /// `--offline`.
    pub offline: bool,
    /// `--quiet`: cargo shows nothing but errors.
    pub quiet: bool,
    /// Variables for cargo, set or (with `None`) removed.
    pub variables: Vec<(OsString, Option<OsString>)>,
    /// The cargo to run; without one, the cargo that started this process, or else
    /// the one on the path.
    pub cargo: Option<OsString>,
    /// The side that is built, where two sides share their paths.
    pub on_side: Option<OnSide>,
}

impl BuildOptions {
    /// The profile that cargo builds with.
    pub fn profile(&self) -> &str {
        self.profile.as_deref().unwrap_or("bench")
    }

    /// Asks cargo where the project's target directory is (`--target-dir` and
    /// `CARGO_TARGET_DIR` count).
    pub fn target_directory(&self) -> Result<PathBuf, BuildError> {
        if let Some(target_dir) = &self.target_dir {
            return std::path::absolute(self.inside(target_dir)).map_err(BuildError::Directory);
        }
        Ok(self.metadata()?.target_directory.into_std_path_buf())
    }

    /// Whether cargo would find a project. A manifest that is broken counts: cargo says what is
    /// wrong with it.
    pub fn has_project(&self) -> bool {
        let above = |directory: PathBuf| {
            directory.ancestors().any(|directory| directory.join("Cargo.toml").is_file())
        };
        self.manifest_path.is_some()
            || std::path::absolute(self.inside(Path::new("."))).is_ok_and(above)
    }

    /// cargo: the one that was named, the one that started us, or else the one on
    /// the path.
    pub(super) fn cargo(&self) -> OsString {
        let started_us = || std::env::var_os("CARGO");
        self.cargo.clone().or_else(started_us).unwrap_or_else(|| "cargo".into())
    }

    fn inside(&self, path: &Path) -> PathBuf {
        self.directory.as_ref().map_or_else(|| path.to_owned(), |inside| inside.join(path))
    }

    /// What `cargo metadata` says of the project's own packages.
    pub(super) fn metadata(&self) -> Result<Metadata, BuildError> {
        let mut command = MetadataCommand::new();
        command.cargo_path(self.cargo()).no_deps();
        for (key, value) in &self.variables {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
        if let Some(path) = &self.manifest_path {
            command.manifest_path(path);
        }
        let mut options = Vec::new();
        options.extend(self.locked.then(|| "--locked".to_owned()));
        options.extend(self.offline.then(|| "--offline".to_owned()));
        command.other_options(options);
        command.exec().map_err(BuildError::Metadata)
    }

    /// The arguments of `cargo bench` that build and do not run.
    pub(super) fn arguments(&self) -> Vec<OsString> {
        // A new option that is not passed on does not compile.
        let Self {
            directory: _,
            manifest_path,
            packages,
            workspace,
            benches,
            features,
            all_features,
            no_default_features,
            profile,
            target,
            target_dir,
            locked,
            offline,
            quiet,
            variables: _,
            cargo: _,
            on_side: _,
        } = self;
        let mut arguments: Vec<OsString> =
            ["bench", NO_RUN, &format!("{MESSAGES}json-render-diagnostics")]
                .map(OsString::from)
                .into();
        let one = |value: &Option<String>| value.as_ref().map(OsString::from);
        let path = |value: &Option<PathBuf>| value.as_ref().map(OsString::from);
        let many = |values: &[String]| values.iter().map(OsString::from).collect::<Vec<_>>();
        let valued = [
            ("--manifest-path", path(manifest_path).into_iter().collect()),
            ("--package", many(packages)),
            ("--bench", many(benches)),
            ("--features", many(features)),
            ("--profile", one(profile).into_iter().collect()),
            ("--target", one(target).into_iter().collect()),
            ("--target-dir", path(target_dir).into_iter().collect()),
        ];
        for (name, values) in valued {
            arguments.extend(values.into_iter().flat_map(|value| [name.into(), value]));
        }
        let flags = [
            (*workspace, "--workspace"),
            (benches.is_empty(), "--benches"),
            (*all_features, "--all-features"),
            (*no_default_features, "--no-default-features"),
            (*locked, "--locked"),
            (*offline, "--offline"),
            (*quiet, "--quiet"),
        ];
        arguments.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, flag)| flag.into()));
        arguments
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_option_reaches_cargo() {
        let options = BuildOptions {
            directory: Some("elsewhere".into()),
            manifest_path: Some("a/Cargo.toml".into()),
            packages: vec!["p".into(), "q".into()],
            workspace: true,
            benches: vec!["b".into()],
            features: vec!["f,g".into()],
            all_features: true,
            no_default_features: true,
            profile: Some("release".into()),
            target: Some("x86_64-unknown-linux-gnu".into()),
            target_dir: Some("t".into()),
            locked: true,
            offline: true,
            quiet: true,
            ..BuildOptions::default()
        };
        let words: Vec<_> =
            options.arguments().iter().map(|word| word.to_string_lossy().into_owned()).collect();
        assert_eq!(
            words.join(" "),
            "bench --no-run --message-format=json-render-diagnostics --manifest-path a/Cargo.toml \
             --package p --package q --bench b --features f,g --profile release \
             --target x86_64-unknown-linux-gnu --target-dir t --workspace --all-features \
             --no-default-features --locked --offline --quiet"
        );
    }

    #[test]
    fn without_names_all_bench_targets_are_built() {
        let words = BuildOptions::default().arguments();
        assert_eq!(words[3..], ["--benches"]);
    }
}
