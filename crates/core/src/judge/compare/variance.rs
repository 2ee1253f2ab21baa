//! The variance of a change between two sessions, by its sources.

use crate::stats::{Difference, SampleVariance};

/// The variance of a change of a row, by its sources. With n and m runs on the sides, and
/// σ² the variance of a run, it is
///
/// - within a session σ²·(1/n + 1/m), and the uncertainty of a shift that was subtracted;
/// - between sessions σ²·(1/n + 1/m − 2s) + 2τ² + 2κ², and again that of a shift. τ² is the
///   variance of the mean of a session in this row, and κ² of what all times of a session
///   have in common. The mean of a session contains the noise of its runs, so τ² contains
///   s·σ² already, s being the mean of 1 / runs over the known sessions.
///
/// Instead of 2κ², the rows of the comparison themselves show what they have in common,
/// where there are enough of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Variance {
    pub(super) runs: SampleVariance,
    pub(super) shift: Option<SampleVariance>,
    pub(super) session: Option<SampleVariance>,
    pub(super) common: Option<SampleVariance>,
}

impl Variance {
    /// The same with another variance of the means of sessions.
    #[must_use]
    pub(super) fn with_sessions(self, sessions: SampleVariance) -> Self {
        let both = SampleVariance { variance: 2.0 * sessions.variance, ..sessions };
        Self { session: Some(both), ..self }
    }

    pub(super) fn around(&self, change: f64) -> Option<Difference> {
        let Self { runs, shift, session, common } = *self;
        let sources: Vec<SampleVariance> =
            [Some(runs), shift, session, common].into_iter().flatten().collect();
        Difference::new(change, &sources)
    }

    /// The same variances, of which those of sessions are known from `more` sessions more.
    #[must_use]
    pub(crate) fn after(self, more: u32) -> Self {
        let known_better = |part: SampleVariance| SampleVariance {
            degrees: part.degrees + f64::from(more),
            ..part
        };
        Self {
            session: self.session.map(known_better),
            common: self.common.map(known_better),
            ..self
        }
    }

    /// Half the width of the two-sided interval at `level`; `None` if it is not finite.
    pub(crate) fn half_width(self, level: f64) -> Option<f64> {
        self.around(0.0).map(|difference| difference.half_width(level))
    }
}
