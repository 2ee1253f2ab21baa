//! The commands of the policy on one side.

use std::path::Path;

use super::super::commands::{CommandPlace, build_commands};
use super::super::error::BuildError;
use super::super::user_directory::separate;
use super::{SideBuilder, SideError};
use crate::drive::Command;
use crate::model::{NotRun, TrialSide};

impl SideBuilder<'_> {
    /// Builds the commands of the policy in the side's checkout. The policy is the same for both
    /// sides.
    pub(super) fn commands(
        &self,
        side: TrialSide,
    ) -> Result<(Vec<Command>, Vec<NotRun>), SideError> {
        let directory = self.plan.options.directory.as_deref().unwrap_or(Path::new("."));
        let removed = separate(directory).into_iter();
        let place = CommandPlace {
            directory: self.place.checkout().join(&self.commands_from),
            without: removed.filter(|(_, value)| value.is_none()).map(|(name, _)| name).collect(),
            on_side: Some(self.place.on_side(side)),
            logs: None,
        };
        build_commands(self.plan.commands, &place, self.interrupt)
            .map_err(|error| SideError::Build { side, source: BuildError::Process(error) })
    }
}
