//! Instructions in the snapshot of a run, and a run without Valgrind.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use benchgate::measure::{
    BenchExecutable, CriterionTimes, Event, Interrupt, Plan, Progress, Silent, run,
};
use benchgate::model::{Field, NotRunKind, Reading, Snapshot};
use benchgate::policy::Policy;

use super::{LIMIT, TINY, fixture, options, target_directory, tiny};

fn plan(directory: &Path, executables: Vec<BenchExecutable>, repeats: u32) -> Plan {
    Plan {
        name: "test".to_owned(),
        executables,
        commands: Vec::new(),
        not_run: Vec::new(),
        build: options(),
        repeats,
        filter: None,
        criterion: CriterionTimes {
            warm_up: Duration::from_millis(10),
            measurement: Duration::from_millis(20),
            samples: 10,
            resamples: 100,
        },
        counts: 2,
        uncounted: Vec::new(),
        time_limit: LIMIT,
        scratch: directory.join("gate"),
        logs: None,
    }
}

/// `name: run=count …` of each row of instructions.
fn instructions(snapshot: &Snapshot) -> BTreeMap<String, Vec<(u32, f64)>> {
    let rows = snapshot.measurements.iter().filter(|row| row.metric.name == "instructions");
    rows.map(|row| {
        let readings = row.runs.iter().map(|run| match run.reading {
            Reading::Value(value) => (run.run, value),
            _ => panic!("{row:?}"),
        });
        (row.id.qualified(), readings.collect())
    })
    .collect()
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn a_run_counts_the_benchmarks_that_have_a_time() {
    let directory = tempfile::tempdir().expect("a directory");
    let abort = tiny("moody", &[("TINY_MOOD", "abort")]);
    let mut events = Events::default();
    let plan = plan(directory.path(), vec![tiny("sums", &[]), abort], 3);
    let snapshot = run(&plan, &Interrupt::new(), &mut events).expect("it is measured");
    let found = instructions(&snapshot);
    let names: Vec<_> = found.keys().map(String::as_str).collect();
    // The benchmark that aborted has neither a time nor a count.
    assert_eq!(
        names,
        [
            "tiny/moody::first",
            "tiny/sums::sum/a hundred: more",
            "tiny/sums::sum/ten",
            "tiny/sums::tens"
        ]
    );
    for (name, readings) in &found {
        let [(0, first), (1, second)] = readings[..] else { panic!("{name}: {readings:?}") };
        assert_eq!(first, second, "{name}");
    }
    let ten = found["tiny/sums::sum/ten"][0].1;
    assert!(found["tiny/sums::sum/a hundred: more"][0].1 > ten && ten > 10.0);
    let counted = snapshot
        .measurements
        .iter()
        .find(|row| row.metric.name == "instructions" && row.id.name == "tens");
    let costs = counted.and_then(|counted| counted.costs.as_ref()).expect("costs of functions");
    assert_eq!((costs.threads, costs.total as f64), (1, found["tiny/sums::tens"][0].1));
    assert!(costs.functions["tiny::sum"] > 20, "{costs:?}");
    let environment = snapshot.environment();
    let valgrind = environment.get(Field::Valgrind);
    assert!(valgrind.is_some_and(|version| version.starts_with("valgrind-")), "{valgrind:?}");
    assert_eq!((events.planned, events.started, events.ended), (4, 4, 4));

    // At most as many counts as runs, and none if counting is off.
    let mut plan = plan;
    (plan.executables, plan.repeats) = (vec![tiny("moody", &[])], 1);
    let once = run(&plan, &Interrupt::new(), &mut Silent).expect("it is measured");
    assert!(instructions(&once).values().all(|readings| readings.len() == 1), "{once:?}");
    plan.counts = 0;
    let none = run(&plan, &Interrupt::new(), &mut Silent).expect("it is measured");
    assert_eq!(instructions(&none).len(), 0);
    assert_eq!(none.environment().get(Field::Valgrind), None);
    assert_eq!(none.not_run, []);
}

#[derive(Default)]
struct Events {
    planned: usize,
    started: usize,
    ended: usize,
}

impl Progress for Events {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::CountingPlanned { benchmarks } => self.planned += benchmarks,
            Event::CountStarted { .. } => self.started += 1,
            Event::CountEnded { .. } => self.ended += 1,
            _ => {}
        }
    }
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn benchmarks_that_cannot_be_counted_share_a_reason_and_keep_their_times() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut script = BenchExecutable::ready(fixture("executables/starts-apart.sh"));
    script.environment.insert("BENCH".into(), tiny("moody", &[]).path.into());
    let plan = plan(directory.path(), vec![script], 1);
    let snapshot = run(&plan, &Interrupt::new(), &mut Silent).expect("it is measured");
    let names: Vec<_> = snapshot.measurements.iter().map(|row| row.id.name.as_str()).collect();
    assert_eq!(names, ["first", "second"]);
    let [not_run] = snapshot.not_run.as_slice() else { panic!("{:?}", snapshot.not_run) };
    assert_eq!(not_run.kind, NotRunKind::Skipped);
    assert_eq!(not_run.subject, "instructions of starts-apart");
    let start = "not counted for first, second: nothing was counted: ";
    assert!(not_run.reason.starts_with(start), "{}", not_run.reason);
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn benchmarks_that_the_policy_excludes_are_not_counted_and_are_listed() {
    let directory = tempfile::tempdir().expect("a directory");
    let mut plan = plan(directory.path(), vec![tiny("moody", &[])], 1);
    let text = "version = 1\n[measure]\nuncounted = [\"sec*\", \"elsewhere/**\"]\n";
    let policy = Policy::parse(text, Path::new("gate.toml")).expect("it is valid");
    plan.uncounted = policy.measure.uncounted;
    let snapshot = run(&plan, &Interrupt::new(), &mut Silent).expect("it is measured");
    let counted = instructions(&snapshot);
    let counted: Vec<_> = counted.keys().collect();
    assert_eq!(counted, ["tiny/moody::first"]);
    let not_run: Vec<_> = snapshot
        .not_run
        .iter()
        .map(|skipped| (skipped.subject.as_str(), skipped.reason.as_str()))
        .collect();
    let reason = "not counted for second: `uncounted` under [measure] names them";
    assert_eq!(not_run, [("instructions of moody", reason)]);
}

