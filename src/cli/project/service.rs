//! `gate service`

use crate::cli::context::Failed;
use crate::exit::Exit;

#[cfg(feature = "suite")]
pub(super) use benchgate_suite::command::ServiceArgs as Service;

#[cfg(feature = "suite")]
pub(super) fn run(service: Service) -> Result<Exit, Failed> {
    use benchgate_suite::service::Drained;
    Ok(match service.run()? {
        Drained::All => Exit::Pass,
        Drained::NotAll => Exit::Failure,
    })
}

/// Run the suite's reference service (needs the feature `suite`)
///
///   cargo install benchgate --features suite
///   gate service --listen 127.0.0.1:8080
#[cfg(not(feature = "suite"))]
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub(in crate::cli) struct Service {
    /// Accept any option, so that the error names the missing feature and not an
    /// unknown option
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _rest: Vec<std::ffi::OsString>,
}

#[cfg(not(feature = "suite"))]
pub(super) fn run(_: Service) -> Result<Exit, Failed> {
    Err(Failed::not_compiled_in("service", "suite"))
}
