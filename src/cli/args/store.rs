//! The store of baselines and the machine class.

use std::path::PathBuf;

use clap::Args;

use crate::baseline::Store;
use crate::measure;
use crate::model::Environment;

#[derive(Debug, Args)]
pub(in crate::cli) struct StoreArgs {
    /// Keep baselines in this directory
    #[arg(long, value_name = "DIR", default_value = "baselines", global = true)]
    store: PathBuf,
    /// Use this machine class, a directory of the store [default: from processor, cores and system]
    #[arg(long, value_name = "NAME", env = "BENCHGATE_CLASS", global = true)]
    class: Option<String>,
}

impl StoreArgs {
    /// Paths stay relative to the working directory: they are shown, and paths of results
    /// are written into committed baselines.
    pub(in crate::cli) fn store(&self) -> Store {
        Store::new(&self.store)
    }

    /// The class that the user named. An empty name counts as missing: it comes from a
    /// pipeline's variable that was not set.
    pub(in crate::cli) fn named_class(&self) -> Option<&str> {
        self.class.as_deref().filter(|class| !class.is_empty())
    }

    /// The class that the user named, else this machine's.
    pub(in crate::cli) fn class(&self) -> String {
        if let Some(class) = self.named_class() {
            return class.to_owned();
        }
        let mut environment = Environment::default();
        measure::machine(&mut environment);
        measure::machine_class(&environment)
    }
}
