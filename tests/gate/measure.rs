//! Driving real bench executables: a small criterion project, which is built once, and
//! shell scripts that misbehave.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use benchgate::measure::{
    BenchExecutable, BuildError, BuildOptions, Built, CriterionTimes, Event, Filter, Harness,
    Interrupt, Listing, MeasureError, Plan, Progress, Silent, build, list, run,
};
use benchgate::model::{AllocatorCount, Field, Measurement, Reading, Snapshot};

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

fn options(project: &str) -> BuildOptions {
    BuildOptions {
        directory: Some(fixture(&format!("projects/{project}"))),
        target_dir: Some(Path::new(env!("CARGO_TARGET_TMPDIR")).join(project)),
        locked: true,
        quiet: true,
        ..BuildOptions::default()
    }
}

/// The tiny project, built once for all tests.
static TINY: LazyLock<Built> = LazyLock::new(|| {
    build(&options("tiny"), &Interrupt::new(), &mut Silent).expect("the tiny project builds")
});

fn tiny(target: &str) -> BenchExecutable {
    let found = TINY.executables.iter().find(|bench| bench.target.name == target);
    found.expect("the tiny project has that target").clone()
}

fn script(name: &str) -> BenchExecutable {
    BenchExecutable::ready(fixture(&format!("executables/{name}.sh")))
}

/// A scratch directory, and a plan that uses it.
fn plan(executables: Vec<BenchExecutable>) -> (tempfile::TempDir, Plan) {
    let directory = tempfile::tempdir().expect("a directory");
    let plan = Plan {
        uncounted: Vec::new(),
        name: "test".to_owned(),
        executables,
        commands: Vec::new(),
        not_run: Vec::new(),
        build: options("tiny"),
        repeats: 1,
        filter: None,
        criterion: CriterionTimes {
            warm_up: Duration::from_millis(10),
            measurement: Duration::from_millis(20),
            samples: 10,
            resamples: 100,
        },
        counts: 0,
        time_limit: Duration::from_mins(2),
        scratch: directory.path().join("gate"),
        logs: None,
    };
    (directory, plan)
}

fn measure(plan: &Plan) -> Result<Snapshot, MeasureError> {
    let result = run(plan, &Interrupt::new(), &mut Silent);
    assert_eq!(entries(&plan.scratch), Vec::<PathBuf>::new(), "a scratch directory was left");
    result
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.expect("readable").path()).collect()
}

/// The names of benchmarks that have times.
fn timed(snapshot: &Snapshot) -> Vec<&str> {
    let times =
        snapshot.measurements.iter().filter(|measurement| measurement.metric.name == "time");
    times.map(|measurement| measurement.id.name.as_str()).collect()
}

fn not_run(snapshot: &Snapshot) -> Vec<(&str, &str)> {
    snapshot
        .not_run
        .iter()
        .map(|skipped| (skipped.subject.as_str(), skipped.reason.as_str()))
        .collect()
}

fn reading<'a>(snapshot: &'a Snapshot, name: &str, metric: &str) -> &'a Measurement {
    let found = snapshot
        .measurements
        .iter()
        .find(|measurement| measurement.id.name == name && measurement.metric.name == metric);
    found.unwrap_or_else(|| panic!("{name} has no {metric}"))
}

fn values(measurement: &Measurement) -> Vec<f64> {
    let value = |reading: &Reading| match reading {
        Reading::Value(value) => *value,
        other => panic!("not a value: {other:?}"),
    };
    measurement.runs.iter().map(|run| value(&run.reading)).collect()
}

/// Whether a process has ended, or is a zombie that waits for its parent.
fn gone(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit(") ").next().and_then(|rest| rest.chars().next());
    stat.is_empty() || matches!(state, Some('Z' | 'X'))
}

