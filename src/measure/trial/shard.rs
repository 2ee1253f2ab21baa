//! The part of a trial's benchmarks that one shard measures.
//!
//! Every shard lists the benchmarks of both sides, sorts them, and takes those at its own
//! positions. So which shard measures a benchmark depends on the list alone: the shards need
//! not talk to each other. Each records the whole list, and shards with different lists are
//! not merged.
//!
//! Code that is identical on both sides keeps its positions: if two machines disagree on what
//! is identical, no benchmark is measured twice or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::plan::ShardPlan;
use crate::drive::{Filter, Listed, Prepared, Ready};
use crate::model::{Shard, Sides, TargetId};

/// What a shard measures, and what it leaves to others.
pub(super) struct Share {
    pub(super) shard: Shard,
    /// For each bench target that is divided, its benchmarks here and elsewhere.
    divided: BTreeMap<TargetId, Divided>,
}

struct Divided {
    /// `None` if its benchmarks are more than one filter can name.
    own: Option<Filter>,
    others: BTreeSet<Listed>,
}

/// A benchmark of a target, or all of a target that one shard measures as a whole.
type Item = (TargetId, Option<Listed>);

impl Share {
    /// Takes the shard's own benchmarks, and removes all others from both sides.
    pub(super) fn take(plan: &ShardPlan, mut sides: Sides<&mut Ready<'_>>) -> Self {
        let prepared = || sides.iter().flat_map(|ready| &ready.prepared);
        let whole: BTreeSet<TargetId> = prepared()
            .filter(|prepared| !can_be_divided(prepared))
            .map(|prepared| prepared.executable.target.clone())
            .collect();
        let items: BTreeSet<Item> = prepared()
            .flat_map(|prepared| {
                let target = &prepared.executable.target;
                let listed = prepared.listed.iter().flatten();
                let whole = whole.contains(target);
                let each = listed.filter(move |_| !whole).map(|listed| Some(listed.clone()));
                each.chain(whole.then_some(None)).map(|listed| (target.clone(), listed))
            })
            .collect();
        let listing = items.iter().map(name).collect();
        let (own, others): (Vec<_>, Vec<_>) =
            items.into_iter().enumerate().partition(|(at, _)| plan.number.takes(*at));
        let own: BTreeSet<Item> = own.into_iter().map(|(_, item)| item).collect();
        let mut divided = BTreeMap::new();
        for (_, (target, listed)) in others {
            let here =
                own.range((target.clone(), None)..).take_while(|(other, _)| *other == target);
            let here: Vec<&Listed> = here.filter_map(|(_, listed)| listed.as_ref()).collect();
            let divided = divided
                .entry(target)
                .or_insert_with(|| Divided { own: filter(&here), others: BTreeSet::new() });
            divided.others.extend(listed);
        }
        for ready in sides.each_mut() {
            ready.prepared.retain_mut(|prepared| {
                let target = &prepared.executable.target;
                if whole.contains(target) {
                    return own.contains(&(target.clone(), None));
                }
                let Some(listed) = &mut prepared.listed else { return false };
                listed.retain(|listed| own.contains(&(target.clone(), Some(listed.clone()))));
                !listed.is_empty()
            });
        }
        let shard = Shard {
            number: plan.number,
            policy: plan.policy.clone(),
            tool: env!("CARGO_PKG_VERSION").to_owned(),
            listing,
        };
        Self { shard, divided }
    }

    /// The number of all shards.
    pub(super) fn shards(&self) -> usize {
        self.shard.number.of() as usize
    }

    /// Whether no shard has anything to measure.
    pub(super) fn is_empty(&self) -> bool {
        self.shard.listing.is_empty()
    }

    /// The filter for the shard's benchmarks of a target; `None` if it has all of them, or
    /// more than a filter can name. Then all of them run, and results of others are dropped.
    pub(super) fn filter(&self, target: &TargetId) -> Option<&Filter> {
        self.divided.get(target)?.own.as_ref()
    }

    /// Whether a result of a target belongs to another shard: code outside of timed closures
    /// runs in every shard and may record something of a benchmark.
    pub(super) fn is_of_others(&self, target: &TargetId, name: &str) -> bool {
        let divided = self.divided.get(target);
        divided.is_some_and(|divided| divided.others.iter().any(|listed| listed.names(name)))
    }
}

/// A target whose benchmarks are not known, or that cannot run only some of them, is
/// measured by one shard.
fn can_be_divided(prepared: &Prepared<'_>) -> bool {
    prepared.listed.is_some() && !prepared.harness.counts()
}

fn filter(listed: &[&Listed]) -> Option<Filter> {
    // Of a title that criterion cut short, the filter knows only the beginning.
    let names = |cut: bool| -> Vec<&str> {
        listed.iter().filter(|it| it.cut == cut).map(|it| it.name.as_str()).collect()
    };
    let filter = Filter::one_of_or_beginning(&names(false), &names(true)).ok();
    filter.filter(|filter| !filter.is_too_long())
}

fn name((target, listed): &Item) -> String {
    match listed {
        Some(listed) => format!("{target}::{}", listed.name),
        None => target.to_string(),
    }
}
