//! Pinned layout: both sides are linked again, with unchanged functions at equal addresses.

use std::path::{Path, PathBuf};

use benchgate::measure::layout::{Agreement, agreement};
use benchgate::model::{Layout, Snapshot};

use super::gate;
use super::repository::{edit, repository};

/// A repository whose head has one more function, called before all others.
fn with_another_function(home: &Path) -> PathBuf {
    let root = repository(home);
    let library = root.join("src/lib.rs");
    edit(
        &library,
        "pub fn time(at: usize) -> u64 {",
        "#[inline(never)]\nfn far(at: usize) -> u64 {\n    \
         (0..at as u64).fold(7, |sum, one| sum.rotate_left(5) ^ one.wrapping_mul(sum | 1))\n}\n\n\
         pub fn time(at: usize) -> u64 {\n    if at > 100 {\n        return far(at);\n    }",
    );
    root
}

fn saved(root: &Path, side: &str) -> Snapshot {
    let path = root.join("target/gate/ab").join(side).with_extension("json");
    benchgate::baseline::read(&path).expect("it is kept")
}

fn layouts(root: &Path) -> Vec<Layout> {
    let [base, head] = ["base", "head"].map(|side| saved(root, side).pairing.expect("a trial"));
    assert_eq!(base.layouts, head.layouts);
    head.layouts
}

/// The executables in cargo's own directory.
fn plain(root: &Path) -> [PathBuf; 2] {
    ["base", "head"].map(|side| {
        let place = root.join("target/gate").join(side).join("release/deps");
        let files = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
        let mut found = files.filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("mimic-") && path.extension().is_none()
        });
        let executable = found.next().expect("cargo's executable");
        assert_eq!(found.next(), None);
        executable
    })
}

// On this platform rustc links with LLVM's linker.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn unchanged_functions_have_equal_addresses() {
    let home = tempfile::tempdir().unwrap();
    let root = with_another_function(home.path());
    let (_, out, err) = gate(&root, &["ab"]);
    let [layout] = &layouts(&root)[..] else { panic!("one bench target: {out}{err}") };
    assert_eq!((layout.target.name.as_str(), layout.reason.as_deref()), ("mimic", None), "{err}");
    assert!(layout.functions > 300, "{layout:?}");
    assert!(err.contains("unchanged functions have the same address on both sides"), "{err}");
    // Cargo's own executables have different addresses, so the second link is needed.
    let [base, head] = plain(&root);
    let Agreement { functions, same } = agreement(&base, &head).unwrap();
    assert!(!Agreement { functions, same }.is_pinned(), "{same} of {functions}");

    // Cargo's executables were put back, so nothing is built or linked again.
    let (_, _, err) = gate(&root, &["ab"]);
    assert!(!err.contains("Compiling"), "{err}");
    // Back at the base, with a comment: the code is still known to be the same.
    super::repository::git(&root, &["checkout", "-q", "--", "src"]);
    let library = root.join("src/lib.rs");
    let text = std::fs::read_to_string(&library).unwrap();
    std::fs::write(&library, format!("{text}\n// A remark.\n")).unwrap();
    let (exit, out, err) = gate(&root, &["ab"]);
    assert_eq!(exit, 0, "{out}{err}");
    assert!(out.contains("2 unmeasured rows of identical code"), "{out}");
    assert_eq!(layouts(&root), []);
}

#[test]
fn leftovers_of_a_killed_gate_are_linked_again() {
    let home = tempfile::tempdir().unwrap();
    let root = with_another_function(home.path());
    gate(&root, &["ab"]);
    // As if the gate was killed after cargo had linked the base again: the pinned
    // executable is in the place of the plain executable.
    let [base, _] = plain(&root);
    let order = root.join("target/gate/order");
    std::fs::create_dir_all(&order).unwrap();
    std::fs::write(order.join("under-way"), base.to_str().unwrap()).unwrap();
    std::fs::write(&base, "not what cargo built").unwrap();
    let (_, out, err) = gate(&root, &["ab"]);
    assert!(err.contains("Compiling mimic"), "{err}");
    assert_eq!(layouts(&root).len(), 1, "{out}");
    assert!(!order.exists());
    assert!(std::fs::read(&base).unwrap().starts_with(b"\x7fELF"));
}

#[test]
fn pinning_can_be_turned_off_and_a_failure_to_pin_is_reported() {
    let home = tempfile::tempdir().unwrap();
    let root = with_another_function(home.path());
    edit(&root.join("gate.toml"), "[verdict]", "pin_layout = false\n[verdict]");
    let (_, out, err) = gate(&root, &["ab"]);
    assert_eq!(layouts(&root), []);
    assert!(!out.contains("layout-free") && !err.contains("the same address"), "{out}{err}");

    edit(&root.join("gate.toml"), "pin_layout = false\n", "");
    let manifest = root.join("Cargo.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    std::fs::write(&manifest, format!("{text}\n[profile.bench]\nstrip = true\n")).unwrap();
    super::repository::git(&root, &["commit", "-q", "-m", "stripped", "Cargo.toml"]);
    let (_, out, err) = gate(&root, &["ab", "--base", "HEAD"]);
    let [layout] = &layouts(&root)[..] else { panic!("one bench target: {out}{err}") };
    assert!(layout.reason.as_deref().unwrap().contains("strip"), "{layout:?}");
    assert!(out.contains("layout-free"), "{out}");
}
