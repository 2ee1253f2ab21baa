//! A project with some features: its repository, its clones, and what runs in them.

use std::fmt::Write as _;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use benchgate::model::{Sides, TrialSide};

use super::feature::{Feature, Surroundings};
use super::features::FEATURES;

/// Below a project's directory, `c/benchgate/<16 digits>/src/<name>` is the path of the
/// gate's checkouts, and this with that name at its end the path of a clone.
const CLONES: &str = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
/// The same for the repository: the gate builds in `<target>/gate/build`, and a clone in
/// `<target>`.
const REPOSITORY: &str = "xxxxxxxxxxxxxxxxxxxxx";

/// The host's target triple.
pub(super) static TRIPLE: LazyLock<String> = LazyLock::new(|| {
    let output = Command::new("rustc").arg("-vV").output().expect("rustc starts");
    let text = String::from_utf8(output.stdout).expect("text");
    let host = text.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("it names its host").to_owned()
});

/// A project below a directory of its own.
///
/// The paths of the repository, of its clones and of the gate's checkouts are chosen so
/// that a clone's path has the length of a checkout's, and a clone's target directory the
/// length of the gate's: a path that becomes part of an executable then moves nothing.
pub(super) struct Project {
    pub(super) name: String,
    pub(super) features: Vec<&'static Feature>,
    home: PathBuf,
    /// The name of the directories of the repository and its clones.
    directory_name: &'static str,
    commits: Sides<String>,
}

/// How much two builds of the same sources have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likeness {
    /// All code, byte by byte.
    Bytes,
    /// The functions, in another order.
    Functions,
}

/// Where a run starts.
struct Start<'a> {
    root: &'a Path,
    reports: &'a Path,
}

impl Project {
    /// Writes the repository of a project with these features into an empty directory,
    /// with two commits: the base and the head.
    pub(super) fn create(names: &[&str], home: &Path) -> Self {
        let features: Vec<&Feature> = names
            .iter()
            .map(|name| FEATURES.iter().find(|feature| feature.name == *name).expect(name))
            .collect();
        let directory_name = features.iter().find_map(|feature| feature.repository);
        let mut project = Self {
            name: names.join(" + "),
            features,
            home: std::fs::canonicalize(home).unwrap(),
            directory_name: directory_name.unwrap_or("project"),
            commits: Sides::default(),
        };
        project.write_repository();
        project
    }

    /// The repository in which the gate runs.
    pub(super) fn root(&self) -> PathBuf {
        self.beside().join(self.directory_name)
    }

    /// Where the repository's neighbours are.
    fn beside(&self) -> PathBuf {
        self.home.join(REPOSITORY)
    }

    /// cargo's target directory, from a root.
    pub(super) fn target(&self) -> PathBuf {
        let named = self.features.iter().find_map(|feature| feature.target);
        named.map_or_else(|| self.workspace().join("target"), PathBuf::from)
    }

