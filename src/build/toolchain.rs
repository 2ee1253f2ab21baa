//! The fingerprint of a build: compiler, flags, profile and features.

use std::path::Path;
use std::process::{Command, Stdio};

use super::config::{self, Config};
use super::options::BuildOptions;
use crate::drive::{Harness, OnSide, facts, libc_version, machine, tools};
use crate::model::{Environment, Field};

/// The fingerprint of this machine and of a build on it.
///
/// If only commands are measured, outside of a cargo project, the compiler is left out. What
/// cannot be found out is absent. Takes some tens of milliseconds: it asks
/// `rustc`, `getconf` and, for the harnesses that need them, valgrind and the
/// runners for their versions.
pub fn probe(options: &BuildOptions, harnesses: &[Harness]) -> Environment {
    let mut environment = tools(harnesses);
    toolchain(options, harnesses, &mut environment);
    environment.set(Field::Libc, libc_version().unwrap_or_default());
    machine(&mut environment);
    environment
}

/// What the compiler of a build prints, if it succeeds. The files of the side that is
/// built must be at the shared paths.
pub(super) fn rustc(options: &BuildOptions, arguments: &[&str]) -> Option<String> {
    let directory = options.directory.as_deref().unwrap_or(Path::new("."));
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(arguments).current_dir(directory).stdin(Stdio::null()).stderr(Stdio::null());
    for (key, value) in &options.variables {
        match value {
            Some(value) => command.env(key, value),
            None => command.env_remove(key),
        };
    }
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The target that is built for; `version` is what `rustc -vV` prints.
pub(super) fn triple(options: &BuildOptions, config: &Config, version: &str) -> Option<String> {
    options
        .target
        .clone()
        .or_else(|| std::env::var("CARGO_BUILD_TARGET").ok())
        .or_else(|| config.target())
        .or_else(|| facts::rustc_host(version))
}

/// What cargo builds with.
fn toolchain(options: &BuildOptions, harnesses: &[Harness], environment: &mut Environment) {
    // Where the files of a side cannot be reached, nothing is known of it.
    let Ok(_entered) = options.on_side.as_ref().map(OnSide::enter).transpose() else { return };
    let only_commands =
        !harnesses.is_empty() && harnesses.iter().all(|harness| *harness == Harness::Command);
    if only_commands && !options.has_project() {
        return;
    }
    let directory = options.directory.as_deref().unwrap_or(Path::new("."));
    let version = rustc(options, &["-vV"]).unwrap_or_default();
    environment.set(Field::Rustc, facts::rustc(&version).unwrap_or_default());
    let config = Config::load(directory);
    let target = triple(options, &config, &version);
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let flags = config::flags(
        variable("CARGO_ENCODED_RUSTFLAGS").as_deref(),
        variable("RUSTFLAGS").as_deref(),
        &config,
        target.as_deref().unwrap_or_default(),
    );
    // Absent is a value here: a build with flags differs from one without.
    let or_none = |text: String| if text.trim().is_empty() { "none".to_owned() } else { text };
    environment.set(Field::Flags, or_none(flags));
    environment.set(Field::Target, target.unwrap_or_default());
    environment.set(Field::Profile, config::profile(options.profile(), std::env::vars_os()));
    let mut features = options.features.clone();
    features.extend(options.all_features.then(|| "all features".to_owned()));
    features.extend(options.no_default_features.then(|| "no default features".to_owned()));
    environment.set(Field::Features, or_none(features.join(",")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_fingerprint() {
        use Field::{
            Container, Cores, Features, Flags, Os, Profile, Rustc, Target, VirtualMachine,
        };

        let environment = probe(&BuildOptions::default(), &[]);
        for field in [Cores, Os, Rustc, Target, Profile, Flags, Features, Container, VirtualMachine]
        {
            assert!(environment.get(field).is_some(), "{field} is not known");
        }
        assert_eq!(environment.get(Field::Profile).map(|text| &text[..5]), Some("bench"));
        assert_eq!(environment.get(Field::Valgrind), None, "no harness needs it");
        assert_eq!(environment, probe(&BuildOptions::default(), &[]), "it is stable");
    }
}
