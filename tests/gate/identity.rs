//! Whether builds of a real project are the same code, after changes of many kinds.

use std::path::Path;

use benchgate::measure::identity::{Identity, compare};
use benchgate::measure::{BenchExecutable, BuildOptions, Interrupt, Silent, build};

const MANIFEST: &str = r#"
[package]
name = "checked"
version = "0.1.0"
edition = "2024"

[workspace]

[lib]
bench = false

[[bench]]
name = "checked"
harness = false

[profile.bench]
debug = "line-tables-only"
"#;

const LIBRARY: &str = r#"//! A library.

// A remark.

/// Some numbers.
pub static TABLE: [u64; 4] = [3, 1, 4, 1];

/// Looks a number up, and panics in several ways.
pub fn look_up(at: usize, text: &str) -> u64 {
    let parsed: u64 = text.parse().expect("a number");
    assert!(parsed < 1000, "{parsed} is too large");
    TABLE[at] * parsed + 7
}

/// The same without a bounds check.
pub fn sum(n: u64) -> u64 {
    (0..n).map(std::hint::black_box).sum()
}
"#;

const BENCH: &str = r#"
use std::hint::black_box;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let at = black_box(arguments.len());
    let looked_up = checked::look_up(at, black_box("12"));
    println!("{} {}", looked_up, checked::sum(looked_up));
}
"#;

/// One checkout directory, in which each side is built in turn.
struct Project {
    directory: tempfile::TempDir,
}

impl Project {
    fn new() -> Self {
        let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a directory");
        Self { directory }
    }

    /// Builds these sources into a target directory of their own.
    fn build(&self, side: &str, library: &str, bench: &str) -> BenchExecutable {
        self.build_into(&self.directory.path().join(side), library, bench)
    }

    fn build_into(&self, target: &Path, library: &str, bench: &str) -> BenchExecutable {
        let checkout = self.directory.path().join("checkout");
        for (path, text) in
            [("Cargo.toml", MANIFEST), ("src/lib.rs", library), ("benches/checked.rs", bench)]
        {
            let path = checkout.join(path);
            std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
            std::fs::write(path, text).expect("written");
        }
        let options = BuildOptions {
            directory: Some(checkout),
            target_dir: Some(target.to_owned()),
            quiet: true,
            ..BuildOptions::default()
        };
        let built = build(&options, &Interrupt::new(), &mut Silent).expect("it builds");
        built.executables.into_iter().next().expect("one executable")
    }
}

/// The text with one replacement.
fn replaced(text: &str, from: &str, to: &str) -> String {
    assert_eq!(text.matches(from).count(), 1, "{from:?}");
    text.replace(from, to)
}

/// A comparison in short: the number of moved positions, or the first section that
/// differs.
fn in_short(identity: &Identity) -> String {
    match identity {
        Identity::Identical { sections, moved } => {
            for name in [".text", ".rodata", ".data.rel.ro", ".rela.dyn", ".eh_frame", ".bss"] {
                assert!(sections.contains(name), "{name} was not compared: {sections:?}");
            }
            assert!(!sections.iter().any(|name| name.starts_with(".note")), "{sections:?}");
            format!("identical, moved: {moved}")
        }
        Identity::Differs { sections } => format!("differs, first in {}", sections[0]),
        Identity::Unknown { reason } => format!("unknown: {reason}"),
    }
}

#[test]
fn changes_that_keep_the_code_are_distinguished_from_others() {
    let project = Project::new();
    let base = project.build("base", LIBRARY, BENCH);
    let library = |from: &str, to: &str| (replaced(LIBRARY, from, to), BENCH.to_owned());
    let more_library = |more: &str| (format!("{LIBRARY}{more}"), BENCH.to_owned());
    let print = "format!(\"{}\", std::env::args().count())";
    let cases = [
        (more_library(""), "identical, moved: 0"),
        (library("A remark.", "Another remark, longer than that."), "identical, moved: 0"),
        // Three places of the library can panic.
        (library("// A remark.", "// A remark.\n// And one more."), "identical, moved: 3"),
        (library("/// Some numbers.", "/// Numbers.\n///\n/// Four."), "identical, moved: 3"),
        (library("TABLE[at] *", " TABLE[at] *"), "identical, moved: 1"),
        ((LIBRARY.to_owned(), format!("// Hello.\n{BENCH}")), "identical, moved: 0"),
        (
            more_library("#[test]\nfn works() {\n    assert!(sum(3) > 0);\n}\n"),
            "identical, moved: 0",
        ),
        (library("// A remark.", "#[test]\nfn works() {}\n"), "identical, moved: 3"),
        (
            more_library(&format!("#[allow(dead_code)]\nfn idle() -> String {{ {print} }}\n")),
            "identical, moved: 0",
        ),
        // It is not linked, but it moves linked code.
        (
            more_library(&format!("/// Idle.\npub fn idle() -> String {{ {print} }}\n")),
            "differs, first in .text",
        ),
        (library("[3, 1, 4, 1]", "[3, 1, 4, 2]"), "differs, first in .rodata"),
        (library("+ 7", "+ 8"), "differs, first in .text"),
        (library("TABLE[at] * parsed", "TABLE[at] * parsed * parsed"), "differs, first in .text"),
        (library("+ 7", "+ u64::from(line!())"), "differs, first in .text"),
    ];
    for (number, ((library, bench), expected)) in cases.iter().enumerate() {
        let head = project.build(&format!("head-{number}"), library, bench);
        assert_eq!(in_short(&compare(&base, &head)), *expected, "{library}{bench}");
        assert_eq!(in_short(&compare(&head, &base)), *expected, "with the sides swapped");
    }
}

