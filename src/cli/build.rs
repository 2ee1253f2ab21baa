//! What is built: cargo's options, passed on.

use std::path::{Path, PathBuf};

use clap::Args;

use super::Context;
use crate::measure::{BuildOptions, Claim, Filter, Interrupt, MeasureError};

/// Cargo's options, passed on.
#[derive(Debug, Args)]
pub(super) struct BuildArgs {
    /// Only these bench targets
    #[arg(long, value_name = "TARGET")]
    bench: Vec<String>,
    /// Only these packages
    #[arg(long, short, value_name = "PACKAGE")]
    package: Vec<String>,
    /// All packages of the workspace
    #[arg(long)]
    workspace: bool,
    /// Features to build with
    #[arg(long, short = 'F', value_name = "FEATURES")]
    features: Vec<String>,
    /// Build with all features
    #[arg(long)]
    all_features: bool,
    /// Build without the default features
    #[arg(long)]
    no_default_features: bool,
    /// The Cargo.toml to measure
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
}

impl BuildArgs {
    pub(super) fn options(self, context: &Context) -> BuildOptions {
        let Self {
            bench,
            package,
            workspace,
            features,
            all_features,
            no_default_features,
            manifest_path,
        } = self;
        BuildOptions {
            directory: Some(context.directory.clone()),
            benches: bench,
            packages: package,
            workspace,
            features,
            all_features,
            no_default_features,
            manifest_path,
            quiet: context.shell.quiet,
            ..BuildOptions::default()
        }
    }
}

/// Keeps other gates out of the target directory, and waits for one that is there.
pub(super) fn claim(
    context: &Context,
    what: &str,
    target: &Path,
    interrupt: &Interrupt,
) -> Result<Claim, MeasureError> {
    let place = target.join("gate");
    Claim::take(&place, what, interrupt, &mut |holder| {
        let place = place.display();
        context.shell.note(&format!(
            "waiting for another gate to end ({holder}): it builds and measures in {place}; \
             CARGO_TARGET_DIR gives this one a directory of its own, but both at once disturb \
             each other's times"
        ));
    })
}

/// What was selected, in the words of the command line.
pub(super) fn selection(build: &BuildOptions, filter: Option<&Filter>) -> Option<String> {
    let mut words = Vec::new();
    for (option, values) in [("--bench", &build.benches), ("--package", &build.packages)] {
        words.extend(values.iter().map(|value| format!("{option} {value}")));
    }
    words.extend(filter.map(|filter| format!("--filter {}", filter.as_str())));
    (!words.is_empty()).then(|| words.join(" "))
}
