//! What cargo's configuration adds to a build, as far as a fingerprint needs it.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// cargo's configuration files, the strongest first: those of the directory and
/// its parents, then the one in cargo's home. `include` is not followed.
#[derive(Clone, Debug, Default)]
pub(super) struct Config {
    files: Vec<File>,
}

#[derive(Clone, Debug)]
struct File {
    /// From where its relative paths are meant: above the directory that holds it.
    directory: PathBuf,
    table: Table,
}

impl Config {
    /// Reads the files that count for builds in a directory. One that is no
    /// TOML is left out: cargo itself stops on it.
    pub(super) fn load(directory: &Path) -> Self {
        let directory = std::path::absolute(directory).unwrap_or_default();
        let mut places: Vec<PathBuf> =
            directory.ancestors().map(|parent| parent.join(".cargo")).collect();
        let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
        let home = home.or_else(|| std::env::home_dir().map(|home| home.join(".cargo")));
        places.extend(home.filter(|home| !places.contains(home)));
        let texts = places.iter().filter_map(|place| {
            // The name without an extension wins where both are there.
            let text = ["config", "config.toml"]
                .iter()
                .find_map(|name| std::fs::read_to_string(place.join(name)).ok())?;
            Some((place.parent().unwrap_or(place).to_owned(), text))
        });
        Self::parse(texts)
    }

    fn parse(texts: impl Iterator<Item = (PathBuf, String)>) -> Self {
        let files = texts
            .filter_map(|(directory, text)| Some(File { directory, table: text.parse().ok()? }));
        Self { files: files.collect() }
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
    /// arguments: `target.<triple>.runner`.
    pub(super) fn runner(&self, triple: &str) -> Vec<String> {
        let runner = self.tables().find_map(|table| {
            table.get("target")?.get(triple)?.get("runner").map(|runner| words(Some(runner)))
        });
        runner.unwrap_or_default()
    }

    /// `build.target`, where it names one target.
    pub(super) fn target(&self) -> Option<String> {
        self.tables()
            .find_map(|table| Some(table.get("build")?.get("target")?.as_str()?.to_owned()))
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
        Config::parse(texts.iter().map(|text| (PathBuf::from("/above"), (*text).to_owned())))
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
        assert_eq!(config.runner("t"), ["qemu", "-L", "/usr"]);
        assert_eq!(config.runner("u"), ["one", "two"]);
        assert_eq!(config.runner("v"), [""; 0]);
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
