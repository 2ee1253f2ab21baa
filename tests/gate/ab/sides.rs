//! Each side is built and run as in a clone of its own: the sides do not affect each
//! other.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::gate;
use super::repository::{edit, git, repository};

fn write(path: &Path, text: &str) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn commit(root: &Path, message: &str) {
    git(root, &["add", "-A"]);
    git(root, &["commit", "-q", "-m", message]);
}

/// Makes the bench target compute its times from an expression of `at`, the number of the
/// benchmark.
fn times(root: &Path, expression: &str) {
    edit(&root.join("benches/mimic.rs"), "mimic::time(at)", expression);
}

/// Judges the working tree against its HEAD: `second` alone is slower.
fn is_slower(root: &Path) -> String {
    let (exit, out, err) = gate(root, &["ab", "--base", "HEAD"]);
    assert_eq!(exit, 3, "{out}{err}");
    for (name, outcome) in [("first", "unchanged"), ("second", "REGRESSION")] {
        let row = out.lines().find(|line| line.starts_with(name)).expect("a row");
        assert!(row.contains(outcome), "{out}");
    }
    out + &err
}

/// Judges the working tree against its HEAD: it builds, and nothing is slower.
fn is_measured(root: &Path) -> String {
    let (exit, out, err) = gate(root, &["ab", "--base", "HEAD"]);
    assert_eq!(exit, 0, "{out}{err}");
    out + &err
}

/// First only the program differs, whose name has a dash; then the executable as well.
#[test]
fn each_side_starts_its_own_program() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let program = root.join("src/bin/my-tool.rs");
    write(
        &program,
        "fn main() {\n    let at: usize = std::env::args().nth(1).unwrap().parse().unwrap();\n    \
         println!(\"{}\", [100, 200][at]);\n}\n",
    );
    times(
        &root,
        "{ let tool = std::process::Command::new(env!(\"CARGO_BIN_EXE_my-tool\")); let mut tool = \
         tool; let output = tool.arg(at.to_string()).output().unwrap(); \
         String::from_utf8(output.stdout).unwrap().trim().parse::<u64>().unwrap() }",
    );
    commit(&root, "with a program");
    edit(&program, "100, 200", "100, 9000");
    is_slower(&root);
    edit(
        &root.join("benches/mimic.rs"),
        "fn main() {",
        "fn main() {\n    std::hint::black_box(7);",
    );
    is_slower(&root);
}

/// Only data differ. They are read below the manifest's directory, in the working
/// directory, and from the output of the build script.
#[test]
fn each_side_reads_its_own_files() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    write(&root.join("data/times.txt"), "100 200");
    edit(
        &root.join("build.rs"),
        "    println!(\"cargo::rerun-if-changed=build.rs\");",
        "    println!(\"cargo::rerun-if-changed=data\");\n    let out = \
         std::env::var(\"OUT_DIR\").unwrap();\n    std::fs::copy(\"data/times.txt\", \
         format!(\"{out}/times.txt\")).unwrap();",
    );
    edit(
        &root.join("src/lib.rs"),
        "/// The time that",
        "/// What a file says.\npub fn read(path: &str, at: usize) -> u64 {\n    let text = \
         std::fs::read_to_string(path).unwrap();\n    text.split(' ').nth(at).unwrap().trim()\
         .parse().unwrap()\n}\n\n/// Where the build script wrote.\npub const OUT: &str = \
         concat!(env!(\"OUT_DIR\"), \"/times.txt\");\n\n/// The time that",
    );
    times(
        &root,
        "{ let below = concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/times.txt\"); let time = \
         mimic::read(below, at); assert_eq!(mimic::read(\"data/times.txt\", at), time); \
         assert_eq!(mimic::read(mimic::OUT, at), time); time }",
    );
    commit(&root, "with data");
    write(&root.join("data/times.txt"), "100 9000");
    is_slower(&root);
}

/// The head adds a configuration of cargo, which the base must not see.
#[test]
fn each_side_is_built_by_its_own_configuration() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    times(&root, "[100, option_env!(\"SECOND\").map_or(200, |time| time.parse().unwrap())][at]");
    commit(&root, "configurable");
    write(&root.join(".cargo/config.toml"), "[env]\nSECOND = \"9000\"\n");
    is_slower(&root);
}

