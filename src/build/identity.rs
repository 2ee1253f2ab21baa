//! Whether two built executables are the same code: then nothing needs measuring.
//!
//! Every section that the system loads is compared, byte by byte and with its
//! address: code, constants, initial data, the tables of pointers and of
//! relocations, unwinding, what is linked dynamically. Left out are only notes
//! (the build's own number) and what is never loaded (debug information,
//! symbols).
//!
//! One difference is allowed. A line that is added to a source file moves the
//! positions that panics report; rustc keeps these as records of file name, line
//! and column among relocated data, outside of the code. Words of such records
//! that differ in line or column are counted as *moved* and nothing more: only a
//! panic's message reads them. A record is known by its pointer to a name that
//! ends in `.rs`. A line number that has become part of the code or of a text
//! (`line!()`, the names of `tracing`'s events) makes the code differ, as it
//! does.
//!
//! For this to find anything, both sides have to be built at one path in turn: paths
//! and package ids become parts of names, and names decide the order of functions.
//! The two target directories should have one path as well (a symbolic link that is
//! switched), as it becomes part of code that a build script writes.
//!
//! Libraries that the project itself builds and links dynamically are compared with
//! the executable; those of the system are taken to be equal. Other programs of the
//! build, and files that a benchmark reads when it runs, are not seen here.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use object::elf::SHF_ALLOC;
use object::{Object, ObjectSection, ReadCache, SectionFlags, SectionKind};

use crate::drive::BenchExecutable;
use crate::fnv::Fnv;

/// Bytes of the longest file name that is looked at.
const NAME_BYTES: u64 = 4096;

/// What comparing two executables came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// They are the same code.
    Identical {
        /// The sections that were compared, by name; those of a library with its
        /// file's name in front.
        sections: BTreeSet<String>,
        /// Source positions for panics whose line or column differs.
        moved: usize,
    },
    /// They are not.
    Differs {
        /// The sections that differ, code before data.
        sections: Vec<String>,
    },
    /// It cannot be told.
    Unknown {
        /// Why.
        reason: String,
    },
}

/// Compares two executables, and the libraries beside them that they link.
pub fn compare(base: &BenchExecutable, head: &BenchExecutable) -> Identity {
    match compare_all(base, head) {
        Ok(Compared { differing, .. }) if !differing.is_empty() => {
            let mut sections: Vec<_> = differing.into_iter().collect();
            sections.sort();
            Identity::Differs { sections: sections.into_iter().map(|(_, name)| name).collect() }
        }
        Ok(Compared { sections, moved, .. }) => Identity::Identical { sections, moved },
        Err(reason) => Identity::Unknown { reason },
    }
}

/// Names the code of an executable and of the project's own libraries that it
/// links: equal for builds that are the same byte by byte where the system loads
/// them. Says why where it cannot be told.
/// It tells builds apart that follow each other, not builds that want to be mistaken.
pub fn fingerprint(executable: &BenchExecutable) -> Result<String, String> {
    let mut hash = Fnv::default();
    let mut add = |bytes: &[u8]| hash.add(bytes);
    let mut open = vec![executable.path.clone()];
    let mut seen = BTreeSet::new();
    while let Some(path) = open.pop() {
        let cache = cache(&path)?;
        let image = Image::parse(&path, &cache)?;
        for (name, section) in &image.sections {
            add(name.as_bytes());
            add(&section.address.to_le_bytes());
            add(&section.size.to_le_bytes());
            add(section.data.unwrap_or_default());
        }
        let mut libraries = image.libraries();
        libraries.sort();
        let libraries = libraries.into_iter().filter(|name| seen.insert(name.clone()));
        open.extend(libraries.filter_map(|name| own_library(executable, &name)));
    }
    Ok(hash.to_string())
}

#[derive(Default)]
struct Compared {
    sections: BTreeSet<String>,
    moved: usize,
    /// By how little they say of the cause, then by name.
    differing: BTreeSet<(u8, String)>,
}

