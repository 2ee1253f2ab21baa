//! Code that a benchmark can reach and that does not run while it is counted: chosen by the
//! processor's features, taken in few iterations, or behind a table.

use std::collections::BTreeSet;
use std::path::Path;

use benchgate::judge::{Outcome, Row};

use super::large::{clocks, report};
use super::repository::{edit, of};

/// The benchmarks whose clocks were measured after these changes of the library, and the
/// others.
fn measured(root: &Path, changes: &[(&str, &str)]) -> (BTreeSet<String>, BTreeSet<String>) {
    let library = root.join("src/lib.rs");
    let base = std::fs::read_to_string(&library).unwrap();
    for (from, to) in changes {
        edit(&library, from, to);
    }
    let (_, report) = report(root, &[]);
    std::fs::write(&library, base).unwrap();
    for row in report.rows.iter().filter(|row| row.metric == "instructions") {
        // Otherwise the counts alone would have found the change.
        let change = row.change.map(|change| change.estimate);
        assert!(change == Some(0.0) || row.id == "alone", "{}: {change:?}", row.id);
    }
    let (measured, others): (Vec<&Row>, Vec<&Row>) =
        clocks(&report).into_values().partition(|row| row.candidate.is_some());
    for row in &others {
        assert_eq!(row.judgement.as_ref().unwrap().outcome, Outcome::Unchanged, "{}", row.id);
    }
    let names = |rows: Vec<&Row>| rows.into_iter().map(|row| row.id.clone()).collect();
    (names(measured), names(others))
}

fn set(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

// Only LLVM's linker, on this platform, says what each function refers to.
#[cfg(all(target_arch = "x86_64", target_os = "linux"))]
#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn a_path_that_the_counting_run_does_not_take_is_not_the_same_code() {
    let home = tempfile::tempdir().unwrap();
    let root = &of("paths", home.path());

    // A function that one benchmark reaches: the others are not measured.
    let (clocks, same) = measured(root, &[(" alone 1 1;", " alone 1 9;")]);
    assert_eq!(clocks, set(&["alone"]), "same: {same:?}");

    // Slow paths, each of a benchmark of its own. The counts do not show any of them.
    let changes = [
        (" wide 3 1;", " wide 3 9;"),
        (" seldom 6 1;", " seldom 6 9;"),
        (" native 8 1;", " native 8 9;"),
        (" second 10 1;", " second 10 9;"),
        (".fold(2, ", ".fold(3, "),
        (" explicit 11 1;", " explicit 11 9;"),
    ];
    let (clocks, same) = measured(root, &changes);
    let all = ["amortize", "chosen", "detect", "method", "table", "variable"];
    assert_eq!((clocks, same), (set(&all), set(&["alone", "other"])));

    // Another feature that Valgrind hides, on its own.
    let (clocks, same) = measured(root, &[(" hashing 4 1;", " hashing 4 9;")]);
    assert_eq!(clocks, set(&["detect"]), "same: {same:?}");
}