/// A published crate is compiled for the base, and the head's cargo finds it up to date, unless
/// the two configurations differ: they set what its build script may read.
#[test]
fn published_crates_are_compiled_once_for_both_sides() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    write(&root.join("Cargo.toml"), &format!("{manifest}\n[dependencies]\ncfg-if = \"1\"\n"));
    commit(&root, "with a dependency");
    times(&root, "[100, 9000][at]");
    let compiled = || {
        let (code, out, err) = gate(&root, &["ab", "--base", "HEAD"]);
        assert_eq!(code, 3, "{out}{err}");
        std::fs::remove_dir_all(root.join("target")).unwrap();
        err.matches("Compiling cfg-if").count()
    };
    assert_eq!(compiled(), 1);
    write(&root.join(".cargo/config.toml"), "[env]\nFIRST = \"100\"\n");
    assert_eq!(compiled(), 2);
}

/// cargo keeps executables where `build.build-dir` says, which is one place for both sides.
#[test]
fn each_side_keeps_its_own_executables_wherever_cargo_builds() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let place = home.path().join("elsewhere");
    write(&root.join(".cargo/config.toml"), &format!("[build]\nbuild-dir = {place:?}\n"));
    commit(&root, "built elsewhere");
    times(&root, "[100, 9000][at]");
    is_slower(&root);
}

/// A build script looks for the repository above its directory, and writes the times of a file
/// into the code. It asks cargo to be run again only if it changes itself, as many do.
#[test]
fn a_build_script_reads_the_files_of_its_side_and_of_now() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    write(
        &root.join("build.rs"),
        r#"use std::{env, fs, path::PathBuf};
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap());
    let root = out.ancestors().find(|above| above.join("times.txt").exists()).unwrap();
    assert_eq!(out.ancestors().nth(5), Some(root), "as deep as in a clone");
    let times = fs::read_to_string(root.join("times.txt")).unwrap();
    fs::write(out.join("times.rs"), format!("[{times}]")).unwrap();
}
"#,
    );
    write(&root.join("times.txt"), "100, 200");
    times(&root, "mimic::TIMES[at]");
    let times = "pub const TIMES: [u64; 2] = include!(concat!(env!(\"OUT_DIR\"), \"/times.rs\"));";
    write(&root.join("src/lib.rs"), times);
    commit(&root, "times from a file");
    write(&root.join("times.txt"), "100, 9000");
    is_slower(&root);

    // The target directories are used again.
    write(&root.join("times.txt"), "100, 201");
    is_measured(&root);
    write(&root.join("times.txt"), "100, 9001");
    is_slower(&root);
}

/// A program is the same on both sides, but not the file that it reads.
#[test]
fn a_file_that_a_started_program_reads_is_reached() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    write(
        &root.join("src/bin/the-times.rs"),
        "fn main() {\n    let path = concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/rules/times.txt\");\n    \
         print!(\"{}\", std::fs::read_to_string(path).unwrap());\n}\n",
    );
    write(&root.join("rules/times.txt"), "100 200");
    let started = "{ let out = std::process::Command::new(env!(\"CARGO_BIN_EXE_the-times\")).output()\
                   .unwrap().stdout; let out = String::from_utf8(out).unwrap(); \
                   out.split(' ').nth(at).unwrap().trim().parse::<u64>().unwrap() }";
    times(&root, started);
    commit(&root, "times from a program");
    write(&root.join("rules/times.txt"), "100 9000");
    is_slower(&root);
}

