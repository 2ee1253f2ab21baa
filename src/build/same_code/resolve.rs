//! What an address in a piece leads to.

use std::collections::{BTreeMap, BTreeSet};

use object::SymbolKind;
use object::elf::{R_X86_64_32, R_X86_64_32S, R_X86_64_64, R_X86_64_PC32, R_X86_64_PLT32};

use super::map::{Placed, stable_name, without_suffix};
use super::piece::{Kind, Piece, Places, Symbol, Target, part};

/// How far around an address, in bytes, constants are taken to be read by an instruction
/// whose operand is relative to the instruction: the compiler may keep the address of a
/// table's end, and what follows the operand in the instruction moves the address by up
/// to 4.
const AROUND: u64 = 8;
/// What the linker puts in front of a section's name in the symbols for its bounds.
const BOUNDS: [&str; 2] = ["__start_", "__stop_"];

/// A place that holds an address.
#[derive(Clone, Copy)]
pub(super) struct Site {
    pub(super) piece: usize,
    pub(super) at: u64,
    pub(super) kind: u32,
}

pub(super) struct Resolver<'a> {
    pub(super) pieces: &'a [Piece],
    /// Pieces by key.
    pub(super) keys: &'a BTreeMap<String, usize>,
    pub(super) origins: &'a [&'a Placed<'a>],
    pub(super) places: &'a Places,
    /// The tables of jumps whose functions were seen to refer to their start.
    pub(super) jumps: &'a mut BTreeSet<usize>,
}

impl Resolver<'_> {
    /// Everything that a place may lead to; `None` if that cannot be told.
    pub(super) fn targets(
        &mut self,
        site: Site,
        symbol: &Symbol<'_>,
        addend: i64,
    ) -> Option<Vec<Target>> {
        let named = || Some(vec![Target::Named(symbol.name.to_owned(), addend)]);
        if symbol.undefined {
            return named();
        }
        if symbol.kind == SymbolKind::Tls {
            let address = self.places.local_start.checked_add(symbol.address)?;
            let (piece, start) = Places::find(&self.places.local, address)?;
            let distance = (address - start).cast_signed() + addend;
            return Some(vec![Target::Piece(piece, distance)]);
        }
        let relative = [R_X86_64_PC32.0, R_X86_64_PLT32.0].contains(&site.kind);
        let code = self.pieces[site.piece].kind == Kind::Code;
        // An entry of a table is relative to the table's start, not to itself.
        let shift = if relative && !code { -site.at.cast_signed() } else { 0 };
        if let Some(section) = BOUNDS.iter().find_map(|bound| symbol.name.strip_prefix(bound)) {
            // A program that asks for the bounds of a section reads all of it.
            let all = self.origins.iter().enumerate();
            let inside = all.filter(|(_, origin)| origin.output == section);
            let inside = inside.map(|(piece, _)| Target::Piece(piece, 0));
            return Some(named().into_iter().flatten().chain(inside).collect());
        }
        if symbol.kind != SymbolKind::Section {
            // Symbols of the linker's own can be where no piece is.
            let Some(found) = self.places.plain(symbol.address) else { return named() };
            return Some(vec![self.at(found, symbol.address, addend + shift)]);
        }
        let absolute = [R_X86_64_64.0, R_X86_64_32.0, R_X86_64_32S.0].contains(&site.kind);
        if !relative && !absolute {
            return None;
        }
        let address = symbol.address.checked_add_signed(addend)?.checked_add_signed(shift)?;
        if !code {
            let section = self.origins[site.piece].section;
            let own = self.jumps_of(site.piece);
            if let Some(own) = own.filter(|_| relative) {
                let start = self.origins[own].address;
                // From the function's start, whichever of several tables this is in.
                let distance = address.wrapping_sub(start).cast_signed() - shift;
                return Some(vec![Target::Named(format!(".text in {section}"), distance)]);
            }
            let found = self.places.plain(address)?;
            return Some(vec![self.at(found, address, 0)]);
        }
        if !relative {
            let found = self.places.plain(address)?;
            return Some(vec![self.at(found, address, 0)]);
        }
        let address = address.checked_add(4)?;
        let found = self.places.plain(address);
        if let Some((piece, _)) = found
            && self.pieces[piece].kind == Kind::Code
        {
            return Some(vec![self.at(found?, address, 0)]);
        }
        if let Some((piece, start)) = found
            && address == start
            && self.jumps_of(piece) == Some(site.piece)
            && self.jumps.insert(piece)
        {
            // A function has to refer to the start of its own table, so the first reference
            // to it is not one to the end of what is before it.
            return Some(vec![Target::Piece(piece, 0)]);
        }
        let mut targets = Vec::new();
        let mut next = address.checked_sub(AROUND)?;
        while next <= address + AROUND {
            let Some((piece, start)) = self.places.plain(next) else {
                next += 1;
                continue;
            };
            let end = start + self.pieces[piece].size;
            if self.pieces[piece].kind != Kind::Code {
                let is_meant = (start..end).contains(&address);
                let target = self.at((piece, start), if is_meant { address } else { next }, 0);
                targets.push(match target {
                    Target::Piece(piece, _) => {
                        Target::Piece(piece, address.wrapping_sub(start).cast_signed())
                    }
                    target => target,
                });
            }
            next = end;
        }
        if targets.is_empty() { named() } else { Some(targets) }
    }

    /// The function whose jumps are in a table.
    fn jumps_of(&self, table: usize) -> Option<usize> {
        let Placed { section, origin, .. } = self.origins[table];
        let name = section.strip_prefix(".rodata").filter(|name| !name.is_empty())?;
        let function = format!(".text{}", without_suffix(name));
        // Functions of one name are told apart by their object files.
        let in_object = || self.keys.get(&format!("{function} in {}", stable_name(origin)));
        self.keys.get(&function).or_else(in_object).copied()
    }

    /// A target in a piece that begins at `start`, at an address and a distance from it.
    fn at(&self, (piece, start): (usize, u64), address: u64, addend: i64) -> Target {
        let found = &self.pieces[piece];
        let from = address - start;
        match merged(self.origins[piece].section) {
            Some(Merged::Constants(size)) => {
                let first = from / size * size;
                let bytes = part(&found.bytes, first, size).unwrap_or_default();
                Target::Bytes(bytes, (from - first).cast_signed() + addend)
            }
            Some(Merged::Strings) => {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                let rest = found.bytes.get(from..).unwrap_or_default();
                let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
                Target::Bytes(rest[..end].to_vec(), addend)
            }
            None => Target::Piece(piece, from.cast_signed() + addend),
        }
    }
}

/// What the linker merges in a section.
enum Merged {
    /// Constants of so many bytes.
    Constants(u64),
    /// Texts that end with a zero.
    Strings,
}

fn merged(section: &str) -> Option<Merged> {
    let rest = section.strip_prefix(".rodata.")?;
    if let Some(size) = rest.strip_prefix("cst").and_then(|size| size.parse().ok()) {
        return Some(Merged::Constants(size)).filter(|_| size > 0);
    }
    // Wider characters are not looked at.
    let strings = rest.strip_prefix("str1.")?;
    strings.bytes().all(|byte| byte.is_ascii_digit()).then_some(Merged::Strings)
}
