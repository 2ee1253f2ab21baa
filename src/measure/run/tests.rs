use std::os::unix::fs::PermissionsExt as _;

use super::*;
use std::time::Duration;

use crate::build::BuildOptions;
use crate::drive::{BenchExecutable, CriterionTimes, Silent, workers};

/// Counting executables that fail while others run are tried once more alone in each
/// run. In the end they are reported as not run, and the measurement succeeds.
#[test]
fn an_executable_that_fails_next_to_others_is_tried_again_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    let executables = ["one", "other"].map(|name| {
        let path = directory.path().join(name);
        std::fs::write(&path, "#!/bin/sh\necho started >>\"$0.starts\"\nexit 3\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        BenchExecutable::ready(path)
    });
    let plan = Plan {
        name: "test".to_owned(),
        executables: executables.to_vec(),
        commands: Vec::new(),
        not_run: Vec::new(),
        build: BuildOptions::default(),
        repeats: 2,
        filter: None,
        criterion: CriterionTimes {
            warm_up: Duration::from_millis(10),
            measurement: Duration::from_millis(20),
            samples: 10,
            resamples: 100,
        },
        counts: 0,
        uncounted: Vec::new(),
        time_limit: Duration::from_mins(1),
        scratch: directory.path().join("gate"),
        logs: None,
    };
    let prepared = plan.executables.iter().map(|executable| Prepared {
        executable,
        harness: Harness::IaiCallgrind,
        subject: executable.target.name.clone(),
        listed: None,
        whole_seconds: false,
        set_up: Duration::ZERO,
        time_limit: plan.time_limit,
    });
    let prepared: Vec<_> = prepared.collect();
    let interrupt = Interrupt::new();
    let mut results = Runs {
        plan: &plan,
        driver: Driver::new(&plan.scratch, None, &interrupt).expect("scratch"),
        environment: Environment::default(),
        merge: Merge::default(),
        troubles: BTreeMap::new(),
        not_selected: BTreeSet::new(),
    };
    let mut runs = [0, 1].map(|_| RunInProgress::begin(Environment::default()));
    results.counting(&mut runs, &prepared, &mut Silent).expect("failing executables are reported");
    for bench in &prepared {
        let starts = directory.path().join(format!("{}.starts", bench.subject));
        let starts = std::fs::read_to_string(starts).expect("the executable was started");
        let attempts = if workers(2) > 1 { 2 } else { 1 };
        assert_eq!(starts.lines().count(), 2 * attempts, "{}", bench.subject);
        assert_eq!(results.troubles[&bench.subject].runs, 2);
    }
    assert_eq!(results.finish(&prepared).1.len(), 2);
}
