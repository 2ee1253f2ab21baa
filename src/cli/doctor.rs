//! `gate doctor`

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;

use super::{Context, Failed};
use crate::doctor::{self, Diagnosis, Services, Status, Tools};
use crate::exit::Exit;
use crate::project::Project;
use crate::report;

/// Say what makes measurements bad or impossible here, and what helps
///
/// Looks at the machine (governor, turbo, SMT, clock source, limits of the container, load, swap,
/// time that the host keeps), the tools (valgrind, runners against Cargo.lock, perf, linker) and the
/// project (bench targets, shared or stale directories). Nothing is changed:
///
///   gate doctor              everything, with a remedy for each thing that is not fine
///   gate doctor --suite      also the services that the suite measures
///   gate doctor --json       for machines: docs/schema/diagnosis.schema.json
///
/// A warning makes measurements worse, a problem makes them impossible or wrong. Exit codes: 0, also
/// with warnings · 1 with a problem.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub(super) struct Doctor {
    /// Also the services of benchgate's own suite; without it, only where `REDIS_URL`, `DATABASE_URL`,
    /// `DATABASE_REPLICA_URL`, `TARGET_URL`, `MODEL_PATH` or `ORT_DYLIB_PATH` is set
    #[arg(long)]
    suite: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    /// The Cargo.toml of the project to look at
    #[arg(long, value_name = "FILE")]
    manifest_path: Option<PathBuf>,
}

impl Doctor {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
        let Self { suite, json, manifest_path } = self;
        let project = match Project::read(&context.directory, manifest_path.as_deref()) {
            Ok(project) => Some(project),
            Err(error) if manifest_path.is_some() => return Err(Failed::usage(error)),
            // The machine can be looked at from anywhere.
            Err(_) => None,
        };
        let root = Path::new("/");
        let mut checks = doctor::machine(root);
        checks.extend(doctor::tools(&Tools::find(root), project.as_ref()));
        match &project {
            Some(project) => checks.extend(doctor::project(project, SystemTime::now())),
            None => {
                context
                    .shell
                    .note("this is no cargo project: only machine and tools are looked at");
            }
        }
        let variable = |name: &str| std::env::var(name).ok();
        if suite || Services::named(variable) {
            checks.extend(doctor::services(&Services::find(root, variable)));
        }
        let diagnosis = Diagnosis::new(checks);
        let text = if json {
            serde_json::to_string_pretty(&diagnosis)? + "\n"
        } else {
            report::diagnosis(&diagnosis)
        };
        context.shell.data(&text)?;
        Ok(match diagnosis.worst() {
            Status::Problem => Exit::Failure,
            Status::Warning | Status::Ok => Exit::Pass,
        })
    }
}
