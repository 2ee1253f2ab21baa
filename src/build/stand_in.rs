//! The program that cargo starts in place of each benchmark once it has built them: this
//! program, under another name. It writes down the environment that cargo gives it.
//!
//! cargo, its configuration and rustup all add variables, and each release may add
//! others. cargo knows them all, so it is asked.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicBool, Ordering};

use fs_err as fs;
use tempfile::TempDir;

use super::config::Config;
use super::environment::{LIBRARIES, runner_variable, settled};
use super::options::BuildOptions;
use super::toolchain::{rustc, triple};

/// The name under which cargo starts this program.
const NAME: &str = "benchgate-stand-in";
/// An argument by which it knows that cargo starts benchmarks. A benchmark that cargo
/// starts itself takes it for a filter.
const MARK: &str = NAME;
/// The directory of what it writes, next to the link of that name.
const WRITTEN: &str = "written";

/// The variables of a process.
pub(super) type Environment = BTreeMap<OsString, OsString>;

/// Whether this program's `main` calls [`as_benchmark`].
static CAN_STAND_IN: AtomicBool = AtomicBool::new(false);

/// Writes its environment down if cargo has started this program in place of a benchmark;
/// `None` otherwise.
pub(super) fn as_benchmark() -> Option<ExitCode> {
    CAN_STAND_IN.store(true, Ordering::Relaxed);
    let mut arguments = std::env::args_os();
    let program = PathBuf::from(arguments.next()?);
    if program.file_name() != Some(OsStr::new(NAME)) {
        return None;
    }
    let place = program.parent().unwrap_or(Path::new(".")).join(WRITTEN);
    let (executable, arguments) = (arguments.next().unwrap_or_default(), arguments);
    let arguments: Vec<OsString> = arguments.collect();
    if !arguments.iter().any(|argument| argument == MARK) {
        // A build script has cargo run a program of its own.
        let error = Command::new(executable).args(arguments).exec();
        let _ = writeln!(io::stderr().lock(), "{NAME}: {error}");
        return Some(ExitCode::FAILURE);
    }
    Some(match write(&place, executable) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // A closed stderr has no reader.
            let _ = writeln!(io::stderr().lock(), "{NAME}: {error}");
            ExitCode::FAILURE
        }
    })
}

/// Writes a file: the executable's path, then `KEY=VALUE` for each variable, each of them
/// with a zero byte at its end.
fn write(place: &Path, executable: OsString) -> io::Result<()> {
    let mut bytes = executable.into_vec();
    bytes.push(0);
    for (key, value) in std::env::vars_os() {
        bytes.extend([key.as_bytes(), b"=", value.as_bytes(), b"\0"].concat());
    }
    fs::write(place.join(std::process::id().to_string()), bytes)
}

/// Stands in for the benchmarks of one build.
#[derive(Debug)]
pub(super) struct StandIn {
    place: TempDir,
    /// The variable that names it to cargo.
    variable: OsString,
}

