//! What cargo's configuration adds to a build and to the processes that cargo starts.
//!
//! cargo cannot be asked for it: `cargo config get` is not stable.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use cargo_metadata::cargo_platform::{Cfg, CfgExpr};
use toml::{Table, Value};

/// How deeply files may include others; cargo itself refuses circles.
const DEEPEST: usize = 16;

/// cargo's configuration files, the strongest first: those of the directory and
/// its parents, then the one in cargo's home, each followed by those it includes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Config {
    files: Vec<File>,
}

#[derive(Clone, Debug, PartialEq)]
struct File {
    /// From where its relative paths are meant: above the directory that holds it.
    directory: PathBuf,
    table: Table,
}

/// cargo's home: its configuration, and the crates that it has downloaded.
pub(crate) fn cargo_home() -> Option<PathBuf> {
    let named = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    named.or_else(|| Some(std::env::home_dir()?.join(".cargo")))
}

impl Config {
    /// Reads the files that count for builds in a directory. One that is no
    /// TOML is left out: cargo itself stops on it.
    pub(super) fn load(directory: &Path) -> Self {
        let directory = std::path::absolute(directory).unwrap_or_default();
        let mut places: Vec<PathBuf> =
            directory.ancestors().map(|parent| parent.join(".cargo")).collect();
        places.extend(cargo_home().filter(|home| !places.contains(home)));
        let mut config = Self::default();
        for place in places {
            // The name without an extension wins if both exist.
            let path = ["config", "config.toml"].map(|name| place.join(name));
            if let Some(path) = path.into_iter().find(|path| path.is_file()) {
                config.read(&path, DEEPEST);
            }
        }
        config
    }

    /// Reads a file, then those that it includes: a later one is stronger.
    fn read(&mut self, path: &Path, deepest: usize) {
        let Some(place) = path.parent() else { return };
        let Ok(text) = std::fs::read_to_string(path) else { return };
        let Some(file) = File::parse(place.parent().unwrap_or(place), &text) else { return };
        let included = file.includes();
        self.files.push(file);
        for path in included.iter().rev().filter(|_| deepest > 0) {
            self.read(&place.join(path), deepest - 1);
        }
    }

    /// Settings that change how benchmarks are built or started, as `build.rustflags`,
    /// and the directory whose `.cargo` holds each; the strongest file first.
    pub(super) fn notable(&self) -> Vec<(String, PathBuf)> {
        const OF_BUILD: [&str; 7] = [
            "build-dir",
            "rustc",
            "rustc-workspace-wrapper",
            "rustc-wrapper",
            "rustflags",
            "target",
            "target-dir",
        ];
        const OF_TARGET: [&str; 3] = ["linker", "runner", "rustflags"];
        let mut found = Vec::new();
        for File { directory, table } in &self.files {
            let mut add = |name: String| found.push((name, directory.clone()));
            let is_in = |table: Option<&Value>, key: &str| {
                table.is_some_and(|table| table.get(key).is_some())
            };
            for key in OF_BUILD.into_iter().filter(|key| is_in(table.get("build"), key)) {
                add(format!("build.{key}"));
            }
            for (target, settings) in
                table.get("target").and_then(Value::as_table).into_iter().flatten()
            {
                for key in OF_TARGET.into_iter().filter(|key| is_in(Some(settings), key)) {
                    add(format!("target.{target}.{key}"));
                }
            }
            for key in ["env", "patch", "profile", "unstable"] {
                if table.contains_key(key) {
                    add(key.to_owned());
                }
            }
        }
        found
    }

    /// Whether it sets cargo's build directory.
    pub(super) fn has_build_dir(&self) -> bool {
        let build_dir = |table: &Table| table.get("build")?.get("build-dir").cloned();
        self.tables().any(|table| build_dir(table).is_some())
    }

    fn tables(&self) -> impl DoubleEndedIterator<Item = &Table> {
        self.files.iter().map(|file| &file.table)
    }

    /// The variables of `[env]`, for cargo and all that it starts. `known` are those
    /// of the caller, which win unless a variable is forced.
    pub(super) fn environment(
        &self,
        known: impl Fn(&str) -> Option<OsString>,
    ) -> BTreeMap<OsString, OsString> {
        let mut variables = BTreeMap::new();
        for File { directory, table } in &self.files {
            let Some(Value::Table(set)) = table.get("env") else { continue };
            for (key, value) in set {
                let flag = |name: &str| value.get(name).and_then(Value::as_bool).unwrap_or(false);
                let text = value.as_str().or_else(|| value.get("value")?.as_str());
                let Some(text) = text else { continue };
                let value = if flag("relative") {
                    directory.join(text).into_os_string()
                } else {
                    OsString::from(text)
                };
                let value = known(key).filter(|_| !flag("force")).unwrap_or(value);
                // The strongest file comes first.
                variables.entry(OsString::from(key)).or_insert(value);
            }
        }
        variables
    }

