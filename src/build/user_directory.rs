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

/// The variables of this process that name something in the repository, but for those that each
/// side gets its own of and what is in its target directory.
pub(super) fn variables_into(root: &Path, target: &Path) -> Vec<String> {
    let leads = |value: &OsStr| {
        let (root, target) = (root.as_os_str().as_encoded_bytes(), target.as_os_str());
        let value = value.as_encoded_bytes();
        let places = value.windows(root.len()).enumerate().filter(|(_, part)| *part == root);
        places.map(|(at, _)| &value[at..]).any(|found| {
            let ends = found.get(root.len()).is_none_or(|byte| b"/:;, ".contains(byte));
            ends && !found.starts_with(target.as_encoded_bytes())
        })
    };
    let of_side = |name: &str| {
        ["PWD", "OLDPWD"].contains(&name) || name.starts_with("CARGO_") || name.starts_with("GIT_")
    };
    let variables = std::env::vars_os().filter(|(_, value)| leads(value));
    let names = variables.map(|(name, _)| name.to_string_lossy().into_owned());
    names.filter(|name| !of_side(name)).collect()
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