/// Only the environment of the processes differs: by `[env]`, then by a runner. The
/// executables are the same.
#[test]
fn each_side_is_started_by_its_own_configuration() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    times(&root, "[100, std::env::var(\"SECOND\").map_or(200, |time| time.parse().unwrap())][at]");
    let runner = root.join("tools/run.sh");
    write(&runner, "#!/bin/sh\n. \"$1\"\nshift\nexec \"$@\"\n");
    std::fs::set_permissions(&runner, std::fs::Permissions::from_mode(0o755)).unwrap();
    write(&root.join("tools/settings"), "export SECOND=9000\n");
    commit(&root, "configurable");
    let configuration = root.join(".cargo/config.toml");
    write(&configuration, "[env]\nSECOND = \"9000\"\n");
    is_slower(&root);

    // A condition that holds, and one that does not.
    let settings = root.join("tools/settings");
    let runner = format!(
        "[target.'cfg(all(unix, not(windows)))']\nrunner = [\"tools/run.sh\", {settings:?}]\n\
         [target.'cfg(windows)']\nrunner = \"no\"\n"
    );
    write(&configuration, &runner);
    is_slower(&root);
}

/// Files that git does not track, read by a name that is put together at run time, and
/// only when something is measured.
#[test]
fn files_that_a_clone_would_not_have_are_copied_or_refused() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    write(&root.join(".gitignore"), "/target\ndata\n");
    write(&root.join("benches/data/corpus.txt"), "100");
    write(&root.join("benches/data/unread.txt"), "100");
    times(
        &root,
        "if std::env::args().any(|word| word == \"--list\") { 100 } else { let name = [\"corp\", \
         std::hint::black_box(\"us\")].concat(); let read = |path: String| -> u64 { \
         std::fs::read_to_string(path).unwrap().parse().unwrap() }; \
         read(format!(\"benches/data/{name}.txt\")) + read(format!(\"{name}-new.txt\")) }",
    );
    commit(&root, "with data");
    write(&root.join("corpus-new.txt"), "100");
    edit(
        &root.join("benches/mimic.rs"),
        "fn main() {",
        "fn main() {\n    std::hint::black_box(7);",
    );
    let text = is_measured(&root);
    let line = text.lines().find(|line| line.contains("shared-input")).expect("a finding");
    assert!(line.ends_with(": benches/data/corpus.txt, corpus-new.txt"), "{line}");

    let policy = std::fs::read_to_string(root.join("gate.toml")).unwrap();
    let with = |value: &str| {
        let policy = policy.replace("[ab]\n", &format!("[ab]\nextra_files = {value}\n"));
        write(&home.path().join("policy.toml"), &policy);
        let arguments = ["ab", "--base", "HEAD", "--config", "../policy.toml"];
        let (exit, out, err) = gate(&root, &arguments);
        (exit, out + &err)
    };
    let (exit, text) = with("\"refuse\"");
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("refuses: benches/data/corpus.txt, corpus-new.txt;"), "{text}");
    let (exit, text) = with("[\"benches/**\"]");
    assert_eq!(exit, 1, "{text}");
    assert!(text.contains("refuses: corpus-new.txt;"), "{text}");
    let (exit, text) = with("[\"**/corpus*\"]");
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("read: benches/data/corpus.txt, corpus-new.txt"), "{text}");
}

/// The head asks for another toolchain, which the base must not be built with.
#[test]
#[ignore = "needs rustup, which chooses the toolchain of a directory"]
fn each_side_is_built_by_its_own_toolchain() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let output = Command::new("rustc").args(["--print", "sysroot"]).output().unwrap();
    let sysroot = PathBuf::from(String::from_utf8(output.stdout).unwrap().trim());
    // This toolchain under another version.
    let other = home.path().join("other");
    let rustc = other.join("bin/rustc");
    let real = sysroot.join("bin/rustc");
    write(
        &rustc,
        &format!(
            "#!/bin/sh\ncase \"$1\" in\n-vV | --version) {real:?} \"$@\" | sed \
             '1s/-\\{{0,1\\}}[a-z]* (/-other (/' ;;\n*) exec {real:?} \"$@\" ;;\nesac\n"
        ),
    );
    std::fs::set_permissions(&rustc, std::fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::symlink(sysroot.join("bin/cargo"), other.join("bin/cargo")).unwrap();
    std::os::unix::fs::symlink(sysroot.join("lib"), other.join("lib")).unwrap();
    write(&root.join("rust-toolchain.toml"), &format!("[toolchain]\npath = {other:?}\n"));
    let output = Command::new(crate::GATE)
        .args(["ab", "--base", "HEAD"])
        .current_dir(&root)
        // The variables of the cargo that runs this test.
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("CARGO")
        .env_remove("RUSTC")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(text.contains("environment-differs") && text.contains("-other"), "{text}");
}

