//! Instructions of real criterion benchmarks, counted by Valgrind.

mod run;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::time::Duration;

use benchgate::measure::{
    Basis, BenchExecutable, BuildOptions, Built, CountError, CountOptions, CountTarget, Counts,
    Event, Harness, Interrupt, Listed, Listing, MeasureError, Progress, Silent, Uncounted, Untimed,
    build, count, list,
};
use benchgate::model::{AllocatorCount, CountScope};
use benchgate::sources::callgrind_profile::differences;

fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)
}

fn options() -> BuildOptions {
    BuildOptions {
        directory: Some(fixture("projects/tiny")),
        target_dir: Some(target_directory()),
        locked: true,
        quiet: true,
        ..BuildOptions::default()
    }
}

fn target_directory() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("tiny")
}

/// The tiny project, built once for all tests.
static TINY: LazyLock<Built> = LazyLock::new(|| {
    build(&options(), &Interrupt::new(), &mut Silent).expect("the tiny project builds")
});

/// The project's benchmarks `kinds`, built in another way: with criterion inlined into
/// one unit, or with the oldest criterion.
fn kinds_of(project: &str, profile: Option<&str>) -> BenchExecutable {
    let options = BuildOptions {
        directory: Some(fixture("projects").join(project)),
        benches: vec!["kinds".to_owned()],
        profile: profile.map(str::to_owned),
        ..options()
    };
    let built = build(&options, &Interrupt::new(), &mut Silent).expect("it builds");
    built.executables.into_iter().next().expect("the target `kinds`")
}

fn with(mut executable: BenchExecutable, environment: &[(&str, &str)]) -> BenchExecutable {
    for (key, value) in environment {
        executable.environment.insert(OsString::from(key), OsString::from(value));
    }
    executable
}

fn tiny(target: &str, environment: &[(&str, &str)]) -> BenchExecutable {
    let found = TINY.executables.iter().find(|bench| bench.target.name == target);
    with(found.expect("the tiny project has that target").clone(), environment)
}

fn listed(names: &[&str]) -> Vec<Listed> {
    names.iter().map(|name| Listed { name: (*name).to_owned(), cut: false }).collect()
}

/// The outcomes by name.
type Outcomes = BTreeMap<String, Result<Counts, Uncounted>>;

/// Counts benchmarks of one executable; all listed benchmarks if `names` is empty.
fn counts(executable: &BenchExecutable, names: &[&str], time_limit: Duration) -> Outcomes {
    let interrupt = Interrupt::new();
    let mut benchmarks = listed(names);
    if names.is_empty() {
        let limit = Duration::from_mins(1);
        match list(executable, Harness::Criterion, None, limit, &interrupt) {
            Ok(Listing::Benchmarks { listed, .. }) => benchmarks = listed,
            other => panic!("{other:?}"),
        }
    }
    let target = CountTarget { executable, subject: "tiny", benchmarks };
    let directory = tempfile::tempdir().expect("a directory");
    let options = CountOptions {
        counts: 2,
        unsteady_counts: 3,
        time_limit,
        scratch: directory.path().to_owned(),
        profiles: true,
        until: None,
    };
    let counted = count(&[target], &options, &interrupt, &mut Silent).expect("it is counted");
    let left = std::fs::read_dir(directory.path()).expect("readable").count();
    assert_eq!(left, 0, "scratch is left behind");
    counted.into_iter().map(|counted| (counted.listed.name, counted.outcome)).collect()
}

const LIMIT: Duration = Duration::from_mins(2);

/// The steady count of each benchmark of a group that begins with `prefix`.
fn steady(outcomes: &Outcomes, prefix: &str) -> BTreeMap<String, u64> {
    let wanted = outcomes.iter().filter(|(name, _)| name.starts_with(prefix));
    wanted
        .map(|(name, outcome)| {
            let counts = outcome.as_ref().unwrap_or_else(|error| panic!("{name}: {error}"));
            let [first, second] = counts.values(counts.basis())[..] else {
                panic!("{name}: {counts:?}")
            };
            assert_eq!(first, second, "{name}");
            assert_eq!(counts.threads, 1, "{name}");
            assert!(counts.seconds > 0.0);
            (name.clone(), first)
        })
        .collect()
}

/// All benchmarks of the bench target `kinds`.
static KINDS: LazyLock<Outcomes> = LazyLock::new(|| counts(&tiny("kinds", &[]), &[], LIMIT));

