//! What the package promises to those who install it.

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::MetadataCommand;

/// Names of the packages that `cargo install` compiles.
fn installed() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .args(["--target", "all", "--locked", "--offline"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout)
        .expect("package names are text")
        .lines()
        .filter_map(|line| line.split(' ').next().map(str::to_owned))
        .collect()
}

#[test]
fn installing_the_gate_compiles_no_part_of_the_suite() {
    let installed = installed();
    assert!(installed.contains("clap"), "the list is that of the gate: {installed:?}");
    for part in ["redis", "moka", "ort", "ort-tract", "axum", "hyper", "sqlx", "tokio"] {
        assert!(!installed.contains(part), "{part} would be compiled by `cargo install`");
    }
}

#[test]
fn the_stated_rust_version_is_enough_for_every_dependency() {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(["--locked".to_owned(), "--offline".to_owned()])
        .exec()
        .expect("cargo metadata");
    let ours = metadata.root_package().expect("a package");
    let stated = ours.rust_version.clone().expect("rust-version is stated");
    for package in &metadata.packages {
        if let Some(needed) = &package.rust_version {
            assert!(*needed <= stated, "{} needs Rust {needed}, we state {stated}", package.name);
        }
    }
}
