//! `gate service`

use super::{Context, Failed};
use crate::exit::Exit;

#[cfg(feature = "suite")]
pub(super) use benchgate_suite::command::ServiceArgs as Service;

#[cfg(feature = "suite")]
pub(super) fn run(service: Service, _: &Context) -> Result<Exit, Failed> {
    use benchgate_suite::service::Drained;
    Ok(match service.run()? {
        Drained::All => Exit::Pass,
        Drained::NotAll => Exit::Failure,
    })
}

/// Run the suite's reference service (needs the feature `suite`)
#[cfg(not(feature = "suite"))]
#[derive(Debug, clap::Args)]
pub(super) struct Service {
    /// Taken, so that the answer is not about an unknown option
    #[arg(hide = true, trailing_var_arg = true, allow_hyphen_values = true)]
    _rest: Vec<std::ffi::OsString>,
}

#[cfg(not(feature = "suite"))]
pub(super) fn run(_: Service, _: &Context) -> Result<Exit, Failed> {
    Err(Failed::not_compiled_in("service", "suite"))
}
