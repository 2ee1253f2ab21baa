//! Which parts of a count criterion times.
//!
//! Criterion reads its clock where timing starts and where it ends. Callgrind writes
//! one part of its profile for each reading, so what criterion times is the sum of
//! the parts between those two readings. They are found by their callers and by
//! their order, in test mode, where each method runs its body once:
//!
//! | method | readings | timed |
//! |---|---|---|
//! | `iter` | total, start, body, end, total | from start to end |
//! | `iter_batched`, `iter_batched_ref` and what calls them | total, set-up, start, routine, end, drop, total | from start to end |
//! | `iter_custom` | total, the closure's own, total | from the closure's first reading to its second |
//!
//! The asynchronous forms read the clock in the same order, inside the future that
//! the executor polls.
//!
//! The body, the set-up and the drop may read the clock, too. A reading is
//! criterion's own where its caller is `WallTime::start` or `WallTime::end`, or,
//! where these were inlined, the method itself. A reading of the user's is mistaken
//! for criterion's only where it was inlined into that method, and then there are
//! more than four: of `iter` the second and the last but one bound what is timed, as
//! nothing of the user's runs outside of them; of the other methods nothing tells
//! them apart, and all that the method did is counted ([`Untimed`]).
//!
//! Limits: a `Measurement` of the user's own that reads no clock has no boundaries,
//! unless it calls `WallTime`. If its method also contains exactly two readings of
//! the body or the set-up, these are taken for criterion's. An `iter_custom` that
//! reads the clock twice is taken to time what lies between.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

use super::frame::{Frame, Method};
use crate::sources::callgrind_profile::{Part, Profile};

/// The most instructions between criterion's two readings at either end of `iter`,
/// unless what is between them is not criterion's. Some thirty in an optimised build.
const BETWEEN_READINGS: u64 = 2000;

/// What one process took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Collected {
    /// All that the timing method did.
    pub(super) whole: Profile,
    /// The part of it that criterion times.
    pub(super) timed: Result<Profile, Untimed>,
    /// How many threads there were.
    pub(super) threads: usize,
    /// The functions through which the clock was read, from the timing method's callers on;
    /// by mangled name.
    pub(super) callers: BTreeSet<String>,
}

/// Why what criterion times cannot be told from what else its method does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Untimed {
    /// There are fewer readings of the clock than criterion makes.
    NoClock,
    /// More readings of the clock could be criterion's than it makes.
    Ambiguous,
    /// The closure of `iter_custom` does not read the clock once before and once
    /// after.
    Custom,
    /// The clock is read so often that its readings were not recorded.
    TooOften,
}

impl fmt::Display for Untimed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoClock => "its measurement does not read a clock where timing starts and ends",
            Self::Ambiguous => {
                "its set-up, body or drop reads the clock, too, and was inlined into criterion's \
                 own function"
            }
            Self::Custom => {
                "its `iter_custom` does not read the clock exactly once before and once after what \
                 it times"
            }
            Self::TooOften => "its process reads the clock thousands of times",
        })
    }
}

/// Sums up what callgrind wrote, in parts if it recorded the readings of the clock.
pub(super) fn collected(parts: &[Part], readings: bool) -> Collected {
    let mut threads: BTreeMap<u32, Vec<&Part>> = BTreeMap::new();
    for part in parts {
        threads.entry(part.thread).or_default().push(part);
    }
    let count = threads.len();
    // Collecting is switched on in the thread that calls the timing method.
    let counted: Vec<Vec<&Part>> = threads
        .into_values()
        .filter(|parts| parts.iter().any(|part| part.profile.total > 0))
        .collect();
    let whole = sum(counted.iter().flatten().copied());
    let timed = match counted.as_slice() {
        _ if !readings => without_readings(&whole),
        [parts] => timed(parts)
            .map(|ranges| sum(ranges.into_iter().flat_map(|range| &parts[range]).copied())),
        [] => Err(Untimed::NoClock),
        _ => Err(Untimed::Ambiguous),
    };
    let readings = counted.iter().flatten().filter_map(|part| part.reading.as_ref());
    let callers = readings.flatten().cloned().collect();
    Collected { whole, timed, threads: count, callers }
}

fn sum<'a>(parts: impl Iterator<Item = &'a Part>) -> Profile {
    let mut sum = Profile::default();
    for part in parts {
        sum.add(&part.profile);
    }
    sum
}

