//! Each side is built and run as `cargo bench` does it in a clean clone of that commit.
//!
//! Small projects are generated from a table of features, alone and combined. For each,
//! `cargo bench` runs in two clones elsewhere, and `gate ab` in the repository. The bench
//! writes down what its processes see. For each side, everything that a process of the
//! gate sees is then compared with what the process of `cargo bench` saw: all variables,
//! all files of the repository with their contents and modes, the files that the bench
//! opens, the programs that it starts, the libraries that it loads; and the code of all of
//! these, byte by byte.

mod compare;
mod feature;
mod features;
mod project;
mod sources;

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use benchgate::model::{Sides, TrialSide};

use compare::{Run, differences};
use features::{COMBINED, FEATURES};
use project::Project;

/// Names the projects that are to be tried, with semicolons between them. Without it all are.
const ONLY: &str = "DIFFERENTIAL_PROJECTS";

/// Projects that are made at a time: cargo itself uses more than one core at times.
const THREADS: usize = 2;

#[test]
fn each_side_is_what_cargo_bench_gives_in_a_clean_clone() {
    let alone = FEATURES.iter().filter(|feature| feature.alone).map(|feature| vec![feature.name]);
    let mut projects: Vec<Vec<&str>> =
        alone.chain(COMBINED.iter().map(|names| names.to_vec())).collect();
    assert!(projects.len() >= 40);
    if let Ok(wanted) = std::env::var(ONLY) {
        projects.retain(|names| wanted.split(';').any(|name| *name == names.join(" + ")));
        assert!(!projects.is_empty(), "{ONLY} names no project");
    }
    let next = AtomicUsize::new(0);
    let found = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Some(names) = projects.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = std::panic::catch_unwind(|| compared(names));
                    let differences = result.unwrap_or_else(|panic| {
                        let text = panic.downcast_ref::<String>().cloned();
                        vec![text.unwrap_or_else(|| "panicked".to_owned())]
                    });
                    found.lock().unwrap().extend(differences);
                }
            });
        }
    });
    let found = found.into_inner().unwrap();
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

/// Builds and runs a project both ways; what differs.
fn compared(names: &[&str]) -> Vec<String> {
    let home = tempfile::tempdir().unwrap();
    let project = Project::create(names, home.path());
    let reports = |name: &str| {
        let directory = home.path().join("reports").join(name);
        std::fs::create_dir_all(&directory).unwrap();
        directory
    };
    let clones = Sides::from_fn(|side| {
        let root = project.clone_side(side);
        let reports = reports(side.as_str());
        project.bench(&root, &reports);
        Run::of_clone(&reports, &root, &project.target())
    });
    let reports = reports("gate");
    project.gate(&reports);
    let gate = Run::of_gate(&reports, &project.root(), &project.target());
    TrialSide::ALL
        .into_iter()
        .flat_map(|side| differences(&project, side, &clones[side], &gate))
        .collect()
}
