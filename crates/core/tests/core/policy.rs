//! gate.toml: what is read, what is refused, and where the error points.

use std::path::Path;

use benchgate_core::model::{BenchId, Field, Metric, Unit};
use benchgate_core::policy::{Gate, Level, OnUndecided, Policy, Witness};

fn parse(text: &str) -> Result<Policy, String> {
    Policy::parse(text, Path::new("gate.toml")).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_are_complete() {
    let builtin = Policy::builtin();
    assert_eq!(builtin.verdict.alpha, 0.01);
    assert_eq!(builtin.verdict.undecided, OnUndecided::BlockIfNoneDecided);
    assert_eq!(builtin.verdict.missing, Level::Warn);
    assert_eq!((builtin.measure.repeat, builtin.measure.counts), (5, 2));
    assert_eq!((builtin.ab.counts, builtin.ab.pin_layout), (2, true));
    let time = builtin.limits(&BenchId::named("a/b c"), &Metric::time());
    assert_eq!((time.tolerance, time.target, time.fail), (0.01, 0.025, 0.01));
    assert_eq!((time.witness, time.slower_clock), (Witness::Both, Gate::Fail));
    assert_eq!(time.slower_clock_unpinned, Gate::Warn);
    assert_eq!(time.slower_clock_tolerance, 0.05);
    let count = Metric::counted(Metric::INSTRUCTIONS, Unit::Count);
    let count = builtin.limits(&BenchId::named("a"), &count);
    assert_eq!((count.tolerance, count.warn, count.fail), (0.005, 0.005, 0.01));
    let hits = Metric::counted("l1_hits", Unit::Count);
    assert_eq!(builtin.limits(&BenchId::named("a"), &hits).gate, Gate::Show);
}

#[test]
fn later_rules_win_key_by_key() {
    let policy = parse(
        "version = 1\n[environment]\nignore = [\"kernel\"]\n\
         [[rule]]\nbench = \"http/**\"\nmetric = \"time\"\ntolerance = \"5%\"\n\
         [[rule]]\nbench = \"http/slow\"\ngate = \"warn\"\n\
         [[rule]]\nbench = \"*/cache::**\"\ntolerance = \"7%\"\nwitness = \"clock\"\n\
         [ab]\ncounts = 0\n",
    )
    .unwrap();
    assert!(policy.ignored_fields.contains(&Field::Kernel));
    let slow = policy.limits(&BenchId::named("http/slow"), &Metric::time());
    assert_eq!((slow.tolerance, slow.gate), (0.05, Gate::Warn));
    // Limits that depend on the tolerance are raised with it.
    assert_eq!((slow.warn, slow.fail, slow.target), (0.05, 0.05, 0.05));
    let other = policy.limits(&BenchId::named("sql/slow"), &Metric::time());
    assert_eq!((other.tolerance, other.gate), (0.01, Gate::Fail));
    let qualified = BenchId::in_target("x", "cache", "service");
    let limits = policy.limits(&qualified, &Metric::time());
    assert_eq!((limits.tolerance, limits.witness), (0.07, Witness::Clock));
    // A slower clock is not judged more strictly than other rows.
    assert_eq!((limits.slower_clock_tolerance, slow.slower_clock_tolerance), (0.07, 0.05));
    assert_eq!(policy.ab.counts, 0);
}

/// Each case: the text, the place and a part of the message.
#[test]
#[allow(clippy::too_many_lines, reason = "a list of cases")]
fn errors_point_at_their_place() {
    for (text, place, message) in [
        ("", "gate.toml:1:1", "missing field `version`"),
        ("version = 2", "gate.toml:1:11", "unknown version 2 of the policy format"),
        ("version = 1\ntolerence = 1", "gate.toml:2:1", "unknown field `tolerence`"),
        (
            "version = 1\n[[rule]]\nbench = \"a\"\ntolerence = \"1%\"",
            "gate.toml:4:1",
            "did you mean `tolerance`?",
        ),
        (
            "version = 1\n[[rule]]\nbench = \"a\"\ntolerance = \"1\"",
            "gate.toml:4:13",
            "\"1\" is not a percentage: write \"1%\"",
        ),
        ("version = 1\n[[rule]]\nbench = \"a\"\ntolerance = 0.01", "gate.toml:4:13", "string"),
        ("version = 1\n[[rule]]\nbench = \"a[\"", "gate.toml:3:9", "this is no glob"),
        (
            "version = 1\n[[rule]]\nbench = \"a\"\nwarn = \"2%\"\nfail = \"1%\"",
            "gate.toml:5:8",
            "fail is below warn",
        ),
        ("version = 1\n[verdict]\nalpha = \"50%\"", "gate.toml:3:9", "at most 20%"),
        ("version = 1\n[verdict]\nundecided = \"maybe\"", "gate.toml:3:13", "unknown variant"),
        (
            "version = 1\n[environment]\nignore = [\"cpu\"]",
            "gate.toml:3:11",
            "unknown environment field; known fields: cpu_model",
        ),
        ("version = 1\n[measure]\nsamples = 5", "gate.toml:3:11", "not between 10"),
        (
            "version = 1\n[[rule]]\nbench = \"a\"\nfail = \"3%\"\nslower_clock_tolerance = \"2%\"",
            "gate.toml:5:26",
            "slower_clock_tolerance is below fail",
        ),
        (
            "version = 1\n[[rule]]\nbench = \"a\"\nwitness = \"clocks\"",
            "gate.toml:4:11",
            "unknown variant `clocks`",
        ),
        ("version = 1\n[ab]\ncounts = 101", "gate.toml:3:10", "not between 0 and 100"),
        ("version = 1\n[measure]\ncounts = 101", "gate.toml:3:10", "not between 0 and 100"),
        ("version = 1\n[measure]\ntime = \"-1s\"", "gate.toml:3:8", "not a duration"),
        ("version = 1\n[measure]\ntime = \"soon\"", "gate.toml:3:8", "not a duration"),
        (
            "version = 1\n[[budget]]\nbench = \"a\"\nmetric = \"time\"",
            "gate.toml:3:9",
            "one of at_most and at_least",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\n",
            "gate.toml:3:9",
            "a target needs one of at_most and at_least",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_most = \"1ms\"\nat_least = \"1us\"",
            "gate.toml:3:9",
            "a target needs one of at_most and at_least",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_most = \"1ms\"\nseverity = \"hgih\"",
            "gate.toml:6:12",
            "did you mean `high`?",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_most = \"1ms\"\nwarn_at = \"2ms\"",
            "gate.toml:6:11",
            "warn_at is beyond at_most",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_most = \"1ms\"\nwarn_at = \"5%\"",
            "gate.toml:6:11",
            "warn_at is not in the unit of at_most",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_least = \"90%\"\nwarn_at = \"80%\"",
            "gate.toml:6:11",
            "warn_at is beyond at_least",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nquantile = 0.75\nat_most = \"1ms\"",
            "gate.toml:5:12",
            "quantile 0.75 is not recorded: write 0.5, 0.9",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_most = \"1ms\"\ngroup = \" \"",
            "gate.toml:6:9",
            "the name is empty",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_most = \"1ms\"\nat_msot = \"1ms\"",
            "gate.toml:6:1",
            "did you mean `at_most`?",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_least = \"2ms\"\n[[target]]\nbench = \"a\"\nmetric = \"time\"\nat_most = \"1ms\"",
            "gate.toml:9:11",
            "no value can keep this limit and at_least",
        ),
        (
            "version = 1\n[[budget]]\nbench = \"a\"\nmetric = \"time\"\nat_most = \"1ms\"\n\
             [[target]]\nbench = \"a\"\nmetric = \"time\"\nat_least = \"2ms\"",
            "gate.toml:9:12",
            "which an earlier budget sets",
        ),
        (
            "version = 1\n[[target]]\nbench = \"a\"\nmetric = \"latency.p99\"\nquantile = \
             0.99\nat_most = \"1ms\"",
            "gate.toml:5:12",
            "the metric names the quantile p99 already",
        ),
        ("version = 1\n[grades]\na = \"101%\"", "gate.toml:3:5", "more than 100%"),
        (
            "version = 1\n[grades]\na = \"80%\"\nb = \"90%\"",
            "gate.toml:4:5",
            "a worse grade must not need a larger share",
        ),
        (
            "version = 1\n[[waiver]]\nbench = \"a\"\nmetric = \"time\"\nup_to = \"5%\"\nuntil = \
             \"soon\"\nreason = \"r\"",
            "gate.toml:6:9",
            "is not a date",
        ),
        (
            "version = 1\n[[waiver]]\nbench = \"a\"\nmetric = \"time\"\nup_to = \"5%\"\nuntil = \
             \"2027-01-01\"\nreason = \" \"",
            "gate.toml:7:10",
            "needs a reason",
        ),
        ("version = 1\n[[rule]", "gate.toml:2:8", ""),
        ("version = 1 # größer\nö = 1", "gate.toml:2:1", ""),
    ] {
        let error = parse(text).expect_err(text);
        assert!(error.starts_with(place), "{text:?} points at {error}");
        assert!(error.contains(message), "{text:?} says {error}");
    }
}

#[test]
fn the_excerpt_marks_the_value() {
    let error = parse("version = 1\n[verdict]\nalpha = \"50%\" # too much\n").unwrap_err();
    assert_eq!(
        error,
        "gate.toml:3:9: alpha must be above 0% and at most 20%\n  |\n3 | alpha = \"50%\" # too \
         much\n  |         ^^^^^"
    );
}

#[test]
fn a_missing_file_is_named() {
    let error = Policy::read(Path::new("nowhere/gate.toml")).unwrap_err().to_string();
    assert!(error.contains("nowhere/gate.toml"), "{error}");
}

proptest::proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = parse(&text);
        let _ = parse(&format!("version = 1\n[[rule]]\nbench = \"{text}\"\ntolerance = \"{text}\"\n"));
    }
}