/// A build script finds the commit and the tags of a clone.
#[test]
fn a_build_script_can_ask_git() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    edit(
        &root.join("build.rs"),
        "fn main() {",
        "fn main() {\n    let git = |words: &[&str]| {\n        let output = \
         std::process::Command::new(\"git\").args(words).output().unwrap();\n        \
         assert!(output.status.success(), \"{output:?}\");\n        \
         String::from_utf8(output.stdout).unwrap().trim().to_owned()\n    };\n    \
         println!(\"cargo::rustc-env=TAG={}\", git(&[\"describe\", \"--tags\", \"--abbrev=0\"]));\n    \
         println!(\"cargo::rustc-env=COMMIT={}\", git(&[\"rev-parse\", \"HEAD\"]));",
    );
    edit(
        &root.join("src/lib.rs"),
        "/// The time that",
        "/// Where this was built from.\npub const FROM: &str = concat!(env!(\"TAG\"), \" \", \
         env!(\"COMMIT\"));\n\n/// The time that",
    );
    times(
        &root,
        "{ assert!(std::hint::black_box(mimic::FROM).starts_with(\"v1 \")); mimic::time(at) }",
    );
    commit(&root, "asks git");
    git(&root, &["tag", "v1"]);
    write(&root.join("notes.txt"), "for people");
    // Outside of the repository: git would find a repository above by itself.
    let target = home.path().join("elsewhere");
    let output = Command::new(crate::GATE)
        .args(["ab", "--base", "HEAD"])
        .current_dir(&root)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
}

/// Dependencies in a submodule and outside of the repository, and a Cargo.lock that
/// is not committed.
#[test]
fn submodules_outside_dependencies_and_a_lock_file_are_available() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let library = |directory: &Path, name: &str| {
        let manifest =
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
        write(&directory.join("Cargo.toml"), &manifest);
        write(&directory.join("src/lib.rs"), "pub fn time() -> u64 {\n    100\n}\n");
    };
    let outside = home.path().join("shared");
    library(&outside, "outside");
    let absolute = home.path().join("by-its-whole-path");
    library(&absolute, "absolute");
    let module: PathBuf = home.path().join("module");
    library(&module, "inside");
    git(&module, &["init", "-q", "-b", "main"]);
    commit(&module, "library");
    let add = ["-c", "protocol.file.allow=always", "submodule", "--quiet", "add"];
    git(&root, &[&add[..], &["../module", "vendor/inside"]].concat());
    let manifest = std::fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let dependencies = format!(
        "\n[dev-dependencies]\noutside = {{ path = \"../shared\" }}\ninside = {{ path = \
         \"vendor/inside\" }}\nabsolute = {{ path = {absolute:?} }}\n"
    );
    write(&root.join("Cargo.toml"), &format!("{manifest}{dependencies}"));
    std::fs::remove_file(root.join("Cargo.lock")).unwrap();
    write(&root.join(".gitignore"), "/target\nCargo.lock\n");
    times(&root, "[outside::time(), inside::time()][at]");
    commit(&root, "with dependencies");
    write(
        &root.join("src/lib.rs"),
        &(std::fs::read_to_string(root.join("src/lib.rs")).unwrap() + "\n// A remark.\n"),
    );

    let text = is_measured(&root);
    let named = |line: &&str| line.contains("the same path dependencies outside the repository");
    let finding = text.lines().find(named).expect("a finding");
    for directory in [&outside, &absolute] {
        assert!(finding.contains(directory.to_str().unwrap()), "{text}");
    }
    assert!(text.contains("Cargo.lock is not committed"), "{text}");

    // The working tree's submodule is used with its changes.
    edit(&root.join("vendor/inside/src/lib.rs"), "100", "9000");
    is_slower(&root);
}
