//! The verdict, and the exit code that goes with it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::Exit;

/// The verdict on the candidate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// The kind of verdict.
    pub outcome: VerdictOutcome,
    /// The exit code that goes with it.
    #[serde(rename = "exit_code", with = "exit_code")]
    #[schemars(with = "u8")]
    pub exit: Exit,
    /// The reason, in one sentence.
    pub reason: String,
}

/// The kinds of verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictOutcome {
    /// The policy is met.
    Pass,
    /// A regression beyond its limit, or a target or budget that is missed.
    Fail,
    /// Rows could not be decided, and the policy blocks that.
    Undecided,
    /// Nothing was compared, or a required benchmark is missing.
    NothingCompared,
    /// Results could not be read, or bench programs broke.
    Incomplete,
}

/// An exit as the number that the shell sees.
mod exit_code {
    use serde::de::{Error as _, Unexpected};
    use serde::{Deserialize as _, Deserializer, Serializer};

    use crate::exit::Exit;

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
    pub(super) fn serialize<S: Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(exit.code())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Exit, D::Error> {
        let code = u8::deserialize(from)?;
        Exit::from_code(code).ok_or_else(|| {
            D::Error::invalid_value(
                Unexpected::Unsigned(code.into()),
                &"an exit code of gate, 0 to 5",
            )
        })
    }
}
