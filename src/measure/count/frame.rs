//! Functions of criterion and of the standard library, known by their mangled
//! names.

use rustc_demangle::demangle;

/// A method of criterion's two benchers that runs a benchmark's body, in criterion
/// 0.3 to 0.8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    Iter,
    IterCustom,
    IterBatched,
    IterBatchedRef,
}

/// None of these methods is ever inlined into its caller, and none calls another
/// of them: counting is switched on by the entry of a function and off by its
/// exit, so one inside of another would switch it off. The methods that are left
/// out (`iter_with_setup`, `iter_with_large_setup`, `iter_with_large_drop`) do
/// call `iter_batched`.
pub(super) const METHODS: [(&str, Method); 4] = [
    ("iter", Method::Iter),
    ("iter_custom", Method::IterCustom),
    ("iter_batched", Method::IterBatched),
    ("iter_batched_ref", Method::IterBatchedRef),
];

/// The benchers, and their parameters as rustc's older mangling spells them.
const BENCHERS: [(&str, &str); 2] = [("Bencher", "<M>"), ("AsyncBencher", "<A,M>")];

/// A function on the way from a benchmark to the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Frame {
    /// The standard library's, between `Instant` and the C library.
    Clock {
        /// It is `Instant::elapsed` or `duration_since`, not `now`.
        elapsed: bool,
    },
    /// `WallTime::start`, by which criterion begins to time.
    Start,
    /// `WallTime::end`, by which criterion ends to time.
    End,
    /// One of criterion's timing methods.
    Bencher(Method),
    /// The code of an asynchronous timing method, which its executor calls.
    Future(Method),
    /// Any other function.
    Other,
}

impl Frame {
    /// Recognises a function by its mangled name.
    pub(super) fn of(mangled: &str) -> Self {
        // Demangling thousands of names takes longer than looking at them.
        let criterion = mangled.contains("criterion");
        let time = mangled.contains("time");
        if !criterion && !time {
            return Self::Other;
        }
        // Without hashes.
        Self::of_demangled(&format!("{:#}", demangle(mangled)))
    }

    /// Recognises a function by its demangled name, without its hash.
    pub(super) fn of_demangled(name: &str) -> Self {
        if name.starts_with("std::") || name.starts_with("<std::") {
            let elapsed = name.ends_with("elapsed") || name.ends_with("duration_since");
            return if name.contains("time::") { Self::Clock { elapsed } } else { Self::Other };
        }
        match name {
            "<criterion::measurement::WallTime as criterion::measurement::Measurement>::start" => {
                Self::Start
            }
            "<criterion::measurement::WallTime as criterion::measurement::Measurement>::end" => {
                Self::End
            }
            _ => bencher(name).unwrap_or(Self::Other),
        }
    }
}

/// Whether a mangled name is that of a timing method itself, not of a closure
/// inside it or of something with its name among its parameters.
pub(super) fn is_timing(mangled: &str) -> bool {
    mangled.contains("encher") && matches!(Frame::of(mangled), Frame::Bencher(_))
}

/// Whether a mangled name is that of a method by which criterion runs one benchmark: of its
/// trait `Routine`, or of the type that implements it and holds the benchmark's closure.
pub(in crate::measure) fn is_routine(mangled: &str) -> bool {
    // Demangling thousands of names takes longer than looking at them.
    if !mangled.contains("outine") {
        return false;
    }
    let name = format!("{:#}", demangle(mangled));
    let rest = name.strip_prefix('<').unwrap_or(&name);
    rest.starts_with("criterion::routine::")
}

/// A timing method or its future, by its demangled name.
fn bencher(name: &str) -> Option<Frame> {
    let rest = if let Some(name) = name.strip_prefix("criterion::bencher::") {
        // The older mangling: Bencher<M>::iter, AsyncBencher<A,M>::iter::{{closure}}
        BENCHERS.iter().find_map(|(bencher, parameters)| {
            name.strip_prefix(bencher)?.strip_prefix(parameters)?.strip_prefix("::")
        })?
    } else {
        // The newer one: <criterion::bencher::AsyncBencher<app::Executor>>::iter::<u64, …>
        let (implementor, rest) = bracketed(name)?;
        let kind = implementor.strip_prefix("criterion::bencher::")?;
        let is_bencher = BENCHERS.iter().any(|(bencher, _)| {
            kind.strip_prefix(bencher).is_some_and(|rest| {
                rest.is_empty() || bracketed(rest).is_some_and(|(_, rest)| rest.is_empty())
            })
        });
        rest.strip_prefix("::").filter(|_| is_bencher)?
    };
    let (method, rest) = rest.split_once("::").unwrap_or((rest, ""));
    let (_, method) = *METHODS.iter().find(|(name, _)| *name == method)?;
    let rest = match bracketed(rest) {
        Some((_, rest)) => rest.strip_prefix("::").unwrap_or(rest),
        None => rest,
    };
    match rest {
        "" => Some(Frame::Bencher(method)),
        "{{closure}}" | "{closure#0}" => Some(Frame::Future(method)),
        _ => None,
    }
}