impl StandIn {
    /// Prepares it for a build. There is none if this program's `main` does not call
    /// [`as_benchmark`], or if cargo could not be told its path.
    pub(super) fn prepare(options: &BuildOptions) -> io::Result<Option<Self>> {
        if !CAN_STAND_IN.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let config = Config::load(options.directory.as_deref().unwrap_or(Path::new(".")));
        let version = rustc(options, &["-vV"]).unwrap_or_default();
        let Some(triple) = triple(options, &config, &version) else { return Ok(None) };
        let place = tempfile::tempdir()?;
        // cargo splits the variable where there are spaces.
        if place.path().as_os_str().as_bytes().iter().any(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        fs::create_dir(place.path().join(WRITTEN))?;
        fs_err::os::unix::fs::symlink(std::env::current_exe()?, place.path().join(NAME))?;
        Ok(Some(Self { place, variable: runner_variable(&triple).into() }))
    }

    /// Arguments for cargo. Should it start a benchmark itself, that ends soon.
    pub(super) fn arguments() -> [OsString; 3] {
        ["--", "--list", MARK].map(OsString::from)
    }

    /// A variable for cargo.
    pub(super) fn variable(&self) -> (OsString, OsString) {
        (self.variable.clone(), self.place.path().join(NAME).into_os_string())
    }

    /// The environment of each executable that cargo would have started, by its path.
    pub(super) fn environments(
        &self,
        options: &BuildOptions,
    ) -> io::Result<BTreeMap<PathBuf, Environment>> {
        // Those that cargo was given for the build alone.
        let given = options.variables.iter().filter(|(_, value)| value.is_some());
        let given: Vec<&OsString> = given.map(|(key, _)| key).chain([&self.variable]).collect();
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(self.place.path().join(WRITTEN))? {
            let bytes = fs::read(entry?.path())?;
            let mut parts = bytes.split(|byte| *byte == 0).filter(|part| !part.is_empty());
            let Some(executable) = parts.next() else { continue };
            let pairs = parts.filter_map(|part| {
                let at = part.iter().position(|byte| *byte == b'=')?;
                let text = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
                Some((text(&part[..at]), text(&part[at + 1..])))
            });
            let mut environment: Environment = pairs.collect();
            for key in given.iter().copied() {
                match std::env::var_os(key) {
                    Some(value) => environment.insert(key.clone(), value),
                    None => environment.remove(key),
                };
            }
            settle_libraries(&mut environment, options.target_dir.as_deref());
            found.insert(settled(Path::new(OsStr::from_bytes(executable))), environment);
        }
        Ok(found)
    }
}

/// Has the directories of libraries that cargo built be named by where they are: a path
/// that both sides share may hold the other side's when they are looked at.
fn settle_libraries(environment: &mut Environment, target: Option<&Path>) {
    let Some(target) = target else { return };
    let Some(value) = environment.get_mut(OsStr::new(LIBRARIES)) else { return };
    let own = |path: PathBuf| if path.starts_with(target) { settled(&path) } else { path };
    if let Ok(paths) = std::env::join_paths(std::env::split_paths(value).map(own)) {
        *value = paths;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_those_that_were_written_but_for_the_builds_own_variables() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join(WRITTEN)).unwrap();
        let written = b"/deps/bench\0A=1=2\0EMPTY=\0ORDER=x\0RUNNER=y\0a-b=z\0";
        std::fs::write(place.path().join(WRITTEN).join("7"), written).unwrap();
        let stand_in = StandIn { place, variable: "RUNNER".into() };
        let variables = vec![("ORDER".into(), Some("x".into())), ("A".into(), None)];
        let options = BuildOptions { variables, ..BuildOptions::default() };
        let found = stand_in.environments(&options).unwrap();
        let expected = [("A", "1=2"), ("EMPTY", ""), ("a-b", "z")];
        let expected = expected.map(|(key, value)| (key.into(), value.into()));
        assert_eq!(found[Path::new("/deps/bench")], Environment::from(expected));
    }

    #[test]
    fn libraries_that_cargo_built_are_named_by_where_they_are() {
        let place = tempfile::tempdir().unwrap();
        let place = std::fs::canonicalize(place.path()).unwrap();
        std::fs::create_dir_all(place.join("base/release")).unwrap();
        std::os::unix::fs::symlink("base", place.join("build")).unwrap();
        let build = place.join("build");
        let paths = [build.join("release"), "/usr/lib".into()];
        let value = std::env::join_paths(paths).unwrap();
        let mut environment = Environment::from([(LIBRARIES.into(), value)]);
        settle_libraries(&mut environment, Some(&build));
        let settled: Vec<_> = std::env::split_paths(&environment[OsStr::new(LIBRARIES)]).collect();
        assert_eq!(settled, [place.join("base/release"), "/usr/lib".into()]);
    }
}
