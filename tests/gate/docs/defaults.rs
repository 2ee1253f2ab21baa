//! Defaults of the policy that the documents state: `key` (value), or **key** (value).

use std::collections::BTreeMap;

use benchgate::policy;
use regex::Regex;

use super::{documents, outside_blocks};

/// Values by section and key. The first rule is the section `rule`; a further rule has the
/// name of its metric.
fn defaults() -> BTreeMap<(String, String), String> {
    let policy: toml::Table = toml::from_str(policy::DEFAULT).unwrap();
    let mut found = BTreeMap::new();
    let mut add = |section: &str, table: &toml::Table| {
        for (key, value) in table {
            found.insert((section.to_owned(), key.clone()), shown(value));
        }
    };
    for (name, value) in &policy {
        match value {
            toml::Value::Table(table) => add(name, table),
            toml::Value::Array(rules) => {
                for rule in rules.iter().filter_map(toml::Value::as_table) {
                    let metric = rule["metric"].as_str().expect("a metric");
                    add(if metric == "**" { "rule" } else { metric }, rule);
                }
            }
            _ => {}
        }
    }
    found
}

/// A value as a sentence writes it: without quotes and brackets.
fn shown(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(values) => values.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

fn statement() -> Regex {
    Regex::new(r"(?:`(?:\[([a-z_]+)\] )?([a-z_]+)`|\*\*([a-z_]+)\*\*)\s+\(([^()]+)\)").unwrap()
}

/// Whether a document may give this value for a key.
fn is_default(
    defaults: &BTreeMap<(String, String), String>,
    section: Option<&str>,
    key: &str,
    value: &str,
) -> Result<(), String> {
    let of = |section: &str| defaults.get(&(section.to_owned(), key.to_owned()));
    let right: Vec<&String> = match section {
        Some(section) => of(section).into_iter().collect(),
        None => match of("rule") {
            Some(value) => vec![value],
            None => defaults.iter().filter(|((_, name), _)| name == key).map(|(_, v)| v).collect(),
        },
    };
    match right[..] {
        // Not a key of the policy: the parentheses hold something else.
        [] if section.is_none() => Ok(()),
        [] => Err("no such key".to_owned()),
        _ if right.iter().all(|right| *right == value) => Ok(()),
        _ => Err(format!("the policy's default is {right:?}")),
    }
}

#[test]
fn defaults_in_the_documents_are_those_of_the_policy() {
    let (defaults, statement) = (defaults(), statement());
    let mut faults = Vec::new();
    let mut count = 0;
    for (document, text) in documents() {
        let text = outside_blocks(&text);
        for found in statement.captures_iter(&text) {
            let section = found.get(1).map(|section| section.as_str());
            let key = found.get(2).or(found.get(3)).expect("a key").as_str();
            let value = found[4].split_whitespace().collect::<Vec<_>>().join(" ");
            if let Err(fault) = is_default(&defaults, section, key, &value) {
                faults.push(format!("{document}: {}: {fault}", &found[0]));
            }
            count += 1;
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(count > 40, "too few were found: {count}");
}

#[test]
fn every_percentage_of_the_method_is_a_default_or_called_fixed() {
    let (_, text) = documents().into_iter().find(|(name, _)| name == "docs/method.md").unwrap();
    let text = outside_blocks(&text);
    let text = statement().replace_all(&text, "");
    let percentage = Regex::new(r"[\d.]+%(\s+\(fixed\))?").unwrap();
    for found in percentage.captures_iter(&text) {
        assert!(found.get(1).is_some(), "docs/method.md: is {} a default?", &found[0]);
    }
}

#[test]
fn a_wrong_default_is_found() {
    let defaults = defaults();
    let check = |section, key, value| is_default(&defaults, section, key, value);
    assert_eq!(check(None, "slower_clock", "fail"), Ok(()));
    assert!(check(None, "slower_clock", "warn").is_err());
    assert_eq!(check(Some("instructions"), "tolerance", "0.5%"), Ok(()));
    assert!(check(None, "tolerance", "0.5%").is_err());
    assert!(
        check(None, "warm_up", "30ms").is_err(),
        "an ambiguous key without a section is accepted"
    );
    assert!(check(Some("ab"), "warmup", "30ms").is_err());
    assert_eq!(check(None, "something", "else"), Ok(()));
}