/// The whole command with only cargo and rustc on PATH.
#[test]
fn without_valgrind_times_are_used_alone_and_the_report_says_so() {
    LazyLock::force(&TINY);
    let cargo = std::env::var_os("CARGO").expect("cargo runs the tests");
    let toolchain = Path::new(&cargo).parent().expect("cargo's directory");
    assert!(!toolchain.join("valgrind").exists());
    let directory = tempfile::tempdir().expect("a directory");
    let policy = directory.path().join("gate.toml");
    std::fs::write(
        &policy,
        "version = 1\n[measure]\nrepeat = 1\nwarm_up = \"10ms\"\ntime = \"20ms\"\nsamples = 10\n",
    )
    .expect("written");
    let output = Command::new(crate::GATE)
        .args(["run", "--bench", "moody", "--format", "json", "--config"])
        .arg(&policy)
        .current_dir(fixture("projects/tiny"))
        .env("CARGO_TARGET_DIR", target_directory())
        .env("PATH", toolchain)
        .output()
        .expect("it runs");
    let stdout = String::from_utf8_lossy(&output.stdout);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let report: serde_json::Value =
        serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"));
    let text = report.to_string();
    assert!(text.contains("instructions are not counted: valgrind is not installed"), "{text}");
    let rows = report["rows"].as_array().expect("rows");
    let metrics: Vec<_> = rows.iter().filter_map(|row| row["metric"].as_str()).collect();
    assert_eq!(metrics, ["time", "time"], "{text}");
}
