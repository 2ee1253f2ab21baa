//! How a benchmark is named, and when two names mean the same benchmark.

use std::fmt;

/// Names one benchmark within a snapshot.
///
/// `name` is what its harness calls it (criterion's `full_id`, callgrind's
/// `module::function id`). Two bench targets may use the same name, so the
/// target, and in a workspace the package, belong to the identity. Sources that
/// cannot know them (another project's `target/criterion`) leave them out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BenchId {
    /// The harness's own name; arbitrary text, never trusted.
    pub name: String,
    /// The bench target (the executable) that it ran in, where known.
    pub target: Option<String>,
    /// The cargo package of that target, where known.
    pub package: Option<String>,
}

impl BenchId {
    /// An id whose target and package are not known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), target: None, package: None }
    }

    /// An id in a bench target of a package.
    pub fn in_target(
        name: impl Into<String>,
        target: impl Into<String>,
        package: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), target: Some(target.into()), package: Some(package.into()) }
    }

    /// Whether both can be the same benchmark: equal names, and no target or
    /// package that is known on both sides and differs.
    pub fn may_equal(&self, other: &Self) -> bool {
        fn agree(a: Option<&String>, b: Option<&String>) -> bool {
            a.is_none() || b.is_none() || a == b
        }
        self.name == other.name
            && agree(self.target.as_ref(), other.target.as_ref())
            && agree(self.package.as_ref(), other.package.as_ref())
    }

    /// The name with as much in front of it as is known: `package/target::name`.
    /// Unique within a snapshot; `name` alone need not be.
    pub fn qualified(&self) -> String {
        match (&self.package, &self.target) {
            (Some(package), Some(target)) => format!("{package}/{target}::{}", self.name),
            (None, Some(target)) => format!("{target}::{}", self.name),
            _ => self.name.clone(),
        }
    }
}

/// Shows the harness's own name, the one that a user wrote.
impl fmt::Display for BenchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