/// The ways in which criterion times a routine, as names of benchmarks in `kinds`.
fn ways(kinds: &BenchExecutable) -> Vec<String> {
    let limit = Duration::from_mins(1);
    let listing = list(kinds, Harness::Criterion, None, limit, &Interrupt::new());
    let Ok(Listing::Benchmarks { listed, .. }) = listing else { panic!("{listing:?}") };
    let names = listed.into_iter().map(|bench| bench.name);
    names.filter(|name| name.starts_with("sync/") || name.starts_with("async/")).collect()
}

/// The same ways with twice the work, and with much more in set-ups and drops.
fn changed(kinds: &BenchExecutable, ways: &[&str]) -> [Outcomes; 2] {
    let with = |variable, n| counts(&with(kinds.clone(), &[(variable, n)]), ways, LIMIT);
    [with("TINY_N", "2000"), with("TINY_UNTIMED", "5000")]
}

/// Asserts that each way of timing counts its routine and almost nothing else, whatever
/// its set-up and its drop do. Returns the count of the routine.
fn counts_what_is_timed(once: &Outcomes, [twice, untimed]: &[Outcomes; 2]) -> u64 {
    let mut bodies = Vec::new();
    for (prefix, ways) in [("sync/", 7), ("async/", 7)] {
        let counted = steady(once, prefix);
        let (twice, untimed) = (steady(twice, prefix), steady(untimed, prefix));
        assert_eq!(counted.len(), ways, "{counted:?}");
        for (name, count) in &counted {
            let untimed_too = once[name].as_ref().map(Counts::untimed);
            assert_eq!(untimed_too, Ok(None), "{name}");
            // All do the same work, so the count must not depend on the way of timing.
            let body = twice[name] - count;
            assert_eq!(body % 1000, 0, "{name}: {count} and {}", twice[name]);
            assert!(count - body < 300, "{name}: {count}, of which {body} are its work");
            assert_eq!(untimed[name], *count, "{name}");
            bodies.push(body);
        }
    }
    assert!(bodies.iter().all(|body| *body == bodies[0] && *body > 0), "{bodies:?}");
    // The whole count includes them, the timed count does not.
    let whole = |outcomes: &Outcomes| {
        let counts = outcomes["sync/batched"].as_ref().expect("it is counted");
        counts.values(Basis { scope: CountScope::Whole, ..counts.basis() })[0]
    };
    // An empty loop has a few instructions fewer around it.
    let (more, expected) = (whole(untimed) - whole(once), 10 * bodies[0]);
    assert!(more.abs_diff(expected) < 100, "{more}, not about {expected}");
    bodies[0]
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn every_way_of_timing_counts_only_its_body() {
    let kinds = tiny("kinds", &[]);
    let ways = ways(&kinds);
    let ways: Vec<&str> = ways.iter().map(String::as_str).collect();
    let changed = changed(&kinds, &ways);
    let body = counts_what_is_timed(&KINDS, &changed);

    // The cause names the function that does the work.
    let functions = |outcomes: &Outcomes| {
        let counts = outcomes["sync/iter"].as_ref().expect("it is counted");
        counts.functions(counts.basis()).expect("profiles were asked for")
    };
    let (base, head) = (functions(&KINDS), functions(&changed[0]));
    let differences = differences(&base, &head);
    assert_eq!(differences.len(), 1, "{differences:?}");
    assert_eq!(differences[0].function, "tiny::sum");
    assert_eq!(differences[0].candidate - differences[0].baseline, body);
    assert!(head.contains_key("criterion::bencher::Bencher<M>::iter"), "{head:?}");
}

/// Builds the tiny project's benchmarks in another way: with all of criterion
/// inlined into one unit, and with the oldest criterion.
#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn the_timed_code_is_found_in_inlined_code_and_with_the_oldest_criterion() {
    let inlined = kinds_of("tiny", Some("inlined"));
    let names = ways(&inlined);
    let ways: Vec<&str> = names.iter().map(String::as_str).collect();
    let clocks = ["clocks/routine", "clocks/set-up"];
    let outcomes = counts(&inlined, &[&ways[..], &clocks].concat(), LIMIT);
    counts_what_is_timed(&outcomes, &changed(&inlined, &ways));
    // Readings of the clock that became part of criterion's own function.
    for name in clocks {
        let untimed = outcomes[name].as_ref().map(Counts::untimed);
        assert_eq!(untimed, Ok(Some(Untimed::Ambiguous)), "{name}");
    }
    let older = kinds_of("older", None);
    counts_what_is_timed(&counts(&older, &ways, LIMIT), &changed(&older, &ways));
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn clock_readings_of_benchmarks_are_distinguished_from_criterions() {
    let names = ["body", "routine", "set-up", "sections"].map(|name| format!("clocks/{name}"));
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let once = steady(&KINDS, "clocks/");
    let counted =
        |variable, n| steady(&counts(&tiny("kinds", &[(variable, n)]), &names, LIMIT), "clocks/");
    let (twice, untimed) = (counted("TINY_N", "2000"), counted("TINY_UNTIMED", "5000"));
    for name in names {
        assert_eq!(KINDS[name].as_ref().map(Counts::untimed), Ok(None), "{name}");
        let body = twice[name] - once[name];
        assert!(body > 1000 && body.is_multiple_of(1000), "{name}: {body}");
        assert!(once[name] - body < 500, "{name}: {}, of which {body} are its work", once[name]);
        assert_eq!(untimed[name], once[name], "{name}");
    }
    // A closure that does not measure with the clock is counted whole.
    let elsewhere = KINDS["clocks/elsewhere"].as_ref();
    assert_eq!(elsewhere.map(Counts::untimed), Ok(Some(Untimed::Custom)));
    // Recording this many readings would take minutes.
    let often = tiny("kinds", &[("TINY_CLOCKS", "100000")]);
    let often = counts(&often, &["clocks/often"], LIMIT);
    let often = often["clocks/often"].as_ref();
    assert_eq!(often.map(Counts::untimed), Ok(Some(Untimed::TooOften)));
    let often = often.expect("counted");
    let whole = Basis { scope: CountScope::Whole, ..often.basis() };
    assert!(often.values(whole)[0] > 100_000);
}

/// A runner may set what decides which code is executed.
#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn a_count_is_of_what_the_runner_starts() {
    let home = tempfile::tempdir().unwrap();
    let runner = home.path().join("run");
    std::fs::write(&runner, "#!/bin/sh\nexport TINY_N=2000\nexec \"$@\"\n").unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(&runner, mode).unwrap();
    let kinds = tiny("kinds", &[]);
    let started = BenchExecutable { runner: vec![runner.into()], ..kinds.clone() };
    let twice = with(kinds.clone(), &[("TINY_N", "2000")]);
    let [once, started, twice] = [&kinds, &started, &twice]
        .map(|executable| steady(&counts(executable, &["sync/iter"], LIMIT), "sync/iter"));
    assert_eq!(started, twice);
    assert_ne!(once, twice);
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn unusual_names_are_found_and_duplicate_names_are_refused() {
    let found = &*KINDS;
    let odd = steady(found, "-odd (name");
    let cut = steady(found, "longlong");
    assert_eq!((odd.len(), cut.len()), (1, 1));
    // Two benchmarks with equal bodies.
    assert_eq!(odd.values().next(), cut.values().next());
    assert_eq!(found["twice/same"], Err(Uncounted::Shared(2)));
    // With several threads, only one thread is counted, and more often.
    let threads = found["threads"].as_ref().expect("it is counted");
    assert_eq!((threads.threads, threads.readings.len()), (2, 3));
}

/// The counts of the benchmark `decode` with these variables.
fn decode(variables: &[(&str, &str)]) -> Counts {
    let executable = tiny("heap", variables);
    counts(&executable, &["decode"], LIMIT).remove("decode").expect("named").expect("counted")
}

/// All instructions that were executed, the allocator's own among them.
fn executed(counts: &Counts) -> u64 {
    counts.values(Basis { allocator: AllocatorCount::Executed, ..counts.basis() })[0]
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn a_count_follows_the_code_and_not_the_heap_that_its_set_up_left() {
    let long = "x".repeat(5000);
    let all: Vec<Counts> = [
        &[("TINY_HOLES", "2")][..],
        &[("TINY_HOLES", "3")],
        &[("TINY_HOLES", "5"), ("TINY_LONG", &long)],
        &[("TINY_HOLES", "7")],
    ]
    .map(decode)
    .into();
    let first = all[0].values(all[0].basis())[0];
    for counts in &all {
        assert_eq!(counts.inexact(), None);
        assert_eq!(counts.values(counts.basis()), [first; 2], "{counts:?}");
        // 500 rows of two fields, of which every fourth lacks the second, in a vector
        // that grows eight times.
        assert_eq!(counts.allocations(CountScope::Timed), Some(vec![883; 2]));
    }
    // The heaps do differ: what was executed is further apart than any tolerance.
    let executed: Vec<u64> = all.iter().map(executed).collect();
    let (least, most) = (executed.iter().min().unwrap(), executed.iter().max().unwrap());
    assert!(*most as f64 > *least as f64 * 1.01, "{executed:?}");

    // One row more in a hundred is a hundredth more, in whatever heap.
    let more = decode(&[("TINY_HOLES", "7"), ("TINY_ROWS", "505")]);
    let more = more.values(more.basis())[0] as f64 / first as f64;
    assert!((1.009..1.011).contains(&more), "{more}");
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn a_count_of_a_body_that_asks_the_kernel_is_not_exact() {
    let outcomes = counts(&tiny("heap", &[]), &["read"], LIMIT);
    let read = outcomes["read"].as_ref().expect("it is counted");
    assert_eq!(read.inexact().as_deref(), Some("not exact: the body makes system calls"));
    // Criterion's own readings of the clock are not among them.
    let sum = KINDS["sync/iter"].as_ref().expect("it is counted");
    assert_eq!(sum.inexact(), None);
    let threads = KINDS["threads"].as_ref().expect("it is counted");
    assert_eq!(threads.inexact().as_deref(), Some("not exact: the process has several threads"));
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn a_script_is_counted_if_it_execs_the_benchmark() {
    let kinds = tiny("kinds", &[]);
    let mut direct = steady(&KINDS, "sync/iter");
    direct.append(&mut steady(&KINDS, "async/iter"));
    let script = |name: &str| {
        let mut script = BenchExecutable::ready(fixture(&format!("executables/{name}.sh")));
        script.environment.insert("BENCH".into(), kinds.path.clone().into());
        counts(&script, &["sync/iter", "async/iter"], LIMIT)
    };
    assert_eq!(steady(&script("passes-on"), ""), direct);
    let apart: Vec<_> = script("starts-apart").into_values().collect();
    assert_eq!(apart, [Err(Uncounted::Nothing), Err(Uncounted::Nothing)]);
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn a_benchmark_that_cannot_be_counted_has_a_reason_and_a_remedy() {
    let reason_within = |limit: Duration, executable: &BenchExecutable, name: &str| {
        let outcomes = counts(executable, &[name], limit);
        outcomes[name].as_ref().expect_err("there is no count").to_string()
    };
    let reason = |executable: &BenchExecutable, name: &str| reason_within(LIMIT, executable, name);
    let directory = tempfile::tempdir().expect("a directory");
    let stripped = BenchExecutable::ready(directory.path().join("stripped"));
    let strip = Command::new("strip")
        .arg("-o")
        .args([&stripped.path, &tiny("kinds", &[]).path])
        .status()
        .expect("strip comes with the linker");
    assert!(strip.success());
    assert_eq!(
        reason(&stripped, "sync/iter"),
        "its executable has no symbols to know criterion's functions by; set `strip = \"none\"` \
         in the bench profile"
    );
    let plain = reason(&tiny("plain", &[]), "x");
    assert!(plain.starts_with("its executable has none of the functions by which"), "{plain}");
    let missing = reason(&BenchExecutable::ready(directory.path().join("missing")), "x");
    assert!(missing.starts_with("its executable is not one that symbols can be"), "{missing}");
    let panics = reason(&tiny("moody", &[("TINY_MOOD", "panic")]), "second");
    assert!(
        panics.starts_with("under valgrind its process ended with exit status 101; it printed"),
        "{panics}"
    );
    assert!(panics.contains("out of sorts"), "{panics}");
    assert_eq!(
        reason_within(Duration::from_secs(5), &tiny("moody", &[("TINY_MOOD", "hang")]), "second"),
        "under valgrind its process did not end within 5 s"
    );
    let unknown = reason(&tiny("moody", &[]), "third");
    assert_eq!(unknown, "criterion knows no benchmark of that name");
}

/// Interrupts as soon as counting begins.
struct Impatient(Interrupt);

impl Progress for Impatient {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::CountStarted { .. } = event {
            self.0.raise(15);
        }
    }
}

#[test]
#[ignore = "needs valgrind: scripts/test installs it"]
fn an_interrupt_stops_all_counting_at_once() {
    let directory = tempfile::tempdir().expect("a directory");
    let hangs = tiny("moody", &[("TINY_MOOD", "hang")]);
    let benchmarks = listed(&["second"; 20]);
    let target = CountTarget { executable: &hangs, subject: "moody", benchmarks };
    let options = CountOptions {
        counts: 2,
        unsteady_counts: 2,
        time_limit: Duration::from_hours(1),
        scratch: directory.path().to_owned(),
        profiles: false,
        until: None,
    };
    let interrupt = Interrupt::new();
    let error = count(&[target], &options, &interrupt, &mut Impatient(interrupt.clone()))
        .expect_err("interrupted");
    let CountError::Process(error) = error else { panic!("{error}") };
    assert!(matches!(MeasureError::from(error), MeasureError::Interrupted { signal: 15 }));
    assert_eq!(std::fs::read_dir(directory.path()).expect("readable").count(), 0);
}