    /// The workspace's directory, from a root.
    pub(super) fn workspace(&self) -> &'static Path {
        let is_member = self.features.iter().any(|feature| feature.member);
        Path::new(if is_member { "" } else { self.package() })
    }

    pub(super) fn has_pinned_layout(&self) -> bool {
        self.features.iter().any(|feature| feature.pin_layout)
    }

    /// How much its executables have in common with those of a clone.
    pub(super) fn likeness(&self) -> Likeness {
        // cargo's hash of a package outside the workspace depends on its absolute path.
        let outside = [Surroundings::Outside, Surroundings::OutsideWorkspace];
        if self.has_pinned_layout() || outside.into_iter().any(|outside| self.has(outside)) {
            Likeness::Functions
        } else {
            Likeness::Bytes
        }
    }

    pub(super) fn package(&self) -> &'static str {
        self.features.iter().find_map(|feature| feature.package).unwrap_or("")
    }

    pub(super) fn surroundings(&self) -> impl Iterator<Item = Surroundings> + '_ {
        self.features.iter().filter_map(|feature| feature.surroundings)
    }

    fn has(&self, wanted: Surroundings) -> bool {
        self.surroundings().any(|found| found == wanted)
    }

    pub(super) fn up(&self) -> String {
        "../".repeat(Path::new(self.package()).components().count())
    }

    fn write_repository(&mut self) {
        std::fs::create_dir_all(self.beside()).unwrap();
        let mut user =
            "[user]\nname = t\nemail = t@example.invalid\n[init]\ndefaultBranch = main\n\
                        [advice]\ndetachedHead = false\n[protocol \"file\"]\nallow = always\n"
                .to_owned();
        for surroundings in self.surroundings() {
            if let Surroundings::UserSettings(settings) = surroundings {
                for (key, value) in settings {
                    let mut words: Vec<&str> = key.split('.').collect();
                    let last = words.pop().unwrap();
                    let (section, name) = (words[0], words[1]);
                    let _ = writeln!(user, "[{section} \"{name}\"]\n{last} = \"{value}\"");
                }
            }
        }
        std::fs::write(self.home.join("gitconfig"), user).unwrap();

        let root = &self.root();
        let from = self.origin();
        self.git(&self.home, &["init", "-q", self.object_format(), from.to_str().unwrap()]);
        for (key, value) in self.settings() {
            self.git(&from, &["config", key, value]);
        }
        for side in TrialSide::ALL {
            self.write_side(side, &from);
            self.git(&from, &["add", "-A"]);
            self.git(&from, &["commit", "-q", "-m", side.as_str()]);
            if side == TrialSide::Base {
                self.git(&from, &["tag", "v1"]);
            }
        }
        self.derive_repository(&from, root);
        let commit = |revision: &str| {
            let output = self.git(root, &["rev-parse", revision]);
            String::from_utf8(output.stdout).unwrap().trim().to_owned()
        };
        self.commits = Sides { base: commit("HEAD~1"), head: commit("HEAD") };
        for surroundings in self.surroundings() {
            match surroundings {
                Surroundings::Ignored(path) if path != "Cargo.lock" => {
                    write(&root.join(self.package()).join(path), "corpus\n");
                }
                Surroundings::Sparse => {
                    let wanted = [self.package().split('/').next().unwrap(), "src", "benches"];
                    let more = ["data", ".cargo", "vendor", "tools", "shared-code"];
                    let wanted = wanted.into_iter().chain(more).filter(|name| !name.is_empty());
                    let set = ["sparse-checkout", "set", "--cone"].into_iter().chain(wanted);
                    self.git(root, &set.collect::<Vec<_>>());
                    assert!(!root.join("unused").exists());
                }
                _ => {}
            }
        }
    }

    /// The repository that is written first.
    fn origin(&self) -> PathBuf {
        let derived = [Surroundings::Worktree, Surroundings::Shallow, Surroundings::Partial];
        if derived.into_iter().any(|derived| self.has(derived)) {
            self.beside().join("origin")
        } else {
            self.root()
        }
    }

    fn object_format(&self) -> &'static str {
        if self.has(Surroundings::Sha256) {
            "--object-format=sha256"
        } else {
            "--object-format=sha1"
        }
    }

    fn settings(&self) -> Vec<(&'static str, &'static str)> {
        let mut all = Vec::new();
        for surroundings in self.surroundings() {
            if let Surroundings::Settings(settings) = surroundings {
                all.extend(settings);
            }
        }
        all
    }

    /// Makes the repository in which the gate runs out of the one that was written.
    fn derive_repository(&self, from: &Path, root: &Path) {
        let url = format!("file://{}", from.display());
        let path = root.to_str().unwrap();
        let clone = |option: &str| {
            self.git(&self.home, &["clone", "-q", "--recurse-submodules", option, &url, path]);
        };
        if self.has(Surroundings::Worktree) {
            self.git(from, &["checkout", "-q", "--detach"]);
            self.git(from, &["worktree", "add", "-q", path, "main"]);
            self.git(root, &["submodule", "--quiet", "update", "--init", "--recursive"]);
        } else if self.has(Surroundings::Shallow) {
            clone("--depth=2");
        } else if self.has(Surroundings::Partial) {
            self.git(from, &["config", "uploadpack.allowFilter", "true"]);
            self.git(from, &["config", "uploadpack.allowAnySHA1InWant", "true"]);
            clone("--filter=blob:none");
        }
    }

    /// Writes the files of one side, and what they need.
    fn write_side(&self, side: TrialSide, root: &Path) {
        for (path, text) in self.files(side) {
            write(&root.join(path), &text);
        }
        for surroundings in self.surroundings() {
            match surroundings {
                Surroundings::Submodule => self.write_submodule(side, root),
                // The same on both sides.
                Surroundings::Outside if side == TrialSide::Base => {
                    package(
                        &self.beside().join("shared"),
                        "shared",
                        "pub const NUMBER: u32 = 7;\n",
                    );
                }
                Surroundings::OutsideWorkspace if side == TrialSide::Base => {
                    let shared = self.beside().join("shared");
                    write(
                        &shared.join("Cargo.toml"),
                        "workspace.members = [\"inner\"]\nworkspace.resolver = \"2\"\n\
                         workspace.package.version = \"3.1.4\"\n",
                    );
                    let text = "pub const NUMBER: &str = env!(\"CARGO_PKG_VERSION\");\n";
                    package(&shared.join("inner"), "inner", text);
                    write(
                        &shared.join("inner/Cargo.toml"),
                        "package.name = \"inner\"\npackage.version.workspace = true\n",
                    );
                }
                _ => {}
            }
        }
        let is_ignored = self.has(Surroundings::Ignored("Cargo.lock"));
        if side == TrialSide::Base && !is_ignored {
            self.finish(self.command("cargo", &root.join(self.package())).args([
                "generate-lockfile",
                "--quiet",
                "--offline",
            ]));
        }
    }

    /// Has the submodule at a commit of this side.
    fn write_submodule(&self, side: TrialSide, root: &Path) {
        let (module, deeper) = (self.beside().join("module"), self.beside().join("deeper"));
        let inside = root.join("vendor/inside");
        for (repository, is_outer) in [(&deeper, false), (&module, true)] {
            if side == TrialSide::Base {
                let path = repository.to_str().unwrap();
                self.git(&self.home, &["init", "-q", self.object_format(), path]);
            }
            if is_outer {
                let text = self.filled("pub const NUMBER: u32 = {number};\n", side);
                package(repository, "inside", &text);
                if side == TrialSide::Base {
                    let add = ["submodule", "--quiet", "add", "../deeper", "deeper"];
                    self.git(repository, &add);
                } else {
                    self.git(&repository.join("deeper"), &["pull", "-q"]);
                }
            } else {
                let text = self.filled("words of the {side}\n", side);
                write(&repository.join("words.txt"), &text);
            }
            self.git(repository, &["add", "-A"]);
            self.git(repository, &["commit", "-q", "-m", side.as_str()]);
        }
        if side == TrialSide::Base {
            let add = ["submodule", "--quiet", "add", "../module", "vendor/inside"];
            self.git(root, &add);
        } else {
            self.git(&inside, &["pull", "-q", "--recurse-submodules=no"]);
        }
        self.git(root, &["submodule", "--quiet", "update", "--init", "--recursive"]);
    }

    /// Clones one side, as somebody who wants to run its benchmarks would.
    pub(super) fn clone_side(&self, side: TrialSide) -> PathBuf {
        let place = self.home.join(side.as_str());
        let beside = place.join(&CLONES[side.as_str().len() + "/".len()..]);
        let root = beside.join(self.directory_name);
        std::fs::create_dir_all(&beside).unwrap();
        let from = if self.has(Surroundings::Partial) { self.origin() } else { self.root() };
        let (from, path) = (from.to_str().unwrap(), root.to_str().unwrap());
        let mut clone = vec!["clone".to_owned(), "-q".to_owned()];
        for (key, value) in self.settings() {
            clone.extend(["-c".to_owned(), format!("{key}={value}")]);
        }
        clone.extend([from.to_owned(), path.to_owned()]);
        self.git(&self.home, &clone.iter().map(String::as_str).collect::<Vec<_>>());
        self.git(&root, &["checkout", "-q", "--detach", &self.commits[side]]);
        if self.has(Surroundings::Submodule) {
            self.git(&root, &["submodule", "--quiet", "update", "--init", "--recursive"]);
        }
        for surroundings in self.surroundings() {
            match surroundings {
                Surroundings::Outside | Surroundings::OutsideWorkspace => {
                    symlink(self.beside().join("shared"), beside.join("shared")).unwrap();
                }
                Surroundings::Ignored(path) if path != "Cargo.lock" => {
                    write(&root.join(self.package()).join(path), "corpus\n");
                }
                _ => {}
            }
        }
        root
    }

    /// Runs `cargo bench` in a clone.
    pub(super) fn bench(&self, root: &Path, reports: &Path) {
        let mut command = self.started("cargo", &Start { root, reports });
        self.finish(command.arg("bench").args(self.options()));
    }

    /// Runs `gate ab` in the repository.
    pub(super) fn gate(&self, reports: &Path) {
        let root = &self.root();
        let mut command = self.started(crate::GATE, &Start { root, reports });
        for (key, value) in self.features.iter().flat_map(|feature| feature.gate_variables) {
            command.env(key, value.replace("{root}", root.to_str().unwrap()));
        }
        self.finish(command.args(["ab", "--base", "HEAD~1", "--seed", "7"]).args(self.options()));
    }

    fn options(&self) -> Vec<String> {
        let options = self.features.iter().flat_map(|feature| feature.options);
        options.map(|option| self.filled(option, TrialSide::Head)).collect()
    }

    fn started(&self, program: &str, start: &Start<'_>) -> Command {
        let from = self.features.iter().find_map(|feature| feature.directory);
        let directory = start.root.join(from.unwrap_or(self.package()));
        let mut command = self.command(program, &directory);
        command.env("DIFFERENTIAL_REPORTS", start.reports);
        for (key, value) in self.features.iter().flat_map(|feature| feature.variables) {
            let key = key.replace("{TRIPLE}", &TRIPLE.to_uppercase().replace('-', "_"));
            let value = self
                .filled(value, TrialSide::Head)
                .replace("{root}", start.root.to_str().unwrap())
                .replace("{directory}", directory.to_str().unwrap());
            command.env(key, value);
        }
        command
    }

    /// A program as a user starts it: nothing of the cargo that runs this test is left.
    fn command(&self, program: &str, directory: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(directory).env_clear();
        let kept = |name: &str| std::env::var_os(name).map(|value| (name.to_owned(), value));
        command.envs(["PATH", "HOME", "TMPDIR"].into_iter().filter_map(kept));
        // rustup sets them, for most users to what is the default.
        let home = std::env::home_dir().expect("a home directory");
        for (name, default) in [("CARGO_HOME", ".cargo"), ("RUSTUP_HOME", ".rustup")] {
            command.envs(kept(name).filter(|(_, value)| *value != *home.join(default)));
        }
        command
            .env("XDG_CACHE_HOME", self.home.join("c"))
            .env("GIT_CONFIG_GLOBAL", self.home.join("gitconfig"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("CARGO_NET_OFFLINE", "true");
        command
    }

    fn git(&self, directory: &Path, arguments: &[&str]) -> Output {
        self.finish(self.command("git", directory).args(arguments))
    }

    fn finish(&self, command: &mut Command) -> Output {
        let output = command.stdin(std::process::Stdio::null()).output();
        let output = output.unwrap_or_else(|error| panic!("{}: {command:?}: {error}", self.name));
        assert!(
            output.status.success(),
            "{}: {:?} in {:?}: {}\n{}{}",
            self.name,
            command.get_args().collect::<Vec<_>>(),
            command.get_current_dir(),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        output
    }
}

/// A library without dependencies.
fn package(directory: &Path, name: &str, library: &str) {
    let manifest = format!("package.name = \"{name}\"\npackage.version = \"0.1.0\"\n");
    write(&directory.join("Cargo.toml"), &manifest);
    write(&directory.join("src/lib.rs"), library);
}

/// Writes a file, a program or a link: see [`Feature::files`].
fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    if let Some(to) = text.strip_prefix("-> ") {
        if path.symlink_metadata().is_err() {
            symlink(to, path).unwrap();
        }
        return;
    }
    std::fs::write(path, text).unwrap();
    if text.starts_with("#!") {
        std::fs::set_permissions(path, PermissionsExt::from_mode(0o755)).unwrap();
    }
}