#[test]
fn commands_are_read_with_their_defaults() {
    let policy = parse(
        "version = 1\n[measure]\nrepeat = 3\n\
         [[measure.command]]\nname = \"api\"\ncommand = [\"node\", \"a b.js\"]\nbuild = \"npm ci\"\n\
         directory = \"services/api\"\nenvironment = { MODE = \"x=1\" }\ntime_limit = \"2m\"\n\
         [[measure.command]]\nname = \"p\"\ncommand = \"python3  bench.py\"\n",
    )
    .unwrap();
    let [api, plain] = &policy.measure.command[..] else { panic!("{:?}", policy.measure) };
    assert_eq!(api.words, ["node", "a b.js"]);
    assert_eq!(api.build.as_deref(), Some(&["npm".to_owned(), "ci".to_owned()][..]));
    assert_eq!(api.directory, Path::new("services/api"));
    assert_eq!(api.environment["MODE"], "x=1");
    assert_eq!(api.time_limit, Some(std::time::Duration::from_mins(2)));
    assert_eq!(plain.words, ["python3", "bench.py"]);
    assert_eq!((&plain.build, plain.time_limit), (&None, None));
    assert_eq!(plain.directory, Path::new(""));
}

#[test]
fn a_command_that_cannot_be_run_is_refused_with_its_line() {
    for (keys, line, message) in [
        ("name = \"a\"\ncommand = \"cd x && run\"", 4, "`&` would need a shell"),
        ("name = \"a\"\ncommand = \"run 'a b'\"", 4, "would need a shell"),
        ("name = \"a\"\ncommand = []", 4, "the first word names a program"),
        ("name = \"a\"\ncommand = \" \"", 4, "the first word names a program"),
        ("name = \"a\"\ncommand = 5", 4, "a list of words such as"),
        ("name = \"a/b\"\ncommand = \"x\"", 3, "the name of a command has"),
        ("name = \"\"\ncommand = \"x\"", 3, "the name of a command has"),
        ("name = \"a\"\ncommand = \"x\"\ndirectory = \"../y\"", 5, "a path inside the project"),
        ("name = \"a\"\ncommand = \"x\"\ndirectory = \"/y\"", 5, "a path inside the project"),
        ("name = \"a\"\ncommand = \"x\"\ntime_limit = \"0s\"", 5, "is not a duration"),
        (
            "name = \"a\"\ncommand = \"x\"\nenvironment = { \"A=\" = \"1\" }",
            5,
            "cannot be a variable",
        ),
        (
            "name = \"a\"\ncommand = \"x\"\nenvironment = { BENCHGATE_RECORD = \"r\" }",
            5,
            "the gate itself sets",
        ),
        ("name = \"a\"\ncommand = \"x\"\nshell = true", 5, "unknown field `shell`"),
        (
            "name = \"a\"\ncommand = \"x\"\n[[measure.command]]\nname = \"a\"\ncommand = \"y\"",
            6,
            "another command has this name already",
        ),
    ] {
        let error = parse(&format!("version = 1\n[[measure.command]]\n{keys}\n")).unwrap_err();
        assert!(error.starts_with(&format!("gate.toml:{line}:")), "{keys}: {error}");
        assert!(error.contains(message), "{keys}: {error}");
    }
}
