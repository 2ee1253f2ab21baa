//! Written files are read back unchanged, whatever their content.

use std::collections::BTreeSet;

use benchgate::baseline::{Existing, Store, export_critcmp, read, schema};
use benchgate::model::{
    AllocatorCount, BenchId, Costs, CountScope, CriterionParts, Direction, Distribution,
    Environment, Estimate, Estimates, Extent, Field, Interval, Layout, Location, Measurement,
    Metric, Nature, NotRun, NotRunKind, Pairing, Part, Problem, ProblemKind, Reading, Revision,
    RunInfo, RunReading, Samples, SamplingMode, SetUp, Shard, ShardNumber, SharedInput, SharedKind,
    Sides, Snapshot, Sources, TargetId, Throughput, Unit,
};
use jiff::Timestamp;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use super::{CLASS, cases, fixture, saved_text, snapshot, time};

/// Every later version of the gate must read the committed file of version 1 as this
/// snapshot, so the file is never regenerated.
#[test]
fn the_committed_file_of_version_1_is_read_and_reproduced() {
    let path = fixture("snapshot-v1.json");
    assert_eq!(read(&path).expect("a snapshot"), snapshot("main"));
    let committed = std::fs::read_to_string(path).expect("text");
    let written = saved_text(&snapshot("main")).replace(
        &format!("\"tool_version\": \"{}\"", env!("CARGO_PKG_VERSION")),
        "\"tool_version\": \"0.1.0\"",
    );
    assert_eq!(written, committed);
}

#[test]
fn the_order_of_measurements_makes_no_difference() {
    let mut turned = snapshot("main");
    turned.measurements.reverse();
    assert_eq!(saved_text(&turned), saved_text(&snapshot("main")));
}

