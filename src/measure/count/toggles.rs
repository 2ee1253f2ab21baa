//! The functions between whose entry and exit callgrind counts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use fs_err as fs;
use object::{Object, ObjectSymbol, ReadCache, SymbolKind};
use rustc_demangle::demangle;

use super::Uncounted;

/// The methods of criterion's two benchers that run a benchmark's body, in
/// criterion 0.3 to 0.8. None of them is ever inlined into its caller, and none
/// calls another of them: counting is switched on by the entry of a function and
/// off by its exit, so one inside of another would switch it off. The methods
/// that are left out (`iter_with_setup`, `iter_with_large_setup`,
/// `iter_with_large_drop`) do call `iter_batched`.
const METHODS: [&str; 4] = ["iter", "iter_custom", "iter_batched", "iter_batched_ref"];

/// The benchers, and their parameters as rustc's older mangling spells them.
const BENCHERS: [(&str, &str); 2] = [("Bencher", "<M>"), ("AsyncBencher", "<A,M>")];

/// What callgrind is told to watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Toggles {
    /// Mangled names, or patterns over them.
    pub(super) names: BTreeSet<String>,
    /// Whether the program at hand only starts the executable that has them.
    pub(super) script: bool,
}

impl Toggles {
    /// Those of an executable, from its own symbols.
    pub(super) fn of(executable: &Path) -> Result<Self, Uncounted> {
        let unreadable = |error: std::io::Error| Uncounted::Unreadable(error.to_string());
        let mut start = Vec::new();
        let file = fs::File::open(executable).map_err(unreadable)?;
        file.take(2).read_to_end(&mut start).map_err(unreadable)?;
        if start == b"#!" {
            return Ok(Self { names: patterns(), script: true });
        }
        // Read piece by piece: executables with debug information are large.
        let file = std::fs::File::open(executable).map_err(unreadable)?;
        let cache = ReadCache::new(file);
        let object = object::File::parse(&cache)
            .map_err(|error| Uncounted::Unreadable(format!("it cannot be read: {error}")))?;
        Ok(Self { names: names(&object)?, script: false })
    }
}

/// Every name that callgrind may know a timing function by: where the linker
/// folded equal functions into one, it picks any of their names.
fn names<'data>(object: &impl Object<'data>) -> Result<BTreeSet<String>, Uncounted> {
    let mut any = false;
    let mut by_address: BTreeMap<u64, (bool, BTreeSet<String>)> = BTreeMap::new();
    for symbol in object.symbols() {
        if symbol.kind() != SymbolKind::Text || !symbol.is_definition() {
            continue;
        }
        any = true;
        let Ok(name) = symbol.name() else { continue };
        let (timing, names) = by_address.entry(symbol.address()).or_default();
        *timing |= is_timing(name);
        names.insert(name.to_owned());
    }
    if !any {
        return Err(Uncounted::Stripped);
    }
    let timing = by_address.into_values().filter(|(timing, _)| *timing);
    let names: BTreeSet<String> = timing.flat_map(|(_, names)| names).collect();
    if names.is_empty() { Err(Uncounted::NoTiming) } else { Ok(names) }
}

/// Whether a mangled name is that of a timing function itself, not of a closure
/// inside it or of something with its name among its parameters.
fn is_timing(mangled: &str) -> bool {
    // Demangling thousands of names takes longer than looking at them.
    if !mangled.contains("criterion") || !mangled.contains("encher") {
        return false;
    }
    // Without hashes.
    let name = format!("{:#}", demangle(mangled));
    if let Some(name) = name.strip_prefix("criterion::bencher::") {
        // The older mangling: Bencher<M>::iter
        return BENCHERS.iter().any(|(bencher, parameters)| {
            let method = name.strip_prefix(bencher).and_then(|rest| rest.strip_prefix(parameters));
            method.and_then(|rest| rest.strip_prefix("::")).is_some_and(is_method)
        });
    }
    // The newer one: <criterion::bencher::AsyncBencher<app::Executor>>::iter::<u64, …>
    let Some((implementor, rest)) = bracketed(&name) else { return false };
    let Some(kind) = implementor.strip_prefix("criterion::bencher::") else { return false };
    let is_bencher = BENCHERS.iter().any(|(bencher, _)| {
        kind.strip_prefix(bencher).is_some_and(|rest| {
            rest.is_empty() || bracketed(rest).is_some_and(|(_, rest)| rest.is_empty())
        })
    });
    let Some(rest) = rest.strip_prefix("::").filter(|_| is_bencher) else { return false };
    let (method, parameters) = rest.split_once("::").unwrap_or((rest, "<>"));
    is_method(method) && bracketed(parameters).is_some_and(|(_, rest)| rest.is_empty())
}

fn is_method(name: &str) -> bool {
    METHODS.contains(&name)
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

/// For a script, whose executable only the script knows: the mangled names with
/// the differing parts left open. In the older mangling the method's name is
/// followed by a hash, which begins with `17h`; in the newer one functions in an
/// inherent implementation begin with `_RINvM`. Closures inside the methods, and
/// functions whose parameters mention them, look otherwise.
fn patterns() -> BTreeSet<String> {
    let older = [("16Bencher", "$LT$M$GT$"), ("25AsyncBencher", "$LT$A$C$M$GT$")];
    let newer = ["7Bencher", "12AsyncBencher"];
    let mut patterns = BTreeSet::new();
    for method in METHODS {
        let method = format!("{}{method}", method.len());
        for (bencher, parameters) in older {
            patterns.insert(format!("_ZN9criterion7bencher{bencher}{parameters}{method}17h*"));
        }
        for bencher in newer {
            patterns.insert(format!("_RINvM*9criterion7bencher*{bencher}*{method}*"));
        }
    }
    patterns
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
    fn brackets_nest_and_arrows_do_not_close_them() {
        assert_eq!(bracketed("<a<b>, fn() -> c>::d"), Some(("a<b>, fn() -> c", "::d")));
        assert_eq!(bracketed("<a<b>"), None);
        assert_eq!(bracketed("a"), None);
    }
}