/// What is timed where the readings of the clock are not recorded: `iter` does next
/// to nothing but what it times.
fn without_readings(whole: &Profile) -> Result<Profile, Untimed> {
    let bencher = |name: &String| match Frame::of_demangled(name) {
        Frame::Bencher(method) | Frame::Future(method) => Some(method),
        _ => None,
    };
    let mut methods = whole.functions.keys().filter_map(bencher).peekable();
    let known = methods.peek().is_some() && methods.all(|method| method == Method::Iter);
    if known { Ok(whole.clone()) } else { Err(Untimed::TooOften) }
}

/// One reading of the clock inside a timing method.
struct Reading<'a> {
    /// The part that it begins.
    part: usize,
    /// Its callers, innermost first.
    frames: Vec<(Frame, &'a str)>,
}

impl<'a> Reading<'a> {
    /// The function that reads the clock, below what only passes it on.
    fn caller(&self) -> Option<(Frame, &'a str)> {
        let passes = |frame| matches!(frame, Frame::Clock { .. } | Frame::Start | Frame::End);
        self.frames.iter().copied().find(|(frame, _)| !passes(*frame))
    }

    /// Whether criterion reads the clock here, unless another function was inlined.
    fn by_criterion(&self) -> bool {
        matches!(self.caller(), Some((Frame::Bencher(_) | Frame::Future(_), _)))
    }

    fn through(&self, wanted: Frame) -> bool {
        self.frames.iter().any(|(frame, _)| *frame == wanted)
    }

    /// Whether it is of a start or of an end, where that is known.
    fn elapsed(&self) -> Option<bool> {
        let mut known = None;
        for (frame, name) in &self.frames {
            match frame {
                Frame::Clock { elapsed: true } => return Some(true),
                Frame::Clock { .. } if name.contains("Instant") => known = Some(false),
                _ => {}
            }
        }
        known
    }

    /// How many functions are between criterion's and the clock's.
    fn depth(&self) -> usize {
        self.frames
            .iter()
            .filter(|(frame, _)| !matches!(frame, Frame::Clock { .. }))
            .position(|(frame, _)| matches!(frame, Frame::Bencher(_) | Frame::Future(_)))
            .unwrap_or(usize::MAX)
    }
}

/// The parts of one thread that criterion times.
fn timed<'a>(parts: &'a [&Part]) -> Result<Vec<Range<usize>>, Untimed> {
    let reading = |(part, it): (usize, &'a &Part)| {
        let callers = it.reading.as_ref()?;
        let frames = callers.iter().map(|name| (Frame::of(name), name.as_str())).collect();
        Some(Reading { part, frames })
    };
    let readings: Vec<Reading<'_>> = parts.iter().enumerate().filter_map(reading).collect();
    let method = method(&readings)?;
    if method == Some(Method::IterCustom) {
        return custom(&readings);
    }
    if let Some(range) = announced(&readings) {
        return Ok(vec![range]);
    }
    let own = own(&readings);
    let total = |from: &Reading<'_>, to: &Reading<'_>| {
        parts[from.part..to.part].iter().map(|part| part.profile.total).sum::<u64>()
    };
    let (from, to) = match own.as_slice() {
        // Nothing of the user's runs before the second or after the last but one.
        [first, start, .., end, last]
            if method == Some(Method::Iter)
                && total(first, start) <= BETWEEN_READINGS
                && total(end, last) <= BETWEEN_READINGS =>
        {
            (start, end)
        }
        // A measurement of the user's own: with what it takes to start and to end it.
        [first, .., last] if method == Some(Method::Iter) => (first, last),
        [_, start, end, _] => (start, end),
        [_, _, _, _, _, ..] => return Err(Untimed::Ambiguous),
        _ => return Err(Untimed::NoClock),
    };
    Ok(std::iter::once(from.part..to.part).collect())
}

