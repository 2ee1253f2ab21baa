//! A benchmark's process sees what it would see under `cargo bench`. Found by the
//! differential test.

use std::path::Path;
use std::process::{Command, Output};

use super::repository::{edit, git, repository};

/// A repository whose bench runs these statements before anything else, and which has a
/// program `my-tool` that prints the times of both benchmarks.
fn with_statements(home: &Path, statements: &str) -> std::path::PathBuf {
    let root = repository(home);
    std::fs::create_dir_all(root.join("src/bin")).unwrap();
    let tool = "fn main() {\n    println!(\"100 200\");\n}\n";
    std::fs::write(root.join("src/bin/my-tool.rs"), tool).unwrap();
    let bench = root.join("benches/mimic.rs");
    edit(&bench, "fn main() {", &format!("fn main() {{\n    {statements}\n"));
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "with statements"]);
    root
}

fn ab(root: &Path, variables: &[(&str, &Path)]) -> (i32, String) {
    let mut command = Command::new(crate::GATE);
    command.args(["ab", "--base", "HEAD"]).current_dir(root).env_remove("CARGO_TARGET_DIR");
    let Output { status, stdout, stderr } =
        command.envs(variables.iter().copied()).output().expect("the gate starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (status.code().expect("an exit code"), text(&stdout) + &text(&stderr))
}

#[test]
fn variables_are_those_of_cargo() {
    let home = tempfile::tempdir().unwrap();
    let root = with_statements(
        home.path(),
        "let variable = |name: &str| std::env::var(name).unwrap_or_default();\n    \
         assert_eq!(variable(\"CARGO_PKG_RUST_VERSION\"), \"1.85\");\n    \
         assert!(Path::new(&variable(\"CARGO\")).is_absolute(), \"{}\", variable(\"CARGO\"));\n    \
         let tool = variable(\"CARGO_BIN_EXE_my-tool\");\n    \
         assert!(tool.ends_with(\"release/my-tool\"), \"{tool}\");\n    \
         let own = std::env::current_dir().unwrap();\n    \
         assert_eq!(Path::new(&variable(\"PWD\")), own);\n    \
         assert_eq!(variable(\"GIT_DIR\"), \"\");\n    \
         assert_eq!(variable(\"CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER\"), \"\");\n    \
         assert_eq!(variable(\"RUSTC_WORKSPACE_WRAPPER\"), \"\");",
    );
    let manifest = root.join("Cargo.toml");
    edit(&manifest, "edition = \"2024\"", "edition = \"2024\"\nrust-version = \"1.85\"");
    git(&root, &["commit", "-q", "-a", "-m", "with a version of Rust"]);
    edit(&root.join("src/lib.rs"), "300, 400", "300, 500");
    // As in a hook of git.
    let git_dir = root.join(".git");
    let (exit, text) = ab(&root, &[("GIT_DIR", &git_dir), ("PWD", &root)]);
    assert_eq!(exit, 0, "{text}");
}

/// Next to the executable, and below `target`; also where the executable was linked again.
#[test]
fn programs_are_where_cargo_puts_them() {
    let home = tempfile::tempdir().unwrap();
    let root = with_statements(
        home.path(),
        "let own = std::env::current_exe().unwrap();\n    \
         let beside = own.ancestors().nth(2).unwrap().join(\"my-tool\");\n    \
         for tool in [&*beside, Path::new(\"target/release/my-tool\")] {\n        \
         assert!(std::process::Command::new(tool).status().unwrap().success());\n    }",
    );
    edit(&root.join("src/bin/my-tool.rs"), "100 200", "100 300");
    edit(&root.join("src/lib.rs"), "300, 400", "300, 500");
    let (exit, text) = ab(&root, &[]);
    assert_eq!(exit, 0, "{text}");
    assert!(text.contains("have the same address on both sides"), "{text}");
}

/// A build script has cargo run a program, which no stand-in may replace.
#[test]
fn a_build_script_can_have_cargo_run_a_program() {
    let home = tempfile::tempdir().unwrap();
    let root = with_statements(home.path(), "");
    let made = root.join("made");
    std::fs::create_dir_all(made.join("src")).unwrap();
    let manifest = "[package]\nname = \"made\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n\
                    [workspace]\n";
    std::fs::write(made.join("Cargo.toml"), manifest).unwrap();
    std::fs::write(made.join("src/main.rs"), "fn main() {\n    print!(\"made\");\n}\n").unwrap();
    edit(
        &root.join("build.rs"),
        "fn main() {",
        "fn main() {\n    let mut run = std::process::Command::new(std::env::var(\"CARGO\").unwrap());\n    \
         run.args([\"run\", \"--quiet\", \"--manifest-path\", \"made/Cargo.toml\"]);\n    \
         run.arg(\"--target-dir\").arg(std::env::var(\"OUT_DIR\").unwrap());\n    \
         let output = run.output().unwrap();\n    \
         assert_eq!(output.stdout, b\"made\", \"{output:?}\");",
    );
    git(&root, &["add", "-A"]);
    git(&root, &["commit", "-q", "-m", "makes"]);
    edit(&root.join("src/lib.rs"), "300, 400", "300, 500");
    let (exit, text) = ab(&root, &[]);
    assert_eq!(exit, 0, "{text}");
}