#[test]
fn cargo_builds_the_bench_targets_and_missing_features_are_reported() {
    let targets: Vec<_> =
        TINY.executables.iter().map(|executable| executable.target.to_string()).collect();
    let expected = ["empty", "heap", "kinds", "moody", "plain", "sums"];
    assert_eq!(targets, expected.map(|target| format!("tiny/{target}")));
    assert!(TINY.executables.iter().all(|bench| bench.path.is_file()));
    assert_eq!(TINY.target_directory, Path::new(env!("CARGO_TARGET_TMPDIR")).join("tiny"));
    let left_out: Vec<_> = TINY.not_run.iter().map(|skipped| skipped.subject.as_str()).collect();
    assert_eq!(left_out, ["optional"]);
    assert_eq!(
        TINY.not_run[0].reason,
        "needs features that are off; add `--features more` to measure it"
    );
    let harness = |target| Harness::detect(&tiny(target).path).expect("readable");
    assert_eq!(harness("sums"), Some(Harness::Criterion));
    assert_eq!(harness("plain"), None);
}

#[test]
fn one_bench_target_is_built_by_name_and_a_wrong_name_fails() {
    LazyLock::force(&TINY);
    let mut options = options("tiny");
    options.benches = vec!["sums".to_owned()];
    let mut compiled = Compiled::default();
    let built = build(&options, &Interrupt::new(), &mut compiled).expect("it builds");
    assert_eq!(built.executables, [tiny("sums")]);
    assert!(built.not_run.is_empty(), "other targets are reported as not run");
    assert!(compiled.0.contains("sums") && compiled.0.contains("criterion"), "{compiled:?}");

    options.benches = vec!["nothing".to_owned()];
    let error = build(&options, &Interrupt::new(), &mut Silent).expect_err("no such target");
    assert!(matches!(error, BuildError::Failed { .. }), "{error}");
    let message = error.to_string();
    assert!(message.contains(" --bench nothing "), "{message}");
    assert!(message.contains("` failed (exit status 101): cargo's messages above"), "{message}");
}

#[derive(Debug, Default)]
struct Compiled(BTreeSet<String>);

impl Progress for Compiled {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Compiled { target, .. } = event {
            self.0.insert((*target).to_owned());
        }
    }
}

#[test]
fn a_project_without_benches_is_an_error_with_a_remedy() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(directory.path().join("src")).expect("made");
    std::fs::write(directory.path().join("src/lib.rs"), "").expect("written");
    std::fs::write(
        directory.path().join("Cargo.toml"),
        "[package]\nname = \"bare\"\nedition = \"2024\"\n[workspace]\n",
    )
    .expect("written");
    let options = BuildOptions {
        directory: Some(directory.path().to_owned()),
        target_dir: Some(directory.path().join("target")),
        quiet: true,
        ..BuildOptions::default()
    };
    let error = build(&options, &Interrupt::new(), &mut Silent).expect_err("no benches");
    assert!(matches!(error, BuildError::NoBenches { .. }), "{error}");
    assert!(error.to_string().contains("add a `[[bench]]` with `harness = false`"), "{error}");
}

