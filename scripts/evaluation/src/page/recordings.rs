//! The tables of recordings beside the pool of processes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{SLOWDOWNS, exact, percent, short};
use crate::counts::Summary;
use crate::heap::Moved;
use crate::peers::Peer;
use crate::rebuilds::{Rate, Summary as Rebuilds};
use crate::replay::Long;
use crate::suites::above;

/// The results for many neutral rebuilds.
pub(super) fn rebuilds(text: &mut String, builds: &Rebuilds) {
    line!(text, "### benchgate: two builds of the same code\n");
    line!(
        text,
        "{} neutral rebuilds, each compared with its base in {} pairs. *Pair* is the deviation of \
         one pair, *builds* that of the offset by which a rebuild moves a benchmark, and *furthest* \
         the largest centre of a rebuild's pairs.\n",
        builds.builds,
        builds.pairs
    );
    line!(text, "| benchmark | pair | builds | furthest |");
    line!(text, "|---|---|---|---|");
    for offset in &builds.offsets {
        let shares = [offset.pair, offset.builds, offset.furthest].map(percent);
        line!(text, "| `{}` | {} |", offset.subject, shares.join(" | "));
    }
    line!(
        text,
        "\nSimulated trials of whole length with these pairs and offsets, either build as the base; \
         a suite of more than 13 is made of several rebuilds. *Slower*: a clock is called slower. \
         With counts, both sides execute the same instructions, as neutral rebuilds do.\n"
    );
    line!(
        text,
        "| benchmarks | clocks alone: slower | with counts: slower | with counts: the gate fails |"
    );
    line!(text, "|---|---|---|---|");
    for suite in &builds.suites {
        let rates = [&suite.slower, &suite.counted, &suite.fails].map(interval);
        line!(text, "| {} | {} |", suite.benchmarks, rates.join(" | "));
    }
    line!(text, "");
}

/// `2.0% (1.1–2.9%)`.
fn interval(rate: &Rate) -> String {
    // No trial of so many shows less than that.
    let least = 3.0 / rate.of as f64;
    let [lower, upper] =
        [(rate.share - rate.half).max(0.0), (rate.share + rate.half).clamp(least, 1.0)];
    let lower = percent(lower);
    format!("{} ({}–{})", percent(rate.share), lower.trim_end_matches('%'), percent(upper))
}

/// The results for instruction counts.
pub(super) fn instructions(text: &mut String, counts: &Summary) {
    line!(text, "### benchgate: instruction counts of neutral rebuilds\n");
    line!(
        text,
        "{} rebuilds, each with different neutral code, and the {} benchmarks that mostly execute \
         their own instructions, counted by the code of `gate ab` and judged by its defaults. In \
         each rebuild, one benchmark in turn was also slowed down by about 1% (+{:.2}% to +{:.2}% \
         as counted).\n",
        counts.found.of,
        counts.subjects,
        counts.slower[0] * 100.0,
        counts.slower[1] * 100.0
    );
    line!(
        text,
        "| rebuilds with a false alarm | counts that changed at all | largest change | +1% found |"
    );
    line!(text, "|---|---|---|---|");
    line!(
        text,
        "| {} | {} | {:.3}% | {} |\n",
        exact(counts.alarms),
        exact(counts.moved),
        counts.furthest * 100.0,
        exact(counts.found)
    );
}

/// The results for instruction counts of bodies that use the heap.
pub(super) fn heap(text: &mut String, heaps: &BTreeMap<String, Moved>) {
    let rebuilds = heaps.values().map(|moved| moved.alarms.of).max().unwrap_or(0);
    line!(text, "### benchgate: instruction counts and the heap\n");
    line!(
        text,
        "{rebuilds} rebuilds with other neutral code. In each, the set-up leaves another heap, and \
         the environment and the program's name have other lengths. *Executed* is everything, as \
         `instructions.total`; *charged* counts each call of the allocator the same, as \
         `instructions`. A change is one in either direction, of the instructions or the \
         allocations. In each rebuild every body was also slowed down by about 1%.\n"
    );
    line!(
        text,
        "| body | executed: furthest | would be called changed | charged: furthest | called changed | \
         +1% found | readings of one build differ |"
    );
    line!(text, "|---|---|---|---|---|---|---|");
    for (name, moved) in heaps {
        line!(
            text,
            "| `{name}` | {:.3}% | {} | {:.3}% | {} | {} | {} |",
            moved.executed * 100.0,
            exact(moved.executed_alarms),
            moved.charged * 100.0,
            exact(moved.alarms),
            exact(moved.found),
            exact(moved.unsteady)
        );
    }
    line!(text, "");
}

/// The results for long processes, as criterion is usually run.
pub(super) fn criterion(text: &mut String, long: &Long) {
    let shown: Vec<_> = SLOWDOWNS
        .into_iter()
        .filter(|(variant, _)| long.peers.slowed.contains_key(*variant))
        .collect();
    line!(text, "### The other rules on criterion's own results\n");
    line!(
        text,
        "{} benchmarks, all slowed down at once, with one process on each side that warms up for \
         0.5 s and takes 100 samples in 2 s.\n",
        long.benchmarks
    );
    let heads: Vec<&str> = shown.iter().map(|(_, head)| *head).collect();
    line!(text, "| rule | A/A comparisons | A/A suites | {} |", heads.join(" | "));
    line!(text, "|---|---|---|{}", "---|".repeat(shown.len()));
    for peer in Peer::ALL {
        for (threshold, name) in peer.thresholds() {
            let cells: Vec<String> = shown
                .iter()
                .map(|(variant, _)| {
                    let all: Vec<usize> = (0..long.benchmarks).collect();
                    short(above(&long.peers.slower(variant, peer, &all), *threshold))
                })
                .collect();
            line!(
                text,
                "| {name} | {} | {} | {} |",
                exact(above(long.same.get(&peer).into_iter().flatten(), *threshold)),
                exact(above(long.peers.same.get(&peer).into_iter().flatten(), *threshold)),
                cells.join(" | ")
            );
        }
    }
    line!(text, "");
}
