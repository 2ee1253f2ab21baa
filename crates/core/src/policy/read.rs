//! From the text of a file to a policy.

use std::path::{Path, PathBuf};

use super::{Policy, PolicyError, raw, validate};

/// The default policy: every key, with comments.
pub const DEFAULT: &str = include_str!("default.toml");

/// Where a policy is searched, in this order, below the working directory.
pub const SEARCHED: [&str; 2] = ["gate.toml", "ci/gate.toml"];

impl Policy {
    /// The defaults alone.
    ///
    /// # Panics
    /// If the built-in policy is invalid, which a test rules out.
    pub fn builtin() -> Self {
        Self::complete(DEFAULT, Path::new("default.toml")).expect("the defaults are valid")
    }

    /// The policy of a text that has every key, or what is wrong with it.
    pub(super) fn complete(text: &str, path: &Path) -> Result<Self, String> {
        let raw = raw::parse(text, path).map_err(|error| error.to_string())?;
        let layer = validate::layer(&raw, text, path).map_err(|error| error.to_string())?;
        Self::try_from(layer).map_err(|missing| missing.to_string())
    }

    /// Reads the file at `path` on top of the defaults.
    pub fn read(path: &Path) -> Result<Self, PolicyError> {
        let text = fs_err::read_to_string(path).map_err(PolicyError::Read)?;
        Self::parse(&text, path)
    }

    /// Reads `text`, the content of the file at `path`, on top of the defaults.
    pub fn parse(text: &str, path: &Path) -> Result<Self, PolicyError> {
        let raw = raw::parse(text, path)?;
        let layer = validate::layer(&raw, text, path)?;
        let policy = Self { source: Some(path.to_owned()), ..layer.over(Self::builtin()) };
        validate::can_decide(&policy, &raw, text, path)?;
        Ok(policy)
    }

    /// The policy of `explicit`, else the first of [`SEARCHED`] below
    /// `directory` that exists, else the defaults.
    pub fn find(explicit: Option<&Path>, directory: &Path) -> Result<Self, PolicyError> {
        match explicit.map(Path::to_owned).or_else(|| Self::searched(directory)) {
            Some(path) => Self::read(&path),
            None => Ok(Self::builtin()),
        }
    }

    /// The first of [`SEARCHED`] below `directory` that exists.
    pub fn searched(directory: &Path) -> Option<PathBuf> {
        // A dangling link is a policy that cannot be read, not a missing policy.
        let there = |path: &PathBuf| path.symlink_metadata().is_ok();
        SEARCHED.iter().map(|name| directory.join(name)).find(there)
    }
}
