//! Options that several commands share.

mod build;
mod filter;
mod format;
mod output;
mod policy;
mod results;
mod store;

pub(super) use build::BuildArgs;
pub(super) use filter::{FilterArgs, PartArgs, parse_duration, parse_share, selection};
pub(super) use format::Format;
pub(super) use output::{OutputArgs, Shown, write_all};
pub(super) use policy::{PolicyArgs, digest, find_policy, policy_to_edit};
pub(super) use results::Results;
pub(super) use store::StoreArgs;
