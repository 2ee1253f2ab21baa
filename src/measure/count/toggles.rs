//! The functions between whose entry and exit callgrind counts.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use fs_err as fs;
use object::{Object, ObjectSymbol, ReadCache, SymbolKind};

use super::error::Uncounted;
use super::frame::{METHODS, is_timing};

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

/// For a script, whose executable only the script knows: the mangled names with
/// the differing parts left open. In the older mangling the method's name is
/// followed by a hash, which begins with `17h`; in the newer one functions in an
/// inherent implementation begin with `_RINvM`. Closures inside the methods, and
/// functions whose parameters mention them, look otherwise.
fn patterns() -> BTreeSet<String> {
    let older = [("16Bencher", "$LT$M$GT$"), ("25AsyncBencher", "$LT$A$C$M$GT$")];
    let newer = ["7Bencher", "12AsyncBencher"];
    let mut patterns = BTreeSet::new();
    for (method, _) in METHODS {
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
