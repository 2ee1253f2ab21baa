//! Compares what processes saw.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use benchgate::model::TrialSide;
use object::elf::{SHF_ALLOC, SHF_EXECINSTR};
use object::read::elf::ElfFile64;
use object::{Object as _, ObjectSection as _, ObjectSymbol as _, SectionFlags, SymbolKind};

use super::project::{Likeness, Project};

/// What a process of the gate sees and a process of `cargo bench` does not, or otherwise.
const EXPECTED: [(&str, &str); 4] = [
    ("environment CRITERION_HOME", "the gate reads criterion's results there"),
    ("environment BENCHGATE_RECORD", "the gate reads the records of a bench there"),
    ("environment BENCHGATE_PADDING", "varies the place of the stack from process to process"),
    ("environment DIFFERENTIAL_REPORTS", "this test's own"),
];

/// What a process saw, by name.
type Seen = BTreeMap<String, String>;

/// The processes of a run, and its paths.
pub(super) struct Run {
    processes: Vec<Seen>,
    /// Paths and what stands for them, the longest first.
    places: Vec<(PathBuf, &'static str)>,
}

impl Run {
    pub(super) fn of_clone(reports: &Path, root: &Path, target: &Path) -> Self {
        let places = vec![(root.join(target), "{target}"), (root.to_owned(), "{root}")];
        Self { processes: read(reports), places }
    }

    pub(super) fn of_gate(reports: &Path, root: &Path, target: &Path) -> Self {
        let processes = read(reports);
        let gate = root.join(target).join("gate");
        let mut places: Vec<(PathBuf, &str)> =
            ["build", "base", "head"].map(|name| (gate.join(name), "{target}")).into();
        let checkout = processes.first().map(|seen| PathBuf::from(&seen["root"]));
        if let Some(checkout) = checkout {
            assert!(!checkout.starts_with(root), "runs in the user's repository");
            places.push((checkout.join(target), "{target}"));
            places.push((checkout, "{root}"));
        }
        places.push((root.to_owned(), "{the user's repository}"));
        Self { processes, places }
    }

    /// What a process saw, with names in place of paths.
    fn general(&self, seen: &Seen) -> Seen {
        let replace = |text: &str| {
            self.places.iter().fold(text.to_owned(), |text, (path, name)| {
                text.replace(path.to_str().expect("text"), name)
            })
        };
        seen.iter().map(|(key, value)| (replace(key), replace(value))).collect()
    }

    /// The files among what a process saw that cargo built.
    fn built<'a>(&self, seen: &'a Seen, side: TrialSide) -> BTreeMap<&'a str, PathBuf> {
        let is_program = |key: &str| {
            key == "executable" || key.starts_with("program ") || key.starts_with("library ")
        };
        seen.iter()
            .filter(|(key, _)| is_program(key))
            .filter(|(_, path)| {
                self.places.iter().any(|(place, _)| path.starts_with(place.to_str().unwrap()))
            })
            // That is a link, which may lead to the other side by now.
            .map(|(key, path)| {
                (key.as_str(), path.replace("/gate/build/", &format!("/gate/{side}/")).into())
            })
            .collect()
    }
}

fn read(reports: &Path) -> Vec<Seen> {
    let files = std::fs::read_dir(reports).unwrap().map(|entry| entry.unwrap().path());
    let parsed = files.map(|file| {
        let text = std::fs::read_to_string(file).unwrap();
        let lines = text.lines().map(|line| line.split_once('\t').expect("a key and a value"));
        lines.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    });
    parsed.collect()
}

