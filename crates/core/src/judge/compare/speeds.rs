//! Benchmarks that have one of two speeds in each session.

/// A smaller gap between the two speeds is no different from other noise.
const LEAST_GAP: f64 = 0.03;
/// How many times the spread of the sessions with the same speed the gap must exceed.
const SPREADS: f64 = 4.0;

/// Two speeds of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct TwoSpeeds {
    /// The logarithm of the ratio of the two.
    pub(crate) gap: f64,
}

/// The two speeds that centres of sessions (logarithms) fall into, if they plainly do: the
/// largest gap between neighbours is far wider than the centres on either side of it.
pub(super) fn two(centres: &[f64]) -> Option<TwoSpeeds> {
    let mut sorted = centres.to_vec();
    sorted.sort_by(f64::total_cmp);
    let gaps = sorted.windows(2).map(|two| two[1] - two[0]);
    let (at, gap) = gaps.enumerate().max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    let width = |part: &[f64]| part[part.len() - 1] - part[0];
    let spread = width(&sorted[..=at]).max(width(&sorted[at + 1..]));
    (sorted.len() > 2 && gap >= LEAST_GAP && gap >= SPREADS * spread).then_some(TwoSpeeds { gap })
}
