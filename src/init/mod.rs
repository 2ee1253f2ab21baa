//! The first policy and workflows of a project, as texts: nothing is written here.
//!
//! The policy's template is the `gate.toml` in this directory; the workflows are those
//! of the documentation. The values that fill them come from a [`Project`]: names of
//! packages and targets are other people's, so they are quoted for the format that they
//! go into.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::project::{Bench, Driver, Project};
use crate::report::plain;

const POLICY: &str = include_str!("gate.toml");
const BENCH: &str = include_str!("../../docs/github/bench.yml");
const COMMENT: &str = include_str!("../../docs/github/comment.yml");

/// Placeholders in the workflows for the repository and the revision of the actions.
const REPOSITORY: &str = "OWNER/benchgate";
const REVISION: &str = "COMMIT";
/// The beginning of the paragraph that explains the placeholders.
const ASKS: &str = "# Replace OWNER ";

/// Where the workflows use benchgate's actions from: `OWNER/REPOSITORY@REVISION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionSource {
    repository: String,
    revision: String,
}

impl ActionSource {
    /// Whether its owner or its commit is still a placeholder.
    pub fn is_placeholder(&self) -> bool {
        self.repository.starts_with("OWNER/") || self.revision == "COMMIT"
    }
}

impl FromStr for ActionSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let plain = |text: &str| {
            !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c))
        };
        // A branch or tag may hold slashes.
        let parts = text.split_once('@').and_then(|(repository, revision)| {
            let (owner, name) = repository.split_once('/')?;
            let fits = plain(owner) && plain(name) && revision.split('/').all(plain);
            fits.then(|| Self { repository: repository.to_owned(), revision: revision.to_owned() })
        });
        parts.ok_or_else(|| {
            format!("\"{text}\" is not a source of actions: write OWNER/REPOSITORY@REVISION")
        })
    }
}

/// A file that a project can start with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// Where it goes.
    pub path: PathBuf,
    /// Its content.
    pub text: String,
}

/// The policy and, if there is a repository, its workflows.
///
/// # Errors
/// With the path of the project, if it is not inside that repository.
pub fn plan(
    project: &Project,
    repository: Option<&Path>,
    actions: &ActionSource,
) -> Result<Vec<Planned>, PathBuf> {
    let mut files = vec![Planned { path: project.root.join("gate.toml"), text: policy(project) }];
    if let Some(repository) = repository {
        let below = project.root.strip_prefix(repository).map_err(|_| project.root.clone())?;
        let workflows = repository.join(".github/workflows");
        let text = filled(BENCH, actions, &runners(project), &with(project, below));
        files.push(Planned { path: workflows.join("bench.yml"), text });
        let text = filled(COMMENT, actions, "", "");
        files.push(Planned { path: workflows.join("comment.yml"), text });
    }
    Ok(files)
}

/// A workflow that uses benchgate's actions from that source, with `steps` before and
/// `inputs` after each. The paragraph that explains the placeholders is removed.
fn filled(template: &str, actions: &ActionSource, steps: &str, inputs: &str) -> String {
    let paragraphs = template.split_inclusive("\n#\n");
    let text: String = paragraphs.filter(|paragraph| !paragraph.starts_with(ASKS)).collect();
    let mut filled = String::new();
    for line in text.lines() {
        let action =
            line.trim_start().trim_start_matches("- ").strip_prefix("uses: ").and_then(|used| {
                used.strip_prefix(REPOSITORY)?.strip_suffix(REVISION)?.strip_suffix('@')
            });
        if let Some(path) = action {
            let (indent, _) = line.split_once("uses: ").unwrap_or_default();
            let ActionSource { repository, revision } = actions;
            let _ = writeln!(filled, "{steps}{indent}uses: {repository}{path}@{revision}");
            filled += inputs;
        } else {
            filled.extend([line, "\n"]);
        }
    }
    filled
}

