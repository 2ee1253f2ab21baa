//! The documents: their commands, the defaults that they state, and their links.
//!
//! Each command is run here, or is named below with the reason why it is not run. An
//! unknown command is an error. The console blocks of docs/method.md and
//! docs/migrating.md also show output: tests/goldens.rs runs those.

mod defaults;
mod links;
mod targets;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use benchgate::policy::Policy;

use super::files::copy;

/// Documents whose console blocks are goldens.
const GOLDENS: [&str; 2] = ["docs/method.md", "docs/migrating.md"];

/// Commands that are not run, and why.
const NOT_RUN: [(&str, &str); 8] = [
    ("scripts/test", "it installs programs, and runs this test"),
    ("scripts/setup", "it installs programs"),
    ("cargo test --no-fail-fast", "it runs this test"),
    ("ci/lint", "it compiles for minutes; CI runs it"),
    ("scripts/evaluate --check", "it replays for minutes; scripts/test runs it"),
    (
        "cargo run --release --features suite -- service",
        "runs until it is stopped; crates/suite/tests runs it",
    ),
    ("scripts/services cargo gate run", "measures for minutes; crates/suite/tests runs the script"),
    ("cargo install --path . --locked", "it compiles for minutes; package.rs checks what"),
];

/// Placeholders in commands, and what replaces them here.
const PLACES: [(&str, &str); 4] = [
    ("DIR", "results"),
    ("OLD", "ready/old"),
    ("NEW", "ready/new"),
    ("baselines/amd-epyc-25-17-2c-x86_64-linux/main.json", "a.json"),
];

/// Exit codes of a `gate` that did its work: pass, regression, undecided, or nothing
/// compared.
const DONE: [i32; 4] = [0, 3, 4, 5];

fn root() -> &'static Path {
    crate::root()
}

/// The documents by their names, in order.
fn documents() -> Vec<(String, String)> {
    let mut names = Vec::new();
    for directory in ["", "docs/", "baselines/"] {
        for entry in fs::read_dir(root().join(directory)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if Path::new(&name).extension().is_some_and(|ending| ending == "md") {
                names.push(format!("{directory}{name}"));
            }
        }
    }
    names.sort();
    names
        .into_iter()
        .map(|name| {
            let text = fs::read_to_string(root().join(&name)).unwrap();
            (name, text)
        })
        .collect()
}

/// A document without its fenced blocks.
fn outside_blocks(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// A fenced block: its language and its lines.
struct Block {
    document: String,
    language: String,
    text: String,
}

fn blocks() -> Vec<Block> {
    let mut found = Vec::new();
    for (document, text) in documents() {
        let mut open: Option<Block> = None;
        for line in text.lines() {
            match (line.trim_start().strip_prefix("```"), &mut open) {
                (Some(language), None) => {
                    let (document, language) = (document.clone(), language.to_owned());
                    open = Some(Block { document, language, text: String::new() });
                }
                (Some(_), Some(_)) => found.extend(open.take()),
                (None, Some(block)) => block.text.extend([line, "\n"]),
                (None, None) => {}
            }
        }
        assert!(open.is_none(), "{document}: a block is not closed");
    }
    found
}

/// The commands of a block, without prompts and remarks.
fn commands(block: &Block) -> Vec<String> {
    let shown = block.text.lines().filter_map(|line| match block.language.as_str() {
        "console" => line.strip_prefix("$ "),
        "sh" => Some(line),
        _ => None,
    });
    let bare = |line: &str| line.split(" #").next().unwrap_or(line).trim().to_owned();
    shown.map(bare).filter(|command| !command.is_empty()).collect()
}

/// The commands that are not goldens, each once, in the order of the text.
fn shown() -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut all = Vec::new();
    for block in blocks() {
        let golden = block.language == "console" && GOLDENS.contains(&block.document.as_str());
        if !golden {
            all.extend(commands(&block).into_iter().filter(|command| seen.insert(command.clone())));
        }
        // A workflow without the actions ends in a command of the gate.
        if block.language == "yaml" {
            let steps = block.text.split(" && ").filter(|command| command.starts_with("gate "));
            let steps = steps.map(|command| command.trim().to_owned());
            all.extend(steps.filter(|command| seen.insert(command.clone())));
        }
    }
    all
}