/// `BENCHGATE_UPDATE_SCHEMAS=1 cargo test -p benchgate-tests --test gate schema`
/// regenerates it.
#[test]
fn the_committed_schema_is_current() {
    let path = crate::root().join("docs/schema/snapshot.schema.json");
    if std::env::var_os("BENCHGATE_UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, format!("{:#}\n", schema())).expect("written");
    }
    let committed: Value =
        serde_json::from_slice(&std::fs::read(path).expect("a schema")).expect("JSON");
    assert_eq!(committed, schema(), "run it with BENCHGATE_UPDATE_SCHEMAS=1");
}

#[test]
fn written_files_follow_the_schema_and_others_do_not() {
    let validator = jsonschema::validator_for(&schema()).expect("a schema");
    let file: Value = serde_json::from_str(&saved_text(&snapshot("main"))).expect("JSON");
    let complaints: Vec<_> = validator.iter_errors(&file).map(|e| e.to_string()).collect();
    assert_eq!(complaints, Vec::<String>::new());
    for broken in [
        "/name",
        "/benchgate/schema_version",
        "/benchgate/runs/0/environment",
        "/benchgate/measurements/0/metric/better",
        "/benchmarks/cache~1hit/criterion_estimates_v1/mean",
        "/benchmarks/cache~1hit/benchgate/runs/0/samples/times",
        "/benchmarks/cache~1hit/benchgate/runs/0/estimates/mean",
    ] {
        let mut file = file.clone();
        *file.pointer_mut(broken).expect(broken) = Value::from(7);
        assert!(!validator.is_valid(&file), "{broken} may not be 7");
    }
}

#[test]
fn two_targets_with_one_name_do_not_collide() {
    let of = |target: &str, means| time(BenchId::in_target("get", target, "shop"), means);
    let mut both = snapshot("main");
    both.measurements =
        vec![of("cache", &[10.0]), of("queries", &[500.0]), time(BenchId::named("only"), &[7.0])];
    let text = saved_text(&both);
    let file: Value = serde_json::from_str(&text).expect("JSON");
    let benchmarks = file["benchmarks"].as_object().expect("a map");
    let seen: Vec<_> = benchmarks
        .iter()
        .map(|(key, it)| {
            let view = &it["criterion_benchmark_v1"]["full_id"];
            (key.as_str(), view.as_str().expect("text"), it["benchgate"]["name"].as_str())
        })
        .collect();
    assert_eq!(
        seen,
        [
            ("only", "only", None),
            ("shop/cache::get", "shop/cache::get", Some("get")),
            ("shop/queries::get", "shop/queries::get", Some("get")),
        ]
    );
    assert_eq!(read_back(&both), both);
    let export: Value =
        serde_json::from_str(&export_critcmp(&both).expect("an export").text).expect("JSON");
    assert_eq!(
        export["benchmarks"]["shop/queries::get"]["fullname"],
        Value::from("main/shop/queries::get")
    );
}

#[test]
fn a_name_that_looks_qualified_does_not_hide_another_benchmark() {
    let mut three = snapshot("main");
    three.measurements = vec![
        time(BenchId::in_target("get", "cache", "shop"), &[10.0]),
        time(BenchId::in_target("get", "queries", "shop"), &[20.0]),
        time(BenchId::named("shop/cache::get"), &[30.0]),
    ];
    assert!(saved_text(&three).contains("\"shop/cache::get (2)\": {"));
    assert_eq!(read_back(&three), three);
}

fn read_back(snapshot: &Snapshot) -> Snapshot {
    let root = tempfile::tempdir().expect("a directory");
    let store = Store::new(root.path());
    let path = store.save(CLASS, snapshot, Existing::Refuse).expect("saved");
    read(&path).expect("a snapshot")
}

fn positive() -> impl Strategy<Value = f64> {
    prop_oneof![1e-3..1e12_f64, (1_u32..1_000_000).prop_map(f64::from)]
}

fn any_estimate() -> impl Strategy<Value = Estimate> {
    (positive(), 0.0..1e9_f64, 0.5..0.999_f64, 0.0..1e6_f64, 0.0..1e6_f64).prop_map(
        |(point, standard_error, level, below, above)| {
            let lower = (point - below).max(0.0);
            let interval = Interval::new(level, lower, point + above).expect("an interval");
            Estimate::new(point, standard_error, interval).expect("an estimate")
        },
    )
}

fn any_location() -> impl Strategy<Value = Location> {
    any_estimate().prop_map(|estimate| Location::new(estimate).expect("above 0"))
}

fn any_estimates() -> impl Strategy<Value = Estimates> {
    (any_location(), any_location(), any_estimate(), option::of(any_location()), any_estimate())
        .prop_map(|(mean, median, median_abs_dev, slope, std_dev)| Estimates {
            mean,
            median,
            median_abs_dev,
            slope,
            std_dev,
        })
}

fn any_samples() -> impl Strategy<Value = Samples> {
    let mode = prop_oneof![Just(SamplingMode::Linear), Just(SamplingMode::Flat)];
    let iterations = || positive().prop_map(f64::ceil);
    (mode, vec((iterations(), positive()), 1..12), iterations(), 0..3).prop_map(
        |(mode, both, step, shape)| {
            let (free, totals): (Vec<f64>, Vec<f64>) = both.into_iter().unzip();
            let iterations = match shape {
                0 => (1..=totals.len()).map(|k| k as f64 * step).collect(),
                1 => vec![step; totals.len()],
                _ => free,
            };
            Samples::new(mode, iterations, totals).expect("samples")
        },
    )
}

fn any_reading() -> impl Strategy<Value = Reading> {
    prop_oneof![
        3 => (any_samples(), option::of(any_estimates()))
            .prop_map(|(samples, estimates)| Reading::Samples { samples, estimates }),
        2 => any_estimates().prop_map(Reading::Estimates),
        1 => any::<f64>().prop_filter("finite", |v| v.is_finite()).prop_map(Reading::Value),
    ]
}

fn any_distribution() -> impl Strategy<Value = Distribution> {
    let values = vec((any::<u64>().prop_map(|value| value >> 1), 1..1_000_000_u64), 1..20);
    let failed = option::of(btree_map("[a-z]{1,8}", 0..1_000_u64, 0..4));
    (values, failed)
        .prop_map(|(values, failed)| Distribution::new(values, failed).expect("a distribution"))
}

/// Few different names, so that many are equal; and any text.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(vec!["get", "q/t::get", "q/t::get (2)", "größe/\"日本\"", " "])
            .prop_map(str::to_owned),
        1 => any::<String>().prop_filter("a name", |name| !name.is_empty()),
    ]
}

fn any_id() -> impl Strategy<Value = BenchId> {
    let part = || option::of(prop::sample::select(vec!["t", "q"]).prop_map(str::to_owned));
    (any_name(), part(), part())
        .prop_map(|(name, target, package)| BenchId::from_parts(name, target, package))
}

fn any_target() -> impl Strategy<Value = TargetId> {
    (any_name(), option::of("[pq]")).prop_map(|(name, package)| TargetId { package, name })
}

