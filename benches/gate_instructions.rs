//! Instructions of the gate itself, counted by iai-callgrind: its readers, its statistics, its
//! judgement and a report.
//!
//! Two counts vary by at most ten in a million. `judge_case` matches the policy's globs, and the
//! regex engine keeps the states of its lazy automaton in a hash map with a random seed.
//! `markdown` renders that result, and its allocator finds the heap as `judge_case` left it. All
//! other counts, heap bytes and heap blocks are the same in every run on one machine. On another
//! machine `read_criterion` may differ: it sorts what the file system lists in its own order.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `gate::readers::read_criterion results_20` | Reading criterion's directory with 20 results of 100 samples. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `gate::readers::read_profile functions_1000` | Reading a callgrind profile of 1,000 functions. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `gate::readers::read_baseline rows_200` | Reading a baseline of 200 rows. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `gate::readers::read_policy rules_100` | Reading a policy of 100 rules. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `gate::judging::differences functions_1000` | Finding the functions that grew between two profiles of 1,000 functions. | – | Valgrind | none |
//! | `gate::judging::judge_case rows_200` | Judging 200 rows of two snapshots. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | up to 0.001% |
//! | `gate::judging::markdown rows_200` | Rendering that report as Markdown. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | up to 0.001% |
//! | `gate::judging::signed_rank_test pairs_30` | One signed-rank test of 30 pairs. | – | Valgrind | none |
//! | `gate::judging::hodges_lehmann_estimate pairs_30` | The Hodges–Lehmann estimate of 30 pairs and its interval. | – | Valgrind | none |
//! | `gate::judging::statistics benchmarks_100` | All statistics of 100 benchmarks. | – | Valgrind | none |

mod valgrind;

mod gate_statistics;

mod gate {
    use std::fmt::Write as _;
    use std::fs;
    use std::hint::black_box;
    use std::path::{Path, PathBuf};

    use benchgate::baseline;
    use benchgate::judge::{self, Case, Outcome, Report, VerdictOutcome};
    use benchgate::model::{
        BenchId, Environment, Field, Measurement, Metric, Reading, RunInfo, RunReading, Samples,
        SamplingMode, Snapshot, Unit,
    };
    use benchgate::policy::Policy;
    use benchgate::report::{Markdown, Render as _};
    use benchgate::sources::callgrind_profile::{self, Difference, Profile};
    use benchgate::sources::{Harvest, Stale, criterion};
    use benchgate::stats::{
        Alternative, Interval, SplitMix64, hodges_lehmann, hodges_lehmann_interval, signed_rank,
    };
    use iai_callgrind::{library_benchmark, library_benchmark_group, main};
    use jiff::Timestamp;
    use jiff::civil::date;
    use tempfile::TempDir;

    use super::gate_statistics::{self, Judged, TOLERANCE, assert_judged};
    use super::valgrind::with_heap;

    /// Benchmarks in a medium-sized project.
    const BENCHMARKS: usize = 100;
    /// One in this many benchmarks is 20% slower.
    const SLOWER: usize = 20;
    const RUNS: u32 = 5;
    const SAMPLES: u32 = 20;
    /// Benchmarks in criterion's directory, each with its default number of samples.
    const RESULTS: usize = 20;
    const RESULT_SAMPLES: u32 = 100;
    /// Functions in a profile, as many as a benchmark of a service calls.
    const FUNCTIONS: u64 = 1000;

    fn directory() -> TempDir {
        tempfile::tempdir().expect("a directory of its own")
    }

    // Inputs are passed on to the teardown, so that dropping them is not counted.

