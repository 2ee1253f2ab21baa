//! docs/targets.md lists each target of ci/gate.toml, and no other.

use std::collections::BTreeSet;
use std::fs;

use crate::root;

/// A target as it is written: benchmarks, metric, limit.
type Written = (String, String, String);

/// The targets of the project's own policy.
fn of_policy() -> BTreeSet<Written> {
    let text = fs::read_to_string(root().join("ci/gate.toml")).unwrap();
    let policy: toml::Table = toml::from_str(&text).unwrap();
    let targets = policy["target"].as_array().expect("the policy has targets");
    let word = |target: &toml::Value, key: &str| {
        target.get(key).and_then(|value| value.as_str().map(ToOwned::to_owned))
    };
    let written = targets.iter().map(|target| {
        let limit = ["at_most", "at_least"]
            .iter()
            .find_map(|key| Some(format!("{key} = \"{}\"", word(target, key)?)));
        (
            word(target, "bench").expect("a glob"),
            word(target, "metric").expect("a metric"),
            limit.expect("a limit"),
        )
    });
    let count = targets.len();
    let all: BTreeSet<Written> = written.collect();
    assert_eq!(all.len(), count, "a target is written twice");
    all
}

/// The lines of the page's tables that name a target: `| number | benchmark | metric | …`.
fn of_page() -> BTreeSet<Written> {
    let page = fs::read_to_string(root().join("docs/targets.md")).unwrap();
    let quoted = |cell: &str| cell.trim().strip_prefix('`')?.strip_suffix('`').map(str::to_owned);
    page.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line.strip_prefix('|')?.split('|').collect();
            let [_, bench, metric, target, ..] = cells[..] else { return None };
            Some((quoted(bench)?, quoted(metric)?, quoted(target)?))
        })
        .collect()
}

#[test]
fn the_page_lists_the_targets_of_the_policy_and_no_others() {
    let (policy, page) = (of_policy(), of_page());
    let unlisted: Vec<_> = policy.difference(&page).collect();
    assert!(unlisted.is_empty(), "docs/targets.md does not list {unlisted:#?}");
    let unknown: Vec<_> = page.difference(&policy).collect();
    assert!(unknown.is_empty(), "ci/gate.toml does not have {unknown:#?}");
    assert!(policy.len() > 20, "too few targets were found");
}
