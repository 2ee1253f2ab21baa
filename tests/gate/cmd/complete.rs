//! Every exit code and every finding has a golden.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use benchgate::exit::Exit;
use benchgate::judge::{Code, Outcome};

/// The goldens, except those that list every code.
fn goldens() -> String {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("cmd");
    let mut text = String::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let lists_codes = path.file_stem().is_some_and(|stem| stem == "explain");
        if path.extension().is_some_and(|extension| extension == "md") && !lists_codes {
            text += &fs::read_to_string(path).unwrap();
        }
    }
    text
}

#[test]
fn every_code_occurs_as_a_finding() {
    let text = goldens();
    let found: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| {
            let (severity, rest) = line.split_once("  ")?;
            let finding = ["fail", "warn", "note"].contains(&severity);
            finding.then(|| rest.split([' ', ':']).next().unwrap_or_default())
        })
        .collect();
    let all: BTreeSet<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
    assert_eq!(found, all);
}

#[test]
fn every_outcome_and_every_exit_code_occurs() {
    let text = goldens();
    for outcome in [
        Outcome::Regression,
        Outcome::Undecided,
        Outcome::Missing,
        Outcome::New,
        Outcome::Improvement,
        Outcome::Unchanged,
    ] {
        let word = match outcome {
            Outcome::Regression => "REGRESSION: ".to_owned(),
            Outcome::Unchanged => "  unchanged\n".to_owned(),
            other => format!("  {}: ", other.as_str()),
        };
        assert!(text.contains(&word), "no golden shows {word:?}");
    }
    for exit in Exit::ALL {
        // trycmd does not write a line for success.
        let status = format!("\n? {}\n", exit.code());
        assert!(exit == Exit::Pass || text.contains(&status), "no golden ends with {exit:?}");
        let verdict = format!("(exit {})", exit.code());
        assert!(exit == Exit::Usage || text.contains(&verdict), "no verdict of {exit:?}");
    }
}

#[test]
fn every_code_is_explained() {
    for name in Code::ALL.iter().map(|code| code.as_str()) {
        let output = super::gate(&["explain", name]);
        assert_eq!(output.status.code(), Some(0), "{name}");
        let text = super::stdout(&output);
        assert!(text.starts_with(&format!("{name}\n\n")) && text.len() > 80, "{text}");
    }
}