/// A reader's project: a repository with a tag, a change in its working tree, a bench
/// target that is measured quickly, and the files that the commands name.
struct Reader {
    place: tempfile::TempDir,
}

impl Reader {
    fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let reader = Self { place };
        let here = reader.place.path().to_owned();
        copy(&root().join("tests/fixtures/projects/mimic"), &here);
        fs::write(here.join(".gitignore"), "/target\n/baselines\n/*.json\n/ready\n/results\n")
            .unwrap();
        let policy = "version = 1\n[measure]\ncounts = 0\n[ab]\nscreening = 6\nlooks = [8]\n\
                      counts = 0\n[calibrate]\npairs = 6\n";
        fs::write(here.join("gate.toml"), policy).unwrap();
        for arguments in [
            &["init", "--quiet", "--initial-branch=main"][..],
            &["add", "--all"],
            &["-c", "user.name=reader", "-c", "user.email=r@example.org", "commit", "-qm", "one"],
            &["tag", "v1.2"],
        ] {
            let status = Command::new("git").args(arguments).current_dir(&here).status();
            assert!(status.expect("git starts").success(), "{arguments:?}");
        }
        let library = here.join("src/lib.rs");
        let text = fs::read_to_string(&library).unwrap();
        fs::write(&library, format!("{text}\npub fn more() {{}}\n")).unwrap();

        copy(&root().join("tests/fixtures/criterion-0.8"), &here.join("results"));
        for name in ["a", "b"] {
            reader.ok(&format!("gate run --save {name} --force --format json"));
            fs::copy(here.join("target/gate/newest.json"), here.join(format!("{name}.json")))
                .unwrap();
        }
        // Files of runs, as docs/records.md names them.
        for run in 1..=3 {
            let line = format!(
                r#"{{"measurement":{{"id":"parse","metric":"time","unit":"ns","better":"lower","nature":"sampled","value":{run}}}}}"#
            );
            fs::write(here.join(format!("run-{run}.jsonl")), line).unwrap();
        }
        let times = root().join("tests/fixtures/hyperfine-1.15/two.json");
        fs::copy(times, here.join("times.json")).unwrap();
        fs::create_dir_all(here.join("ready")).unwrap();
        let built = fs::read_dir(here.join("target/release/deps")).unwrap();
        let built = built.map(|entry| entry.unwrap().path()).find(|path| {
            path.extension().is_none()
                && path.file_name().unwrap().to_string_lossy().starts_with("mimic-")
        });
        let built: PathBuf = built.expect("the bench target is built");
        for name in ["old", "new"] {
            fs::copy(&built, here.join("ready").join(name)).unwrap();
        }
        reader
    }

    /// Runs a command here. `cargo gate` is the gate under test.
    fn run(&self, command: &str) -> Output {
        let command = command.strip_prefix("cargo ").unwrap_or(command);
        let mut words = command.split_whitespace().map(|word| {
            let place = PLACES.iter().find(|(name, _)| *name == word);
            place.map_or(word, |(_, is)| is)
        });
        let program = match words.next().expect("a program") {
            "gate" => crate::GATE,
            other => other,
        };
        Command::new(program)
            .args(words)
            .current_dir(self.place.path())
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("GITHUB_STEP_SUMMARY")
            .env("BENCHGATE_CLASS", "reader")
            .output()
            .unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    fn ok(&self, command: &str) {
        let output = self.run(command);
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        let code = output.status.code();
        // `gate doctor` exits 1 if this machine has a problem.
        let done = |code| DONE.contains(&code) || (code == 1 && command.starts_with("gate doctor"));
        assert!(code.is_some_and(done), "{command}: {code:?}\n{out}\n{err}");
    }
}

fn is_the_gates(command: &str) -> bool {
    command.starts_with("gate ") || command.starts_with("cargo gate ")
}

