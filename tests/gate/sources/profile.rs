//! What callgrind 3.19 itself wrote, in the forms in which it can.

use benchgate::sources::callgrind_profile::{Difference, Profile, differences};

use super::fixture;

fn read(name: &str) -> Profile {
    let path = fixture("callgrind-3.19").join(format!("{name}.out"));
    Profile::read(&path).unwrap_or_else(|error| panic!("{error}"))
}

/// Functions of the program itself.
fn own(profile: &Profile) -> Vec<(&str, u64)> {
    let rows = profile.functions.iter().map(|(name, took)| (name.as_str(), *took));
    rows.filter(|(name, _)| name.starts_with("profiled::")).collect()
}

#[test]
fn every_form_of_the_file_says_the_same() {
    let plain = read("plain");
    assert_eq!(plain.total, 6707);
    assert_eq!(
        own(&plain),
        [("profiled::generic", 422), ("profiled::measured", 71), ("profiled::recursive", 49)]
    );
    assert_eq!(plain.functions["__memset_avx2_unaligned_erms"], 5016);
    assert_eq!(plain.functions["malloc"], 80);
    // Without the names' numbers, with addresses and jumps, one of several threads.
    for form in ["uncompressed", "instructions", "threads"] {
        assert_eq!(read(form), plain, "{form}");
    }
    // The newer mangling tells instances of a generic function apart.
    let newer = read("v0");
    assert_eq!(newer.total, 6707);
    assert_eq!(
        own(&newer),
        [
            ("profiled::generic::<u32>", 16),
            ("profiled::generic::<u64>", 406),
            ("profiled::measured", 71),
            ("profiled::recursive", 49)
        ]
    );
}

#[test]
fn the_function_with_more_to_do_is_the_cause() {
    let cause =
        Difference { function: "profiled::generic".to_owned(), baseline: 422, candidate: 822 };
    assert_eq!(differences(&read("plain"), &read("more")), [cause]);
}

#[test]
fn a_file_that_is_cut_off_is_no_profile() {
    let text = std::fs::read_to_string(fixture("callgrind-3.19/plain.out")).expect("readable");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cut.out");
    for length in (0..text.trim_end().len()).step_by(7) {
        std::fs::write(&path, &text[..length]).expect("written");
        let error = Profile::read(&path).expect_err("it is cut off");
        assert_eq!(error.path, path, "{length}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics(lines in proptest::collection::vec("(fn=|cfn=|ob=|calls=|events: |totals: |positions: |)[ 0-9a-zIr()+*'.-]{0,20}", 0..20)) {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("x.out");
        std::fs::write(&path, lines.join("\n")).expect("written");
        let _ = Profile::read(&path);
    }
}
