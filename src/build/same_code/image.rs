//! An executable as pieces, and what each piece refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fs_err as fs;
use object::elf::{
    R_X86_64_32, R_X86_64_32S, R_X86_64_64, R_X86_64_NONE, R_X86_64_PC32, R_X86_64_PLT32, SHF_ALLOC,
};
use object::{
    Architecture, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
    SectionFlags, SectionKind, SymbolKind,
};

use super::map::{self, Placed};

/// How far around an address, in bytes, constants are taken to be read by an instruction
/// whose operand is relative to the instruction: the compiler may keep the address of a
/// table's end, and what follows the operand in the instruction moves the address by up
/// to 4.
const AROUND: u64 = 8;

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
    /// Something that its name identifies: a function, or a symbol of a library.
    Named(String, i64),
    /// These bytes: a constant that the linker merged with equal ones.
    Bytes(Vec<u8>, i64),
    /// A piece of data, and the distance from its start.
    Data(usize, i64),
}

/// An executable as pieces.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) pieces: Vec<Piece>,
    /// Pieces by key.
    pub(super) keys: BTreeMap<String, usize>,
    /// The pieces of code that each function is in, by its name without a suffix of LLVM's.
    pub(super) functions: BTreeMap<String, BTreeSet<usize>>,
    /// Address, end and index of each piece of code.
    code: Vec<(u64, u64, usize)>,
}

/// A symbol of the executable.
struct Symbol<'a> {
    name: &'a str,
    address: u64,
    kind: SymbolKind,
    undefined: bool,
}

/// Where pieces are. Thread-local ones share addresses with others.
#[derive(Default)]
struct Places {
    plain: Vec<(u64, u64, usize)>,
    local: Vec<(u64, u64, usize)>,
    /// Where thread-local data begin.
    local_start: u64,
}

impl Places {
    fn find(places: &[(u64, u64, usize)], address: u64) -> Option<(usize, u64)> {
        let after = places.partition_point(|(start, ..)| *start <= address);
        let (start, end, index) = *places.get(after.checked_sub(1)?)?;
        (address < end).then_some((index, start))
    }

    fn plain(&self, address: u64) -> Option<(usize, u64)> {
        Self::find(&self.plain, address)
    }
}