/// Each side's processes of the gate compared with the clone's process.
pub(super) fn differences(
    project: &Project,
    side: TrialSide,
    clone: &Run,
    gate: &Run,
) -> Vec<String> {
    let likeness = project.likeness();
    let of_side = |run: &Run| -> BTreeSet<Seen> {
        let own = run.processes.iter().filter(|seen| seen["side"] == side.as_str());
        let as_expected = |key: &str| EXPECTED.iter().any(|(expected, _)| *expected == key);
        let comparable = own.cloned().map(|mut seen| {
            seen.retain(|key, _| !as_expected(key));
            seen
        });
        comparable.collect()
    };
    let (in_clone, in_gate) = (of_side(clone), of_side(gate));
    let mut found = Vec::new();
    let mut differs = |text: String| {
        let text = format!("{}: {side}: {text}", project.name);
        if !found.contains(&text) {
            found.push(text);
        }
    };
    if in_clone.is_empty() || in_gate.is_empty() {
        differs(format!(
            "{} processes in the clone, {} of the gate",
            in_clone.len(),
            in_gate.len()
        ));
    }
    for ours in &in_gate {
        let Some(theirs) = in_clone.iter().find(|theirs| theirs["bench"] == ours["bench"]) else {
            differs(format!("cargo bench does not run {}", ours["bench"]));
            continue;
        };
        let general = |run: &Run, seen| match likeness {
            Likeness::Bytes => run.general(seen),
            Likeness::Functions => without_hashes(run.general(seen)),
        };
        let (general_theirs, general_ours) = (general(clone, theirs), general(gate, ours));
        let keys: BTreeSet<&String> = general_theirs.keys().chain(general_ours.keys()).collect();
        for key in keys {
            let value = |seen: &Seen| seen.get(key).map_or("nothing".to_owned(), Clone::clone);
            let (theirs, ours) = (value(&general_theirs), value(&general_ours));
            // Only one process of an executable asks git.
            let asked = || in_gate.iter().any(|seen| seen.contains_key(key));
            if key.starts_with("git ") && !general_ours.contains_key(key) && asked() {
                continue;
            }
            // The checkout's target directory is a link; that of a clone is not looked at.
            let is_target = key.starts_with("tree ") && ours == "-> {target}";
            if theirs != ours && !is_target {
                let (theirs, ours) = different_lines(&theirs, &ours);
                differs(format!("{key}: cargo bench: {theirs:?}, gate ab: {ours:?}"));
            }
        }
        let (their_files, our_files) = (clone.built(theirs, side), gate.built(ours, side));
        for (key, theirs) in &their_files {
            let Some(ours) = our_files.get(key) else { continue };
            if let Some(reason) = code_differs(theirs, ours, likeness) {
                differs(format!("{key}: {reason} ({}, {})", theirs.display(), ours.display()));
            }
        }
    }
    found
}

/// The lines of two texts that are not in the other.
fn different_lines(theirs: &str, ours: &str) -> (String, String) {
    let without = |text: &str, other: &str| {
        let other: BTreeSet<&str> = other.split("\\n").collect();
        let lines: Vec<&str> = text.split("\\n").filter(|line| !other.contains(line)).collect();
        lines.join("\\n")
    };
    (without(theirs, ours), without(ours, theirs))
}

/// What a process saw, with names of executables that do not depend on how and where they
/// were built.
fn without_hashes(seen: Seen) -> Seen {
    let hash =
        regex::Regex::new(r"(/(?:deps|build)/[\w-]+)-[0-9a-f]{16}(\.pinned)?").expect("a pattern");
    seen.into_iter()
        .map(|(key, value)| (key, hash.replace_all(&value, "$1").into_owned()))
        .collect()
}

/// Whether two files differ in what is executed.
fn code_differs(theirs: &Path, ours: &Path, likeness: Likeness) -> Option<String> {
    let read = |path: &Path| {
        std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    };
    let (theirs, ours) = (read(theirs), read(ours));
    match (Image::of(&theirs), Image::of(&ours)) {
        (Some(theirs), Some(ours)) => match likeness {
            Likeness::Bytes => theirs.difference(&ours),
            Likeness::Functions => theirs.other_functions(&ours),
        },
        // Scripts.
        (None, None) => (theirs != ours).then(|| "the contents differ".to_owned()),
        _ => Some("only one of them is a program".to_owned()),
    }
}

