use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::measure::Harness;
use crate::policy::Policy;

fn bench(target: &str, driver: Driver) -> Bench {
    Bench {
        package: "app".to_owned(),
        target: target.to_owned(),
        driver,
        required_features: vec![],
        source: "benches/b.rs".into(),
    }
}

fn project(benches: Vec<Bench>) -> Project {
    let versions = BTreeSet::from(["0.16.1".to_owned()]);
    Project {
        root: "/repo/app".into(),
        target_directory: "/repo/app/target".into(),
        needs_workspace: false,
        benches,
        locked: BTreeMap::from([("iai-callgrind".to_owned(), versions)]),
    }
}

fn actions() -> ActionSource {
    "someone/benchgate@v1".parse().expect("a source")
}

#[test]
fn the_policy_is_valid_and_lists_the_bench_targets() {
    let mut optional = bench("later", Driver::Known(Harness::Criterion));
    optional.required_features = vec!["more".to_owned()];
    let project = project(vec![
        bench("counts", Driver::Known(Harness::IaiCallgrind)),
        optional,
        bench("parse", Driver::Known(Harness::Criterion)),
        bench("plain", Driver::Libtest),
    ]);
    let files = plan(&project, None, &actions()).expect("planned");
    assert_eq!(files.len(), 1, "no repository, no workflow");
    let text = &files[0].text;
    Policy::parse(text, Path::new("gate.toml")).expect("a policy");
    assert!(!text.contains('@'), "{text}");
    let found = "#   app/counts  iai-callgrind\n\
                 #   app/later   criterion; needs --features more\n\
                 #   app/parse   criterion\n\
                 #   app/plain   the compiler's own harness: not measured: add `harness = false` \
                 to its [[bench]], and use criterion\n\n[verdict]\n";
    assert!(text.contains(found), "{text}");
    // The commented suggestion becomes a policy without the comment marks.
    let start = text.find("# require").expect("it is suggested");
    let end = start + text[start..].find("# ]\n").expect("its end") + 4;
    let suggested = text[start..end].replace("# ", "");
    let policy = format!("version = 1\n[verdict]\n{suggested}");
    let policy = Policy::parse(&policy, Path::new("gate.toml")).expect("a policy");
    let matches = |name: &str, target: &str| {
        let id = crate::model::BenchId::in_target(name, target, "app");
        policy.verdict.require.iter().filter(|pattern| pattern.matches(&id)).count()
    };
    assert_eq!(policy.verdict.require.len(), 4);
    for (name, target) in [("json", "parse"), ("json/large/10", "parse"), ("g::f x", "counts")] {
        assert_eq!(matches(name, target), 1, "{name}");
    }
    assert_eq!(matches("json", "later"), 0);
}

#[test]
fn names_cannot_leave_their_comment() {
    let hostile = bench("a\n[verdict]\nalpha = 'no'", Driver::Known(Harness::Criterion));
    let files = plan(&project(vec![hostile]), None, &actions()).expect("planned");
    Policy::parse(&files[0].text, Path::new("gate.toml")).expect("a policy");
}

#[test]
fn workflows_name_the_projects_directory_and_needs() {
    let mut project = project(vec![bench("counts", Driver::Known(Harness::IaiCallgrind))]);
    project.needs_workspace = true;
    let files = plan(&project, Some(Path::new("/repo")), &actions()).expect("planned");
    let paths: Vec<_> = files.iter().map(|file| file.path.to_string_lossy()).collect();
    assert_eq!(
        paths,
        [
            "/repo/app/gate.toml",
            "/repo/.github/workflows/bench.yml",
            "/repo/.github/workflows/comment.yml"
        ]
    );
    let end = "…\n      \
               # Of the same version as iai-callgrind in Cargo.lock.\n      \
               - run: cargo install --locked iai-callgrind-runner --version 0.16.1\n      \
               - uses: someone/benchgate/.github/actions/gate@v1\n        with:\n          \
               working-directory: \"app\"\n          args: --workspace\n";
    assert!(files[1].text.ends_with(end), "{}", files[1].text);
    for file in &files {
        let left = file.text.replace("actions/checkout@", "").replace("/gate@v1", "");
        let left = left.replace("/render@v1", "").replace("/comment@v1", "");
        for place in ["@", "OWNER", "COMMIT"] {
            assert!(!left.contains(place), "a placeholder was not replaced: {left}");
        }
    }
    let elsewhere = plan(&project, Some(Path::new("/other")), &actions());
    assert_eq!(elsewhere, Err(PathBuf::from("/repo/app")));
}

#[test]
fn the_workflow_builds_with_the_features_that_benches_need() {
    let inputs = |project: &Project| with(project, Path::new(""));
    let mut parse = bench("parse", Driver::Known(Harness::Criterion));
    parse.required_features = vec!["bench".to_owned(), "serde/std".to_owned()];
    let mut unknown = bench("plain", Driver::Unknown);
    unknown.required_features = vec!["unmeasured".to_owned()];
    let mut project = project(vec![parse, unknown]);
    assert_eq!(inputs(&project), "        with:\n          features: \"bench,serde/std\"\n");
    let other = Bench { package: "other".to_owned(), ..bench("x", Driver::Unknown) };
    project.benches.push(other);
    let qualified = "        with:\n          features: \"app/bench,serde/std\"\n";
    assert_eq!(inputs(&project), qualified);
}

#[test]
fn a_plain_project_needs_no_inputs() {
    let mut project = project(vec![bench("parse", Driver::Known(Harness::Criterion))]);
    project.root = "/repo".into();
    let files = plan(&project, Some(Path::new("/repo")), &actions()).expect("planned");
    let end = "…\n      \
               - uses: someone/benchgate/.github/actions/gate@v1\n";
    assert!(files[1].text.ends_with(end), "{}", files[1].text);
}

#[test]
fn sources_of_actions() {
    for text in ["a/b@v1", "a-b/c.d@release/1.x", "a/b@3d3c42e5aac5ba805825da76410c181273ba90b1"] {
        assert!(text.parse::<ActionSource>().is_ok(), "{text}");
    }
    for text in ["", "a/b", "a@v1", "a/b/c@v1", "a/b@", "a/b@v1\n- run: x", "a/b@v 1", "/b@v1"] {
        assert!(text.parse::<ActionSource>().is_err(), "{text:?}");
    }
    assert!("someone/benchgate@COMMIT".parse::<ActionSource>().expect("a source").is_placeholder());
}
