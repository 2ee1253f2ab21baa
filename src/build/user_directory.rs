//! The directory in which the user starts a build: its toolchain, workspace and package.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use fs_err as fs;

use super::git::REPOSITORY_VARIABLES;
use super::options::BuildOptions;

/// Variables that must not reach a side: those by which a hook names the user's
/// repository, and the toolchain that a proxy has chosen for the user's directory.
/// Each side then has its own.
pub(super) fn separate(directory: &Path) -> Vec<(OsString, Option<OsString>)> {
    let mut variables: Vec<(OsString, Option<OsString>)> =
        REPOSITORY_VARIABLES.iter().map(|name| (OsString::from(name), None)).collect();
    if is_rustup(directory) {
        variables.push((TOOLCHAIN.into(), None));
    }
    variables
}

/// The toolchain that is used, whatever a directory asks for.
const TOOLCHAIN: &str = "RUSTUP_TOOLCHAIN";

/// Whether rustup would choose by itself the toolchain that is named for it. A
/// different one is the user's own wish, for both sides.
pub(super) fn is_rustup(directory: &Path) -> bool {
    let Some(named) = std::env::var_os(TOOLCHAIN) else { return false };
    let output = Command::new("rustup")
        .args(["show", "active-toolchain"])
        .current_dir(directory)
        .env_remove(TOOLCHAIN)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let Ok(output) = output else { return false };
    let chosen = String::from_utf8_lossy(&output.stdout);
    chosen.split_whitespace().next().is_some_and(|chosen| OsStr::new(chosen) == named)
}

/// The directory of the user's workspace.
pub(super) fn workspace(options: &BuildOptions, directory: &Path) -> Option<PathBuf> {
    let mut command = Command::new(options.cargo());
    command.args(["locate-project", "--workspace", "--message-format", "plain"]);
    if let Some(path) = &options.manifest_path {
        command.arg("--manifest-path").arg(path);
    }
    let output = command.current_dir(directory).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let output = output.ok().filter(|output| output.status.success())?;
    let manifest = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    fs::canonicalize(manifest.parent()?).ok()
}

/// The directory of the nearest manifest in the repository, from its root.
pub(super) fn package(options: &BuildOptions, directory: &Path, root: &Path) -> Option<PathBuf> {
    let from = match &options.manifest_path {
        Some(path) => fs::canonicalize(directory.join(path)).ok()?.parent()?.to_owned(),
        None => directory.to_owned(),
    };
    let found = from.ancestors().find(|above| above.join("Cargo.toml").is_file())?;
    found.strip_prefix(root).ok().map(Path::to_owned)
}