#[test]
fn commands_of_the_gate_succeed() {
    let alias = fs::read_to_string(root().join(".cargo/config.toml")).unwrap();
    assert!(alias.contains("--bin cargo-gate -- gate\""), "`cargo gate` is the gate: {alias}");
    let reader = Reader::new();
    let all = shown();
    assert!(all.len() >= 10, "too few were found: {all:?}");
    for command in &all {
        if is_the_gates(command) {
            reader.ok(command);
        } else {
            let known = NOT_RUN.iter().any(|(name, _)| command == name);
            assert!(
                known || command.starts_with("critcmp "),
                "no test knows how to run this: {command}"
            );
        }
    }
    for (name, reason) in NOT_RUN {
        assert!(all.iter().any(|command| command == name), "no longer shown: {name} ({reason})");
    }
}

#[test]
#[ignore = "needs critcmp: scripts/test installs it"]
fn critcmp_reads_the_files_that_the_documents_name() {
    let reader = Reader::new();
    let commands: Vec<_> =
        shown().into_iter().filter(|command| command.starts_with("critcmp ")).collect();
    assert_eq!(commands.len(), 1);
    let output = reader.run(&commands[0]);
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && out.contains("first") && out.contains("1.00"), "{out}");
}

/// The help of each command that a sentence names must contain the sentence's options.
#[test]
fn commands_in_sentences_and_their_options_exist() {
    let reader = tempfile::tempdir().unwrap();
    let (mut count, mut faults) = (0, Vec::new());
    for (document, text) in documents() {
        for span in outside_blocks(&text).split('`').skip(1).step_by(2) {
            let Some(words) = span.strip_prefix("cargo ").unwrap_or(span).strip_prefix("gate ")
            else {
                continue;
            };
            let words: Vec<&str> = words.split_whitespace().collect();
            let named: Vec<&str> = words
                .iter()
                .copied()
                .take_while(|word| word.bytes().all(|byte| byte.is_ascii_lowercase()))
                .collect();
            let help = |path: &[&str]| {
                let output = Command::new(crate::GATE)
                    .args(path)
                    .arg("--help")
                    .current_dir(reader.path())
                    .output()
                    .expect("gate starts");
                output.status.success().then(|| String::from_utf8(output.stdout).unwrap())
            };
            // The words after a command may be its arguments.
            let found = (1..=named.len()).rev().find_map(|most| help(&named[..most]));
            let Some(found) = found else {
                faults.push(format!("{document}: no such command: `{span}`"));
                continue;
            };
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap();
                if !found.contains(option) {
                    faults.push(format!("{document}: `{span}` has no {option}"));
                }
            }
            count += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 20, "too few were found: {count}");
}

#[test]
fn the_readme_is_short() {
    let text = fs::read_to_string(root().join("README.md")).unwrap();
    assert!(text.lines().count() <= 200, "README.md has {} lines", text.lines().count());
}

#[test]
fn policies_that_the_documents_show_are_accepted() {
    let mut policies = 0;
    for block in blocks().into_iter().filter(|block| block.language == "toml") {
        let path = PathBuf::from(&block.document);
        // Some show only a part.
        let whole = if block.text.contains("version = 1") {
            block.text.clone()
        } else {
            format!("version = 1\n{}", block.text)
        };
        Policy::parse(&whole, &path).unwrap_or_else(|error| panic!("{error}\n{whole}"));
        policies += 1;
    }
    assert!(policies > 0);
}

#[test]
fn every_kind_of_block_is_checked() {
    for Block { document, language, text } in blocks() {
        let checked = match language.as_str() {
            // Checked above, or by the goldens.
            "console" | "sh" | "toml" => true,
            // A diagram.
            "text" => document == "ARCHITECTURE.md",
            // ci/workflows compares it with GitHub's schema.
            "yaml" => document == "docs/github.md",
            // Code of the library's users: tests/gate/record.rs writes the same lines.
            "rust" => document == "docs/tutorial.md",
            // tests/gate/commands.rs runs the scripts and reads the lines.
            "python" | "bash" => document == "docs/records.md",
            "json" => ["docs/records.md", "docs/tutorial.md"].contains(&document.as_str()),
            _ => false,
        };
        assert!(checked, "{document}: a block of {language:?} is not checked:\n{text}");
    }
}
