//! The summaries of iai-callgrind and gungraun.

use std::fs;
use std::time::Duration;

use benchgate::model::{AllocatorCount, Direction, Metric, Nature, Reading, TargetId, Unit};
use benchgate::sources::callgrind::read;
use benchgate::sources::{Harvest, Stale};

use super::{copy, fixture, problems, rows, without_place, written};

/// `id metric=value …` of each benchmark.
fn counts(harvest: &Harvest) -> Vec<String> {
    let mut lines: Vec<(String, String)> = Vec::new();
    for measurement in &harvest.measurements {
        let id = measurement.id.qualified();
        let Reading::Value(value) = measurement.runs[0].reading else { panic!("{measurement:?}") };
        let count = format!(" {}={value}", measurement.metric);
        match lines.last_mut() {
            Some((last, counts)) if *last == id => counts.push_str(&count),
            _ => lines.push((id, count)),
        }
    }
    lines.into_iter().map(|(id, counts)| id + &counts).collect()
}

#[test]
fn iai_callgrind() {
    let harvest = read(&fixture("iai-callgrind-0.16"), None, Stale::Never).unwrap();
    assert_eq!(harvest.problems, []);
    assert_eq!(
        counts(&harvest),
        [
            "tiny-crate/counting::counted::collect large estimated_cycles=7349 instructions=2220 l1_hits=2659 ll_hits=0 ram_hits=134",
            "tiny-crate/with-tools::counted::collect large estimated_cycles=7349 heap_blocks=1 heap_bytes=8000 heap_peak_bytes=8000 instructions=2220 l1_hits=2659 ll_hits=0 ram_hits=134",
            "tiny-crate/counting::counted::collect several_0 estimated_cycles=736 instructions=276 l1_hits=351 ll_hits=0 ram_hits=11",
            "tiny-crate/with-tools::counted::collect several_0 estimated_cycles=736 heap_blocks=1 heap_bytes=160 heap_peak_bytes=0 instructions=276 l1_hits=351 ll_hits=0 ram_hits=11",
            "tiny-crate/counting::counted::collect several_1 estimated_cycles=500 instructions=170 l1_hits=220 ll_hits=0 ram_hits=8",
            "tiny-crate/with-tools::counted::collect several_1 estimated_cycles=534 heap_blocks=1 heap_bytes=240 heap_peak_bytes=0 instructions=170 l1_hits=219 ll_hits=0 ram_hits=9",
            "tiny-crate/counting::counted::collect small estimated_cycles=450 instructions=130 l1_hits=170 ll_hits=0 ram_hits=8",
            "tiny-crate/with-tools::counted::collect small estimated_cycles=687 heap_blocks=1 heap_bytes=80 heap_peak_bytes=0 instructions=264 l1_hits=337 ll_hits=0 ram_hits=10",
            "tiny-crate/counting::counted::plain estimated_cycles=2463 instructions=2392 l1_hits=2393 ll_hits=0 ram_hits=2",
            "tiny-crate/with-tools::counted::plain estimated_cycles=2497 heap_blocks=0 heap_bytes=0 heap_peak_bytes=0 instructions=2392 l1_hits=2392 ll_hits=0 ram_hits=3",
        ]
    );
}

#[test]
fn gungraun() {
    let harvest = read(&fixture("gungraun-0.20"), None, Stale::Never).unwrap();
    assert_eq!(harvest.problems, []);
    assert_eq!(
        counts(&harvest),
        [
            "tiny-crate/counting::counted::collect large estimated_cycles=7320 instructions=2221 l1_hits=2660 ll_hits=1 ram_hits=133",
            "tiny-crate/with-tools::counted::collect large estimated_cycles=7282 heap_blocks=1 heap_bytes=8000 heap_peak_bytes=8000 instructions=2221 l1_hits=2662 ll_hits=0 ram_hits=132",
            "tiny-crate/counting::counted::collect several_0 estimated_cycles=703 instructions=277 l1_hits=353 ll_hits=0 ram_hits=10",
            "tiny-crate/with-tools::counted::collect several_0 estimated_cycles=703 heap_blocks=1 heap_bytes=160 heap_peak_bytes=0 instructions=277 l1_hits=353 ll_hits=0 ram_hits=10",
            "tiny-crate/counting::counted::collect several_1 estimated_cycles=467 instructions=171 l1_hits=222 ll_hits=0 ram_hits=7",
            "tiny-crate/with-tools::counted::collect several_1 estimated_cycles=433 heap_blocks=1 heap_bytes=240 heap_peak_bytes=0 instructions=171 l1_hits=223 ll_hits=0 ram_hits=6",
            "tiny-crate/counting::counted::collect small estimated_cycles=417 instructions=131 l1_hits=172 ll_hits=0 ram_hits=7",
            "tiny-crate/with-tools::counted::collect small estimated_cycles=417 heap_blocks=1 heap_bytes=80 heap_peak_bytes=0 instructions=131 l1_hits=172 ll_hits=0 ram_hits=7",
            "tiny-crate/counting::counted::plain estimated_cycles=2497 instructions=2392 l1_hits=2392 ll_hits=0 ram_hits=3",
            "tiny-crate/with-tools::counted::plain estimated_cycles=2531 heap_blocks=0 heap_bytes=0 heap_peak_bytes=0 instructions=2392 l1_hits=2391 ll_hits=0 ram_hits=4",
        ]
    );
}