#[test]
fn executables_list_their_benchmarks() {
    let listed = |filter: Option<&Filter>| {
        let limit = Duration::from_mins(1);
        match list(&tiny("sums"), Harness::Criterion, filter, limit, &Interrupt::new()) {
            Ok(Listing::Benchmarks { listed, whole_seconds: false, .. }) => {
                listed.into_iter().map(|listed| listed.name).collect::<Vec<_>>()
            }
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(listed(None), ["sum/ten", "sum/a hundred: more", "tens"]);
    assert_eq!(listed(Some(&Filter::exactly("sum/ten"))), ["sum/ten"]);
}

#[test]
fn each_repeat_is_a_fresh_process_in_its_package_directory() {
    let (directory, mut plan) = plan(vec![tiny("sums"), tiny("moody")]);
    plan.repeats = 3;
    plan.logs = Some(directory.path().join("logs"));
    let mut seen = Seen::default();
    let snapshot = run(&plan, &Interrupt::new(), &mut seen).expect("it is measured");

    assert_eq!(snapshot.runs.len(), 3);
    assert_eq!(timed(&snapshot), ["first", "second", "sum/a hundred: more", "sum/ten", "tens"]);
    for measurement in &snapshot.measurements {
        let runs: Vec<_> = measurement.runs.iter().map(|run| run.run).collect();
        assert_eq!(runs, [0, 1, 2], "{}", measurement.id);
    }
    let pids = values(reading(&snapshot, "process", "pid"));
    let distinct: BTreeSet<u64> = pids.iter().map(|pid| pid.to_bits()).collect();
    assert_eq!(distinct.len(), 3, "{pids:?}");
    assert_eq!(values(reading(&snapshot, "process", "at_home")), [1.0, 1.0, 1.0]);

    // The process's own record, once.
    assert_eq!(not_run(&snapshot), [("sums/redis", "none found")]);
    for run in &snapshot.runs {
        assert_eq!(run.environment.get(Field::Services), Some("abacus 1.0"));
        assert!(run.seconds.is_some_and(|seconds| seconds > 0.0));
        assert!(run.started.is_some());
    }
    let ten = reading(&snapshot, "sum/ten", "time");
    assert_eq!(ten.id.qualified(), "tiny/sums::sum/ten");
    assert!(matches!(&ten.runs[0].reading, Reading::Samples { samples, .. }
        if samples.totals().len() == 10));

    assert_eq!(seen.planned, Some((6, 15)));
    // Round robin: every target in each run before the next run.
    assert_eq!(seen.started, ["0 sums", "0 moody", "1 sums", "1 moody", "2 sums", "2 moody"]);
    assert_eq!(seen.begun[..3], ["sum/ten", "sum/a hundred: more", "tens"]);
    assert_eq!(seen.begun.len(), 15);
    assert_eq!(seen.failures, Vec::<String>::new());
    assert_eq!(entries(&directory.path().join("logs")).len(), 6);
    assert_eq!(entries(&plan.scratch), Vec::<PathBuf>::new());
}

#[derive(Default)]
struct Seen {
    planned: Option<(usize, usize)>,
    started: Vec<String>,
    begun: Vec<String>,
    failures: Vec<String>,
}

impl Progress for Seen {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { processes, steps } => self.planned = Some((*processes, *steps)),
            Event::ProcessStarted { run, target, .. } => {
                self.started.push(format!("{run} {target}"));
            }
            Event::Benchmark { id } => self.begun.push((*id).to_owned()),
            Event::ProcessEnded { failure: Some(failure), .. } => {
                self.failures.push((*failure).to_owned());
            }
            _ => {}
        }
    }
}

#[test]
fn filters_select_benchmarks_and_skip_executables() {
    let (_directory, mut plan) = plan(vec![tiny("sums"), tiny("moody")]);
    plan.filter = Some(Filter::matching("^sum/").expect("a pattern"));
    let snapshot = measure(&plan).expect("it is measured");
    assert_eq!(timed(&snapshot), ["sum/a hundred: more", "sum/ten"]);

    plan.filter = Some(Filter::exactly("sum/a hundred: more"));
    assert_eq!(timed(&measure(&plan).expect("it is measured")), ["sum/a hundred: more"]);

    plan.filter = Some(Filter::exactly("sum/a hundred"));
    let error = measure(&plan).expect_err("nothing has that name");
    assert!(matches!(error, MeasureError::NothingMatched { .. }), "{error}");
}

#[test]
fn a_script_that_execs_a_criterion_executable_is_measured_like_it() {
    let mut through = script("passes-on");
    through.directory = tiny("moody").directory;
    through.environment.insert("BENCH".into(), tiny("moody").path.into());
    let (_directory, plan) = plan(vec![through]);
    let snapshot = measure(&plan).expect("it is measured");
    assert_eq!(timed(&snapshot), ["first", "second"]);
    assert_eq!(snapshot.measurements[0].id.qualified(), "passes-on::first");
}