fn compare_all(base: &BenchExecutable, head: &BenchExecutable) -> Result<Compared, String> {
    let mut compared = Compared::default();
    // By name, as the system's loader looks for them.
    let mut open = vec![(String::new(), base.path.clone(), head.path.clone())];
    let mut seen = BTreeSet::new();
    while let Some((prefix, base_path, head_path)) = open.pop() {
        let (base_cache, head_cache) = (cache(&base_path)?, cache(&head_path)?);
        let (base_image, head_image) =
            (Image::parse(&base_path, &base_cache)?, Image::parse(&head_path, &head_cache)?);
        compared.add(&prefix, &base_image, &head_image)?;
        for name in base_image.libraries().into_iter().chain(head_image.libraries()) {
            let shown = String::from_utf8_lossy(&name).into_owned();
            if !seen.insert(name.clone()) {
                continue;
            }
            match (own_library(base, &name), own_library(head, &name)) {
                (Some(base), Some(head)) => open.push((format!("{shown}:"), base, head)),
                (None, None) => {}
                _ => drop(compared.differing.insert((0, shown))),
            }
        }
    }
    Ok(compared)
}

/// A library that the executable finds in the project's own target directory.
fn own_library(executable: &BenchExecutable, name: &[u8]) -> Option<PathBuf> {
    let directories = executable.environment.get(OsStr::new("LD_LIBRARY_PATH"))?;
    // cargo names its own directories first, the caller's after them.
    let inherited = std::env::var_os("LD_LIBRARY_PATH").unwrap_or_default();
    let inherited: BTreeSet<PathBuf> = std::env::split_paths(&inherited).collect();
    std::env::split_paths(directories)
        .filter(|directory| !inherited.contains(directory))
        .map(|directory| directory.join(OsStr::from_bytes(name)))
        .find(|path| path.is_file())
}

/// Whether an executable links libraries that the project itself built. One that cannot
/// be read may.
pub fn links_own_libraries(executable: &BenchExecutable) -> bool {
    let Ok(cache) = cache(&executable.path) else { return true };
    let Ok(image) = Image::parse(&executable.path, &cache) else { return true };
    image.libraries().iter().any(|name| own_library(executable, name).is_some())
}

fn cache(path: &Path) -> Result<ReadCache<File>, String> {
    let failed = |error| format!("{} cannot be read: {error}", path.display());
    let mut file = File::open(path).map_err(failed)?;
    let mut start = Vec::new();
    file.by_ref().take(2).read_to_end(&mut start).map_err(failed)?;
    if start == b"#!" {
        return Err(format!(
            "{} is a script: what it starts cannot be told from it",
            path.display()
        ));
    }
    Ok(ReadCache::new(file))
}

/// A section that the system loads.
struct Section<'data> {
    address: u64,
    size: u64,
    kind: SectionKind,
    /// `None` where it begins as zeros.
    data: Option<&'data [u8]>,
}

/// What the system loads of a file.
struct Image<'data> {
    object: object::File<'data, &'data ReadCache<File>>,
    sections: BTreeMap<String, Section<'data>>,
}

impl<'data> Image<'data> {
    fn parse(path: &Path, cache: &'data ReadCache<File>) -> Result<Self, String> {
        let failed = |error: object::Error| format!("{} cannot be read: {error}", path.display());
        let object = object::File::parse(cache).map_err(failed)?;
        let mut sections = BTreeMap::new();
        for section in object.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if !sh_flags.contains(SHF_ALLOC) || section.kind() == SectionKind::Note {
                continue;
            }
            let kind = section.kind();
            let zeros =
                matches!(kind, SectionKind::UninitializedData | SectionKind::UninitializedTls);
            let loaded = Section {
                address: section.address(),
                size: section.size(),
                kind,
                data: if zeros { None } else { Some(section.data().map_err(failed)?) },
            };
            let name = section.name().map_err(failed)?.to_owned();
            if sections.insert(name.clone(), loaded).is_some() {
                return Err(format!("{} has two sections called {name}", path.display()));
            }
        }
        if !sections.values().any(|section| section.kind == SectionKind::Text) {
            return Err(format!("{} has no section of code to compare", path.display()));
        }
        Ok(Self { object, sections })
    }

    /// The names of the libraries that it links. One that has no such list, or a
    /// broken one, would not have been started by the system.
    fn libraries(&self) -> Vec<Vec<u8>> {
        let libraries = self.object.import_libraries().into_iter().flatten();
        libraries.flatten().map(|library| library.name().to_owned()).collect()
    }

    /// What is found at an address, as it is in the file.
    fn at(&self, address: u64, length: u64) -> Option<&'data [u8]> {
        let end = address.checked_add(length)?;
        let section = self.sections.values().find(|section| {
            // What is local to a thread has no address of its own.
            !matches!(section.kind, SectionKind::Tls | SectionKind::UninitializedTls)
                && section.address <= address
                && end <= section.address.saturating_add(section.size)
        })?;
        let start = usize::try_from(address - section.address).ok()?;
        section.data?.get(start..start.checked_add(usize::try_from(length).ok()?)?)
    }

    /// A number of the machine's own size.
    fn word(&self, address: u64) -> Option<u64> {
        let bytes = self.at(address, self.word_size())?;
        let padded = |little: bool| {
            let mut all = [0; 8];
            let at = if little { 0 } else { 8 - bytes.len() };
            all[at..at + bytes.len()].copy_from_slice(bytes);
            all
        };
        Some(if self.object.is_little_endian() {
            u64::from_le_bytes(padded(true))
        } else {
            u64::from_be_bytes(padded(false))
        })
    }

    fn word_size(&self) -> u64 {
        if self.object.is_64() { 8 } else { 4 }
    }
}