#[test]
fn every_metric_is_counted_and_smaller_is_better() {
    let harvest = read(&fixture("gungraun-0.20"), None, Stale::Never).unwrap();
    for measurement in &harvest.measurements {
        assert_eq!(
            (measurement.metric.better, measurement.metric.nature),
            (Direction::Lower, Nature::Counted)
        );
        let bytes = measurement.metric.name.ends_with("_bytes");
        assert_eq!(measurement.metric.unit, if bytes { Unit::Bytes } else { Unit::Count });
    }
}

#[test]
fn a_named_target_overrides_and_a_second_target_then_collides() {
    let target = TargetId::in_package("mine", "my-crate");
    let root = fixture("gungraun-0.20/tiny-crate/counting");
    let harvest = read(&root, Some(&target), Stale::Never).unwrap();
    assert_eq!(harvest.problems, []);
    assert_eq!(harvest.measurements[0].id.qualified(), "my-crate/mine::counted::collect large");

    // The five benchmarks of both targets have equal names.
    let both = read(&fixture("gungraun-0.20"), Some(&target), Stale::Never).unwrap();
    assert_eq!(both.measurements, []);
    assert_eq!(both.problems.len(), 10);
}

#[test]
fn broken_summaries_are_problems_and_hide_nothing() {
    const ID: &str = "tiny-crate/counting::counted::collect small";
    const EARLIER: &str = "Ir holds the value of an earlier run only; run it again";
    for (case, id, reason) in [
        ("callgrind-truncated", "-", "is cut off: EOF while parsing a string"),
        (
            "callgrind-version",
            "-",
            "has summary version \"99\"; versions 6 (iai-callgrind 0.16) and 7 (gungraun 0.20) \
             can be read: use one of those",
        ),
        (
            "callgrind-version-3",
            "-",
            "has summary version \"3\"; versions 6 (iai-callgrind 0.16) and 7 (gungraun 0.20) \
             can be read: use one of those",
        ),
        (
            "callgrind-no-version",
            "-",
            "has no version, so it is not a summary written by iai-callgrind or gungraun",
        ),
        ("callgrind-no-profile", ID, "holds no Callgrind or DHAT profile with numbers"),
        ("callgrind-only-earlier", ID, EARLIER),
        ("gungraun-only-earlier", ID, EARLIER),
        (
            "callgrind-negative",
            ID,
            "Ir does not hold what it should: invalid value: integer `-100`, expected u64",
        ),
        ("gungraun-negative", ID, "Ir is -100, which is not a count"),
        ("callgrind-null", ID, "Ir does not hold what it should: invalid type: null, expected f64"),
        ("gungraun-null", ID, "Ir does not hold what it should: invalid type: null, expected f64"),
    ] {
        let root = fixture("broken").join(case);
        let harvest = read(&root, None, Stale::Never).unwrap();
        let path = "tiny-crate/counting/counted/collect.small/summary.json";
        let wrong = problems(&root, &harvest.problems);
        let wrong: Vec<_> = wrong.iter().map(|row| without_place(row)).collect();
        assert_eq!(wrong, [format!("Unreadable {id} {path}: {reason}")], "{case}");
        let good = counts(&harvest);
        let instructions = "tiny-crate/counting::counted::plain estimated_cycles=2";
        assert!(good.len() == 1 && good[0].starts_with(instructions), "{case}: {good:?}");
    }
}