fn any_metric() -> impl Strategy<Value = Metric> {
    let other = (
        "[a-z.]{1,6}",
        "[a-z_]{1,12}",
        prop_oneof![Just(Direction::Lower), Just(Direction::Higher)],
        prop_oneof![Just(Nature::Sampled), Just(Nature::Counted)],
    )
        .prop_map(|(name, unit, better, nature)| Metric {
            name,
            unit: Unit::from(unit.as_str()),
            better,
            nature,
        });
    prop_oneof![3 => Just(Metric::time()), 1 => other]
}

fn any_throughput() -> impl Strategy<Value = Throughput> {
    prop_oneof![
        any::<u64>().prop_map(Throughput::Bits),
        any::<u64>().prop_map(Throughput::Bytes),
        any::<u64>().prop_map(Throughput::BytesDecimal),
        any::<u64>().prop_map(Throughput::Elements),
        any::<(u64, u64)>()
            .prop_map(|(elements, bytes)| Throughput::ElementsAndBytes { elements, bytes }),
        Just(Throughput::Unknown),
    ]
}

fn any_parts() -> impl Strategy<Value = CriterionParts> {
    (any::<String>(), any::<Option<String>>(), any::<Option<String>>(), any::<String>()).prop_map(
        |(group, function, value, directory)| CriterionParts { group, function, value, directory },
    )
}

fn any_measurements(runs: u32) -> impl Strategy<Value = Vec<Measurement>> {
    // A measurement has distributions in all of its runs or in none.
    let each = runs as usize;
    let all = prop_oneof![
        vec(any_reading(), each),
        vec(any_distribution().prop_map(Reading::Distribution), each),
    ];
    let readings = (btree_set(0..runs, 1..=each), all).prop_map(|(runs, readings)| {
        let each = runs.into_iter().zip(readings);
        each.map(|(run, reading)| RunReading { run, reading }).collect()
    });
    let functions = btree_map(any::<String>(), 0..1_000_000_u64, 0..4);
    let scope = option::of(
        any::<bool>().prop_map(|timed| if timed { CountScope::Timed } else { CountScope::Whole }),
    );
    let allocator = any::<bool>().prop_map(|charged| {
        if charged { AllocatorCount::Charged } else { AllocatorCount::Executed }
    });
    let how = (scope, allocator, any::<bool>());
    let costs = (1..9_u32, how, 0..1_000_000_u64, functions).prop_map(
        |(threads, (scope, allocator, system_calls), more, functions)| {
            let total = functions.values().sum::<u64>() + more;
            Costs { threads, scope, allocator, system_calls, total, functions }
        },
    );
    let content = (
        readings,
        option::weighted(0.8, any_parts()),
        option::of(any_throughput()),
        option::weighted(0.2, costs),
    );
    let all = vec(((any_id(), any_metric()), content), 0..8);
    all.prop_map(|all| {
        let mut seen = BTreeSet::new();
        all.into_iter()
            .filter(|((id, metric), _)| seen.insert((id.clone(), metric.name.clone())))
            .map(|((id, metric), (runs, criterion, throughput, costs))| Measurement {
                id,
                metric,
                runs,
                criterion,
                throughput,
                costs,
            })
            .collect()
    })
}

fn any_time() -> impl Strategy<Value = Timestamp> {
    (-1_000_000_000_i64..10_000_000_000, 0..1_000_000_000)
        .prop_map(|(second, nano)| Timestamp::new(second, nano).expect("in range"))
}

fn any_run() -> impl Strategy<Value = RunInfo> {
    let facts = btree_map(prop::sample::select(Field::ALL.to_vec()), any::<String>(), 0..5);
    (option::of(any_time()), option::of(0.0..1e6_f64), option::of(0.0..=1.0_f64), facts).prop_map(
        |(started, seconds, busy, facts)| {
            let mut environment = Environment::default();
            for (field, value) in facts {
                environment.set(field, value);
            }
            RunInfo { started, seconds, busy, environment }
        },
    )
}

fn any_rest() -> impl Strategy<Value = (Vec<NotRun>, Vec<Problem>, Option<Revision>)> {
    let left_out = prop_oneof![Just(NotRunKind::Skipped), Just(NotRunKind::Failed)];
    let not_run = (any::<String>(), left_out, any::<String>())
        .prop_map(|(subject, kind, reason)| NotRun { subject, kind, reason });
    let kind = prop_oneof![
        Just(ProblemKind::Unreadable),
        Just(ProblemKind::Stale),
        Just(ProblemKind::Duplicate),
    ];
    let problem = (kind, option::of(any_id()), any::<String>(), any::<String>())
        .prop_map(|(kind, id, path, reason)| Problem { kind, id, path: path.into(), reason });
    let revision = any::<(String, Option<String>, bool)>()
        .prop_map(|(commit, branch, dirty)| Revision { commit, branch, dirty });
    (vec(not_run, 0..3), vec(problem, 0..3), option::of(revision))
}

