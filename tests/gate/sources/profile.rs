//! Files that callgrind 3.19 wrote, in each of its forms.

use benchgate::sources::callgrind_profile::{Difference, Profile, Uncharged, differences, parts};

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
fn every_form_of_the_file_gives_the_same_profile() {
    let plain = read("plain");
    assert_eq!(plain.total, 6707);
    assert_eq!(
        own(&plain),
        [("profiled::generic", 422), ("profiled::measured", 71), ("profiled::recursive", 49)]
    );
    assert_eq!(plain.functions["__memset_avx2_unaligned_erms"], 5016);
    assert_eq!(plain.functions["malloc"], 80);
    // Without compressed names, with addresses and jumps, and with several threads.
    for form in ["uncompressed", "instructions", "threads"] {
        let same = read(form);
        assert_eq!((same.total, same.functions), (plain.total, plain.functions.clone()), "{form}");
    }
    // The newer mangling distinguishes instances of a generic function.
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
fn the_function_that_does_more_is_the_cause() {
    let cause =
        Difference { function: "profiled::generic".to_owned(), baseline: 422, candidate: 822 };
    assert_eq!(differences(&read("plain").functions, &read("more").functions), [cause]);
}

#[test]
fn a_truncated_file_is_not_a_profile() {
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

/// The total of each part, and whether criterion's own function reads the clock at
/// its beginning.
fn totals(name: &str) -> Vec<(u64, Option<bool>)> {
    let path = fixture("callgrind-3.19").join(format!("{name}.out"));
    let parts = parts(&path).unwrap_or_else(|error| panic!("{error}"));
    let all = parts.iter().map(|part| {
        assert_eq!(part.thread, 1);
        let own = part.profile.functions.get("clock_gettime").copied().unwrap_or(0);
        assert_eq!(own > 0, part.reading.is_some(), "{part:?}");
        let criterion = |name: &String| name.contains("criterion") && name.contains("iter_batched");
        (part.profile.total, part.reading.as_ref().map(|callers| callers.iter().any(criterion)))
    });
    all.collect()
}

#[test]
fn a_file_of_parts_is_split_at_readings_of_the_clock() {
    // Set-up, routine and drop of about 9,000 instructions each.
    let read = Some(true);
    let plain = [(41, None), (9064, read), (9058, read), (9142, read), (87, read)];
    assert_eq!(totals("parts"), plain);
    let inlined = [(27, None), (9057, read), (9044, read), (9115, read), (82, read)];
    assert_eq!(totals("parts-inlined"), inlined);
    // The same file as one profile.
    assert_eq!(self::read("parts").total, plain.iter().map(|(total, _)| total).sum::<u64>());
}

#[test]
fn truncated_parts_are_refused() {
    let text = std::fs::read_to_string(fixture("callgrind-3.19/parts.out")).expect("readable");
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cut.out");
    let whole = text.trim_end().len();
    for length in (0..whole).step_by(97) {
        std::fs::write(&path, &text[..text.floor_char_boundary(length)]).expect("written");
        // A file that ends between two parts looks complete.
        match parts(&path) {
            Err(error) => assert_eq!(error.path, path, "{length}"),
            Ok(parts) => assert!(parts.len() < 5, "{length}"),
        }
    }
}

#[test]
fn each_allocator_is_charged_by_the_call_whatever_it_took() {
    for allocator in ["glibc", "jemalloc", "mimalloc"] {
        let read = |variant| read(&format!("{allocator}-{variant}"));
        let charged = |profile: &Profile| profile.charged().expect("its entries are known");
        let (one, other, more) = (read("2"), read("7"), read("more"));
        assert_ne!(one.total, other.total, "{allocator}: the heaps differ");
        let (one, other, more) = (charged(&one), charged(&other), charged(&more));
        assert_eq!(one, other, "{allocator}");
        // 150 rows of three blocks, every fourth without the second, in a vector that grows
        // seven times; and one more row.
        assert_eq!((one.allocations, more.allocations), (419, 422), "{allocator}");
        assert!(more.total > one.total);
        assert_eq!(one.functions.values().sum::<u64>(), one.total, "{allocator}");
    }
}

#[test]
fn calls_are_not_known_without_the_addresses_of_instructions() {
    assert_eq!(read("plain").charged(), Err(Uncharged::NoAddresses));
    let with_addresses = read("instructions").charged().expect("it has addresses");
    assert_eq!(with_addresses.allocations, 2);
    // Nothing was allocated: the count follows the code as it is.
    let nothing = "version: 1\nevents: Ir\npositions: line\nfn=f\n1 7\ntotals: 7\n";
    assert_eq!(parsed(nothing).charged().expect("there are no calls").total, 7);
}

#[test]
fn an_allocator_that_is_entered_elsewhere_is_not_charged() {
    // By a function that is not one of its entries, and through Rust's own functions to
    // one that has no known name.
    for functions in [
        "fn=f\n0x10 7\ncfn=_int_malloc\ncalls=1 0x90\n0x14 30\n\nfn=_int_malloc\n0x90 30\n",
        "fn=f\n0x10 7\ncfn=__rustc::__rust_alloc\ncalls=1 0x90\n0x14 30\n\n\
         fn=__rustc::__rust_alloc\n0x90 5\ncfn=bump\ncalls=1 0x60\n0x95 25\n\nfn=bump\n0x60 25\n",
    ] {
        let text = format!("version: 1\nevents: Ir\npositions: instr\n{functions}totals: 37\n");
        assert_eq!(parsed(&text).charged(), Err(Uncharged::NoEntry), "{text}");
    }
}

#[test]
fn system_calls_are_those_that_were_made_while_callgrind_collected() {
    let file = |functions: &str, total: u32| {
        let head = "version: 1\nevents: Ir sysCount sysTime\npositions: instr\n";
        parsed(&format!("{head}{functions}totals: {total} 9\n")).system_calls()
    };
    // Five of eight reads; an allocator's own; the clock's.
    let read = "fn=f\n0x10 7\ncfn=read\ncalls=5 0x90\n0x14 10 5\n\n\
                fn=read\n0x90 5\n+2 5\n* 0 8 3\n";
    assert_eq!(file(read, 17), 5);
    let allocator = "fn=f\n0x10 7\ncfn=malloc\ncalls=1 0x90\n0x14 9 1\n\nfn=malloc\n0x90 1\n\
                     cfn=mmap\ncalls=1 0x60\n0x91 8 1\n\nfn=mmap\n0x60 8\n* 0 1\n";
    assert_eq!(file(allocator, 16), 0);
    assert_eq!(file("fn=clock_gettime@@GLIBC_2.17\n0x90 5\n* 0 2\n", 5), 0);
}

/// A profile of that text.
fn parsed(text: &str) -> Profile {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("a.out");
    std::fs::write(&path, text).expect("written");
    Profile::read(&path).unwrap_or_else(|error| panic!("{error}: {text}"))
}
