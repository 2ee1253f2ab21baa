//! The changes that a machine's noise allows the gate to find: from generated runs, from
//! files, and by `gate calibrate` on a small real project.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use benchgate::baseline::{BaselineError, Store, noise_schema};
use benchgate::calibrate::{Calibration, Evidence, Instructions, Observed, calibrate, remember};
use benchgate::model::{BenchId, Metric, Noise};
use benchgate::policy::Policy;
use benchgate::stats::SplitMix64;
use jiff::Timestamp;

fn heavy(random: &mut SplitMix64) -> f64 {
    let mut uniform = || (random.next_bits() >> 11) as f64 / (1_u64 << 53) as f64;
    let normal = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
    if uniform() < 0.1 { 5.0 * normal } else { normal }
}

/// Twenty pairs of runs that differ by `deviation`, in session `at`.
fn observed(name: &str, deviation: f64, at: i64) -> Observed {
    let mut random = SplitMix64::new(name.len() as u64 + at.unsigned_abs());
    let values: Vec<f64> =
        (0..40).map(|_| 100.0 * (deviation * heavy(&mut random)).exp()).collect();
    Observed {
        id: BenchId::in_target(name, "t", "p"),
        metric: Metric::time(),
        when: Timestamp::from_second(at).unwrap(),
        code: Some("c".to_owned()),
        differences: values.chunks(2).map(|pair| (pair[1] / pair[0]).ln()).collect(),
        values,
    }
}

fn calibration(
    observed: &[Observed],
    instructions: &[(&str, Instructions)],
    text: &str,
) -> Calibration {
    let policy = Policy::parse(&format!("version = 1\n{text}"), Path::new("gate.toml")).unwrap();
    let noise = remember(&Noise::default(), observed);
    let instructions: BTreeMap<BenchId, Instructions> = instructions
        .iter()
        .map(|(name, observed)| (BenchId::in_target(*name, "t", "p"), observed.clone()))
        .collect();
    let evidence = Evidence { observed, noise: &noise, instructions: &instructions, not_run: &[] };
    calibrate(&evidence, &policy, "box", PathBuf::from("noise.json"))
}

#[test]
fn each_benchmark_gets_a_fitting_rule_and_the_rules_are_a_valid_policy() {
    let mut pingpong = observed("ping [pong]", 0.01, 0);
    for value in pingpong.values.iter_mut().step_by(3) {
        *value *= 8.0;
    }
    let all = [
        observed("quiet", 0.004, 0),
        observed("middling", 0.03, 0),
        observed("restless", 0.06, 0),
        observed("hopeless \"name\"", 0.5, 0),
        pingpong,
    ];
    let steady = [("ping [pong]", Instructions::Steady)];
    let report = calibration(&all, &steady, "");
    let row = |name: &str| report.rows.iter().find(|row| row.id == name).expect("a row");
    assert!(row("quiet").reached && row("quiet").detectable.unwrap() < 0.03);
    assert!(row("quiet").floor.unwrap() < 0.01);
    assert!(!row("middling").reached);
    assert!(row("ping [pong]").modes.is_some_and(|modes| modes.upper / modes.lower > 7.0));
    assert!(report.rows.iter().filter(|row| row.modes.is_some()).count() == 1);

    let mut by_name: BTreeMap<&str, &str> = BTreeMap::new();
    for suggestion in &report.suggestions {
        for name in &suggestion.benchmarks {
            by_name.insert(name, &suggestion.toml);
        }
    }
    assert!(!by_name.contains_key("quiet"));
    assert!(by_name["middling"].starts_with("[ab]\nlooks = [14, 28, "), "{by_name:?}");
    assert!(by_name["restless"].contains("target = \""), "{by_name:?}");
    assert!(by_name["hopeless \"name\""].contains("gate = \"show\""), "{by_name:?}");
    assert!(by_name["ping [pong]"].contains("instructions are exact"), "{by_name:?}");

    // The suggestions form a valid policy that names their rows.
    let text: String =
        report.suggestions.iter().map(|suggestion| suggestion.toml.as_str()).collect();
    let again = calibration(&all, &steady, &text);
    assert!(again.suggestions.is_empty(), "{:#?}", again.suggestions);
    let names: Vec<&str> = again.rows.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(names, ["middling", "quiet", "restless"], "a rule for a row that is only shown");
    assert!(again.rows.iter().all(|row| row.reached));
}

#[test]
fn sessions_accumulate_and_the_oldest_are_forgotten() {
    let mut noise = Noise::default();
    for at in 0..40 {
        noise = remember(&noise, &[observed("a", 0.01, at)]);
    }
    let again = remember(&noise, &[observed("a", 0.01, 39)]);
    assert_eq!(again, noise, "the same session was added twice");
    assert_eq!(noise.rows[0].sessions.len(), 30);
    assert_eq!(noise.rows[0].sessions[0].when, Timestamp::from_second(10).unwrap());
    let other = Observed { code: Some("d".to_owned()), ..observed("a", 0.01, 50) };
    let two = [observed("a", 0.01, 1), other.clone()];
    assert_eq!(
        calibration(&two, &[], "").rows[0].session_deviation,
        None,
        "each session measured other code"
    );
    let two = [observed("a", 0.01, 1), observed("a", 0.01, 2), other];
    assert!(calibration(&two, &[], "").rows[0].session_deviation.is_some());
}

