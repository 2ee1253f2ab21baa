//! Cargo's own options.

use std::path::PathBuf;

use clap::Args;

use crate::cli::context::Context;
use crate::measure::BuildOptions;

/// Cargo's options, which are passed on to it.
#[derive(Debug, Args)]
pub(in crate::cli) struct BuildArgs {
    /// Measure only this bench target; may be repeated [default: all]
    #[arg(long, value_name = "TARGET")]
    bench: Vec<String>,
    /// Measure only this package; may be repeated [default: those of a plain `cargo bench`]
    #[arg(long, short, value_name = "PACKAGE")]
    package: Vec<String>,
    /// Measure all packages of the workspace
    #[arg(long)]
    workspace: bool,
    /// Build with these features
    #[arg(long, short = 'F', value_name = "FEATURES")]
    features: Vec<String>,
    /// Build with all features
    #[arg(long)]
    all_features: bool,
    /// Build without the default features
    #[arg(long)]
    no_default_features: bool,
    /// Build with this profile [default: bench]
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// Build for this target [default: cargo's]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,
    /// Measure the project of this Cargo.toml [default: the working directory's]
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
}

impl BuildArgs {
    pub(in crate::cli) fn options(self, context: &Context) -> BuildOptions {
        let Self {
            bench,
            package,
            workspace,
            features,
            all_features,
            no_default_features,
            profile,
            target,
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
            profile,
            target,
            manifest_path,
            quiet: context.shell.quiet,
            ..BuildOptions::default()
        }
    }
}
