//! The package's promises to its users.

use std::collections::BTreeSet;
use std::process::Command;

use cargo_metadata::MetadataCommand;

/// The platform of the lists. cargo then does not need packages for other platforms, so
/// a fresh machine has all packages once it has built the tests.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

/// Names of the packages in a package's dependency tree, itself included.
fn tree(package: &str, edges: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--package", package, "--edges", edges, "--target", PLATFORM])
        .args(["--prefix", "none", "--format", "{p}", "--locked"])
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
fn installing_the_gate_compiles_the_listed_packages_and_no_others() {
    let listed: BTreeSet<String> =
        include_str!("../light-packages.txt").lines().map(str::to_owned).collect();
    let compiled = tree("benchgate", "normal,build");
    let new: Vec<_> = compiled.difference(&listed).collect();
    let gone: Vec<_> = listed.difference(&compiled).collect();
    assert!(
        new.is_empty() && gone.is_empty(),
        "`cargo install` compiles other packages than tests/light-packages.txt lists: new {new:?}, \
         gone {gone:?}; if that is intended, run `ci/light --update`"
    );
    for barred in ["tokio", "cc", "cmake", "openssl-sys"] {
        assert!(!listed.contains(barred), "the light gate must not need {barred}");
    }
}

#[test]
fn recording_a_metric_compiles_at_most_five_packages() {
    let mut packages = tree("benchgate-record", "normal");
    assert!(packages.remove("benchgate-record"), "the tree is that of the record: {packages:?}");
    assert!(packages.len() <= 5, "{packages:?}");
}

#[test]
fn the_stated_rust_version_suffices_for_every_dependency() {
    let metadata = MetadataCommand::new()
        .manifest_path(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        .other_options(["--locked", "--filter-platform", PLATFORM].map(str::to_owned))
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
