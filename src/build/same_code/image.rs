//! An executable as pieces, and what each piece refers to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use fs_err as fs;
use object::elf::{R_X86_64_64, R_X86_64_NONE, SHF_ALLOC};
use object::{
    Architecture, Object, ObjectSection, ObjectSymbol, RelocationFlags, RelocationTarget,
    SectionFlags, SectionKind, SymbolKind,
};

use super::map::{self, Placed, stable_name, without_suffix};
use super::piece::{Kind, Piece, Places, Reference, Symbol, Target, part};
use super::resolve::{Resolver, Site};

/// Part of the name of data that lead the unwinder to the function that it calls.
const UNWINDER: &str = ".DW.ref.";

/// An executable as pieces.
#[derive(Debug)]
pub(super) struct Image {
    pub(super) pieces: Vec<Piece>,
    /// Pieces by key.
    pub(super) keys: BTreeMap<String, usize>,
    /// The pieces of code that each function is in, by its name without a suffix of LLVM's.
    pub(super) functions: BTreeMap<String, BTreeSet<usize>>,
    /// The pieces that code outside of the executable enters: symbols that it exports, and
    /// what the unwinder calls.
    pub(super) entries: BTreeSet<usize>,
    /// The constants that hold the address of a piece of code, by that piece.
    holders: BTreeMap<usize, BTreeSet<usize>>,
    /// Address, end and index of each piece of code.
    code: Vec<(u64, u64, usize)>,
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
            entries: BTreeSet::new(),
            holders: BTreeMap::new(),
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
        let exported = file.dynamic_symbols().filter(ObjectSymbol::is_definition);
        let exported = exported.filter_map(|symbol| places.plain(symbol.address()));
        image.entries.extend(exported.map(|(piece, _)| piece));
        let unwinder = origins.iter().enumerate();
        let unwinder = unwinder.filter(|(_, origin)| origin.section.contains(UNWINDER));
        image.entries.extend(unwinder.map(|(piece, _)| piece));
        image.refer(&file, &origins, &places);
        Ok(image)
    }

    /// The pieces that belong to other benchmarks: functions by their names, and with one of
    /// the `routines` the tables that hold it, and all functions of such a table: of a
    /// harness's methods only some are executed. Nothing belongs to another benchmark that
    /// was `executed`.
    pub(super) fn belonging_to(
        &self,
        others: &BTreeSet<String>,
        routines: &BTreeSet<String>,
        executed: &BTreeSet<usize>,
    ) -> BTreeSet<usize> {
        let only = |name: &String| match self.functions.get(without_suffix(name)) {
            // Which of several functions of one name was executed is not known.
            Some(pieces) if pieces.len() == 1 => pieces.first().copied(),
            _ => None,
        };
        let mut pieces: BTreeSet<usize> = others.iter().filter_map(only).collect();
        let routines = routines.iter().filter_map(only).filter(|piece| !executed.contains(piece));
        for table in routines.filter_map(|routine| self.holders.get(&routine)).flatten() {
            pieces.insert(*table);
            pieces.extend(self.held(*table));
        }
        pieces.retain(|piece| !executed.contains(piece));
        pieces
    }

    /// The pieces of code whose addresses a piece holds.
    fn held(&self, piece: usize) -> impl Iterator<Item = usize> {
        self.pieces[piece].references.iter().filter_map(|reference| match reference.target {
            Target::Piece(target, _) if self.pieces[target].kind == Kind::Code => Some(target),
            _ => None,
        })
    }

    /// A piece's name for people.
    pub(super) fn shown(&self, piece: usize) -> String {
        self.pieces[piece].key.clone().unwrap_or_else(|| "code or data without a name".to_owned())
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
        let mut jumps = BTreeSet::new();
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
                let (pieces, keys, jumps) = (&self.pieces, &self.keys, &mut jumps);
                let mut resolver = Resolver { pieces, keys, origins, places, jumps };
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
        for index in 0..self.pieces.len() {
            if self.pieces[index].kind == Kind::Constant {
                for held in self.held(index).collect::<Vec<_>>() {
                    self.holders.entry(held).or_default().insert(index);
                }
            }
        }
    }
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
