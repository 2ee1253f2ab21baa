//! Whether everything that a benchmark can reach in two executables is the same.
//!
//! [`identity`](super::identity) compares whole executables. Where these differ, a benchmark
//! may still reach nothing that does. What it reaches is followed from the functions that
//! its process executed, whether it ran or not: functions that are called or whose address is
//! taken, constants, tables, the initial values of variables, tables of methods, and all that
//! these refer to in turn. A function pointer that exists when the program runs has its
//! address in one of these, so calls through pointers are covered, too.
//!
//! Two pieces are the same if their bytes are, apart from the addresses in them, and if each
//! address leads to the same piece on both sides. Functions and variables are the same only
//! under the same name. Of the positions that panics report, line and column may differ.
//!
//! One thing is not followed, or each benchmark of an executable would reach all others: from
//! the functions that register benchmarks, and that are executed if none is selected, those
//! functions are not entered that another benchmark executed and this one did not. See
//! [`Execution`].
//!
//! This needs to know where addresses are and where each constant ends, which only the
//! linker knows. When both sides are linked again (see [`layout`](super::layout)), it keeps
//! its relocations in the executable (`--emit-relocs`, which are not loaded) and writes a map
//! (`-Map`). Other executables are not compared, nor are those for other processors than
//! `x86_64`.
//!
//! Wherever something cannot be told, the two differ: two functions of one name, a reference
//! that cannot be resolved. One thing is not certain: an instruction that reads a constant
//! without a symbol by an address more than eight bytes outside of it. Compilers seldom write
//! such.

mod image;
mod map;
mod piece;
mod resolve;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::model::Sides;
use image::Image;
use map::without_suffix;
use piece::{Kind, Piece, Reference, Target};

/// Two executables, to be compared by function.
#[derive(Debug)]
pub struct SameCode {
    base: Image,
    head: Image,
    /// Pairs that were compared before, and what each leads to; `None` if they differ.
    compared: BTreeMap<Pair, Option<Vec<Pair>>>,
}

/// The indices of two pieces, base and head.
type Pair = (usize, usize);