/// A program or library.
struct Image<'data> {
    /// Sections that are executed, by name: their addresses and contents.
    executed: BTreeMap<&'data str, (u64, &'data [u8])>,
    /// The addresses of other sections that are loaded.
    data: Vec<Range<u64>>,
    file: ElfFile64<'data>,
}

impl<'data> Image<'data> {
    fn of(bytes: &'data [u8]) -> Option<Self> {
        let file: ElfFile64<'data> = ElfFile64::parse(bytes).ok()?;
        let (mut executed, mut data) = (BTreeMap::new(), Vec::new());
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else { continue };
            if sh_flags.contains(SHF_EXECINSTR) {
                let contents = section.data().expect("contents");
                executed.insert(section.name().expect("a name"), (section.address(), contents));
            } else if sh_flags.contains(SHF_ALLOC) {
                data.push(section.address()..section.address() + section.size());
            }
        }
        Some(Self { executed, data, file })
    }

    /// The functions: their names, without a hash that depends on the package's path, and
    /// their sizes.
    fn functions(&self) -> Vec<(String, u64)> {
        let hash = regex::Regex::new("17h[0-9a-f]{16}E").expect("a pattern");
        let symbols = self.file.symbols().filter(|symbol| symbol.kind() == SymbolKind::Text);
        let mut functions: Vec<_> = symbols
            .map(|symbol| {
                let name = symbol.name().expect("a name");
                (hash.replace_all(name, "").into_owned(), symbol.size())
            })
            .collect();
        functions.sort();
        assert!(functions.len() > 10, "it has symbols");
        functions
    }

    /// A function that only one of them has.
    fn other_functions(&self, other: &Self) -> Option<String> {
        let (ours, theirs) = (other.functions(), self.functions());
        let different = ours.iter().zip(&theirs).find(|(ours, theirs)| ours != theirs);
        if let Some((ours, theirs)) = different {
            return Some(format!("has the function {ours:?}, not {theirs:?}"));
        }
        let (ours, theirs) = (ours.len(), theirs.len());
        (ours != theirs).then(|| format!("has {ours} functions, not {theirs}"))
    }

    fn difference(&self, other: &Self) -> Option<String> {
        if !self.executed.keys().eq(other.executed.keys()) {
            let (ours, theirs) = (other.executed.keys(), self.executed.keys());
            return Some(format!("has the sections {ours:?}, not {theirs:?}"));
        }
        self.executed.iter().find_map(|(name, (_, theirs))| {
            let (_, ours) = other.executed[name];
            if theirs.len() != ours.len() {
                return Some(format!("{name} has {} bytes, not {}", ours.len(), theirs.len()));
            }
            let mut at = 0;
            while let Some(offset) = (at..theirs.len()).find(|at| theirs[*at] != ours[*at]) {
                let places = offset.saturating_sub(size_of::<i32>() - 1)..=offset;
                let reference = places.into_iter().find(|place| {
                    self.refers_to_data(name, *place) && other.refers_to_data(name, *place)
                });
                let Some(reference) = reference else {
                    return Some(format!("{name} differs at {offset:#x}"));
                };
                at = reference + size_of::<i32>();
            }
            None
        })
    }

    /// Whether a section holds a reference to data there: the distance from its end, or
    /// from the end of an operand of up to four bytes behind it.
    ///
    /// The order of constants in an executable depends on hashes of their contents. Where
    /// one holds an absolute path, others have other addresses in a clone elsewhere.
    fn refers_to_data(&self, name: &str, at: usize) -> bool {
        let (address, contents) = self.executed[name];
        let Some(bytes) = contents.get(at..at + size_of::<i32>()) else { return false };
        let distance = i32::from_le_bytes(bytes.try_into().expect("four bytes"));
        let end = address + (at + size_of::<i32>()) as u64;
        [0, 1, 2, 4].into_iter().any(|operand| {
            let target = (end + operand).wrapping_add_signed(distance.into());
            self.data.iter().any(|range| range.contains(&target))
        })
    }
}
