//! The pieces of an executable: functions, constants and variables.

use object::SymbolKind;

/// The kind of a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Code,
    /// Data that cannot be written after the start.
    Constant,
    /// Data that can be written, also if they begin as zeros.
    Variable,
}

/// A function, a constant or a variable, as it was linked.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) kind: Kind,
    pub(super) size: u64,
    /// Its name, which no other piece of the executable has; `None` if there is none.
    pub(super) key: Option<String>,
    /// Its bytes, with zeros where it refers to something; none of what begins as zeros.
    pub(super) bytes: Vec<u8>,
    /// In the order of their places.
    pub(super) references: Vec<Reference>,
    /// Something in it cannot be resolved, so it is equal to nothing.
    pub(super) opaque: bool,
}

/// A place in a piece that holds an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Reference {
    pub(super) at: u64,
    pub(super) kind: u32,
    pub(super) target: Target,
}

/// What a reference leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// Something that its name identifies: a symbol of a library, or of the linker's own.
    Named(String, i64),
    /// These bytes: a constant that the linker merged with equal ones.
    Bytes(Vec<u8>, i64),
    /// A piece, and the distance from its start.
    Piece(usize, i64),
}

/// A symbol of the executable.
pub(super) struct Symbol<'a> {
    pub(super) name: &'a str,
    pub(super) address: u64,
    pub(super) kind: SymbolKind,
    pub(super) undefined: bool,
}

/// Where pieces are. Thread-local ones share addresses with others.
#[derive(Default)]
pub(super) struct Places {
    pub(super) plain: Vec<(u64, u64, usize)>,
    pub(super) local: Vec<(u64, u64, usize)>,
    /// Where thread-local data begin.
    pub(super) local_start: u64,
}

impl Places {
    pub(super) fn find(places: &[(u64, u64, usize)], address: u64) -> Option<(usize, u64)> {
        let after = places.partition_point(|(start, ..)| *start <= address);
        let (start, end, index) = *places.get(after.checked_sub(1)?)?;
        (address < end).then_some((index, start))
    }

    pub(super) fn plain(&self, address: u64) -> Option<(usize, u64)> {
        Self::find(&self.plain, address)
    }
}

pub(super) fn part(data: &[u8], start: u64, size: u64) -> Option<Vec<u8>> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    data.get(start..end).map(<[u8]>::to_vec)
}