/// What the process of one benchmark executed, all of the head.
#[derive(Clone, Debug, Default)]
pub struct Execution {
    /// Functions that register benchmarks: they are executed if none is selected, too.
    pub registering: BTreeSet<FunctionName>,
    /// All other functions.
    pub own: BTreeSet<FunctionName>,
    /// Functions that other benchmarks executed, and this one did not; by mangled name.
    pub others: BTreeSet<String>,
    /// Those of them that are methods of the harness, one for each benchmark. A table of
    /// methods that holds one belongs to that benchmark.
    pub routines: BTreeSet<String>,
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
        Ok(Self { base, head, compared: BTreeMap::new() })
    }

    /// Names the first thing that a benchmark reaches and that is not the same on both
    /// sides; `None` if there is none.
    pub fn differing(&mut self, execution: &Execution) -> Option<String> {
        let Execution { registering, own, others, routines } = execution;
        let (own, registering) = match (self.roots(own), self.roots(registering)) {
            (Ok(own), Ok(registering)) => (own, registering),
            (Err(name), _) | (_, Err(name)) => return Some(name),
        };
        let entries = match self.entries() {
            Ok(entries) => entries,
            Err(name) => return Some(name),
        };
        let executed = |side: fn(&Pair) -> usize| -> BTreeSet<usize> {
            own.iter().chain(&registering).map(side).collect()
        };
        let others = Sides {
            base: self.base.belonging_to(others, routines, &executed(|pair| pair.0)),
            head: self.head.belonging_to(others, routines, &executed(|pair| pair.1)),
        };
        let mut seen = BTreeSet::new();
        let differing = self
            .follow([own, entries].concat(), &mut seen)
            .and_then(|()| self.follow_registering(registering, &others, &mut seen));
        differing.err().map(|(_, head)| self.head.shown(head))
    }

    /// The pieces of functions, on both sides, or the name of the first that the base does
    /// not have.
    fn roots(&self, functions: &BTreeSet<FunctionName>) -> Result<Vec<Pair>, String> {
        let mut pairs = Vec::new();
        for function in functions {
            match (self.places(function), function) {
                (Some(found), _) => pairs.extend(found),
                (None, FunctionName::Symbol(name)) => return Err(name.clone()),
                (None, FunctionName::Address(address)) => return Err(format!("{address:#x}")),
            }
        }
        Ok(pairs)
    }

    /// The pieces that code outside of the executable enters.
    fn entries(&self) -> Result<Vec<Pair>, String> {
        let entries = self.head.entries.iter();
        let pairs = entries.map(|head| self.pair(*head).ok_or_else(|| self.head.shown(*head)));
        pairs.collect()
    }

    /// Compares pieces and all that they lead to. The error is the first pair that differs.
    /// `seen` are pairs that are the same, with all that they lead to.
    fn follow(&mut self, mut open: Vec<Pair>, seen: &mut BTreeSet<Pair>) -> Result<(), Pair> {
        while let Some(pair) = open.pop() {
            if seen.insert(pair) {
                open.extend(self.further(pair)?);
            }
        }
        Ok(())
    }

    /// The same for functions that register benchmarks. What belongs to other benchmarks is
    /// not entered, as long as only these functions, and data, lead to it.
    fn follow_registering(
        &mut self,
        registering: Vec<Pair>,
        others: &Sides<BTreeSet<usize>>,
        seen: &mut BTreeSet<Pair>,
    ) -> Result<(), Pair> {
        let roots: BTreeSet<Pair> = registering.iter().copied().collect();
        let mut open = registering;
        let mut code = Vec::new();
        let mut visited = BTreeSet::new();
        while let Some(pair) = open.pop() {
            if seen.contains(&pair) || !visited.insert(pair) {
                continue;
            }
            for further in self.further(pair)? {
                let (base, head) = further;
                let is_code = self.head.pieces[head].kind == Kind::Code;
                let is_others = others.base.contains(&base) && others.head.contains(&head);
                if !is_others && is_code && !roots.contains(&further) {
                    code.push(further);
                } else if !is_others {
                    open.push(further);
                }
            }
        }
        self.follow(code, seen)
    }

    /// The pairs that a pair leads to. The error is the pair itself, if its pieces differ.
    fn further(&mut self, pair: Pair) -> Result<Vec<Pair>, Pair> {
        if !self.compared.contains_key(&pair) {
            let further = self.compare(pair);
            self.compared.insert(pair, further);
        }
        self.compared[&pair].clone().ok_or(pair)
    }

    /// A piece of the head, with that of its name on the base.
    fn pair(&self, head: usize) -> Option<Pair> {
        let key = self.head.pieces[head].key.as_ref()?;
        Some((*self.base.keys.get(key)?, head))
    }

    /// The pieces that hold a function, on both sides. A name that several functions share is
    /// that of all of them.
    fn places(&self, function: &FunctionName) -> Option<Vec<Pair>> {
        match function {
            FunctionName::Address(address) => Some(vec![self.pair(self.head.code_at(*address)?)?]),
            FunctionName::Symbol(name) => {
                let name = without_suffix(name);
                let (base, head) = (self.base.functions.get(name)?, self.head.functions.get(name)?);
                let pairs: Vec<_> =
                    head.iter().map(|piece| self.pair(*piece)).collect::<Option<_>>()?;
                let bases: BTreeSet<usize> = pairs.iter().map(|(base, _)| *base).collect();
                (bases == *base).then_some(pairs)
            }
        }
    }

    /// The pairs that two pieces lead to; `None` if the pieces themselves differ.
    fn compare(&self, (base, head): Pair) -> Option<Vec<Pair>> {
        let (ours, theirs) = (&self.base.pieces[base], &self.head.pieces[head]);
        if ours.opaque
            || theirs.opaque
            || (ours.kind, ours.size) != (theirs.kind, theirs.size)
            || ours.references.len() != theirs.references.len()
        {
            return None;
        }
        // Two variables that begin alike are two variables, and two functions of equal code may
        // be told apart by their addresses.
        let named = ours.kind != Kind::Constant;
        if named && (ours.key.is_none() || ours.key != theirs.key) {
            return None;
        }
        if ours.bytes != theirs.bytes && !self.are_positions(ours, theirs) {
            return None;
        }
        let mut further = self.landing_pads((ours, theirs))?;
        for (ours, theirs) in ours.references.iter().zip(&theirs.references) {
            if (ours.at, ours.kind) != (theirs.at, theirs.kind) {
                return None;
            }
            match (&ours.target, &theirs.target) {
                (Target::Piece(base, from), Target::Piece(head, there)) if from == there => {
                    further.push((*base, *head));
                }
                (ours, theirs) if ours == theirs && !matches!(ours, Target::Piece(..)) => {}
                _ => return None,
            }
        }
        Some(further)
    }

    /// The tables that say where two functions go on when a panic passes through them. `None`
    /// if only one has such a table.
    fn landing_pads(&self, (ours, theirs): (&Piece, &Piece)) -> Option<Vec<Pair>> {
        let table = |image: &Image, piece: &Piece| {
            let key = piece.key.as_ref().filter(|_| piece.kind == Kind::Code)?;
            image.keys.get(&key.replacen(".text", ".gcc_except_table", 1)).copied()
        };
        match (table(&self.base, ours), table(&self.head, theirs)) {
            (Some(base), Some(head)) => Some(vec![(base, head)]),
            (None, None) => Some(Vec::new()),
            _ => None,
        }
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
    let [Reference { at: 0, kind: WHOLE_ADDRESS, target: Target::Piece(name, from) }] =
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