#[test]
fn a_run_without_summaries_says_how_to_save_them() {
    let root = fixture("broken/callgrind-no-summary");
    let harvest = read(&root, None, Stale::Never).unwrap();
    assert_eq!(
        problems(&root, &harvest.problems),
        ["Unreadable - tiny-crate/counting/counted/plain/summary.json: summary.json is missing: \
          the run did not save one; run the benches with `-- --save-summary=json`, or set \
          IAI_CALLGRIND_SAVE_SUMMARY=json (gungraun: GUNGRAUN_SAVE_SUMMARY=json)"]
    );
    assert_eq!(rows(&harvest), Vec::<String>::new());
}

#[test]
fn stale_summaries() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path();
    copy(&fixture("iai-callgrind-0.16/tiny-crate/counting"), root);
    written(root, 2_000_000);
    written(&root.join("counted/plain"), 1_000_000);
    let rule = Stale::Gap(Duration::from_mins(1));
    let harvest = read(root, None, rule).unwrap();
    assert_eq!(
        problems(root, &harvest.problems),
        ["Stale tiny-crate/counting::counted::plain counted/plain/summary.json: was left behind \
          by an earlier run; if the benchmark is gone, remove the directory"]
    );
    assert_eq!(counts(&harvest).len(), 4);

    // A later run without a summary leaves the earlier summary in place.
    written(root, 2_000_000);
    let out = root.join("counted/plain/callgrind.plain.out");
    fs::write(&out, "").unwrap();
    written(&out, 2_000_030);
    let harvest = read(root, None, rule).unwrap();
    assert_eq!(
        problems(root, &harvest.problems),
        ["Stale tiny-crate/counting::counted::plain counted/plain/summary.json: is older than \
          the tools' output beside it: a later run did not save a summary; run the benches with \
          `-- --save-summary=json`"]
    );
    assert_eq!(counts(&harvest).len(), 4);
    assert_eq!(counts(&read(root, None, Stale::Never).unwrap()).len(), 5);
}

#[test]
fn cargos_target_directory_holds_both_runners_results() {
    let temp = tempfile::tempdir().unwrap();
    copy(&fixture("iai-callgrind-0.16/tiny-crate/counting"), &temp.path().join("iai/x/counting"));
    copy(&fixture("gungraun-0.20/tiny-crate/with_tools"), &temp.path().join("gungraun/x/tools"));
    copy(&fixture("gungraun-0.20/tiny-crate/with_tools"), &temp.path().join("release/copied"));
    fs::write(temp.path().join("CACHEDIR.TAG"), "").unwrap();
    let harvest = read(temp.path(), None, Stale::Never).unwrap();
    assert_eq!(harvest.problems, []);
    assert_eq!(counts(&harvest).len(), 10);
}

/// Names and contents.
type Files<'a> = &'a [(&'a str, &'a str)];

