//! The repository: anything that makes the sides of `gate ab` differ from clones of it.

use std::path::{Path, PathBuf};

use super::Check;
use crate::build::{LeftOut, LockFile, Survey, cargo_home};
use crate::text::listed;

/// How many names a check shows.
const SHOWN: usize = 5;

/// Checks a repository by the facts of a survey.
pub fn repository(survey: &Survey) -> Vec<Check> {
    vec![
        base(survey),
        workspace(survey),
        lock_file(survey.lock),
        path_dependencies(survey),
        submodules(survey),
        large_files(survey),
        untracked_data(survey),
        clone(survey),
        toolchain(survey),
        cargo_config(survey),
        build_variables(survey),
    ]
}

fn base(survey: &Survey) -> Check {
    const NAME: &str = "base";
    match &survey.base {
        Ok(commit) => {
            let short: String = commit.chars().take(10).collect();
            Check::ok(NAME, format!("`gate ab` compares with {short}"))
        }
        Err(reason) => {
            let remedy = "name the base with --base REV, or fetch the default branch";
            Check::warning(NAME, reason.clone(), remedy)
        }
    }
}

fn workspace(survey: &Survey) -> Check {
    const NAME: &str = "workspace";
    match &survey.workspace_above {
        None => Check::ok(NAME, "in the repository"),
        Some(path) => Check::warning(
            NAME,
            format!(
                "{} is above the repository, so the sides of `gate ab` are built without it",
                path.display()
            ),
            "run `gate ab` in the outer repository, or make this a workspace of its own",
        ),
    }
}

fn lock_file(lock: LockFile) -> Check {
    const NAME: &str = "lock-file";
    match lock {
        LockFile::Committed => Check::ok(NAME, "Cargo.lock is committed"),
        LockFile::Changed => Check::warning(
            NAME,
            "Cargo.lock differs from the commit: `gate ab` also measures changed dependencies",
            "commit it, or restore it with `git checkout Cargo.lock`",
        ),
        LockFile::Untracked => Check::warning(
            NAME,
            "Cargo.lock is not committed: `gate ab` builds both sides with the working tree's",
            "git add --force Cargo.lock",
        ),
        LockFile::Missing => Check::warning(
            NAME,
            "there is no Cargo.lock: cargo chooses the versions of dependencies on the day of the \
             build",
            "cargo generate-lockfile, and commit Cargo.lock",
        ),
    }
}

fn path_dependencies(survey: &Survey) -> Check {
    const NAME: &str = "path-dependencies";
    let of = |exists: bool| -> Vec<String> {
        let places = survey.outside.iter().filter(|(_, found)| *found == exists);
        places.map(|(path, _)| path.display().to_string()).collect()
    };
    let (here, missing) = (of(true), of(false));
    if !missing.is_empty() {
        return Check::problem(
            NAME,
            format!("outside the repository and missing: {}", listed(&missing, SHOWN)),
            "clone them to these places",
        );
    }
    if here.is_empty() {
        return Check::ok(NAME, "none outside the repository");
    }
    Check::warning(
        NAME,
        format!(
            "outside the repository, so both sides of `gate ab` use them as they are: {}",
            listed(&here, SHOWN)
        ),
        "move them into the repository or make them submodules, so that each commit has its own",
    )
}

fn submodules(survey: &Survey) -> Check {
    const NAME: &str = "submodules";
    let missing: Vec<&String> =
        survey.submodules.iter().filter(|(_, here)| !here).map(|(path, _)| path).collect();
    match (survey.submodules.len(), missing.is_empty()) {
        (0, _) => Check::ok(NAME, "none"),
        (count, true) => Check::ok(NAME, format!("{count}, all checked out")),
        (_, false) => Check::warning(
            NAME,
            format!("not checked out, so neither side has them: {}", listed(&missing, SHOWN)),
            "git submodule update --init --recursive",
        ),
    }
}

fn large_files(survey: &Survey) -> Check {
    const NAME: &str = "git-lfs";
    match survey.lfs {
        None => Check::ok(NAME, "not used"),
        Some(true) => Check::ok(NAME, "used and installed"),
        Some(false) => Check::problem(
            NAME,
            "some files are stored by git LFS, which is not installed: benchmarks would read \
             pointers to them",
            "install git-lfs (Debian, Ubuntu: apt-get install git-lfs), then: git lfs install && \
             git lfs pull",
        ),
    }
}

fn untracked_data(survey: &Survey) -> Check {
    const NAME: &str = "untracked-data";
    if survey.untracked.is_empty() {
        return Check::ok(NAME, "no bench source names a file that git does not track");
    }
    let names: Vec<String> =
        survey.untracked.iter().map(|path| path.display().to_string()).collect();
    Check::warning(
        NAME,
        format!(
            "named by bench sources, but git does not track them, so a clone lacks them: {}",
            listed(&names, SHOWN)
        ),
        "commit them, or say in gate.toml how `gate ab` handles them: extra_files under [ab]",
    )
}

fn clone(survey: &Survey) -> Check {
    const NAME: &str = "clone";
    let parts: Vec<&str> = survey
        .left_out
        .iter()
        .map(|part| match part {
            LeftOut::Commits => "shallow (old commits are missing)",
            LeftOut::Objects => "partial (git fetches objects when it needs them)",
            LeftOut::Files => "sparse (some files are not checked out; both sides have them)",
        })
        .collect();
    if parts.is_empty() {
        return Check::ok(NAME, "complete");
    }
    let found = parts.join(", ");
    if survey.left_out.contains(&LeftOut::Commits) {
        return Check::warning(NAME, found, "git fetch --unshallow");
    }
    Check::ok(NAME, found)
}

