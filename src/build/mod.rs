//! Builds the bench executables of each side: checkout, cargo, identity of code,
//! layout.

mod cargo;
mod checkout;
mod claim;
pub mod identity;
pub mod layout;
mod pin;
mod revision;

pub use cargo::{BenchExecutable, BuildError, BuildOptions, Built, build};
pub use checkout::{CheckoutError, Repository, Source, point};
pub use claim::Claim;
pub use pin::Pinning;
pub use revision::revision;