fn any_extent() -> impl Strategy<Value = Extent> {
    let looks = btree_map(1_u32..200, Just(()), 0..4);
    let part = (any::<u32>(), looks, any::<bool>()).prop_map(|(screening, looks, out_of_time)| {
        // Every snapshot has at least one run.
        Part { first_run: 0, screening, looks: looks.into_keys().collect(), out_of_time }
    });
    let number = (1..=ShardNumber::MOST)
        .prop_flat_map(|of| (1..=of, Just(of)))
        .prop_map(|(number, of)| ShardNumber::new(number, of).expect("it exists"));
    let shard = (number, any::<(String, String)>(), vec(any::<String>(), 0..3))
        .prop_map(|(number, (policy, tool), listing)| Shard { number, policy, tool, listing });
    prop_oneof![
        Just(Extent::Whole),
        shard.prop_map(Extent::Shard),
        vec(part, 1..4).prop_map(Extent::Merged),
    ]
}

fn any_pairing() -> impl Strategy<Value = Pairing> {
    let looks = btree_map(1_u32..200, Just(()), 0..4);
    let set_up = (any_target(), 0.0..1e6_f64, 0.0..=1.0_f64, 0.0..1e6_f64)
        .prop_map(|(target, seconds, share, time)| SetUp { target, seconds, share, time });
    let layout = (any_target(), any::<(u32, u32, Option<String>)>()).prop_map(
        |(target, (functions, others, reason))| Layout {
            target,
            functions: u64::from(functions) + u64::from(others),
            same: functions.into(),
            reason,
        },
    );
    let kind = prop_oneof![
        Just(SharedKind::LockFile),
        Just(SharedKind::PathDependency),
        Just(SharedKind::ExtraFile)
    ];
    let shared = (kind, any::<String>()).prop_map(|(kind, path)| SharedInput { kind, path });
    let sources = (any::<(bool, Option<(String, String)>)>(), vec(shared, 0..3)).prop_map(
        |((same, trees), shared)| {
            let trees = trees.map(|(base, head)| Sides { base, head });
            Sources { same, trees, shared }
        },
    );
    let lists = (vec(set_up, 0..3), vec(layout, 0..3));
    let ids = || vec(any_id(), 0..3);
    let rest = ((ids(), ids(), ids()), any::<[bool; 2]>(), lists, sources, any_extent());
    ("[a-z]{1,9}", any::<u64>(), any::<u32>(), looks, rest).prop_map(
        |(
            trial,
            seed,
            screening,
            looks,
            (
                (identical, same_code, not_reached),
                [out_of_time, control],
                (set_up, layouts),
                sources,
                extent,
            ),
        )| {
            Pairing {
                trial,
                seed,
                screening,
                looks: looks.into_keys().collect(),
                out_of_time,
                identical,
                same_code,
                not_reached,
                control,
                set_up,
                layouts,
                sources,
                extent,
            }
        },
    )
}

fn any_snapshot() -> impl Strategy<Value = Snapshot> {
    (1_u32..4).prop_flat_map(|runs| {
        let data = (any_measurements(runs), vec(any_run(), runs as usize));
        let how = (any::<Option<String>>(), option::of(any_pairing()));
        ("[a-z]{1,9}", any_time(), how, data, any_rest()).prop_map(
            |(name, created, how, (measurements, runs), (not_run, problems, revision))| {
                let (selection, pairing) = how;
                let mut snapshot = Snapshot {
                    // These nine letters cannot spell the name of a Windows device.
                    name: format!("x{name}"),
                    created,
                    revision,
                    selection,
                    pairing,
                    runs,
                    measurements,
                    not_run,
                    problems,
                };
                snapshot.sort();
                snapshot
            },
        )
    })
}

proptest! {
    #![proptest_config(cases(96))]

    #[test]
    fn any_snapshot_is_read_back_unchanged(snapshot in any_snapshot()) {
        prop_assert_eq!(read_back(&snapshot), snapshot);
    }

    #[test]
    fn any_snapshot_follows_the_schema(snapshot in any_snapshot()) {
        let validator = jsonschema::validator_for(&schema()).expect("a schema");
        let file: Value = serde_json::from_str(&saved_text(&snapshot)).expect("JSON");
        let complaints: Vec<_> = validator.iter_errors(&file).map(|e| e.to_string()).collect();
        prop_assert_eq!(complaints, Vec::<String>::new());
    }
}
