//! A bench target that behaves like criterion's, but answers at once; variables set its
//! results.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static MIMIC: LazyLock<PathBuf> = LazyLock::new(|| super::built("mimic", "mimic"));

/// A script that execs the bench target with these variables; see its source.
pub(crate) fn mimic(home: &Path, name: &str, variables: &[(&str, &str)]) -> PathBuf {
    let set: Vec<String> =
        variables.iter().map(|(key, value)| format!("MIMIC_{key}='{value}'")).collect();
    super::script(home, name, &format!("{} exec '{}' \"$@\"", set.join(" "), MIMIC.display()))
}

/// The policy of the other tests, with more keys under `[ab]`.
pub(crate) fn policy(home: &Path, keys: &str) {
    let text = super::POLICY.replace("[verdict]", &format!("{keys}\n[verdict]"));
    std::fs::write(home.join("gate.toml"), text).unwrap();
}