/// A name without the suffix by which LLVM tells apart functions that it made visible to
/// other units. It depends on the unit.
pub(super) fn without_suffix(name: &str) -> &str {
    match name.rsplit_once(".llvm.") {
        Some((rest, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => name,
    }
}

impl Image {
    /// Reads an executable that was linked with relocations kept, and the linker's map.
    pub(super) fn read(executable: &Path, map: &Path) -> Result<Self, String> {
        let bytes = fs::read(executable).map_err(|error| error.to_string())?;
        let text = fs::read(map).map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&text);
        let failed = |error: object::Error| format!("{}: {error}", executable.display());
        let file = object::File::parse(&*bytes).map_err(failed)?;
        if file.architecture() != Architecture::X86_64 || !file.is_64() {
            return Err("code is compared by function on x86_64 only".to_owned());
        }
        let mut loaded = BTreeMap::new();
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if sh_flags.contains(SHF_ALLOC) {
                loaded.insert(section.name().map_err(failed)?.to_owned(), section);
            }
        }
        let names = loaded.keys().map(String::as_str).collect();
        let listed = map::pieces(&text, &names)?;
        let origins: Vec<&Placed<'_>> = listed.iter().filter(|piece| piece.size > 0).collect();
        let mut image = Self {
            pieces: Vec::new(),
            keys: BTreeMap::new(),
            functions: BTreeMap::new(),
            code: Vec::new(),
        };
        let mut places = Places { local_start: u64::MAX, ..Places::default() };
        let mut uses: BTreeMap<&str, usize> = BTreeMap::new();
        for piece in &origins {
            *uses.entry(without_suffix(piece.section)).or_default() += 1;
        }
        for (index, piece) in origins.iter().enumerate() {
            let section = &loaded[piece.output];
            let (kind, zeros, local) = kind(section.kind(), piece.output);
            let bytes = if zeros {
                Vec::new()
            } else {
                let start = piece.address.checked_sub(section.address());
                let data = section.data().map_err(failed)?;
                start
                    .and_then(|start| part(data, start, piece.size))
                    .ok_or("the map does not fit")?
            };
            let place = (piece.address, piece.address + piece.size, index);
            if local {
                places.local_start = places.local_start.min(section.address());
                places.local.push(place);
            } else {
                places.plain.push(place);
            }
            let name = without_suffix(piece.section);
            let key = match uses[name] {
                1 => name.to_owned(),
                _ => format!("{name} in {}", stable_name(piece.origin)),
            };
            let key = match image.keys.insert(key.clone(), index) {
                None => Some(key),
                // Neither of the two can be told from the other.
                Some(other) => {
                    image.pieces[other].key = None;
                    None
                }
            };
            image.pieces.push(Piece {
                kind,
                size: piece.size,
                key,
                bytes,
                references: Vec::new(),
                opaque: false,
            });
        }
        image.keys.retain(|_, index| image.pieces[*index].key.is_some());
        places.plain.sort_unstable();
        places.local.sort_unstable();
        image.code.clone_from(&places.plain);
        image.code.retain(|(.., index)| image.pieces[*index].kind == Kind::Code);
        for symbol in file.symbols() {
            if symbol.kind() != SymbolKind::Text || !symbol.is_definition() {
                continue;
            }
            let (Ok(name), Some((piece, _))) = (symbol.name(), places.plain(symbol.address()))
            else {
                continue;
            };
            let pieces = image.functions.entry(without_suffix(name).to_owned()).or_default();
            pieces.insert(piece);
        }
        image.refer(&file, &origins, &places);
        Ok(image)
    }

    /// The piece of code at an address.
    pub(super) fn code_at(&self, address: u64) -> Option<usize> {
        Places::find(&self.code, address).map(|(index, _)| index)
    }

    /// Resolves what all pieces refer to.
    fn refer(&mut self, file: &object::File<'_>, origins: &[&Placed<'_>], places: &Places) {
        let mut symbols: BTreeMap<usize, Symbol<'_>> = BTreeMap::new();
        for symbol in file.symbols() {
            symbols.insert(
                symbol.index().0,
                Symbol {
                    name: symbol.name().unwrap_or_default(),
                    address: symbol.address(),
                    kind: symbol.kind(),
                    undefined: symbol.is_undefined(),
                },
            );
        }
        let mut all: Vec<(usize, Reference)> = Vec::new();
        let mut masks: Vec<(usize, u64, u64)> = Vec::new();
        let mut opaque: BTreeSet<usize> = BTreeSet::new();
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if !sh_flags.contains(SHF_ALLOC) {
                continue;
            }
            let is_local =
                matches!(section.kind(), SectionKind::Tls | SectionKind::UninitializedTls);
            for (address, relocation) in section.relocations() {
                let list = if is_local { &places.local } else { &places.plain };
                let Some((index, start)) = Places::find(list, address) else { continue };
                let (RelocationFlags::Elf { r_type }, RelocationTarget::Symbol(symbol)) =
                    (relocation.flags(), relocation.target())
                else {
                    opaque.insert(index);
                    continue;
                };
                if r_type == R_X86_64_NONE {
                    continue;
                }
                let at = address - start;
                masks.push((index, at, if r_type == R_X86_64_64 { 8 } else { 4 }));
                let resolver = Resolver { image: self, origins, places };
                let site = Site { piece: index, at, kind: r_type.0 };
                match symbols
                    .get(&symbol.0)
                    .and_then(|symbol| resolver.targets(site, symbol, relocation.addend()))
                {
                    Some(targets) => all.extend(
                        targets
                            .into_iter()
                            .map(|target| (index, Reference { at, kind: r_type.0, target })),
                    ),
                    None => drop(opaque.insert(index)),
                }
            }
        }
        for (index, reference) in all {
            self.pieces[index].references.push(reference);
        }
        for (index, at, width) in masks {
            let bytes = &mut self.pieces[index].bytes;
            let length = bytes.len();
            let place = |at: u64| usize::try_from(at).unwrap_or(length).min(length);
            let range = place(at)..place(at + width);
            bytes[range].fill(0);
        }
        for index in opaque {
            self.pieces[index].opaque = true;
        }
    }
}

/// A place that holds an address.
#[derive(Clone, Copy)]
struct Site {
    piece: usize,
    at: u64,
    kind: u32,
}

struct Resolver<'a> {
    image: &'a Image,
    origins: &'a [&'a Placed<'a>],
    places: &'a Places,
}