/// The one timing method that all readings are made in; `None` where it is too many
/// calls away.
fn method(readings: &[Reading<'_>]) -> Result<Option<Method>, Untimed> {
    let mut found: Option<(Method, &str)> = None;
    for reading in readings {
        let method = reading.frames.iter().find_map(|(frame, name)| match frame {
            Frame::Bencher(method) => Some((*method, *name)),
            _ => None,
        });
        match (found, method) {
            (Some(found), Some(method)) if found != method => return Err(Untimed::Ambiguous),
            (None, Some(_)) => found = method,
            _ => {}
        }
    }
    Ok(found.map(|(method, _)| method))
}

/// What is timed where `WallTime::start` and `WallTime::end` are functions of their
/// own.
fn announced(readings: &[Reading<'_>]) -> Option<Range<usize>> {
    let only = |frame| {
        let mut found = readings.iter().filter(|reading| reading.through(frame));
        let first = found.next()?;
        found.next().is_none().then_some(first.part)
    };
    let (start, end) = (only(Frame::Start)?, only(Frame::End)?);
    (start < end).then_some(start..end)
}

/// The readings that are criterion's own, and those that cannot be told from them.
///
/// The future of an asynchronous method may have been inlined into its executor,
/// whose name says nothing: then they are the only four with one caller.
fn own<'a, 'b>(readings: &'b [Reading<'a>]) -> Vec<&'b Reading<'a>> {
    let own: Vec<_> = readings.iter().filter(|reading| reading.by_criterion()).collect();
    if !own.is_empty() {
        return own;
    }
    let mut by_caller: BTreeMap<&str, Vec<&Reading<'_>>> = BTreeMap::new();
    for reading in readings {
        if let Some((_, name)) = reading.caller() {
            by_caller.entry(name).or_default().push(reading);
        }
    }
    let mut fours = by_caller.into_values().filter(|readings| readings.len() == 4);
    match (fours.next(), fours.next()) {
        (Some(four), None) => four,
        (None, _) => Vec::new(),
        (Some(_), Some(_)) => readings.iter().collect(),
    }
}

/// What the closure of `iter_custom` times by its own readings, which are between
/// criterion's first and last.
fn custom(readings: &[Reading<'_>]) -> Result<Vec<Range<usize>>, Untimed> {
    let by_criterion = |reading: &Reading<'_>| reading.by_criterion();
    let first = readings.iter().position(by_criterion);
    let last = readings.iter().rposition(by_criterion);
    let inner = match (first, last) {
        (Some(first), Some(last)) if first < last => &readings[first + 1..last],
        // Inlined into an executor: nothing but their number tells them apart.
        _ if readings.len() == 4 => &readings[1..3],
        _ => return Err(Untimed::Custom),
    };
    // What the body reads is further away from criterion than what times the body.
    let nearest = inner.iter().map(Reading::depth).min().unwrap_or(0);
    let nearest: Vec<_> = inner.iter().filter(|reading| reading.depth() == nearest).collect();
    let pairs = nearest.chunks(2).map(|pair| match pair {
        [start, end] => match (start.elapsed(), end.elapsed()) {
            // Whether several pairs follow each other or are nested only the names of
            // the functions tell.
            (Some(false), Some(true)) => Some(start.part..end.part),
            (Some(true), _) => None,
            _ if nearest.len() == 2 => Some(start.part..end.part),
            _ => None,
        },
        _ => None,
    });
    match pairs.collect::<Option<Vec<_>>>() {
        Some(pairs) if !pairs.is_empty() => Ok(pairs),
        _ => Err(Untimed::Custom),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Names from real executables, criterion 0.8 and rustc 1.95.
    const SYSTEM: &str = "_RNvMNtNtNtNtCsjrHSEGnQ3l9_3std3sys3pal4unix4timeNtB2_8Timespec3now";
    const NOW: &str = "_RNvMNtCsjrHSEGnQ3l9_3std4timeNtB2_7Instant3now";
    const ELAPSED: &str = "_RNvMNtCsjrHSEGnQ3l9_3std4timeNtB2_7Instant7elapsed";
    const START: &str = "_ZN88_$LT$criterion..measurement..WallTime$u20$as$u20$criterion..measurement..Measurement$GT$5start17he713eefc5332af5dE";
    const END: &str = "_ZN88_$LT$criterion..measurement..WallTime$u20$as$u20$criterion..measurement..Measurement$GT$3end17h69410c54e26c4ab7E";
    const ITER: &str = "_ZN9criterion7bencher16Bencher$LT$M$GT$4iter17h258d21c721631fe8E";
    const BATCHED: &str =
        "_ZN9criterion7bencher16Bencher$LT$M$GT$12iter_batched17h40f6f343a92aba82E";
    const CUSTOM: &str = "_ZN9criterion7bencher16Bencher$LT$M$GT$11iter_custom17hbada8a9d25cf0850E";
    const FUTURE: &str = "_ZN9criterion7bencher25AsyncBencher$LT$A$C$M$GT$12iter_batched28_$u7b$$u7b$closure$u7d$$u7d$17h20fcf03f52e11460E";
    const ASYNC: &str =
        "_ZN9criterion7bencher25AsyncBencher$LT$A$C$M$GT$12iter_batched17h7640b762cfa0747eE";
    const EXECUTOR: &str = "_ZN5tokio7runtime8block_on17h7640b762cfa0747eE";
    const USER: &str = "_ZN5forms5setup17h5e0dc1a29c88de19E";
    const BENCH: &str = "_ZN5forms4main17h5e0dc1a29c88de19E";

    /// Parts of one thread: what each took, and the callers of the reading that
    /// begins it.
    fn parts(all: &[(u64, &[&str])]) -> Vec<Part> {
        let part = |(total, callers): &(u64, &[&str])| Part {
            thread: 1,
            profile: Profile::new(*total, [("f".to_owned(), *total)].into()),
            reading: (!callers.is_empty())
                .then(|| callers.iter().map(|name| (*name).to_owned()).collect()),
        };
        all.iter().map(part).collect()
    }

    fn total(all: &[(u64, &[&str])]) -> Result<u64, Untimed> {
        collected(&parts(all), true).timed.map(|profile| profile.total)
    }

    #[test]
    fn what_is_timed_is_between_criterions_own_start_and_end() {
        let all: &[(u64, &[&str])] = &[
            (0, &[]),
            (9, &[]),
            (1000, &[SYSTEM, NOW, BATCHED, BENCH]),
            // The set-up reads the clock, inlined.
            (500, &[SYSTEM, NOW, BATCHED, BENCH]),
            (30, &[SYSTEM, NOW, START, BATCHED, BENCH]),
            // And the routine.
            (40, &[SYSTEM, NOW, BATCHED, BENCH]),
            (7000, &[SYSTEM, ELAPSED, END, BATCHED, BENCH]),
            (60, &[SYSTEM, ELAPSED, BATCHED, BENCH]),
            (0, &[]),
        ];
        assert_eq!(total(all), Ok(70));
        let all = collected(&parts(all), true);
        assert_eq!((all.whole.total, all.threads), (8639, 1));
        assert_eq!(all.timed.expect("timed").functions["f"], 70);
    }

    #[test]
    fn without_these_the_four_readings_of_the_method_itself_count() {
        let batched: &[(u64, &[&str])] = &[
            (9, &[]),
            (1000, &[SYSTEM, BATCHED, BENCH]),
            (500, &[SYSTEM, NOW, USER, BATCHED, BENCH]),
            (30, &[SYSTEM, BATCHED, BENCH]),
            (7000, &[SYSTEM, BATCHED, BENCH]),
            (60, &[SYSTEM, BATCHED, BENCH]),
        ];
        assert_eq!(total(batched), Ok(30));
        // Inlined readings of the set-up cannot be told apart.
        let mut more = batched.to_vec();
        more[2].1 = &[SYSTEM, BATCHED, BENCH];
        assert_eq!(total(&more), Err(Untimed::Ambiguous));
        // A measurement of the user's own reads no clock.
        let fewer = [batched[0], batched[1], batched[5]];
        assert_eq!(total(&fewer), Err(Untimed::NoClock));
        assert_eq!(total(&batched[..1]), Err(Untimed::NoClock));

        // Of `iter` nothing runs before the second and after the last but one.
        let all: &[(u64, &[&str])] = &[
            (9, &[]),
            (30, &[SYSTEM, ITER, BENCH]),
            (100, &[SYSTEM, ITER, BENCH]),
            (5, &[SYSTEM, ITER, BENCH]),
            (70, &[SYSTEM, ITER, BENCH]),
            (40, &[SYSTEM, ITER, BENCH]),
            (60, &[SYSTEM, ITER, BENCH]),
        ];
        assert_eq!(total(all), Ok(175));
        // Readings so far from the first and last are the body's.
        let body: &[(u64, &[&str])] = &[
            (9, &[]),
            (9000, &[SYSTEM, ITER, BENCH]),
            (100, &[SYSTEM, ITER, BENCH]),
            (9000, &[SYSTEM, ITER, BENCH]),
            (60, &[SYSTEM, ITER, BENCH]),
        ];
        assert_eq!(total(body), Ok(18_100));
        assert_eq!(total(&body[..3]), Ok(9000));
    }

    #[test]
    fn futures_are_found_inside_of_executors_and_inlined_into_them() {
        let all: &[(u64, &[&str])] = &[
            (9, &[]),
            (77, &[SYSTEM, NOW, EXECUTOR, ASYNC]),
            (1000, &[SYSTEM, NOW, FUTURE, EXECUTOR, ASYNC]),
            (30, &[SYSTEM, NOW, FUTURE, EXECUTOR, ASYNC]),
            (7000, &[SYSTEM, ELAPSED, FUTURE, EXECUTOR, ASYNC]),
            (60, &[SYSTEM, ELAPSED, FUTURE, EXECUTOR, ASYNC]),
            (88, &[SYSTEM, NOW, EXECUTOR, ASYNC]),
        ];
        assert_eq!(total(all), Ok(30));
        let inlined: &[(u64, &[&str])] = &[
            (9, &[]),
            (77, &[SYSTEM, NOW, USER, ASYNC]),
            (1000, &[SYSTEM, NOW, EXECUTOR, ASYNC]),
            (30, &[SYSTEM, NOW, EXECUTOR, ASYNC]),
            (7000, &[SYSTEM, ELAPSED, EXECUTOR, ASYNC]),
            (60, &[SYSTEM, ELAPSED, EXECUTOR, ASYNC]),
        ];
        assert_eq!(total(inlined), Ok(30));
    }

    #[test]
    fn a_closure_that_times_itself_is_believed_where_it_can_be_understood() {
        let body = |inner: &[(u64, &'static [&'static str])]| {
            let mut all: Vec<(u64, &[&str])> = vec![(9, &[]), (1000, &[SYSTEM, NOW, CUSTOM])];
            all.extend(inner.iter().copied());
            all.push((60, &[SYSTEM, ELAPSED, CUSTOM]));
            total(&all)
        };
        let (now, elapsed): (&'static [&str], &'static [&str]) =
            (&[SYSTEM, NOW, CUSTOM], &[SYSTEM, ELAPSED, CUSTOM]);
        let (inlined, deeper): (&'static [&str], &'static [&str]) =
            (&[SYSTEM, CUSTOM], &[SYSTEM, NOW, USER, CUSTOM]);
        assert_eq!(body(&[(30, now), (500, elapsed)]), Ok(30));
        assert_eq!(body(&[(30, inlined), (500, inlined)]), Ok(30));
        // What the body reads is deeper.
        assert_eq!(body(&[(30, now), (5, deeper), (500, elapsed)]), Ok(35));
        // All that its own function times, alone.
        assert_eq!(body(&[(30, deeper), (500, deeper)]), Ok(30));
        // One after the other, but not one inside the other.
        assert_eq!(body(&[(30, now), (500, elapsed), (40, now), (500, elapsed)]), Ok(70));
        assert_eq!(body(&[(30, now), (3, now), (4, elapsed), (5, elapsed)]), Err(Untimed::Custom));
        let four = [(30, inlined), (3, inlined), (4, inlined), (5, inlined)];
        assert_eq!(body(&four), Err(Untimed::Custom));
        assert_eq!(body(&[]), Err(Untimed::Custom));
        assert_eq!(body(&[(30, now)]), Err(Untimed::Custom));
        assert_eq!(body(&[(30, elapsed), (30, now)]), Err(Untimed::Custom));
    }

    #[test]
    fn two_methods_or_threads_are_not_told_apart() {
        let all: &[(u64, &[&str])] =
            &[(9, &[]), (30, &[SYSTEM, NOW, ITER]), (30, &[SYSTEM, NOW, BATCHED])];
        assert_eq!(total(all), Err(Untimed::Ambiguous));
        let mut two = parts(all);
        two[2].thread = 2;
        let two = collected(&two, true);
        assert_eq!((two.threads, two.timed), (2, Err(Untimed::Ambiguous)));
        assert_eq!(collected(&[], true).timed, Err(Untimed::NoClock));
    }

    #[test]
    fn of_unrecorded_readings_only_iter_is_known_to_be_timed() {
        for (function, known) in [
            ("criterion::bencher::Bencher<M>::iter", true),
            ("<criterion::bencher::Bencher>::iter::<u64, forms::b::{closure#0}>", true),
            ("criterion::bencher::Bencher<M>::iter_batched", false),
            ("f", false),
        ] {
            let mut all = parts(&[(9, &[])]);
            all[0].profile.functions = [(function.to_owned(), 9)].into();
            let timed = collected(&all, false).timed.map(|profile| profile.total);
            assert_eq!(timed, if known { Ok(9) } else { Err(Untimed::TooOften) }, "{function}");
        }
    }
}
