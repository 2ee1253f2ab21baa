//! Both sides are linked once more, so that what did not change lies alike.

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

/// The executables that cargo knows.
fn plain(root: &Path) -> [PathBuf; 2] {
    ["base", "head"].map(|side| {
        let place = root.join("target/gate").join(side).join("release/deps");
        let files = std::fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path());
        let mut found = files.filter(|path| {
            let name = path.file_name().unwrap().to_str().unwrap();
            name.starts_with("mimic-") && path.extension().is_none()
        });
        let executable = found.next().expect("it is put back");
        assert_eq!(found.next(), None);
        executable
    })
}

// There rustc links with LLVM's linker.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
fn functions_that_did_not_change_lie_alike_whatever_else_did() {
    let home = tempfile::tempdir().unwrap();
    let root = with_another_function(home.path());
    let (_, out, err) = gate(&root, &["ab"]);
    let [layout] = &layouts(&root)[..] else { panic!("one bench target: {out}{err}") };
    assert_eq!((layout.target.name.as_str(), layout.reason.as_deref()), ("mimic", None), "{err}");
    assert!(layout.functions > 300, "{layout:?}");
    assert!(err.contains("unchanged functions have the same address on both sides"), "{err}");
    // It is the link that does it: as cargo built them they lie elsewhere.
    let [base, head] = plain(&root);
    let Agreement { functions, same } = agreement(&base, &head).unwrap();
    assert!(!Agreement { functions, same }.is_pinned(), "{same} of {functions}");

    // What cargo built was put back: nothing is built again, nor linked.
    let (_, _, err) = gate(&root, &["ab"]);
    assert!(!err.contains("Compiling"), "{err}");
    // Back at the base, with a remark: the code is still known to be the same.
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
fn what_a_killed_gate_left_half_linked_is_linked_anew() {
    let home = tempfile::tempdir().unwrap();
    let root = with_another_function(home.path());
    gate(&root, &["ab"]);
    // Killed after cargo had linked the base again: that lies where the plain one did.
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
fn it_can_be_turned_off_and_what_cannot_be_pinned_is_said() {
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
