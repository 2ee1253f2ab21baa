//! Which benchmarks are screened together.
//!
//! As long as the time budget covers all benchmarks, they are one group. If it does not,
//! those that changed come first, and the others while time remains.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{BenchId, TargetId};

/// Benchmarks that are screened together, by bench target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Group(BTreeMap<TargetId, Members>);

/// The members of a bench target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Members {
    /// All that the target has. Those of some targets cannot be told apart.
    All(usize),
    /// Some of them, in the order in which they are screened.
    Some(Vec<BenchId>),
}

impl Members {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::All(count) => *count,
            Self::Some(ids) => ids.len(),
        }
    }
}

impl Group {
    pub(super) fn add(&mut self, target: TargetId, members: Members) {
        if members.len() > 0 {
            self.0.insert(target, members);
        }
    }

    pub(super) fn of(&self, target: &TargetId) -> Option<&Members> {
        self.0.get(target)
    }

    pub(super) fn targets(&self) -> impl Iterator<Item = (&TargetId, &Members)> {
        self.0.iter()
    }

    /// The number of benchmarks.
    pub(super) fn len(&self) -> usize {
        self.0.values().map(Members::len).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The benchmarks that can be told apart.
    pub(super) fn ids(&self) -> impl Iterator<Item = &BenchId> {
        self.0.values().flat_map(|members| match members {
            Members::All(_) => &[][..],
            Members::Some(ids) => ids,
        })
    }

    /// The same benchmarks in groups of at most `most`: first targets as a whole, then the
    /// benchmarks that changed, then the others.
    pub(super) fn split(self, changed: &BTreeSet<BenchId>, most: usize) -> Vec<Self> {
        let mut groups = Vec::new();
        let (mut first, mut rest) = (Vec::new(), Vec::new());
        for (target, members) in self.0 {
            match members {
                Members::All(_) => groups.push(Self(BTreeMap::from([(target, members)]))),
                Members::Some(ids) => {
                    for id in ids {
                        let queue = if changed.contains(&id) { &mut first } else { &mut rest };
                        queue.push((target.clone(), id));
                    }
                }
            }
        }
        for queue in [first, rest] {
            for chunk in queue.chunks(most.max(1)) {
                let mut group = Self::default();
                for (target, id) in chunk {
                    let members = group.0.entry(target.clone());
                    let members = members.or_insert_with(|| Members::Some(Vec::new()));
                    if let Members::Some(ids) = members {
                        ids.push(id.clone());
                    }
                }
                groups.push(group);
            }
        }
        groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_comes_before_the_rest() {
        let target = TargetId::named("t");
        let id = |name: &str| BenchId { name: name.to_owned(), target: Some(target.clone()) };
        let mut all = Group::default();
        all.add(target.clone(), Members::Some(["a", "b", "c", "d", "e"].map(id).into()));
        all.add(TargetId::named("whole"), Members::All(7));
        all.add(TargetId::named("none"), Members::Some(Vec::new()));
        assert_eq!((all.len(), all.targets().count()), (12, 2));
        let changed = ["c", "e", "x"].map(id).into();
        let groups = all.split(&changed, 2);
        let names: Vec<String> = groups
            .iter()
            .map(|group| group.ids().map(|id| id.name.as_str()).collect::<Vec<_>>().join(" "))
            .collect();
        assert_eq!(names, ["", "c e", "a b", "d"]);
        assert_eq!(groups[0].len(), 7);
    }
}
