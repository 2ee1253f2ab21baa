//! `gate doctor`

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;

use crate::build::Survey;
use crate::cli::args::Format;
use crate::cli::context::{Context, Failed};
use crate::doctor::{self, Diagnosis, Services, Status, Tools};
use crate::exit::Exit;
use crate::project::{Project, workspace_root};
use crate::report;

/// Check this machine and project for anything that harms results
///
/// Looks at the machine (governor, turbo, SMT, clock source, limits of the container, load, swap,
/// steal time), the tools (valgrind, runners against Cargo.lock, perf, linker), the project (bench
/// targets, shared or stale directories) and the repository (inputs that a clone would not have).
/// Nothing is changed:
///
///   gate doctor                every check, with a remedy for each that is not fine
///   gate doctor --suite        also the services that the suite measures
///   gate doctor --format json  for machines; the schema is docs/schema/diagnosis.schema.json
///
/// A warning makes measurements worse; a problem makes them impossible or wrong. Exit codes:
/// 0 without a problem · 1 with a problem.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Doctor {
    /// Check the services of benchgate's own suite as well [default: only if `REDIS_URL`, `DATABASE_URL`,
    /// `DATABASE_REPLICA_URL`, `TARGET_URL`, `MODEL_PATH` or `ORT_DYLIB_PATH` is set]
    #[arg(long)]
    suite: bool,
    /// Write the diagnosis to stdout in this format
    #[arg(long, value_enum, default_value_t = Format::Terminal)]
    format: Format,
    /// Check the project of this Cargo.toml [default: the working directory's]
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
}

impl Doctor {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { suite, format, manifest_path } = self;
        let project = match Project::read(&context.directory, manifest_path.as_deref()) {
            Ok(project) => Some(project),
            Err(error) if manifest_path.is_some() => return Err(Failed::usage(error)),
            // The machine can be checked from anywhere.
            Err(error) => {
                context.shell.note(&match workspace_root(&context.directory) {
                    Some(_) => format!("only the machine and the tools are checked: {error}"),
                    None => "not in a cargo project: only the machine and the tools are checked"
                        .to_owned(),
                });
                None
            }
        };
        let root = Path::new("/");
        let mut checks = doctor::machine(root);
        checks.extend(doctor::tools(&Tools::find(root), project.as_ref()));
        if let Some(project) = &project {
            checks.extend(doctor::project(project, SystemTime::now()));
            let sources: Vec<PathBuf> =
                project.benches.iter().map(|bench| bench.source.clone()).collect();
            let directory = match &manifest_path {
                Some(_) => &project.root,
                None => &context.directory,
            };
            let target = &project.target_directory;
            match Survey::of(directory, &project.root, &sources, target) {
                Ok(survey) => checks.extend(doctor::repository(&survey)),
                // `gate run` needs no repository.
                Err(_) => context.shell.note("not in a git repository, which `gate ab` needs"),
            }
        }
        let variable = |name: &str| std::env::var(name).ok();
        if suite || Services::named(variable) {
            checks.extend(doctor::services(&Services::find(root, variable)));
        }
        let diagnosis = Diagnosis::new(checks);
        context.shell.data(&format.render(&diagnosis, || report::diagnosis(&diagnosis))?)?;
        Ok(match diagnosis.worst() {
            Status::Problem => Exit::Failure,
            Status::Warning | Status::Ok => Exit::Pass,
        })
    }
}
