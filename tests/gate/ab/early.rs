//! Executables with an early version of criterion.

use std::os::unix::fs::PermissionsExt as _;

use benchgate::judge::Outcome;

use super::mimic::mimic;
use super::{ab, gate, outcomes};

#[test]
fn criterion_0_3_and_0_4_are_driven_in_whole_seconds_and_by_patterns() {
    let home = tempfile::tempdir().unwrap();
    let early = ("EARLY", "1");
    let base = mimic(home.path(), "base", &[("TIMES", "a=100,b.c=100"), early]);
    let head = mimic(home.path(), "head", &[("TIMES", "a=100,b.c=2000"), early]);
    let (code, report, err) = ab(home.path(), &base, &head, &[]);
    assert_eq!(code, 3, "{err}");
    assert_eq!(outcomes(&report), [("a", Outcome::Unchanged), ("b.c", Outcome::Regression)]);
    let warning = "criterion 0.3 and 0.4 accept only whole seconds: 2 s for each benchmark instead of \
                0.015 s; criterion 0.5 and later are quicker\n";
    assert_eq!(err.matches(warning).count(), 1, "{err}");
    let (code, out, err) = gate(
        home.path(),
        &["ab", "--base-exe", "base.sh", "--head-exe", "base.sh", "--filter", "a"],
    );
    assert_eq!(code, 0, "{out}{err}");
}

#[test]
fn with_an_early_criterion_on_one_side_both_sides_are_measured_alike() {
    let home = tempfile::tempdir().unwrap();
    let times = ("TIMES", "a=100,b=100");
    let base = mimic(home.path(), "base", &[times, ("EARLY", "1")]);
    let head = mimic(home.path(), "head", &[times]);
    let (code, report, err) = ab(home.path(), &base, &head, &[]);
    assert_eq!(code, 0, "{err}");
    assert_eq!(outcomes(&report), [("a", Outcome::Unchanged), ("b", Outcome::Unchanged)]);
    assert_eq!(err.matches("accept only whole seconds").count(), 1, "{err}");
}

#[test]
fn a_criterion_before_0_3_3_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("bench");
    std::fs::write(&path, "\u{7f}ELF CRITERION_DEBUG").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    let (code, out, err) = gate(home.path(), &["ab", "--base-exe", "bench", "--head-exe", "bench"]);
    assert_ne!(code, 0, "{out}{err}");
    let reason = "built with criterion before 0.3.3, which the gate cannot drive; update criterion";
    assert!(err.contains(reason) || out.contains(reason), "{code} {out}{err}");
}