    /// The program that cargo starts benchmarks of a target through, and its
    /// arguments: `target.<triple>.runner`, or else that of a `target.'cfg(…)'` that
    /// holds. cargo itself refuses two that hold.
    pub(super) fn runner(&self, triple: &str, cfgs: &[Cfg]) -> Vec<OsString> {
        let of = |is_meant: &dyn Fn(&str) -> bool| {
            self.files.iter().find_map(|file| {
                let targets = file.table.get("target")?.as_table()?;
                targets.iter().filter(|(key, _)| is_meant(key)).find_map(|(_, target)| {
                    Some(program(words(Some(target.get("runner")?)), &file.directory))
                })
            })
        };
        let exactly = of(&|key| key == triple);
        exactly.or_else(|| of(&|key| CfgExpr::matches_key(key, cfgs))).unwrap_or_default()
    }

    /// `build.target`, where it names one target.
    pub(super) fn target(&self) -> Option<String> {
        self.tables()
            .find_map(|table| Some(table.get("build")?.get("target")?.as_str()?.to_owned()))
    }

    /// The flags for a target triple that need no condition: those that decide which
    /// conditions hold.
    fn plain_flags(&self, triple: &str) -> Vec<String> {
        let of = |read: &dyn Fn(&Table) -> Vec<String>| -> Vec<String> {
            self.tables().rev().flat_map(read).collect()
        };
        let own = of(&|table| {
            let target = table.get("target").and_then(|targets| targets.get(triple));
            words(target.and_then(|target| target.get("rustflags")))
        });
        if own.is_empty() {
            of(&|table| words(table.get("build").and_then(|build| build.get("rustflags"))))
        } else {
            own
        }
    }

    /// The flags for a target triple: those of `target.<triple>` and, marked
    /// with their condition, of `target.'cfg(…)'`; else those of `build`. Lists
    /// join, the strongest file last, as cargo does it.
    fn flags(&self, triple: &str) -> String {
        let mut own = Vec::new();
        let mut conditional = BTreeSet::new();
        let mut general = Vec::new();
        for table in self.tables().rev() {
            general.extend(words(table.get("build").and_then(|build| build.get("rustflags"))));
            let Some(Value::Table(targets)) = table.get("target") else { continue };
            for (key, value) in targets {
                let flags = words(value.get("rustflags"));
                if key == triple {
                    own.extend(flags);
                } else if key.starts_with("cfg(") && !flags.is_empty() {
                    conditional.insert(format!("{key}: {}", flags.join(" ")));
                }
            }
        }
        if own.is_empty() && conditional.is_empty() {
            return general.join(" ");
        }
        let own = (!own.is_empty()).then(|| own.join(" "));
        own.into_iter().chain(conditional).collect::<Vec<_>>().join("; ")
    }
}

impl File {
    fn parse(directory: &Path, text: &str) -> Option<Self> {
        Some(Self { directory: directory.to_owned(), table: text.parse().ok()? })
    }

    /// The files that it includes, relative to its own place; the strongest is last.
    fn includes(&self) -> Vec<PathBuf> {
        let path = |value: &Value| {
            let path = value.as_str().or_else(|| value.get("path")?.as_str());
            path.map(PathBuf::from)
        };
        match self.table.get("include") {
            Some(Value::Array(list)) => list.iter().filter_map(path).collect(),
            Some(value) => path(value).into_iter().collect(),
            None => Vec::new(),
        }
    }
}

/// A program and its arguments. The program's path is meant from `directory` if it is
/// more than a name.
pub(super) fn program(words: Vec<String>, directory: &Path) -> Vec<OsString> {
    let mut words = words.into_iter();
    let Some(program) = words.next() else { return Vec::new() };
    let program = if program.contains('/') {
        directory.join(program).into_os_string()
    } else {
        program.into()
    };
    [program].into_iter().chain(words.map(OsString::from)).collect()
}

/// A list of flags, or one text of them.
fn words(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => text.split_whitespace().map(str::to_owned).collect(),
        Some(Value::Array(list)) => {
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => Vec::new(),
    }
}