impl Resolver<'_> {
    /// Everything that a place may lead to; `None` if that cannot be told.
    fn targets(&self, site: Site, symbol: &Symbol<'_>, addend: i64) -> Option<Vec<Target>> {
        let named = || Some(vec![Target::Named(symbol.name.to_owned(), addend)]);
        if symbol.undefined {
            return named();
        }
        if symbol.kind == SymbolKind::Tls {
            let address = self.places.local_start.checked_add(symbol.address)?;
            let (piece, start) = Places::find(&self.places.local, address)?;
            let distance = (address - start).cast_signed() + addend;
            return Some(vec![Target::Data(piece, distance)]);
        }
        let relative = [R_X86_64_PC32.0, R_X86_64_PLT32.0].contains(&site.kind);
        let code = self.image.pieces[site.piece].kind == Kind::Code;
        // An entry of a table is relative to the table's start, not to itself.
        let shift = if relative && !code { -site.at.cast_signed() } else { 0 };
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
            // The table of a function's own jumps.
            let section = self.origins[site.piece].section;
            let own = section.strip_prefix(".rodata").filter(|name| !name.is_empty());
            let own = own.and_then(|name| self.image.keys.get(&format!(".text{name}")));
            if let Some(own) = own.filter(|_| relative) {
                let start = self.origins[*own].address;
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
            && self.image.pieces[piece].kind == Kind::Code
        {
            return Some(vec![self.at(found?, address, 0)]);
        }
        let mut targets = Vec::new();
        let mut next = address.checked_sub(AROUND)?;
        while next <= address + AROUND {
            let Some((piece, start)) = self.places.plain(next) else {
                next += 1;
                continue;
            };
            let end = start + self.image.pieces[piece].size;
            if self.image.pieces[piece].kind != Kind::Code {
                let is_meant = (start..end).contains(&address);
                let target = self.at((piece, start), if is_meant { address } else { next }, 0);
                targets.push(match target {
                    Target::Data(piece, _) => {
                        Target::Data(piece, address.wrapping_sub(start).cast_signed())
                    }
                    target => target,
                });
            }
            next = end;
        }
        if targets.is_empty() { named() } else { Some(targets) }
    }

    /// A target in a piece that begins at `start`, at an address and a distance from it.
    fn at(&self, (piece, start): (usize, u64), address: u64, addend: i64) -> Target {
        let found = &self.image.pieces[piece];
        let from = address - start;
        if found.kind == Kind::Code {
            return match &found.key {
                Some(key) => Target::Named(key.clone(), from.cast_signed() + addend),
                // Equal to nothing.
                None => Target::Named(format!("piece {piece} of code"), i64::MIN),
            };
        }
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
            None => Target::Data(piece, from.cast_signed() + addend),
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

/// The kind of a section's pieces, whether they begin as zeros, and whether each thread
/// has its own.
fn kind(kind: SectionKind, name: &str) -> (Kind, bool, bool) {
    match kind {
        SectionKind::Text => (Kind::Code, false, false),
        SectionKind::UninitializedData => (Kind::Variable, true, false),
        SectionKind::UninitializedTls => (Kind::Variable, true, true),
        SectionKind::Tls => (Kind::Variable, false, true),
        // Not written once the loader has put addresses in.
        SectionKind::Data if name != ".data.rel.ro" => (Kind::Variable, false, false),
        _ => (Kind::Constant, false, false),
    }
}

fn part(data: &[u8], start: u64, size: u64) -> Option<Vec<u8>> {
    let start = usize::try_from(start).ok()?;
    let end = start.checked_add(usize::try_from(size).ok()?)?;
    data.get(start..end).map(<[u8]>::to_vec)
}

/// The name of an object file, as it is in every build: without its directory, and without
/// the number that rustc adds for each run where it compiles incrementally.
fn stable_name(origin: &str) -> String {
    const RUN: usize = 7;
    let name = origin.rsplit('/').next().unwrap_or(origin);
    let stable = name.split_once(".rcgu.o").and_then(|(unit, rest)| {
        let (unit, run) = unit.rsplit_once('.')?;
        let is_run = run.len() == RUN
            && run.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        is_run.then(|| format!("{unit}.rcgu.o{rest}"))
    });
    stable.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_every_build() {
        for (origin, name) in [
            (
                "/t/deps/a-7827.09n6cjorrpjqlqnu19f3afkg8.1y8i8yu.rcgu.o",
                "a-7827.09n6cjorrpjqlqnu19f3afkg8.rcgu.o",
            ),
            ("/t/liba.rlib(a-1.a.7026-cgu.00.rcgu.o)", "liba.rlib(a-1.a.7026-cgu.00.rcgu.o)"),
            ("<internal>", "<internal>"),
        ] {
            assert_eq!(stable_name(origin), name);
        }
        assert_eq!(without_suffix("_ZN1a1bE.llvm.123"), "_ZN1a1bE");
        assert_eq!(without_suffix("_ZN1a1bE.llvm.x"), "_ZN1a1bE.llvm.x");
    }
}
