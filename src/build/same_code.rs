//! Whether functions of two executables are the same code, with the same constants.
//!
//! [`identity`](super::identity) compares whole executables. Where these differ, a benchmark
//! may still run only functions that do not. Two functions are the same if their bytes are,
//! apart from the addresses in them, and if each address leads to the same thing:
//!
//! - to a function of the same name. What that one does counts only if it runs, and then it
//!   is compared itself;
//! - to data that are the same in turn: constants, tables, the initial values of variables,
//!   tables of methods. Of the positions that panics report, line and column may differ.
//!
//! This needs to know where addresses are and where each constant ends, which only the
//! linker knows. When both sides are linked again (see [`layout`](super::layout)), it keeps
//! its relocations in the executable (`--emit-relocs`, which are not loaded) and writes a map
//! (`-Map`). Other executables are not compared, nor are those for other processors than
//! `x86_64`.
//!
//! Wherever something cannot be told, the functions differ: two of one name, a reference that
//! cannot be resolved. One thing is not certain: an instruction that reads a constant without
//! a symbol by an address more than eight bytes outside of it. Compilers seldom write such.

mod image;
mod map;

use std::collections::BTreeSet;
use std::path::Path;

use crate::model::Sides;
use image::{Image, Kind, Piece, Reference, Target, without_suffix};

/// Two executables, to be compared by function.
#[derive(Debug)]
pub struct SameCode {
    base: Image,
    head: Image,
}

/// A function of an executable, as a profiler names it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FunctionName {
    /// Its mangled name.
    Symbol(String),
    /// An address in it, where it has no symbol.
    Address(u64),
}

/// `R_X86_64_64`: an address of eight bytes.
const WHOLE_ADDRESS: u32 = 1;
/// Bytes of a source position for panics: address and length of the file's name, line,
/// column.
const POSITION_BYTES: usize = 24;

impl SameCode {
    /// Reads both executables with the linker's maps of them.
    ///
    /// # Errors
    /// One of the files cannot be used.
    pub fn read(executables: Sides<&Path>, maps: Sides<&Path>) -> Result<Self, String> {
        let base = Image::read(executables.base, maps.base)?;
        let head = Image::read(executables.head, maps.head)?;
        Ok(Self { base, head })
    }

    /// Whether all these functions, which the head ran, are the same on the base. Returns the
    /// first that is not.
    pub fn differing(&self, functions: &BTreeSet<FunctionName>) -> Option<FunctionName> {
        let mut seen = BTreeSet::new();
        let differs = |function: &&FunctionName| !self.is_same(function, &mut seen);
        functions.iter().find(differs).cloned()
    }

    /// Whether a function is the same on both sides, with all data that it refers to. `seen`
    /// are pairs of pieces that were compared before.
    fn is_same(&self, function: &FunctionName, seen: &mut BTreeSet<(usize, usize)>) -> bool {
        let Some(mut open) = self.places(function) else { return false };
        while let Some(pair) = open.pop() {
            if !seen.insert(pair) {
                continue;
            }
            match self.compare(pair) {
                Some(further) => open.extend(further),
                None => return false,
            }
        }
        true
    }

    /// The pieces that hold a function, on both sides. A name that several functions share is
    /// that of all of them.
    fn places(&self, function: &FunctionName) -> Option<Vec<(usize, usize)>> {
        let pair = |head: usize| {
            let key = self.head.pieces[head].key.as_ref()?;
            Some((*self.base.keys.get(key)?, head))
        };
        match function {
            FunctionName::Address(address) => Some(vec![pair(self.head.code_at(*address)?)?]),
            FunctionName::Symbol(name) => {
                let name = without_suffix(name);
                let (base, head) = (self.base.functions.get(name)?, self.head.functions.get(name)?);
                let pairs: Vec<_> = head.iter().map(|piece| pair(*piece)).collect::<Option<_>>()?;
                let bases: BTreeSet<usize> = pairs.iter().map(|(base, _)| *base).collect();
                (bases == *base).then_some(pairs)
            }
        }
    }

    /// The pairs of data that have to be the same for two pieces to be; `None` if the pieces
    /// themselves differ.
    fn compare(&self, (base, head): (usize, usize)) -> Option<Vec<(usize, usize)>> {
        let (ours, theirs) = (&self.base.pieces[base], &self.head.pieces[head]);
        if ours.opaque
            || theirs.opaque
            || (ours.kind, ours.size) != (theirs.kind, theirs.size)
            || ours.references.len() != theirs.references.len()
        {
            return None;
        }
        // Two variables that begin alike are two variables.
        let named = ours.kind != Kind::Constant;
        if named && (ours.key.is_none() || ours.key != theirs.key) {
            return None;
        }
        if ours.bytes != theirs.bytes && !self.are_positions(ours, theirs) {
            return None;
        }
        let mut further = Vec::new();
        for (ours, theirs) in ours.references.iter().zip(&theirs.references) {
            if (ours.at, ours.kind) != (theirs.at, theirs.kind) {
                return None;
            }
            match (&ours.target, &theirs.target) {
                (Target::Data(base, from), Target::Data(head, there)) if from == there => {
                    further.push((*base, *head));
                }
                (ours, theirs) if ours == theirs && !matches!(ours, Target::Data(..)) => {}
                _ => return None,
            }
        }
        Some(further)
    }

    /// Whether both are positions for panics in files of Rust, which only differ in line or
    /// column. That they name the same file is compared with what they refer to.
    fn are_positions(&self, ours: &Piece, theirs: &Piece) -> bool {
        let [(base, ours), (head, theirs)] = [(&self.base, ours), (&self.head, theirs)];
        is_position(base, ours)
            && is_position(head, theirs)
            && ours.bytes[..POSITION_BYTES - 8] == theirs.bytes[..POSITION_BYTES - 8]
    }
}

fn is_position(image: &Image, piece: &Piece) -> bool {
    let [Reference { at: 0, kind: WHOLE_ADDRESS, target: Target::Data(name, from) }] =
        &piece.references[..]
    else {
        return false;
    };
    let Some(length) = piece.bytes.get(8..16).filter(|_| piece.bytes.len() == POSITION_BYTES)
    else {
        return false;
    };
    let length = u64::from_le_bytes(length.try_into().expect("eight bytes"));
    let (Ok(from), Ok(length)) = (usize::try_from(*from), usize::try_from(length)) else {
        return false;
    };
    let name = &image.pieces[*name].bytes;
    from.checked_add(length)
        .and_then(|end| name.get(from..end))
        .is_some_and(|name| name.ends_with(b".rs") && std::str::from_utf8(name).is_ok())
}