#[test]
fn a_row_without_spread_or_reachable_target_says_so() {
    let same = Observed {
        values: vec![100.0; 40],
        differences: vec![0.0; 20],
        ..observed("same", 0.01, 0)
    };
    let row = &calibration(std::slice::from_ref(&same), &[], "").rows[0];
    assert!(row.run_deviation < 1e-12);
    assert_eq!((row.floor, row.modes), (Some(0.0), None));
    assert!(row.reached);
    // A target equal to the tolerance cannot be reached with any number of pairs.
    let at_tolerance = "[[rule]]\nbench = \"**\"\ntolerance = \"3%\"\ntarget = \"3%\"";
    let report = calibration(&[observed("a", 0.01, 0)], &[], at_tolerance);
    assert_eq!((report.rows[0].pairs_needed, report.rows[0].reached), (None, false));
    let two = Observed { values: vec![1.0, 2.0], differences: vec![0.5], ..same };
    assert_eq!(calibration(&[two], &[], "").rows[0].floor, None);
}

#[test]
fn the_noise_file_is_read_back_and_a_damaged_file_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::new(home.path());
    assert_eq!(store.noise("box").unwrap(), None);
    let noise = remember(&Noise::default(), &[observed("b", 0.01, 0), observed("a", 0.02, 9)]);
    let path = store.save_noise("box", &noise).unwrap();
    assert_eq!(store.noise("box").unwrap(), Some(noise));
    assert!(store.list().unwrap().is_empty(), "the noise file is listed as a baseline");

    let text = std::fs::read_to_string(&path).unwrap();
    let validator = jsonschema::validator_for(&noise_schema()).unwrap();
    assert!(validator.is_valid(&serde_json::from_str(&text).unwrap()));
    for (from, to, message) in [
        ("{", "", "is not a noise file"),
        ("\"schema_version\": 1", "\"schema_version\": 9", "reads up to 1"),
        ("\"schema_version\": 1", "\"schema_version\": 0", "unknown schema version 0"),
        ("\"runs\":40", "\"runs\":1", "/noise/0/sessions/0/runs: at least 2 runs"),
        ("\"runs\":40", "\"runs\":-40", "is not a noise file"),
        ("\"centre\":", "\"centre\":-", "is not a positive number"),
        ("\"deviation\":", "\"deviation\":-", "is not a deviation"),
        ("\"widest\":", "\"width\":", "unknown field `width`"),
        ("\"name\": \"a\"", "\"name\": \"b\"", "appears twice"),
        ("\"name\": \"a\"", "\"name\": \"\"", "a name is empty"),
    ] {
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(&path, text.replacen(from, to, 1)).unwrap();
        let error = store.noise("box").unwrap_err().to_string();
        assert!(error.contains(message) && error.contains("noise.json"), "{from}: {error}");
    }
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("nowhere", &path).unwrap();
    assert!(matches!(store.noise("box"), Err(BaselineError::Io { .. })), "a link to nothing");
}

const POLICY: &str = "version = 1\n[ab]\nwarm_up = \"5ms\"\ntime = \"10ms\"\nsamples = 10\n";

fn gate(home: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = Command::new(crate::GATE)
        .args(arguments)
        .arg("--config")
        .arg(home.join("gate.toml"))
        .arg("--store")
        .arg(home.join("baselines"))
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/projects/tiny"))
        .env("CARGO_TARGET_DIR", concat!(env!("CARGO_TARGET_TMPDIR"), "/tiny"))
        .env("BENCHGATE_CLASS", "here")
        .env("TINY_MOOD", "good")
        .output()
        .expect("the gate starts");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    (status.code().expect("an exit code"), text(stdout), text(stderr))
}

#[test]
fn a_project_is_compared_with_itself_and_its_noise_is_kept() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("gate.toml"), POLICY).unwrap();
    let noise = home.path().join("baselines/here/noise.json");
    let command = ["calibrate", "--bench", "moody", "--pairs", "8"];

    let (code, out, err) = gate(home.path(), &[&command[..], &["--dry-run"]].concat());
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("first") && out.contains("second") && out.contains("finds"), "{out}");
    assert!(!noise.exists(), "--dry-run wrote a file");

    for sessions in 1..3 {
        let (code, out, err) = gate(home.path(), &[&command[..], &["--format", "json"]].concat());
        assert_eq!(code, 0, "{out}{err}");
        let calibration: serde_json::Value = serde_json::from_str(&out).unwrap();
        let rows = calibration["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 2);
        for row in rows {
            assert_eq!((&row["runs"], &row["pairs"]), (&16.into(), &8.into()));
            assert_eq!(row["sessions"], sessions, "the sessions do not accumulate");
            // The executables are the same, so the sessions measured equal code.
            assert_eq!(row["session_deviation"].is_number(), sessions == 2);
        }
        assert!(noise.exists() && err.contains("noise.json"), "{err}");
    }

    let (code, out, err) =
        gate(home.path(), &["calibrate", "--bench", "moody", "--filter", "nosuch"]);
    assert_eq!(code, 1, "{out}{err}");
    assert!(err.contains("nosuch"), "{err}");

    // A damaged file is reported before measuring.
    std::fs::write(&noise, "{").unwrap();
    for command in [&command[..], &["run", "--bench", "moody"]] {
        let (code, _, err) = gate(home.path(), command);
        assert_eq!(code, 1, "{err}");
        assert!(err.contains("noise.json") && err.contains("gate calibrate"), "{err}");
    }
}
