//! Builds the bench executables of each side: checkout, cargo, identity of code and of
//! functions, layout.

mod cargo;
mod checkout;
mod claim;
mod commands;
mod config;
mod dependencies;
mod environment;
mod error;
mod extra;
mod git;
pub mod identity;
pub mod layout;
mod leftovers;
pub mod link;
mod options;
mod outside;
mod pin;
mod place;
mod reach;
mod repository;
mod revision;
pub mod same_code;
mod sides;
mod stand_in;
mod survey;
mod toolchain;
mod user_directory;

pub use cargo::{Built, build};
pub use checkout::{CheckoutError, check_out};
pub use claim::{Claim, ClaimError};
pub use commands::{CommandPlace, build_commands};
pub(crate) use config::cargo_home;
pub use dependencies::Dependencies;
pub use error::BuildError;
pub use extra::ReadError;
pub use git::GitError;
pub use options::BuildOptions;
pub use outside::Outside;
pub use pin::{Pinning, map_of};
pub use place::{Place, switch_link};
pub use reach::Reach;
pub use repository::{Repository, RepositoryError, Source};
pub use revision::revision;
pub use sides::{BuiltSide, BuiltSides, SideBuilder, SideError, SidePlan, identical};
pub use survey::{LeftOut, LockFile, Survey};
pub use toolchain::probe;

/// Does the work for which cargo has started this program under another name; `None` if
/// it was started under its own. `main` calls it first.
pub fn for_cargo() -> Option<std::process::ExitCode> {
    link::as_rustc().or_else(stand_in::as_benchmark)
}