fn policy(project: &Project) -> String {
    let mut benches = String::new();
    let name = |bench: &Bench| plain(&format!("{}/{}", bench.package, bench.target));
    let width = project.benches.iter().map(|bench| name(bench).chars().count()).max().unwrap_or(0);
    for bench in &project.benches {
        let name = name(bench);
        let mut what = bench.driver.to_string();
        if let Some(refusal) = bench.driver.refusal() {
            what = format!("{what}: {refusal}");
        }
        if !bench.required_features.is_empty() {
            let features = plain(&bench.required_features.join(","));
            let _ = write!(what, "; needs --features {features}");
        }
        let _ = writeln!(benches, "#   {name:width$}  {what}");
    }
    let measured = project.benches.iter().filter(|bench| {
        matches!(bench.driver, Driver::Known(_)) && bench.required_features.is_empty()
    });
    let required: Vec<String> = measured
        .flat_map(|bench| {
            ["*", "*/**"].map(|rest| format!("{}/{}::{rest}", bench.package, bench.target))
        })
        .map(|glob| toml::Value::String(plain(&glob)).to_string())
        .collect();
    // Each target has two globs: `*` stops at a slash.
    let require = match required.chunks(2).map(|pair| pair.join(", ")).collect::<Vec<_>>() {
        pairs if pairs.len() < 2 => pairs.concat(),
        pairs => format!("\n#     {},\n# ", pairs.join(",\n#     ")),
    };
    POLICY
        .replace("@BENCHES@\n", &(benches + "\n"))
        .replace("@REQUIRE@", &require)
        .replace("@EXAMPLE@", "group/name")
}

/// Steps that install the harnesses' runners, whose versions must match the libraries'.
fn runners(project: &Project) -> String {
    let mut steps = String::new();
    for harness in project.harnesses() {
        let (Some(runner), Some(versions)) = (harness.runner(), project.locked.get(harness.name()))
        else {
            continue;
        };
        for version in versions {
            let _ = writeln!(
                steps,
                "      # Of the same version as {} in Cargo.lock.\n      \
                 - run: cargo install --locked {runner} --version {version}",
                harness.name()
            );
        }
    }
    steps
}

/// The action's inputs that differ from its defaults.
fn with(project: &Project, below: &Path) -> String {
    let mut inputs = String::new();
    if !below.as_os_str().is_empty() {
        let directory = serde_json::Value::from(below.to_string_lossy());
        let _ = writeln!(inputs, "          working-directory: {directory}");
    }
    if let Some(features) = features(project) {
        let features = serde_json::Value::from(features);
        let _ = writeln!(inputs, "          features: {features}");
    }
    if project.needs_workspace {
        inputs += "          args: --workspace\n";
    }
    match inputs.as_str() {
        "" => String::new(),
        inputs => format!("        with:\n{inputs}"),
    }
}

/// The features that bench targets need, for cargo's `--features`; `None` if they need
/// none. Without them cargo silently leaves those targets out.
fn features(project: &Project) -> Option<String> {
    let measured = project.benches.iter().filter(|bench| matches!(bench.driver, Driver::Known(_)));
    let packages: BTreeSet<&str> =
        project.benches.iter().map(|bench| bench.package.as_str()).collect();
    // Cargo takes a feature's plain name for the package that it builds by itself.
    let qualified = project.needs_workspace || packages.len() > 1;
    let features: BTreeSet<String> = measured
        .flat_map(|bench| bench.required_features.iter().map(move |feature| (bench, feature)))
        .map(|(bench, feature)| {
            // `dependency/feature` cannot be qualified.
            if qualified && !feature.contains('/') {
                format!("{}/{feature}", bench.package)
            } else {
                feature.clone()
            }
        })
        .collect();
    (!features.is_empty()).then(|| features.into_iter().collect::<Vec<_>>().join(","))
}

#[cfg(test)]
mod tests;
