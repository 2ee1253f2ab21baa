//! Where the functions of two builds lie, and how to have them lie alike.
//!
//! A change in one function moves all that follow it, and a loop's time depends on
//! where it lies: neutral rebuilds moved small benchmarks by 5 to 9%, and one to
//! half its time. So both sides are linked once more with one order of functions:
//! those that have the same name and size on both sides first, in the base's
//! order, and what differs behind them. What did not change then lies where it
//! lay, and what the clock shows is the change itself.
//!
//! This needs LLVM's linker (`--symbol-ordering-file`), which is rustc's own on
//! `x86_64` Linux since 1.90, and symbols in the executable.

use std::collections::BTreeMap;
use std::path::Path;

use fs_err as fs;
use object::{Object, ObjectSection, ObjectSymbol, SymbolKind};

/// Bytes of a page: the loader moves code by whole ones.
const PAGE: u64 = 4096;

/// The functions of an executable that have a name of their own.
#[derive(Debug)]
struct Functions {
    /// Address and size in bytes, by name.
    places: BTreeMap<Vec<u8>, (u64, u64)>,
}

/// The functions that two builds have in common, by equal name and size, in the
/// order in which they lie in the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    names: Vec<Vec<u8>>,
}

/// How far two builds agree in where functions lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// Functions of equal name and size.
    pub functions: usize,
    /// Those of them that lie at the same place within a page.
    pub same: usize,
}

impl Functions {
    fn of(path: &Path) -> Result<Self, String> {
        let failed =
            |error: &dyn std::fmt::Display| format!("{} cannot be read: {error}", path.display());
        let bytes = fs::read(path).map_err(|error| failed(&error))?;
        if bytes.starts_with(b"#!") {
            return Err("it is a script".to_owned());
        }
        let file = object::File::parse(&*bytes).map_err(|error| failed(&error))?;
        let comment = file.section_by_name(".comment").and_then(|section| section.data().ok());
        // "Linker: LLD 22.1.0 (…)"
        if !comment.is_some_and(|text| text.windows(12).any(|part| part == b"Linker: LLD ")) {
            return Err("it was not linked by LLD (rustc's own linker on x86_64 Linux), which \
                        alone can put functions in a given order"
                .to_owned());
        }
        let mut places: BTreeMap<Vec<u8>, Option<(u64, u64)>> = BTreeMap::new();
        for symbol in file.symbols() {
            if symbol.kind() != SymbolKind::Text || !symbol.is_definition() || symbol.size() == 0 {
                continue;
            }
            let Ok(name) = symbol.name_bytes() else { continue };
            // A list is read line by line.
            if name.is_empty() || name.contains(&b'\n') {
                continue;
            }
            let place = (symbol.address(), symbol.size());
            // Two of one name cannot be told apart.
            places.entry(name.to_owned()).and_modify(|known| *known = None).or_insert(Some(place));
        }
        let places: BTreeMap<_, _> =
            places.into_iter().filter_map(|(name, place)| Some((name, place?))).collect();
        if places.is_empty() {
            return Err("it has no symbols (`strip`)".to_owned());
        }
        Ok(Self { places })
    }
}

/// Base and head, and the functions that they have in common.
fn common(base: &Path, head: &Path) -> Result<Vec<(Vec<u8>, u64, u64)>, String> {
    let (base, head) = (Functions::of(base)?, Functions::of(head)?);
    let both = base.places.into_iter().filter_map(|(name, (here, size))| {
        let (there, same) = *head.places.get(&name)?;
        (same == size).then_some((name, here, there))
    });
    Ok(both.collect())
}

/// The order in which functions have to be linked on both sides to lie alike.
///
/// # Errors
/// Why that cannot be told, without the path: another linker, no symbols.
pub fn order(base: &Path, head: &Path) -> Result<Order, String> {
    let mut common = common(base, head)?;
    common.sort_by_key(|(_, address, _)| *address);
    Ok(Order { names: common.into_iter().map(|(name, ..)| name).collect() })
}

/// How far two builds agree.
///
/// # Errors
/// As for [`order`].
pub fn agreement(base: &Path, head: &Path) -> Result<Agreement, String> {
    let common = common(base, head)?;
    let same = common.iter().filter(|(_, here, there)| here % PAGE == there % PAGE).count();
    Ok(Agreement { functions: common.len(), same })
}

impl Order {
    /// The linker's file: a name a line.
    pub fn file(&self) -> Vec<u8> {
        let mut file = self.names.join(&b'\n');
        file.push(b'\n');
        file
    }
}

impl Agreement {
    /// Whether so many agree that the others are no more than what changed, and
    /// what the linker adds itself.
    pub fn is_pinned(self) -> bool {
        self.functions > 0 && self.same * 10 >= self.functions * 9
    }
}