#[test]
fn code_from_a_build_script_is_compared_although_it_contains_a_path() {
    let project = Project::new();
    let directory = project.directory.path();
    let script = "fn main() {
        let place = std::env::var(\"OUT_DIR\").unwrap();
        let code = \"pub fn twice(text: &str) -> u64 { 2 * text.parse::<u64>().unwrap() }\";
        std::fs::write(format!(\"{place}/twice.rs\"), code).unwrap();
    }";
    std::fs::create_dir_all(directory.join("checkout")).expect("made");
    std::fs::write(directory.join("checkout/build.rs"), script).expect("written");
    let library = format!("{LIBRARY}\ninclude!(concat!(env!(\"OUT_DIR\"), \"/twice.rs\"));\n");
    let bench =
        replaced(BENCH, "black_box(\"12\"));", "black_box(\"12\")) + checked::twice(\"3\");");

    let (base, head) =
        (project.build("base", &library, &bench), project.build("head", &library, &bench));
    let apart = compare(&base, &head);
    assert!(matches!(apart, Identity::Differs { .. }), "{apart:?}");

    let target = directory.join("target");
    let [base, head] = ["linked-base", "linked-head"].map(|side| {
        std::fs::create_dir(directory.join(side)).expect("made");
        std::os::unix::fs::symlink(side, &target).expect("linked");
        let mut executable = project.build_into(&target, &library, &bench);
        executable.path = executable.path.canonicalize().expect("it is there");
        std::fs::remove_file(&target).expect("removed");
        executable
    });
    assert_ne!(base.path, head.path);
    assert_eq!(in_short(&compare(&base, &head)), "identical, moved: 0");
}

#[test]
fn a_file_that_cannot_be_compared_is_refused_with_the_reason() {
    let project = Project::new();
    let built = project.build("base", LIBRARY, BENCH);
    let directory = tempfile::tempdir().expect("a directory");
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).expect("written");
        BenchExecutable::ready(path)
    };
    let reason = |other: &BenchExecutable| match compare(&built, other) {
        Identity::Unknown { reason } => {
            reason.replace(&directory.path().display().to_string(), "DIR")
        }
        other => panic!("{other:?}"),
    };
    let script = file("script", b"#!/bin/sh\nexec true\n");
    assert_eq!(reason(&script), "DIR/script is a script: what it starts cannot be told from it");
    let text = reason(&file("text", b"not a program"));
    assert!(text.starts_with("DIR/text cannot be read: "), "{text}");
    let missing = reason(&BenchExecutable::ready(directory.path().join("missing")));
    assert!(missing.starts_with("DIR/missing cannot be read: No such file"), "{missing}");

    // A truncated file without its section table.
    let bytes = std::fs::read(&built.path).expect("readable");
    for length in (0..bytes.len()).step_by(bytes.len() / 50) {
        let cut = reason(&file("cut", &bytes[..length]));
        assert!(cut.starts_with("DIR/cut "), "{cut}");
    }
    // A changed byte in the headers must not cause a panic.
    for at in (0..64).chain(bytes.len() - 2048..bytes.len()) {
        let mut broken = bytes.clone();
        broken[at] ^= 0xff;
        let _ = compare(&built, &file("broken", &broken));
    }
}

/// A system library in the directory where cargo puts the libraries that it builds.
#[test]
fn libraries_of_the_project_are_compared_too() {
    let project = Project::new();
    let (base, head) =
        (project.build("base", LIBRARY, BENCH), project.build("head", LIBRARY, BENCH));
    let library = system_library("libgcc_s.so.1");
    let directory = tempfile::tempdir().expect("a directory");
    let with = |executable: &BenchExecutable, side: &str, bytes: Option<&[u8]>| {
        let place = directory.path().join(side);
        std::fs::create_dir_all(&place).expect("made");
        let path = place.join("libgcc_s.so.1");
        match bytes {
            Some(bytes) => std::fs::write(&path, bytes).expect("written"),
            None => std::fs::remove_file(&path).expect("removed"),
        }
        let mut executable = executable.clone();
        executable.environment.insert("LD_LIBRARY_PATH".into(), place.into());
        executable
    };
    let base = with(&base, "base", Some(&library));
    let same = compare(&base, &with(&head, "head", Some(&library)));
    assert_eq!(in_short(&same), "identical, moved: 0");
    let Identity::Identical { sections, .. } = same else { unreachable!() };
    assert!(sections.contains("libgcc_s.so.1:.text"), "{sections:?}");

    let mut other = library.clone();
    let code = text_of(&library);
    other[code] ^= 1;
    let other = compare(&base, &with(&head, "head", Some(&other)));
    assert_eq!(other, Identity::Differs { sections: vec!["libgcc_s.so.1:.text".to_owned()] });
    let gone = compare(&base, &with(&head, "head", None));
    assert_eq!(gone, Identity::Differs { sections: vec!["libgcc_s.so.1".to_owned()] });
}

fn system_library(name: &str) -> Vec<u8> {
    let maps = std::fs::read_to_string("/proc/self/maps").expect("Linux");
    let path = maps.lines().filter_map(|line| line.split_whitespace().nth(5));
    let path = path.filter(|path| path.ends_with(name)).min().expect("this program links it");
    std::fs::read(path).expect("readable")
}

/// Where in the file the code begins.
fn text_of(bytes: &[u8]) -> usize {
    use object::{Object, ObjectSection};
    let object = object::File::parse(bytes).expect("an ELF file");
    let text = object.section_by_name(".text").expect("it has code");
    usize::try_from(text.file_range().expect("it is in the file").0).expect("small")
}