fn toolchain(survey: &Survey) -> Check {
    const NAME: &str = "toolchain";
    let overridden = survey.variables.contains("RUSTUP_TOOLCHAIN");
    match survey.toolchains.first() {
        Some(path) if overridden => Check::warning(
            NAME,
            format!("RUSTUP_TOOLCHAIN overrides {} on both sides", path.display()),
            "unset RUSTUP_TOOLCHAIN, so that each side has its own toolchain",
        ),
        Some(path) => Check::ok(NAME, format!("{}; each side has its own", path.display())),
        None => Check::ok(NAME, "no toolchain file"),
    }
}

fn cargo_config(survey: &Survey) -> Check {
    const NAME: &str = "cargo-config";
    let mut files: Vec<&PathBuf> = survey.settings.iter().map(|(_, file)| file).collect();
    files.dedup();
    let of = |directory: &Path| -> String {
        let own = survey.settings.iter().filter(|(_, file)| file == directory);
        let names: Vec<&str> = own.map(|(name, _)| name.as_str()).collect();
        format!("{} in {}", names.join(", "), directory.join(".cargo").display())
    };
    if files.is_empty() {
        return Check::ok(NAME, "nothing that changes how benchmarks are built");
    }
    let above: Vec<&PathBuf> = files
        .iter()
        .copied()
        .filter(|file| survey.root.starts_with(file) && survey.root != **file && !is_home(file))
        .collect();
    let all: Vec<String> = files.iter().map(|file| of(file)).collect();
    if above.is_empty() {
        return Check::ok(NAME, all.join("; "));
    }
    let above: Vec<String> = above.into_iter().map(|file| of(file)).collect();
    Check::warning(
        NAME,
        format!("above the repository, so it does not apply to `gate ab`: {}", above.join("; ")),
        "move it into the repository's .cargo, or to the configuration in your home directory",
    )
}

/// Whether this is the directory that holds cargo's home.
fn is_home(directory: &Path) -> bool {
    cargo_home().is_some_and(|home| home.parent() == Some(directory))
}

fn build_variables(survey: &Survey) -> Check {
    const NAME: &str = "build-variables";
    if survey.variables.is_empty() {
        return Check::ok(NAME, "none are set");
    }
    let names: Vec<&String> = survey.variables.iter().collect();
    Check::ok(NAME, format!("both sides are built with {}", listed(&names, SHOWN)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::doctor::Status;

    fn plain() -> Survey {
        Survey {
            root: "/w/r".into(),
            workspace_above: None,
            base: Ok("0123456789abcdef".to_owned()),
            lock: LockFile::Committed,
            outside: Vec::new(),
            submodules: Vec::new(),
            lfs: None,
            untracked: Vec::new(),
            left_out: BTreeSet::new(),
            toolchains: Vec::new(),
            settings: Vec::new(),
            variables: BTreeSet::new(),
        }
    }

    fn attention(survey: &Survey) -> Vec<(String, Status)> {
        let checks = repository(survey).into_iter();
        let notable = checks.filter(|check| check.status != Status::Ok);
        notable.map(|check| (check.name, check.status)).collect()
    }

    #[test]
    fn nothing_to_do_in_a_plain_repository() {
        assert_eq!(attention(&plain()), []);
        let with_settings = Survey {
            settings: vec![
                ("env".to_owned(), "/w/r".into()),
                ("build.jobs".to_owned(), "/h".into()),
            ],
            submodules: vec![("vendor/x".to_owned(), true)],
            lfs: Some(true),
            left_out: BTreeSet::from([LeftOut::Objects, LeftOut::Files]),
            toolchains: vec!["/r/rust-toolchain.toml".into()],
            variables: BTreeSet::from(["RUSTFLAGS".to_owned()]),
            ..plain()
        };
        assert_eq!(attention(&with_settings), []);
        let checks = repository(&with_settings);
        let found = |name: &str| &checks.iter().find(|check| check.name == name).unwrap().found;
        assert_eq!(found("cargo-config"), "env in /w/r/.cargo; build.jobs in /h/.cargo");
        assert_eq!(found("build-variables"), "both sides are built with RUSTFLAGS");
    }

    #[test]
    fn each_fact_that_needs_attention_has_a_check() {
        let missing = Survey {
            root: "/w/r".into(),
            workspace_above: Some("/w".into()),
            base: Err("no default branch".to_owned()),
            lock: LockFile::Missing,
            outside: vec![("/w/gone".into(), false)],
            submodules: vec![("vendor/x".to_owned(), false)],
            lfs: Some(false),
            untracked: vec!["benches/data/a.txt".into()],
            left_out: BTreeSet::from([LeftOut::Commits]),
            toolchains: vec!["/r/rust-toolchain".into()],
            settings: vec![("env".to_owned(), "/w".into())],
            variables: BTreeSet::from(["RUSTUP_TOOLCHAIN".to_owned()]),
        };
        let expected = [
            ("base", Status::Warning),
            ("workspace", Status::Warning),
            ("lock-file", Status::Warning),
            ("path-dependencies", Status::Problem),
            ("submodules", Status::Warning),
            ("git-lfs", Status::Problem),
            ("untracked-data", Status::Warning),
            ("clone", Status::Warning),
            ("toolchain", Status::Warning),
            ("cargo-config", Status::Warning),
        ];
        assert_eq!(attention(&missing), expected.map(|(name, status)| (name.to_owned(), status)));
        for (survey, name) in [
            (Survey { lock: LockFile::Changed, ..plain() }, "lock-file"),
            (Survey { lock: LockFile::Untracked, ..plain() }, "lock-file"),
            (Survey { outside: vec![("/w/shared".into(), true)], ..plain() }, "path-dependencies"),
        ] {
            assert_eq!(attention(&survey), [(name.to_owned(), Status::Warning)]);
        }
    }
}
