//! Circles in a graph: its strongly connected components of more than one node.

use std::collections::{BTreeMap, BTreeSet};

/// The circles, each sorted; an edge is (from, to).
///
/// Two nodes are in the same circle if each can be reached from the other.
pub(crate) fn of(edges: &BTreeSet<(String, String)>) -> Vec<Vec<String>> {
    let mut forward: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (from, to) in edges {
        forward.entry(from).or_default().push(to);
    }
    let reached: BTreeMap<&str, BTreeSet<&str>> =
        forward.keys().map(|node| (*node, reachable(node, &forward))).collect();
    let mut circles = BTreeSet::new();
    for (node, others) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|set| set.contains(node));
        let circle: BTreeSet<&str> = others.iter().filter(back).copied().collect();
        if circle.len() > 1 {
            circles.insert(circle);
        }
    }
    let owned = |circle: BTreeSet<&str>| circle.into_iter().map(str::to_owned).collect();
    circles.into_iter().map(owned).collect()
}

/// The nodes that can be reached from a node by one step or more.
fn reachable<'a>(from: &str, forward: &BTreeMap<&'a str, Vec<&'a str>>) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut next: Vec<&str> = forward.get(from).cloned().unwrap_or_default();
    while let Some(node) = next.pop() {
        if found.insert(node) {
            next.extend(forward.get(node).into_iter().flatten());
        }
    }
    found
}
