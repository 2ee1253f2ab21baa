//! What shards must have in common, and the snapshots of one shard.

use std::collections::BTreeSet;

use super::error::{ShardError, shown};
use super::measured::MeasuredShard;
use crate::model::{Field, Revision, Shard, ShardNumber, Sides};

/// The parts of an environment that the toolchain and its options decide. Others may differ:
/// both sides of a benchmark share its machine.
const TOOLCHAIN: [Field; 5] =
    [Field::Rustc, Field::Target, Field::Profile, Field::Flags, Field::Features];

/// The shard that snapshots are, if they belong together.
pub(super) fn of_one(measured: &MeasuredShard) -> Result<ShardNumber, ShardError> {
    let MeasuredShard { name, base, head, control } = measured;
    let pairing = head.pairing.as_ref();
    let (Some(pairing), Some(shard)) = (pairing, pairing.and_then(|pairing| pairing.shard()))
    else {
        return Err(ShardError::NotAShard { name: name.clone() });
    };
    let torn = |reason: String| ShardError::Torn { name: name.clone(), reason };
    if control.is_some() != pairing.control {
        let reason =
            if pairing.control { "was measured, but is missing" } else { "is of another trial" };
        return Err(torn(format!("its control {reason}")));
    }
    for (other, side) in [(Some(base), "base"), (control.as_ref(), "control")] {
        let Some(other) = other else { continue };
        let theirs = other.pairing.as_ref();
        let agrees = theirs.is_some_and(|theirs| {
            (&theirs.trial, theirs.screening, &theirs.looks, theirs.shard())
                == (&pairing.trial, pairing.screening, &pairing.looks, Some(shard))
        });
        if !agrees {
            return Err(torn(format!("its {side} and its head are of different trials")));
        }
        if other.runs.len() != head.runs.len() {
            let (theirs, ours) = (other.runs.len(), head.runs.len());
            return Err(torn(format!("its {side} has {theirs} runs and its head {ours}")));
        }
    }
    Ok(shard.number)
}

/// Refuses shards that are not all shards of one suite, measured in the same way.
pub(super) fn of_all(first: &MeasuredShard, shards: &[MeasuredShard]) -> Result<(), ShardError> {
    let number = |measured: &MeasuredShard| of(measured).map(|shard| shard.number);
    let Some(count) = number(first).map(ShardNumber::of) else {
        return Err(ShardError::NotAShard { name: first.name.clone() });
    };
    for other in shards {
        let values = facts(first).into_iter().zip(facts(other));
        for (Fact { what, value: here }, Fact { value: there, .. }) in values {
            if here != there {
                let (first, second) = (first.name.clone(), other.name.clone());
                let (here, there) = (shown(&here), shown(&there));
                return Err(ShardError::Differs { what, first, here, second, there });
            }
        }
        listing(first, other)?;
    }
    let present: BTreeSet<u32> =
        shards.iter().filter_map(number).map(ShardNumber::number).collect();
    let missing: Vec<u32> = (1..=count).filter(|number| !present.contains(number)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(ShardError::Missing { missing, of: count, given: present.len() })
}

fn of(measured: &MeasuredShard) -> Option<&Shard> {
    measured.head.pairing.as_ref()?.shard()
}

/// Something that all shards must have in common.
struct Fact {
    what: String,
    value: String,
}

/// The same facts of every shard, in the same order.
fn facts(measured: &MeasuredShard) -> Vec<Fact> {
    let fact = |what: &str, value: Option<String>| Fact {
        what: what.to_owned(),
        value: value.unwrap_or_else(|| "none".to_owned()),
    };
    let shard = of(measured);
    let pairing = measured.head.pairing.as_ref();
    let sides = Sides { base: &measured.base, head: &measured.head };
    let mut facts = vec![
        fact("the number of shards", shard.map(|shard| shard.number.of().to_string())),
        fact("the version of benchgate", shard.map(|shard| shard.tool.clone())),
    ];
    facts.extend(sides.into_iter().zip(["base", "head"]).map(|(side, name)| {
        fact(&format!("the revision of the {name}"), side.revision.as_ref().map(revision))
    }));
    let trees = pairing.and_then(|pairing| pairing.sources.trees.as_ref());
    facts.push(fact("the files of the base", trees.map(|trees| trees.base.clone())));
    facts.push(fact("the files of the head", trees.map(|trees| trees.head.clone())));
    facts.push(fact("the policy", shard.map(|shard| shard.policy.clone())));
    for (side, name) in sides.into_iter().zip(["base", "head"]) {
        let environment = side.environment();
        facts.extend(TOOLCHAIN.map(|field| {
            let what = format!("`{}` of the {name}", field.key());
            fact(&what, environment.get(field).map(str::to_owned))
        }));
    }
    facts.push(fact("the selection", measured.head.selection.clone()));
    let control = pairing.is_some_and(|pairing| pairing.control);
    facts.push(fact("the control", control.then(|| "one".to_owned())));
    facts
}

fn revision(Revision { commit, dirty, branch: _ }: &Revision) -> String {
    format!("{commit}{}", if *dirty { "+" } else { "" })
}

/// Refuses shards that list different benchmarks.
fn listing(first: &MeasuredShard, other: &MeasuredShard) -> Result<(), ShardError> {
    let [ours, theirs] = [first, other].map(|measured| {
        let listed = of(measured).into_iter().flat_map(|shard| &shard.listing);
        listed.collect::<BTreeSet<&String>>()
    });
    let only = |with: &MeasuredShard, without: &MeasuredShard, benchmark: &str| {
        Err(ShardError::Listing {
            benchmark: shown(benchmark),
            with: with.name.clone(),
            without: without.name.clone(),
        })
    };
    if let Some(benchmark) = ours.difference(&theirs).next() {
        return only(first, other, benchmark);
    }
    if let Some(benchmark) = theirs.difference(&ours).next() {
        return only(other, first, benchmark);
    }
    Ok(())
}
