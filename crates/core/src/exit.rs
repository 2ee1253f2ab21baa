//! The exit codes: what the process tells a pipeline.
//!
//! A violation, a failure to run and an empty comparison are never the same
//! code. If several apply, [`Exit::worst`] chooses.

use std::process::{ExitCode, Termination};

/// How `gate` ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Exit {
    /// Everything asked for was done, and the policy is met.
    Pass = 0,
    /// The work could not be completed: a build failed, a file could not be
    /// read, a process crashed.
    Failure = 1,
    /// The command line or the policy is wrong; nothing was measured or judged.
    Usage = 2,
    /// A regression beyond its limit, or a target or budget that is missed.
    Regression = 3,
    /// The rows are undecided, and the policy blocks on that.
    Undecided = 4,
    /// Nothing was compared, or a required benchmark or target was not measured.
    NothingCompared = 5,
}

impl Exit {
    /// All exits, in the order of their codes.
    pub const ALL: [Self; 6] = [
        Self::Pass,
        Self::Failure,
        Self::Usage,
        Self::Regression,
        Self::Undecided,
        Self::NothingCompared,
    ];

    /// The number that the shell sees.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The exit with this code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// The meaning in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Failure => "could not complete",
            Self::Usage => "usage or configuration is wrong",
            Self::Regression => "regression, or a target or budget missed",
            Self::Undecided => "undecided, and the policy blocks on that",
            Self::NothingCompared => {
                "nothing compared, or a required benchmark or target was not measured"
            }
        }
    }

    /// The exit to report if both apply. A proven regression comes first, even if
    /// some results could not be read.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        fn rank(exit: Exit) -> u8 {
            match exit {
                Exit::Usage => 5,
                Exit::Regression => 4,
                Exit::Failure => 3,
                Exit::NothingCompared => 2,
                Exit::Undecided => 1,
                Exit::Pass => 0,
            }
        }
        if rank(other) > rank(self) { other } else { self }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
