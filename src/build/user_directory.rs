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
    let of_side = |name: &str| {
        ["PWD", "OLDPWD"].contains(&name) || name.starts_with("CARGO_") || name.starts_with("GIT_")
    };
    let variables = std::env::vars_os().filter(|(_, value)| leads_into(value, root, target));
    let names = variables.map(|(name, _)| name.to_string_lossy().into_owned());
    names.filter(|name| !of_side(name)).collect()
}

/// Whether a text names the root, or something in it that is not in the target directory.
fn leads_into(value: &OsStr, root: &Path, target: &Path) -> bool {
    let [value, root, target] =
        [value, root.as_os_str(), target.as_os_str()].map(OsStr::as_encoded_bytes);
    let is_whole = |rest: &[u8]| rest.first().is_none_or(|byte| b"/:;, ".contains(byte));
    let is_in = |text: &[u8], place| text.strip_prefix(place).is_some_and(is_whole);
    (0..value.len()).map(|at| &value[at..]).any(|rest| is_in(rest, root) && !is_in(rest, target))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_leads_into_the_repository_wherever_it_names_it() {
        let leads = |value: &str| {
            leads_into(
                OsStr::new(value),
                Path::new("/home/me/own"),
                Path::new("/home/me/own/target"),
            )
        };
        for value in ["/home/me/own", "/usr/lib:/home/me/own/native", "-L/home/me/own/lib -O"] {
            assert!(leads(value), "{value}");
        }
        for value in ["", "/home/me/owner", "/home/me/own/target/debug", "/home/me", "own"] {
            assert!(!leads(value), "{value}");
        }
        assert!(leads("/home/me/own/target/debug:/home/me/own/targets"));
    }
}
