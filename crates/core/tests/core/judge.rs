//! Verdicts: from small tables of runs to the whole report.

mod common;
mod distribution;
mod findings;
mod instructions;
mod layout;
mod noise;
mod outcomes;
mod properties;
mod saved;
mod shards;
mod targets;
mod trial;
mod witness;