/// The number of threads, and the cost of each function.
type Took<'a> = (u32, &'a [(&'a str, u64)]);

/// A thread's profile in Callgrind's format.
fn profile(functions: &[(&str, u64)]) -> String {
    let each = functions.iter().map(|(name, took)| format!("fn={name}\n1 {took}\n"));
    let total: u64 = functions.iter().map(|(_, took)| took).sum();
    let header = "# callgrind format\nversion: 1\npositions: line\nevents: Ir\n";
    format!("{header}{}totals: {total}\n", each.collect::<String>())
}

#[test]
fn costs_of_functions_are_read_if_they_add_up_to_the_count() {
    // `plain` took 2,392 instructions.
    let whole = profile(&[("tiny::plain", 2000), ("tiny::inner", 392)]);
    let [most, rest] =
        [&[("tiny::plain", 2000)], &[("tiny::inner", 392)]].map(|costs| profile(costs));
    let both: &[(&str, u64)] = &[("tiny::inner", 392), ("tiny::plain", 2000)];
    let cases: [(Files<'_>, Option<Took<'_>>); 7] = [
        (&[("callgrind.plain.out", &whole)], Some((1, both))),
        // One process, two threads; one thread, two parts.
        (&[("callgrind.plain.t1.out", &most), ("callgrind.plain.t2.out", &rest)], Some((2, both))),
        (
            &[("callgrind.plain.t1.p1.out", &most), ("callgrind.plain.t1.p2.out", &rest)],
            Some((1, both)),
        ),
        // A profile of another run, of half a run or of an earlier run; a missing profile.
        (&[("callgrind.plain.out", &most)], None),
        (&[("callgrind.plain.out", &whole[..whole.len() - 14])], None),
        (&[("callgrind.plain.out.old", &whole)], None),
        (&[("callgrind.plain.out", "<html>"), ("dhat.plain.out", &whole)], None),
    ];
    for tool in ["iai-callgrind-0.16", "gungraun-0.20"] {
        for (files, expected) in &cases {
            let home = tempfile::tempdir().unwrap();
            copy(&fixture(tool), home.path());
            let directory = home.path().join("tiny-crate/counting/counted/plain");
            for (name, text) in *files {
                fs::write(directory.join(name), text).unwrap();
            }
            let harvest = read(home.path(), None, Stale::Never).unwrap();
            assert_eq!(harvest.problems, [], "{files:?}");
            let known: Vec<_> = harvest
                .measurements
                .iter()
                .filter(|counted| counted.metric.name == Metric::INSTRUCTIONS)
                .filter_map(|counted| Some((counted.id.qualified(), counted.costs.as_ref()?)))
                .filter(|(_, costs)| !costs.functions.is_empty())
                .map(|(id, costs)| {
                    assert_eq!(
                        (id.as_str(), costs.total),
                        ("tiny-crate/counting::counted::plain", 2392)
                    );
                    let functions: Vec<_> =
                        costs.functions.iter().map(|(name, took)| (name.as_str(), *took)).collect();
                    (costs.threads, functions)
                })
                .collect();
            let expected: Vec<_> = expected
                .iter()
                .map(|(threads, functions)| (*threads, functions.to_vec()))
                .collect();
            assert_eq!(known, expected, "{files:?}");
        }
    }
}

/// The metrics of `plain` with these files of callgrind's, with how they were counted.
fn counted(tool: &str, profile: Option<&str>) -> Vec<(String, f64, Option<AllocatorCount>)> {
    let home = tempfile::tempdir().unwrap();
    copy(&fixture(tool), home.path());
    let directory = home.path().join("tiny-crate/counting/counted/plain");
    if let Some(text) = profile {
        fs::write(directory.join("callgrind.plain.out"), text).unwrap();
    }
    let harvest = read(home.path(), None, Stale::Never).unwrap();
    let plain = harvest
        .measurements
        .iter()
        .filter(|it| it.id.qualified() == "tiny-crate/counting::counted::plain");
    let all = plain.filter(|it| {
        it.metric.name.starts_with("instructions") || it.metric.name == Metric::ALLOCATIONS
    });
    all.map(|it| {
        let Reading::Value(value) = it.runs[0].reading else { panic!("{it:?}") };
        (it.metric.name.clone(), value, it.costs.as_ref().map(|costs| costs.allocator))
    })
    .collect()
}

#[test]
fn callgrinds_own_file_gives_the_count_that_follows_the_code() {
    use AllocatorCount::{Charged, Executed};
    // 1,000 instructions and two calls of malloc, which take 1,392.
    let body = |calls: &str| {
        format!(
            "version: 1\npositions: instr\nevents: Ir\nfn=f\n0x10 1000\ncfn=malloc\n\
             calls=9 0x50\n0x14 1392\n\nfn=malloc\n{calls}totals: 2392\n"
        )
    };
    let with_addresses = body("0x50 2\n0x54 1390\n");
    let without = with_addresses.replace("positions: instr", "positions: line").replace("0x", "");
    let row = |name: &str, value: f64, allocator| (name.to_owned(), value, Some(allocator));
    for tool in ["iai-callgrind-0.16", "gungraun-0.20"] {
        assert_eq!(
            counted(tool, Some(&with_addresses)),
            [
                row("allocations", 2.0, Charged),
                row("instructions", 1200.0, Charged),
                row("instructions.total", 2392.0, Executed),
            ]
        );
        // Calls are not known, or not even whether there were any.
        let total = row("instructions.total", 2392.0, Executed);
        let executed = row("instructions", 2392.0, Executed);
        assert_eq!(counted(tool, Some(&without)), [executed.clone(), total]);
        assert_eq!(counted(tool, None), [executed]);
    }
}