impl Compared {
    fn add(&mut self, prefix: &str, base: &Image<'_>, head: &Image<'_>) -> Result<(), String> {
        let formats = |image: &Image<'_>| {
            (image.object.architecture(), image.object.is_64(), image.object.endianness())
        };
        if formats(base) != formats(head) {
            return Err("the two are built for different machines".to_owned());
        }
        let pointers = pointers(base);
        let names: BTreeSet<&String> = base.sections.keys().chain(head.sections.keys()).collect();
        for name in names {
            let shown = format!("{prefix}{name}");
            let same = match (base.sections.get(name), head.sections.get(name)) {
                (Some(ours), Some(theirs)) => same(base, &pointers, ours, theirs),
                _ => None,
            };
            match same {
                Some(moved) => {
                    self.moved += moved;
                    self.sections.insert(shown);
                }
                None => drop(self.differing.insert((telling(name), shown))),
            }
        }
        Ok(())
    }
}

/// What says most about the cause comes first: code, then constants, then data;
/// the tables that follow from them last.
fn telling(name: &str) -> u8 {
    match name {
        ".text" => 0,
        ".rodata" => 1,
        ".data" | ".tdata" => 2,
        ".data.rel.ro" => 3,
        _ => 4,
    }
}

/// Where the loader will write which address.
fn pointers(image: &Image<'_>) -> BTreeMap<u64, u64> {
    let relocations = image.object.dynamic_relocations().into_iter().flatten();
    relocations.map(|(at, relocation)| (at, relocation.addend().cast_unsigned())).collect()
}

/// Whether two sections are the same but for source positions, and how many of
/// these have moved.
fn same(
    base: &Image<'_>,
    pointers: &BTreeMap<u64, u64>,
    ours: &Section<'_>,
    theirs: &Section<'_>,
) -> Option<usize> {
    if (ours.address, ours.size, ours.kind) != (theirs.address, theirs.size, theirs.kind) {
        return None;
    }
    let (ours_data, theirs_data) = match (ours.data, theirs.data) {
        (None, None) => return Some(0),
        (Some(ours), Some(theirs)) => (ours, theirs),
        _ => return None,
    };
    if ours_data == theirs_data {
        return Some(0);
    }
    if ours.kind != SectionKind::Data || ours_data.len() != theirs_data.len() {
        return None;
    }
    let mut moved = BTreeSet::new();
    // Lines and columns are words of four bytes, aligned.
    for (at, (a, b)) in ours_data.chunks(4).zip(theirs_data.chunks(4)).enumerate() {
        if a != b {
            let address = ours.address.checked_add(at as u64 * 4)?;
            moved.insert(position_around(base, pointers, address)?);
        }
    }
    Some(moved.len())
}

/// The address of the source position whose line or column lies there, if that is
/// one: a pointer to the file's name, its length, line, column.
fn position_around(image: &Image<'_>, pointers: &BTreeMap<u64, u64>, address: u64) -> Option<u64> {
    let word = image.word_size();
    [2 * word, 2 * word + 4].into_iter().filter_map(|offset| address.checked_sub(offset)).find(
        |&start| {
            let name = || {
                let pointer = match pointers.get(&start) {
                    Some(&pointer) => pointer,
                    // Written in place where nothing has to be relocated.
                    None => image.word(start)?,
                };
                let length = image.word(start + word)?;
                image.at(pointer, length).filter(|_| length <= NAME_BYTES)
            };
            start % word == 0
                && name()
                    .is_some_and(|name| name.ends_with(b".rs") && std::str::from_utf8(name).is_ok())
        },
    )
}