#[test]
fn a_crash_loses_only_the_rest_of_its_own_target() {
    for (mood, ended) in [("panic", "exit status 101"), ("abort", "signal 6 (SIGABRT)")] {
        let mut moody = tiny("moody");
        moody.environment.insert("TINY_MOOD".into(), mood.into());
        let (_directory, mut plan) = plan(vec![moody, tiny("sums")]);
        plan.repeats = 2;
        let snapshot = measure(&plan).expect("the rest is measured");
        assert_eq!(timed(&snapshot), ["first", "sum/a hundred: more", "sum/ten", "tens"]);
        let (subject, reason) = not_run(&snapshot)[0];
        assert_eq!(subject, "moody");
        let start = format!("in 2 of 2 runs: its process ended with {ended}; it printed last: ");
        assert!(reason.starts_with(&start), "{reason}");
        if mood == "panic" {
            assert!(reason.contains("out of sorts"), "{reason}");
        }
    }
}

#[test]
fn a_hang_ends_at_the_time_limit_and_is_not_repeated() {
    let mut moody = tiny("moody");
    moody.environment.insert("TINY_MOOD".into(), "hang".into());
    let (_directory, mut plan) = plan(vec![moody]);
    plan.repeats = 3;
    plan.time_limit = Duration::from_secs(2);
    let mut seen = Seen::default();
    let snapshot = run(&plan, &Interrupt::new(), &mut seen).expect("the first is measured");
    assert_eq!(timed(&snapshot), ["first"]);
    let (subject, reason) = not_run(&snapshot)[0];
    assert_eq!(subject, "moody");
    let start =
        "in 1 of 3 runs, the others skipped: its process ended with time limit of 2 s reached; ";
    assert!(reason.starts_with(start), "{reason}");
    assert_eq!(seen.started, ["0 moody"]);
}

#[test]
fn executables_without_benchmarks_are_reported_and_an_empty_run_is_an_error() {
    let missing = BenchExecutable::ready(fixture("executables/missing"));
    let (_directory, mut plan) = plan(vec![
        script("crashes"),
        script("fails"),
        script("garbage"),
        script("hangs-at-once"),
        tiny("empty"),
        tiny("plain"),
        missing,
    ]);
    plan.time_limit = Duration::from_secs(2);
    let Err(MeasureError::NothingMeasured { not_run }) = measure(&plan) else {
        panic!("nothing can have been measured")
    };
    let found: Vec<_> =
        not_run.iter().map(|skipped| (skipped.subject.as_str(), skipped.reason.as_str())).collect();
    let expected = [
        ("crashes", "its process ended with signal 6 (SIGABRT); it printed last: "),
        ("empty", "it lists no benchmarks"),
        ("fails", "its process ended with exit status 3; it printed last: unknown option: --bench"),
        ("garbage", "its process succeeded but wrote no results; it printed last: "),
        (
            "hangs-at-once",
            "listing its benchmarks ended with time limit of 2 s reached; it printed nothing",
        ),
        ("missing", "failed to open file `"),
        ("plain", "unsupported harness; the gate can run "),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for ((subject, reason), (expected_subject, start)) in found.iter().zip(expected) {
        assert_eq!(*subject, expected_subject);
        assert!(reason.starts_with(start), "{subject}: {reason}");
        assert!(!reason.contains('\u{1b}'), "{subject}: {reason}");
    }
    // Next to a working executable, the others are listed as not run.
    plan.executables.push(tiny("moody"));
    let snapshot = measure(&plan).expect("one is measured");
    assert_eq!(timed(&snapshot), ["first", "second"]);
    assert_eq!(snapshot.not_run.len(), 7);
}

#[test]
fn a_plan_that_cannot_be_carried_out_is_refused() {
    let (_directory, mut plan) = plan(vec![tiny("moody")]);
    plan.criterion.samples = 9;
    let error = measure(&plan).expect_err("too few samples");
    assert_eq!(
        error.to_string(),
        "nothing can be measured this way: 9 samples: criterion takes no less than 10"
    );
    plan.criterion.samples = 10;
    plan.repeats = 0;
    assert!(matches!(measure(&plan), Err(MeasureError::Plan(_))));
    plan.repeats = 1;
    plan.executables.clear();
    assert!(matches!(measure(&plan), Err(MeasureError::Plan(_))));
}

/// Sends this process a real SIGINT as soon as a benchmark has begun.
struct Impatient;

impl Progress for Impatient {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Benchmark { .. } = event {
            let own = rustix::process::getpid();
            rustix::process::kill_process(own, rustix::process::Signal::INT).expect("sent");
        }
    }
}

