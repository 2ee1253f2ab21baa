//! Tells results of this run from what an earlier one left behind, by the
//! times at which their files were written.

use std::time::{Duration, SystemTime};

use super::Stale;

/// The kernel stamps files with the time of its last tick, which lies up to
/// 10 ms before the clock that programs read.
const TICK: Duration = Duration::from_millis(10);

/// The moment before which files are another run's.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Cutoff(Option<SystemTime>);

/// How the files of one result lie to the cutoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Age {
    /// All are of this run.
    Fresh,
    /// All are older.
    Stale,
    /// Some are older: the run ended while it wrote them.
    Mixed,
}

impl Cutoff {
    /// Where the rule cuts, given when every file of every result was written.
    pub(super) fn new(rule: Stale, mut written: Vec<SystemTime>) -> Self {
        Self(match rule {
            Stale::Never => None,
            Stale::Before(moment) => SystemTime::from(moment).checked_sub(TICK),
            Stale::Gap(pause) => {
                written.sort();
                let mut newest_first = written.iter().rev();
                let mut oldest_kept = newest_first.next().copied();
                for time in newest_first {
                    match oldest_kept.and_then(|kept| kept.duration_since(*time).ok()) {
                        Some(distance) if distance > pause => break,
                        _ => oldest_kept = Some(*time),
                    }
                }
                oldest_kept
            }
        })
    }

    /// How a result's files lie to the cutoff; a result whose times are not
    /// known counts as this run's.
    pub(super) fn age(self, written: &[SystemTime]) -> Age {
        let Some(cutoff) = self.0 else { return Age::Fresh };
        let old = written.iter().filter(|time| **time < cutoff).count();
        match old {
            0 => Age::Fresh,
            _ if old == written.len() => Age::Stale,
            _ => Age::Mixed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_gap_cuts_at_the_newest_pause_that_is_longer() {
        let written = vec![at(100), at(900), at(109), at(905), at(914)];
        let cutoff = Cutoff::new(Stale::Gap(Duration::from_secs(9)), written.clone());
        assert_eq!(cutoff, Cutoff(Some(at(900))));
        let wide = Cutoff::new(Stale::Gap(Duration::from_secs(791)), written);
        assert_eq!(wide, Cutoff(Some(at(100))));
    }

    #[test]
    fn ages() {
        let moment = jiff::Timestamp::from_second(1000).unwrap();
        let cutoff = Cutoff::new(Stale::Before(moment), Vec::new());
        assert_eq!(cutoff.age(&[at(1000), at(2000)]), Age::Fresh);
        assert_eq!(cutoff.age(&[at(1), at(999)]), Age::Stale);
        assert_eq!(cutoff.age(&[at(999), at(1000)]), Age::Mixed);
        assert_eq!(cutoff.age(&[]), Age::Fresh);
        assert_eq!(Cutoff::new(Stale::Never, vec![at(5)]).age(&[at(1)]), Age::Fresh);
    }
}
