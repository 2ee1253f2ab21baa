//! A bench target that answers like a criterion one, at once and as it is told.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static MIMIC: LazyLock<PathBuf> = LazyLock::new(|| super::built("mimic", "mimic"));

/// A script that execs it with these variables: see the project's bench target.
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
