//! How a benchmark is named, and when two names mean the same benchmark.

use std::fmt;

/// Names one bench target: an executable that holds benchmarks.
///
/// Ordered by package, then by name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetId {
    /// Its cargo package, where known.
    pub package: Option<String>,
    /// The target's own name, as in `[[bench]]`.
    pub name: String,
}

impl TargetId {
    /// A target whose package is not known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), package: None }
    }

    /// A target of a package.
    pub fn in_package(name: impl Into<String>, package: impl Into<String>) -> Self {
        Self { name: name.into(), package: Some(package.into()) }
    }

    /// Whether the benchmark ran in this target.
    pub fn holds(&self, id: &BenchId) -> bool {
        id.target.as_ref() == Some(self)
    }

    /// Whether both can be the same target: equal names, and no package that is
    /// known on both sides and differs.
    fn may_equal(&self, other: &Self) -> bool {
        let agree = match (&self.package, &other.package) {
            (Some(ours), Some(theirs)) => ours == theirs,
            _ => true,
        };
        self.name == other.name && agree
    }
}

/// `package/target`, or the target alone where the package is not known.
impl fmt::Display for TargetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(package) = &self.package {
            write!(f, "{package}/")?;
        }
        f.write_str(&self.name)
    }
}

/// Names one benchmark within a snapshot.
///
/// `name` is what its harness calls it (criterion's `full_id`, callgrind's
/// `module::function id`). Two bench targets may use the same name, so the target
/// belongs to the identity. Sources that cannot know it (another project's
/// `target/criterion`) leave it out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BenchId {
    /// The harness's own name; arbitrary text, never trusted.
    pub name: String,
    /// The bench target that it ran in, where known.
    pub target: Option<TargetId>,
}

impl BenchId {
    /// An id whose target is not known.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), target: None }
    }

    /// An id in a bench target of a package.
    pub fn in_target(
        name: impl Into<String>,
        target: impl Into<String>,
        package: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), target: Some(TargetId::in_package(target, package)) }
    }

    /// An id from the separate fields of a file: a package without a target says
    /// nothing.
    pub fn from_parts(name: String, target: Option<String>, package: Option<String>) -> Self {
        Self { name, target: target.map(|name| TargetId { package, name }) }
    }

    /// The name of its bench target, where known.
    pub fn target_name(&self) -> Option<&str> {
        self.target.as_ref().map(|target| target.name.as_str())
    }

    /// The package of its bench target, where known.
    pub fn package(&self) -> Option<&str> {
        self.target.as_ref()?.package.as_deref()
    }

    /// Whether both can be the same benchmark: equal names, and no target or
    /// package that is known on both sides and differs.
    pub fn may_equal(&self, other: &Self) -> bool {
        let agree = match (&self.target, &other.target) {
            (Some(ours), Some(theirs)) => ours.may_equal(theirs),
            _ => true,
        };
        self.name == other.name && agree
    }

    /// This id, with the target and package that only the other one knows. The two
    /// must be able to be the same benchmark: see [`may_equal`](Self::may_equal).
    #[must_use]
    pub fn completed_by(mut self, other: &Self) -> Self {
        match (&mut self.target, &other.target) {
            (Some(ours), Some(theirs)) if ours.package.is_none() => {
                ours.package.clone_from(&theirs.package);
            }
            (target @ None, theirs) => target.clone_from(theirs),
            _ => {}
        }
        self
    }

    /// The name with as much in front of it as is known: `package/target::name`.
    /// Unique within a snapshot; `name` alone need not be.
    pub fn qualified(&self) -> String {
        match &self.target {
            Some(target) => format!("{target}::{}", self.name),
            None => self.name.clone(),
        }
    }
}

/// Shows the harness's own name, the one that a user wrote.
impl fmt::Display for BenchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
