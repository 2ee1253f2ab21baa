//! What a feature of a project consists of.

/// On which sides of a project a feature is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum On {
    Both,
    /// The head adds it.
    Head,
}

/// What a feature needs besides files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Surroundings {
    /// A submodule at `vendor/inside`; its own submodule is at `deeper`.
    Submodule,
    /// A package at `../shared`, as seen from the root.
    Outside,
    /// A workspace at `../shared` whose member `inner` is used.
    OutsideWorkspace,
    /// The repository is a linked working tree of another.
    Worktree,
    /// The repository is a clone of another without its older commits.
    Shallow,
    /// The repository is a clone of another without its older files.
    Partial,
    /// The directory `unused` is not in the working tree.
    Sparse,
    /// Settings of the repository, which a clone must be told, too.
    Settings(&'static [(&'static str, &'static str)]),
    /// Settings of the user.
    UserSettings(&'static [(&'static str, &'static str)]),
    /// A file that git ignores, which the clones get as well.
    Ignored(&'static str),
    /// The repository's objects have SHA-256 names.
    Sha256,
}

/// How a project differs from the plain one.
///
/// Texts may hold `{side}` (`base` or `head`), `{number}` (100 or 200), `{triple}` (the
/// host's), `{TRIPLE}` (the same as in names of variables), `{root}` (the repository of the
/// run), `{directory}` (where the run starts) and `{up}` (from the package to the root).
#[derive(Clone, Copy, Debug)]
pub(super) struct Feature {
    pub(super) name: &'static str,
    /// Whether it is a project of its own, or only part of others.
    pub(super) alone: bool,
    pub(super) on: On,
    /// Files in the package's directory. A text that begins with `-> ` is a link, one that
    /// begins with `#!` a program.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// Files in the repository's root.
    pub(super) root_files: &'static [(&'static str, &'static str)],
    /// Lines of the package's manifest, all of them dotted keys.
    pub(super) manifest: &'static str,
    /// Lines of the workspace's manifest.
    pub(super) workspace: &'static str,
    /// Lines of cargo's configuration in the root.
    pub(super) config: &'static str,
    /// Statements of the bench, which fill `report`.
    pub(super) bench: &'static str,
    /// Statements of the build script.
    pub(super) build: &'static str,
    /// Items of the library.
    pub(super) library: &'static str,
    /// Options for `cargo bench` and `gate ab`.
    pub(super) options: &'static [&'static str],
    /// Variables for both.
    pub(super) variables: &'static [(&'static str, &'static str)],
    /// Variables that only the gate has.
    pub(super) gate_variables: &'static [(&'static str, &'static str)],
    /// The package's directory, unless it is the root.
    pub(super) package: Option<&'static str>,
    /// Whether the root is a workspace that has the package as a member.
    pub(super) member: bool,
    /// The directory in which both run, if it is not the package's.
    pub(super) directory: Option<&'static str>,
    /// cargo's target directory, from the root.
    pub(super) target: Option<&'static str>,
    /// The name of the repository's directory.
    pub(super) repository: Option<&'static str>,
    pub(super) surroundings: Option<Surroundings>,
    /// Whether functions get the same address on both sides.
    pub(super) pin_layout: bool,
}

/// The plain project.
pub(super) const NONE: Feature = Feature {
    name: "",
    alone: true,
    on: On::Both,
    files: &[],
    root_files: &[],
    manifest: "",
    workspace: "",
    config: "",
    bench: "",
    build: "",
    library: "",
    options: &[],
    variables: &[],
    gate_variables: &[],
    package: None,
    member: false,
    directory: None,
    target: None,
    repository: None,
    surroundings: None,
    pin_layout: false,
};