    fn criterion_tree() -> TempDir {
        let root = directory();
        for result in 0..RESULTS {
            let place = root.path().join(format!("suite/function_{result}/new"));
            fs::create_dir_all(&place).expect("a directory");
            let write = |name: &str, text: String| {
                fs::write(place.join(name), text).expect("a file");
            };
            let name = format!("suite/function_{result}");
            write(
                "benchmark.json",
                format!(
                    r#"{{"group_id":"suite","function_id":"function_{result}","value_str":null,"throughput":null,"full_id":"{name}","directory_name":"{name}","title":"{name}"}}"#
                ),
            );
            let numbers = |of: &dyn Fn(u32) -> String| {
                (1..=RESULT_SAMPLES).map(of).collect::<Vec<_>>().join(",")
            };
            let iterations = numbers(&|sample| format!("{}.0", sample * 4831));
            let times = numbers(&|sample| format!("{}.25", sample * 1_587_329 + sample % 7));
            write(
                "sample.json",
                format!(r#"{{"sampling_mode":"Linear","iters":[{iterations}],"times":[{times}]}}"#),
            );
            let estimate = r#"{"confidence_interval":{"confidence_level":0.95,"lower_bound":328.53174226,"upper_bound":328.61290785},"point_estimate":328.57144104,"standard_error":0.1390445217}"#;
            write(
                "estimates.json",
                format!(
                    r#"{{"mean":{estimate},"median":{estimate},"median_abs_dev":{estimate},"slope":{estimate},"std_dev":{estimate}}}"#
                ),
            );
        }
        root
    }

    fn assert_harvest((_root, harvest): (TempDir, Harvest)) {
        assert_eq!(harvest.problems, []);
        assert_eq!(harvest.measurements.len(), RESULTS);
        for measurement in harvest.measurements {
            let Reading::Samples { samples, .. } = &measurement.runs[0].reading else {
                panic!("{}: no samples", measurement.id);
            };
            let last = samples.per_iteration()[RESULT_SAMPLES as usize - 1];
            assert_eq!(last, (100.0 * 1_587_329.0 + 2.25) / 483_100.0);
        }
    }

    #[library_benchmark(config = with_heap())]
    #[bench::results_20(setup = criterion_tree, teardown = assert_harvest)]
    fn read_criterion(root: TempDir) -> (TempDir, Harvest) {
        let harvest = criterion::read(black_box(root.path()), "new", None, Stale::Never);
        (root, harvest.expect("a directory of criterion's"))
    }

    /// A callgrind profile of functions that call each other in turn, each with slightly more
    /// instructions than the one before.
    fn profile(more: u64) -> String {
        let mut text = "# callgrind format\nversion: 1\ncreator: callgrind-3.19.0\npositions: \
                        line\nevents: Ir\n\nob=(1) /srv/suite\n"
            .to_owned();
        for function in 0..FUNCTIONS {
            let own = 100 + function + more * (function % 10);
            write!(
                text,
                "\nfl=({function}) src/file_{function}.rs\n\
                 fn=({function}) _ZN5suite5n{function:04}17h41354e2a279978f9E\n\
                 {function} {own}\n+3 7\ncfn=({function})\ncalls=1 {function}\n* 90000\n+1 1\n"
            )
            .expect("a string takes all");
        }
        let own: u64 = (0..FUNCTIONS).map(|function| 108 + function + more * (function % 10)).sum();
        writeln!(text, "\ntotals: {own}").expect("a string takes all");
        text
    }

    fn profile_file() -> (TempDir, PathBuf) {
        let root = directory();
        let path = root.path().join("callgrind.out");
        fs::write(&path, profile(0)).expect("a file");
        (root, path)
    }

    fn read(path: &Path) -> Profile {
        Profile::read(path).expect("a profile")
    }

    fn assert_profile((_root, _path, profile): (TempDir, PathBuf, Profile)) {
        assert_eq!(profile.functions.len() as u64, FUNCTIONS);
        assert_eq!(profile.functions["suite::n0042"], 150);
        assert_eq!(profile.total, 108 * FUNCTIONS + FUNCTIONS * (FUNCTIONS - 1) / 2);
    }

    #[library_benchmark(config = with_heap())]
    #[bench::functions_1000(setup = profile_file, teardown = assert_profile)]
    fn read_profile((root, path): (TempDir, PathBuf)) -> (TempDir, PathBuf, Profile) {
        let profile = read(black_box(&path));
        (root, path, profile)
    }

    fn two_profiles() -> (Profile, Profile) {
        let (_root, path) = profile_file();
        let base = read(&path);
        fs::write(&path, profile(5)).expect("a file");
        (base, read(&path))
    }

    fn assert_differences((_, _, found): (Profile, Profile, Vec<Difference>)) {
        // The largest differences, of functions whose number ends in 9, are equal, and the
        // first of these by name are shown.
        let named: Vec<_> = found.iter().map(|difference| difference.function.as_str()).collect();
        let first = ["n0009", "n0019", "n0029", "n0039", "n0049"];
        assert_eq!(named, first.map(|name| format!("suite::{name}")));
        assert!(found.iter().all(|difference| difference.candidate == difference.baseline + 45));
    }

    #[library_benchmark]
    #[bench::functions_1000(setup = two_profiles, teardown = assert_differences)]
    fn differences((base, head): (Profile, Profile)) -> (Profile, Profile, Vec<Difference>) {
        let found =
            callgrind_profile::differences(black_box(&base.functions), black_box(&head.functions));
        (base, head, found)
    }

    /// Times and instructions of [`BENCHMARKS`] benchmarks, with all runs in one environment.
    /// The slower ones are 20% slower in both metrics.
    fn snapshot(name: &str, slower: bool) -> Snapshot {
        let mut environment = Environment::default();
        environment.set(Field::CpuModel, "Example CPU");
        environment.set(Field::Rustc, "rustc 1.95.0");
        let run = RunInfo { started: None, seconds: None, busy: None, environment };
        let mut random = SplitMix64::new(if slower { 2 } else { 1 });
        // Up to 1% in either direction.
        let mut noise = || 0.99 + 0.02 * (random.next_bits() >> 11) as f64 / 2.0_f64.powi(53);
        let measurements = (0..BENCHMARKS)
            .flat_map(|benchmark| {
                let factor = if slower && benchmark % SLOWER == 0 { 1.2 } else { 1.0 };
                let mut readings = |reading: &mut dyn FnMut(f64) -> Reading| -> Vec<RunReading> {
                    (0..RUNS)
                        .map(|run| RunReading { run, reading: reading(factor * noise()) })
                        .collect()
                };
                let times = readings(&mut |level| {
                    let total = |sample| 1e6 * level + f64::from(sample % 5);
                    let samples = Samples::new(
                        SamplingMode::Flat,
                        vec![1000.0; SAMPLES as usize],
                        (0..SAMPLES).map(total).collect(),
                    )
                    .expect("samples");
                    Reading::Samples { samples, estimates: None }
                });
                let counts = readings(&mut |_| Reading::Value((4e6 * factor).round()));
                let instructions = Metric::counted(Metric::INSTRUCTIONS, Unit::Count);
                [(Metric::time(), times), (instructions, counts)].map(|(metric, runs)| {
                    Measurement {
                        id: BenchId::named(format!("suite/function_{benchmark}")),
                        metric,
                        runs,
                        criterion: None,
                        throughput: None,
                        costs: None,
                    }
                })
            })
            .collect();
        let mut snapshot = Snapshot {
            name: name.to_owned(),
            created: Timestamp::UNIX_EPOCH,
            revision: None,
            selection: None,
            pairing: None,
            runs: vec![run; RUNS as usize],
            measurements,
            not_run: Vec::new(),
            problems: Vec::new(),
        };
        snapshot.sort();
        snapshot
    }

    fn baseline_file() -> (TempDir, PathBuf) {
        let root = directory();
        let path = root.path().join("main.json");
        baseline::write(&path, &snapshot("main", false)).expect("written");
        (root, path)
    }

    fn assert_snapshot((_root, _path, read): (TempDir, PathBuf, Snapshot)) {
        assert_eq!(read, snapshot("main", false));
    }

    #[library_benchmark(config = with_heap())]
    #[bench::rows_200(setup = baseline_file, teardown = assert_snapshot)]
    fn read_baseline((root, path): (TempDir, PathBuf)) -> (TempDir, PathBuf, Snapshot) {
        let snapshot = baseline::read(black_box(&path)).expect("a snapshot");
        (root, path, snapshot)
    }

    type Sides = (Snapshot, Snapshot, Policy);

    fn sides() -> Sides {
        (snapshot("main", false), snapshot("head", true), Policy::builtin())
    }

    fn judged((baseline, candidate, policy): &Sides) -> Report {
        judge::judge(&Case {
            baseline: Some(baseline),
            candidate,
            policy,
            noise: None,
            today: date(2026, 11, 20),
        })
    }

    fn assert_report((_, report): (Sides, Report)) {
        assert_eq!(report.rows.len(), 2 * BENCHMARKS);
        let regressions =
            report.rows.iter().filter(|row| row.outcome() == Some(Outcome::Regression)).count();
        assert_eq!(regressions, 2 * BENCHMARKS / SLOWER, "only the slower ones");
        assert_eq!(report.verdict.map(|verdict| verdict.outcome), Some(VerdictOutcome::Fail));
    }

    #[library_benchmark(config = with_heap())]
    #[bench::rows_200(setup = sides, teardown = assert_report)]
    fn judge_case(sides: Sides) -> (Sides, Report) {
        let report = judged(black_box(&sides));
        (sides, report)
    }

    fn report() -> Report {
        judged(&sides())
    }

    fn assert_markdown((report, text): (Report, String)) {
        let verdict = report.verdict.expect("judged");
        assert!(text.lines().next().is_some_and(|first| first.contains("FAIL")), "{text}");
        assert!(text.contains(&verdict.reason), "{text}");
        for benchmark in (0..BENCHMARKS).step_by(SLOWER) {
            assert!(text.contains(&format!("suite/function_{benchmark}`")), "{benchmark}: {text}");
        }
    }

    #[library_benchmark(config = with_heap())]
    #[bench::rows_200(setup = report, teardown = assert_markdown)]
    fn markdown(report: Report) -> (Report, String) {
        let text = Markdown::COMMENT.render(black_box(&report));
        (report, text)
    }

    fn policy_text() -> String {
        let mut text = "version = 1\n".to_owned();
        for rule in 0..BENCHMARKS {
            write!(
                text,
                "\n[[rule]]\nbench = \"suite/function_{rule}/**\"\nmetric = \"time\"\n\
                 tolerance = \"2%\"\ntarget = \"15%\"\nfail = \"10%\"\n"
            )
            .expect("a string takes all");
        }
        text
    }

    fn assert_policy((_, policy): (String, Policy)) {
        let limits = |name: &str| policy.limits(&BenchId::named(name), &Metric::time());
        let ours = limits("suite/function_99/any");
        assert_eq!(ours.tolerance, 0.02);
        assert_ne!(ours, limits("another"));
    }

    #[library_benchmark(config = with_heap())]
    #[bench::rules_100(setup = policy_text, teardown = assert_policy)]
    fn read_policy(text: String) -> (String, Policy) {
        let policy = Policy::parse(black_box(&text), Path::new("gate.toml")).expect("a policy");
        (text, policy)
    }

    fn pairs() -> Vec<f64> {
        // The first benchmark is slower, beyond the noise.
        gate_statistics::measured(1).remove(0)
    }

    fn assert_rejected((_, p): (Vec<f64>, Option<f64>)) {
        // All 30 differences are above the bound.
        assert_eq!(p, Some(2.0_f64.powi(-30)));
    }

    #[library_benchmark]
    #[bench::pairs_30(setup = pairs, teardown = assert_rejected)]
    fn signed_rank_test(differences: Vec<f64>) -> (Vec<f64>, Option<f64>) {
        let p = signed_rank(black_box(&differences), TOLERANCE, Alternative::Above);
        (differences, p)
    }

    /// Differences, the estimate of their centre, and its bounds.
    type Estimated = (Vec<f64>, Option<f64>, Option<Interval>);

    fn assert_estimated((differences, estimate, interval): Estimated) {
        let mut averages: Vec<f64> = (0..differences.len())
            .flat_map(|i| (i..differences.len()).map(move |j| (i, j)))
            .map(|(i, j)| f64::midpoint(differences[i], differences[j]))
            .collect();
        averages.sort_by(f64::total_cmp);
        // The median of 465 averages.
        let (estimate, interval) = (estimate.expect("finite"), interval.expect("enough"));
        assert!((estimate - averages[232]).abs() < 1e-12, "{estimate}");
        assert!(interval.lower < estimate && estimate < interval.upper);
        assert!(averages.contains(&interval.lower) && averages.contains(&interval.upper));
    }

    #[library_benchmark]
    #[bench::pairs_30(setup = pairs, teardown = assert_estimated)]
    fn hodges_lehmann_estimate(differences: Vec<f64>) -> Estimated {
        let estimate = hodges_lehmann(black_box(&differences));
        let interval = hodges_lehmann_interval(black_box(&differences), 0.01 / 3.0);
        (differences, estimate, interval)
    }

    fn measured() -> Vec<Vec<f64>> {
        gate_statistics::measured(BENCHMARKS)
    }

    fn assert_all_judged((_, judged): (Vec<Vec<f64>>, Judged)) {
        assert_judged(judged, BENCHMARKS);
    }

    #[library_benchmark]
    #[bench::benchmarks_100(setup = measured, teardown = assert_all_judged)]
    fn statistics(measured: Vec<Vec<f64>>) -> (Vec<Vec<f64>>, Judged) {
        let judged = gate_statistics::judge(black_box(&measured));
        (measured, judged)
    }

    library_benchmark_group!(
        name = readers;
        benchmarks = read_criterion, read_profile, read_baseline, read_policy
    );
    library_benchmark_group!(
        name = judging;
        benchmarks = differences, judge_case, markdown, signed_rank_test, hodges_lehmann_estimate,
            statistics
    );
    main!(library_benchmark_groups = readers, judging);

    pub(super) fn run() {
        main();
    }
}

fn main() {
    valgrind::run("gate_instructions", gate::run);
}