/// What stands between a text's opening angle bracket and the one that closes it,
/// and what follows. The arrow of a function type closes nothing.
fn bracketed(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('<')?;
    let mut depth = 1_usize;
    let mut last = '<';
    for (at, c) in inner.char_indices() {
        match c {
            '<' => depth += 1,
            '>' if last != '-' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&inner[..at], &inner[at + 1..]));
        }
        last = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names from real executables, criterion 0.8 and rustc 1.95.
    #[test]
    fn timing_functions_are_told_from_what_mentions_them() {
        for name in [
            "_ZN9criterion7bencher16Bencher$LT$M$GT$4iter17h41354e2a279978f9E",
            "_ZN9criterion7bencher16Bencher$LT$M$GT$4iter17h41354e2a279978f9E.llvm.116036023625",
            "_ZN9criterion7bencher25AsyncBencher$LT$A$C$M$GT$4iter17h20fcf03f52e11460E",
            "_RINvMNtCsdAk34rDP1Gj_9criterion7bencherNtB3_7Bencher11iter_customNCNCNvCs8MpZcdWyKFQ_5kinds5kindss0_00EB17_",
            "_RINvMNtCsdAk34rDP1Gj_9criterion7bencherNtB3_7Bencher12iter_batcheduyNCINvB2_20iter_with_large_dropyNCNCNvCs8MpZcdWyKFQ_5kinds5kindss5_00E0NCB16_s_0EB1F_.llvm.3905960633048099232",
            "_RINvMs_NtCsdAk34rDP1Gj_9criterion7bencherINtB5_12AsyncBencherNtCs8MpZcdWyKFQ_5kinds8ExecutorE4iteryNCNCNvBZ_5kindss6_00NCNCB1B_00EBZ_",
        ] {
            assert!(is_timing(name), "{name}");
        }
        for name in [
            "_ZN9criterion7bencher25AsyncBencher$LT$A$C$M$GT$4iter28_$u7b$$u7b$closure$u7d$$u7d$17h20fcf03f52e11460E",
            "_ZN4core3ptr326drop_in_place$LT$criterion..bencher..AsyncBencher$LT$$RF$tokio..runtime..runtime..Runtime$GT$..iter$LT$u64$GT$$GT$17h8d8cc87a6bce328aE",
            "_ZN9criterion7bencher16Bencher$LT$M$GT$20iter_with_large_drop17h41354e2a279978f9E",
            "_ZN9criterion7bencher16Bencher$LT$M$GT$15assert_iterated17h41354e2a279978f9E",
            "_RINvNtCsgEmfK2I1SDS_4core3ptr13drop_in_placeNCINvMs_NtCsdAk34rDP1Gj_9criterion7bencherINtBO_12AsyncBencherNtCs8MpZcdWyKFQ_5kinds8ExecutorE12iter_batchedyyNCNCNvB1I_5kindss8_00NCB2u_s_0NCNCB2u_s_00E0EB1I_",
            "_RINvXCs8MpZcdWyKFQ_5kindsNtB3_8ExecutorNtNtCsdAk34rDP1Gj_9criterion14async_executor13AsyncExecutor8block_onuNCINvMs_NtBF_7bencherINtB1Q_12AsyncBencherBn_E4iteryNCNCNvB3_5kindss6_00NCNCB2A_00E0EB3_",
            "_ZN9criterion_bencher4iterE",
            "main",
        ] {
            assert!(!is_timing(name), "{name}");
        }
    }

    #[test]
    fn frames_between_a_benchmark_and_the_clock_are_known() {
        let older = "_ZN9criterion7bencher25AsyncBencher$LT$A$C$M$GT$4iter28_$u7b$$u7b$closure$u7d$$u7d$17h20fcf03f52e11460E";
        for (name, frame) in [
            (
                "_RNvMNtNtNtNtCsjrHSEGnQ3l9_3std3sys3pal4unix4timeNtB2_8Timespec3now",
                Frame::Clock { elapsed: false },
            ),
            ("_RNvMNtCsjrHSEGnQ3l9_3std4timeNtB2_7Instant7elapsed", Frame::Clock { elapsed: true }),
            ("_ZN3std4time7Instant3now17h41354e2a279978f9E", Frame::Clock { elapsed: false }),
            ("_ZN3std9panicking3try17h41354e2a279978f9E", Frame::Other),
            (
                "_ZN88_$LT$criterion..measurement..WallTime$u20$as$u20$criterion..measurement..Measurement$GT$5start17he713eefc5332af5dE",
                Frame::Start,
            ),
            (
                "_RNvXs3_NtCsdAk34rDP1Gj_9criterion11measurementNtB5_8WallTimeNtB5_11Measurement3end",
                Frame::End,
            ),
            (older, Frame::Future(Method::Iter)),
            ("_ZN5forms4time17h41354e2a279978f9E", Frame::Other),
        ] {
            assert_eq!(Frame::of(name), frame, "{name}: {:#}", demangle(name));
        }
        let newer = "<criterion::bencher::AsyncBencher<app::Here>>::iter_custom::<app::F, u64>";
        assert_eq!(Frame::of_demangled(newer), Frame::Bencher(Method::IterCustom));
        let future = format!("{newer}::{{closure#0}}");
        assert_eq!(Frame::of_demangled(&future), Frame::Future(Method::IterCustom));
    }

    #[test]
    fn routines_are_the_methods_that_run_one_benchmark() {
        for name in [
            "_ZN106_$LT$criterion..routine..Function$LT$M$C$F$C$T$GT$$u20$as$u20$criterion..routine..Routine$LT$M$C$T$GT$$GT$5bench17h1f8658dfb3e9372fE",
            "_ZN9criterion7routine7Routine7profile17hc9e527cfc2e4cf38E",
        ] {
            assert!(is_routine(name), "{name}: {:#}", demangle(name));
        }
        for name in [
            "_ZN9criterion7bencher16Bencher$LT$M$GT$4iter17h17eb7a022a28d2f6E",
            "_ZN3app7routine17h17eb7a022a28d2f6E",
        ] {
            assert!(!is_routine(name), "{name}");
        }
    }

    #[test]
    fn brackets_nest_and_arrows_do_not_close_them() {
        assert_eq!(bracketed("<a<b>, fn() -> c>::d"), Some(("a<b>, fn() -> c", "::d")));
        assert_eq!(bracketed("<a<b>"), None);
        assert_eq!(bracketed("a"), None);
    }
}