/// The same as [`flags`], word by word and without those that depend on a condition.
pub(super) fn plain_flags(
    encoded: Option<&str>,
    plain: Option<&str>,
    config: &Config,
    triple: &str,
) -> Vec<String> {
    match (encoded, plain) {
        (Some(encoded), _) => encoded.split('\u{1f}').map(str::to_owned).collect(),
        (None, Some(plain)) => plain.split_whitespace().map(str::to_owned).collect(),
        (None, None) => config.plain_flags(triple),
    }
}

/// RUSTFLAGS in cargo's order: the first source that is there counts alone.
pub(super) fn flags(
    encoded: Option<&str>,
    plain: Option<&str>,
    config: &Config,
    triple: &str,
) -> String {
    match (encoded, plain) {
        (Some(encoded), _) => encoded.split('\u{1f}').collect::<Vec<_>>().join(" "),
        (None, Some(plain)) => plain.split_whitespace().collect::<Vec<_>>().join(" "),
        (None, None) => config.flags(triple),
    }
}

/// The profile's name, and what the environment changes in it
/// (`CARGO_PROFILE_BENCH_LTO`; the bench profile inherits from release).
pub(super) fn profile(name: &str, variables: impl Iterator<Item = (OsString, OsString)>) -> String {
    let own = format!("CARGO_PROFILE_{}_", name.to_uppercase().replace('-', "_"));
    let changes: BTreeSet<String> = variables
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .filter(|(key, _)| key.starts_with(&own) || key.starts_with("CARGO_PROFILE_RELEASE_"))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    if changes.is_empty() {
        return name.to_owned();
    }
    format!("{name} ({})", changes.into_iter().collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(texts: &[&str]) -> Config {
        let files = texts.iter().filter_map(|text| File::parse(Path::new("/above"), text));
        Config { files: files.collect() }
    }

    #[test]
    fn the_environment_hides_the_files() {
        let config = config(&["[build]\nrustflags = ['-Copt-level=3']\n"]);
        assert_eq!(flags(Some("-Ca=1\u{1f}-Cb=2"), Some("-Cc"), &config, "t"), "-Ca=1 -Cb=2");
        assert_eq!(flags(None, Some(" -Cc   -Cd "), &config, "t"), "-Cc -Cd");
        assert_eq!(flags(None, None, &config, "t"), "-Copt-level=3");
    }

    #[test]
    fn lists_join_with_the_strongest_file_last() {
        let config = config(&[
            "[build]\nrustflags = '-Cnear'\ntarget = 'near'\n",
            "[build]\nrustflags = ['-Cfar']\ntarget = 'far'\n",
        ]);
        assert_eq!(config.flags("t"), "-Cfar -Cnear");
        assert_eq!(config.target().as_deref(), Some("near"));
    }

    #[test]
    fn flags_of_the_target_come_before_those_of_the_build() {
        let config = config(&["[build]\nrustflags = ['-Cbuild']\n\
             [target.x86_64-unknown-linux-gnu]\nrustflags = ['-Ctarget-cpu=native']\n\
             [target.'cfg(unix)']\nrustflags = '-Cunix'\n\
             [target.aarch64-apple-darwin]\nrustflags = ['-Cother']\n"]);
        assert_eq!(
            config.flags("x86_64-unknown-linux-gnu"),
            "-Ctarget-cpu=native; cfg(unix): -Cunix"
        );
    }

    #[test]
    fn variables_are_those_of_the_strongest_file_and_yield_to_the_callers() {
        let config = config(&[
            "[env]\nA = 'near'\nSET = 'no'\nFORCED = { value = 'yes', force = true }\n",
            "[env]\nA = 'far'\nDIR = { value = 'data', relative = true }\nODD = 3\n",
        ]);
        let known = |key: &str| ["SET", "FORCED"].contains(&key).then(|| "callers".into());
        let found = config.environment(known);
        let shown: Vec<(&str, &str)> = found
            .iter()
            .map(|(key, value)| (key.to_str().unwrap(), value.to_str().unwrap()))
            .collect();
        let expected =
            [("A", "near"), ("DIR", "/above/data"), ("FORCED", "yes"), ("SET", "callers")];
        assert_eq!(shown, expected);
    }

    #[test]
    fn the_runner_is_that_of_the_target() {
        let config = config(&[
            "[target.t]\nrunner = ['qemu', '-L', '/usr']\n",
            "[target.t]\nrunner = 'far'\n[target.u]\nrunner = 'one two'\n",
        ]);
        assert_eq!(config.runner("t", &[]), ["qemu", "-L", "/usr"]);
        assert_eq!(config.runner("u", &[]), ["one", "two"]);
        assert_eq!(config.runner("v", &[]), [""; 0]);
    }

    #[test]
    fn a_runner_under_a_condition_yields_to_that_of_the_target() {
        let config = config(&[
            "[target.'cfg(windows)']\nrunner = 'no'\n\
             [target.'cfg(all(unix, not(fast)))']\nrunner = ['tools/run', '-x']\n",
            "[target.t]\nrunner = 'far'\n",
        ]);
        let cfgs: Vec<Cfg> =
            ["unix", "target_os=\"linux\""].map(|text| text.parse().unwrap()).into();
        // A path is meant from the directory above the file's.
        assert_eq!(config.runner("u", &cfgs), ["/above/tools/run", "-x"]);
        assert_eq!(config.runner("t", &cfgs), ["far"], "though its file is weaker");
        let fast = [&cfgs[..], &["fast".parse().unwrap()]].concat();
        assert_eq!(config.runner("u", &fast), [""; 0]);
    }

    #[test]
    fn flags_that_decide_which_conditions_hold() {
        let config = config(&[
            "[build]\nrustflags = ['-Cbuild']\n[target.t]\nrustflags = ['--cfg', 'near']\n",
            "[target.t]\nrustflags = ['-Cfar']\n[target.'cfg(unix)']\nrustflags = '-Cno'\n",
        ]);
        assert_eq!(plain_flags(None, None, &config, "t"), ["-Cfar", "--cfg", "near"]);
        assert_eq!(plain_flags(None, None, &config, "u"), ["-Cbuild"]);
        assert_eq!(plain_flags(None, Some("-Ca  -Cb"), &config, "t"), ["-Ca", "-Cb"]);
        assert_eq!(plain_flags(Some("-Ca\u{1f}b c"), None, &config, "t"), ["-Ca", "b c"]);
    }

    #[test]
    fn settings_that_matter_are_named() {
        let config = config(&[
            "[env]\nA = '1'\n[build]\nrustflags = '-Ca'\njobs = 2\n",
            "[target.'cfg(unix)']\nrunner = 'x'\n[alias]\nb = 'bench'\n",
        ]);
        let names: Vec<_> = config.notable().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["build.rustflags", "env", "target.cfg(unix).runner"]);
    }

    #[test]
    fn broken_files_and_odd_values_are_left_out() {
        let config = config(&["[build", "build = 3\ntarget = 'x'\n", "[build]\nrustflags = [1]\n"]);
        assert_eq!(config.flags("t"), "");
        assert_eq!(config.target(), None);
    }

    #[test]
    fn the_nearest_file_is_found() {
        let directory = tempfile::tempdir().expect("a directory");
        let inner = directory.path().join("a/b");
        std::fs::create_dir_all(&inner).expect("made");
        std::fs::create_dir(directory.path().join("a/.cargo")).expect("made");
        std::fs::write(directory.path().join("a/.cargo/config.toml"), "build.target = 'mine'\n")
            .expect("written");
        assert_eq!(Config::load(&inner).target().as_deref(), Some("mine"));
    }

    #[test]
    fn included_files_are_weaker_than_the_file_that_includes_them() {
        let directory = tempfile::tempdir().expect("a directory");
        let place = directory.path().join(".cargo");
        std::fs::create_dir(&place).expect("made");
        let write =
            |name: &str, text: &str| std::fs::write(place.join(name), text).expect("written");
        write(
            "config.toml",
            "include = ['one.toml', { path = 'two.toml' }, 'gone.toml']\n[env]\nA = 'own'\n",
        );
        write("one.toml", "include = 'config.toml'\n[env]\nA = 'one'\nB = 'one'\nC = 'one'\n");
        write("two.toml", "[env]\nA = 'two'\nB = 'two'\n");
        let found = Config::load(directory.path()).environment(|_| None);
        let value = |key: &str| found[&OsString::from(key)].to_str().expect("text").to_owned();
        assert_eq!(["A", "B", "C"].map(value), ["own", "two", "one"]);
    }

    #[test]
    fn profiles_name_what_the_environment_changes() {
        let variables = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect::<Vec<_>>().into_iter()
        };
        assert_eq!(profile("bench", variables(&[("PATH", "/bin")])), "bench");
        assert_eq!(
            profile(
                "bench",
                variables(&[
                    ("CARGO_PROFILE_RELEASE_DEBUG", "1"),
                    ("CARGO_PROFILE_BENCH_LTO", "fat"),
                    ("CARGO_PROFILE_DEV_DEBUG", "0"),
                ])
            ),
            "bench (CARGO_PROFILE_BENCH_LTO=fat, CARGO_PROFILE_RELEASE_DEBUG=1)"
        );
    }
}