#[test]
fn sigint_leaves_no_process_and_no_scratch() {
    let interrupt = Interrupt::install().expect("signals are handled");
    let mut hangs = script("hangs");
    let (directory, mut plan) = plan(Vec::new());
    let pids = directory.path().join("pids");
    hangs.environment.insert("PIDS".into(), pids.clone().into());
    plan.executables = vec![hangs];
    plan.repeats = 5;
    let error = run(&plan, &interrupt, &mut Impatient).expect_err("interrupted");
    assert!(matches!(error, MeasureError::Interrupted { signal: 2 }), "{error}");
    assert_eq!(interrupt.signal(), Some(2));
    let pids = std::fs::read_to_string(pids).expect("the script ran");
    let pids: Vec<&str> = pids.split_whitespace().collect();
    assert_eq!(pids.len(), 2, "one process and its child, started once");
    // An orphan is reaped by its new parent, a moment after it was killed.
    while !pids.iter().all(|pid| gone(pid)) {
        std::thread::yield_now();
    }
    assert_eq!(entries(&plan.scratch), Vec::<PathBuf>::new());
}

#[test]
fn the_record_of_an_executable_without_benchmarks_is_the_reason() {
    let (_directory, plan) = plan(vec![tiny("sums"), script("finds-nothing")]);
    let snapshot = measure(&plan).expect("the other one is measured");
    let reason = "no abacus; buy one; other: in two: parts";
    assert_eq!(not_run(&snapshot), [("finds-nothing", reason), ("sums/redis", "none found")]);
}

#[test]
#[ignore = "needs valgrind and iai-callgrind-runner: scripts/test installs them"]
fn instructions_are_counted_through_valgrind() {
    let options = options("counted");
    let built = build(&options, &Interrupt::new(), &mut Silent).expect("it builds");
    let executable = &built.executables[0];
    assert_eq!(Harness::detect(&executable.path).expect("readable"), Some(Harness::IaiCallgrind));
    let (_directory, mut plan) = plan(built.executables);
    plan.build = options;
    plan.repeats = 4;
    let snapshot = measure(&plan).expect("it is counted");
    assert_eq!(not_run(&snapshot), Vec::<(&str, &str)>::new());
    assert_eq!(snapshot.runs.len(), 4);
    // A count that has repeated once is not counted again.
    let ten = values(reading(&snapshot, "sums::sum ten", "instructions"));
    let hundred = values(reading(&snapshot, "sums::sum hundred", "instructions"));
    assert_eq!((ten.len(), hundred.len()), (2, 2));
    assert_eq!(ten[0].to_bits(), ten[1].to_bits(), "equal programs have different counts");
    assert!(hundred[0] > ten[0] && ten[0] > 0.0);
    // It got the options by which the allocator can be charged.
    let ten = snapshot.measurements.iter().find(|it| it.id.name == "sums::sum ten");
    let costs = ten.and_then(|it| it.costs.as_ref()).expect("callgrind's own file was read");
    assert_eq!((costs.allocator, costs.system_calls), (AllocatorCount::Charged, false));
    assert_eq!(values(reading(&snapshot, "sums::sum ten", "allocations"))[0].to_bits(), 0);
    let environment = &snapshot.runs[0].environment;
    assert!(environment.get(Field::Valgrind).is_some_and(|text| text.starts_with("valgrind-")));
    assert_eq!(environment.get(Field::Runner), Some("iai-callgrind-runner 0.16.1"));

    plan.filter = Some(Filter::exactly("sums::sum ten"));
    let snapshot = measure(&plan).expect("it is counted");
    let names: BTreeSet<_> =
        snapshot.measurements.iter().map(|measurement| measurement.id.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["sums::sum ten"]));
}
