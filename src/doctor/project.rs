//! The project: its bench targets, and results or directories of other code.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Check;
use crate::measure::SCRATCH_PREFIX;
use crate::model::ProblemKind;
use crate::project::Project;
use crate::sources::{STALE_GAP, Stale, criterion};

/// A measurement that started longer ago than this has ended, or was killed.
const ABANDONED: Duration = Duration::from_hours(24);

/// Checks the bench targets and the target directory.
pub fn project(project: &Project, now: SystemTime) -> Vec<Check> {
    vec![
        bench_targets(project),
        target_directory(project),
        criterion_results(&project.target_directory.join("criterion")),
        left_behind(&project.target_directory.join("gate"), now),
    ]
}

fn bench_targets(project: &Project) -> Check {
    const NAME: &str = "bench-targets";
    let refused: Vec<_> =
        project.benches.iter().filter(|bench| bench.driver.refusal().is_some()).collect();
    let all = project.benches.len();
    match (all, &refused[..]) {
        (0, _) => Check::problem(
            NAME,
            "there are no bench targets",
            "add a `[[bench]]` with `harness = false` that uses criterion or iai-callgrind",
        ),
        (_, []) => Check::ok(NAME, format!("{all}, all with a supported harness")),
        (_, [first, ..]) => {
            let names: Vec<_> =
                refused.iter().map(|bench| format!("{}/{}", bench.package, bench.target)).collect();
            let found =
                format!("{} of {all} cannot be measured: {}", refused.len(), names.join(", "));
            let why = first.driver.refusal().unwrap_or_default();
            let remedy = format!("{}: {why}", names[0]);
            if refused.len() == all {
                Check::problem(NAME, found, remedy)
            } else {
                Check::warning(NAME, found, remedy)
            }
        }
    }
}

fn target_directory(project: &Project) -> Check {
    const NAME: &str = "target-directory";
    let place = project.target_directory.display();
    if project.target_directory.starts_with(&project.root) {
        Check::ok(NAME, place.to_string())
    } else {
        Check::warning(
            NAME,
            format!("{place} is outside the project: another checkout may build into it as well"),
            "give each checkout its own directory: unset CARGO_TARGET_DIR and build.target-dir",
        )
    }
}

fn criterion_results(directory: &Path) -> Check {
    const NAME: &str = "criterion-results";
    if !directory.is_dir() {
        return Check::ok(NAME, "none");
    }
    let harvest = match criterion::read(directory, "new", None, Stale::Gap(STALE_GAP)) {
        Ok(harvest) => harvest,
        Err(error) => {
            let remedy = format!("rm -r {}", directory.display());
            return Check::warning(NAME, error.to_string(), remedy);
        }
    };
    let stale =
        harvest.problems.iter().filter(|problem| problem.kind == ProblemKind::Stale).count();
    let fresh = harvest.measurements.len();
    if stale == 0 {
        return Check::ok(NAME, format!("{fresh}, all of the same run"));
    }
    Check::warning(
        NAME,
        format!("{fresh} of the newest run and {stale} older, which may be of removed code"),
        format!("rm -r {}, and measure again", directory.display()),
    )
}

/// Scratch directories of measurements that were killed.
fn left_behind(directory: &Path, now: SystemTime) -> Check {
    const NAME: &str = "left-behind";
    let old = |entry: &std::fs::DirEntry| {
        let written = entry.metadata().and_then(|metadata| metadata.modified()).ok();
        written
            .and_then(|written| now.duration_since(written).ok())
            .is_some_and(|age| age > ABANDONED)
    };
    let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(SCRATCH_PREFIX))
        .filter(|entry| entry.path().is_dir() && old(entry))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    if names.is_empty() {
        return Check::ok(NAME, "nothing");
    }
    Check::warning(
        NAME,
        format!("{} from killed measurements: {}", names.len(), names.join(", ")),
        format!("rm -r {}/{SCRATCH_PREFIX}*, while nothing is being measured", directory.display()),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::fs::{self, FileTimes};

    use super::*;
    use crate::doctor::Status;
    use crate::measure::Harness;
    use crate::project::{Bench, Driver};

    fn made(root: &Path, target: &Path, drivers: &[Driver]) -> Project {
        let bench = |driver: &Driver| Bench {
            package: "p".to_owned(),
            target: "b".to_owned(),
            driver: *driver,
            required_features: Vec::new(),
            source: "benches/b.rs".into(),
        };
        Project {
            root: root.to_owned(),
            target_directory: target.to_owned(),
            needs_workspace: false,
            benches: drivers.iter().map(bench).collect(),
            locked: BTreeMap::new(),
        }
    }

    fn statuses(project: &Project, now: SystemTime) -> Vec<(String, Status)> {
        super::project(project, now).into_iter().map(|one| (one.name, one.status)).collect()
    }

    #[test]
    fn an_empty_project_and_a_shared_directory() {
        use Status::{Ok, Problem, Warning};

        let root = Path::new("/nowhere/p");
        let criterion = Driver::Known(Harness::Criterion);
        let of = |target: &str, drivers: &[Driver]| {
            let all = statuses(&made(root, Path::new(target), drivers), SystemTime::now());
            all.into_iter().map(|(_, status)| status).collect::<Vec<_>>()
        };
        assert_eq!(of("/nowhere/p/target", &[criterion]), [Ok, Ok, Ok, Ok]);
        assert_eq!(of("/nowhere/p/target", &[criterion, Driver::Divan]), [Warning, Ok, Ok, Ok]);
        assert_eq!(of("/nowhere/p/target", &[Driver::Libtest]), [Problem, Ok, Ok, Ok]);
        assert_eq!(of("/nowhere/shared", &[]), [Problem, Warning, Ok, Ok]);
    }

    #[test]
    fn results_of_several_runs_and_directories_of_killed_ones() {
        let root = tempfile::tempdir().expect("a directory");
        let target = root.path().join("target");
        let results = target.join("criterion");
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/criterion-0.8");
        let copy = |from: &str, to: &str| {
            let to = results.join(to).join("new");
            fs::create_dir_all(&to).expect("made");
            for entry in fs::read_dir(fixtures.join(from).join("new")).expect("there") {
                let entry = entry.expect("an entry");
                fs::write(to.join(entry.file_name()), fs::read(entry.path()).expect("read"))
                    .expect("written");
            }
            to
        };
        copy("plain", "plain");
        let gone = copy("sorting/7", "gone");
        fs::create_dir_all(target.join("gate/run-abc")).expect("made");
        let project = made(root.path(), &target, &[Driver::Known(Harness::Criterion)]);
        let all = |now| {
            statuses(&project, now)[2..].iter().map(|(_, status)| *status).collect::<Vec<_>>()
        };
        let now = SystemTime::now();
        assert_eq!(all(now), [Status::Ok, Status::Ok]);
        assert_eq!(all(now + 2 * ABANDONED), [Status::Ok, Status::Warning]);
        let then = FileTimes::new().set_modified(now - 4 * STALE_GAP);
        for entry in fs::read_dir(gone).expect("there") {
            let file = fs::File::options().append(true).open(entry.expect("an entry").path());
            file.expect("opened").set_times(then).expect("aged");
        }
        assert_eq!(all(now), [Status::Warning, Status::Ok]);
    }
}
