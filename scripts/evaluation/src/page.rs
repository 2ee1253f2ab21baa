//! Renders the results of a replay as Markdown tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;

use crate::counts::Summary;
use crate::heap::Moved;
use crate::peers::Peer;
use crate::rebuilds::{self, Rate};
use crate::replay::{CALM, CRITERION_SECONDS, Found, Long, Others, RESAMPLED, RESAMPLED_SLOWED};
use crate::suites::{Count, Null, Tally, above};

/// The marks around the replay's text in a page.
const BEGIN: &str = "<!-- begin: scripts/evaluate -->\n";
const END: &str = "<!-- end: scripts/evaluate -->";

/// The slowdowns in the order of the tables.
const SLOWDOWNS: [(&str, &str); 6] = [
    ("spin-1", "+1%"),
    ("spin-2", "+2%"),
    ("spin-3", "+3%"),
    ("spin-5", "+5%"),
    ("spin-10", "+10%"),
    ("cause", "cause"),
];

/// Replaces the text between the marks of a page.
pub fn replace(page: &str, text: &str) -> anyhow::Result<String> {
    let (before, rest) =
        page.split_once(BEGIN).context("the page lacks the replay's first mark")?;
    let (_, after) = rest.split_once(END).context("the page lacks the replay's second mark")?;
    Ok(format!("{before}{BEGIN}{text}{END}{after}"))
}

/// The text between the marks of a page.
#[cfg(test)]
pub fn between(page: &str) -> Option<&str> {
    Some(page.split_once(BEGIN)?.1.split_once(END)?.0)
}

/// All tables.
pub fn text(found: &Found, tuned: &[Found], others: &Others) -> String {
    let Others { long, rebuilds: many, counts, heaps } = others;
    let mut text = String::new();
    facts(&mut text, found);
    rules(&mut text, found);
    ours(&mut text, found);
    subjects(&mut text, found);
    rebuilds(&mut text, found);
    if let Some(many) = many {
        many_rebuilds(&mut text, many);
    }
    if let Some(counts) = counts {
        instructions(&mut text, counts);
    }
    if let Some(heaps) = heaps {
        heap(&mut text, heaps);
    }
    if let Some(long) = long {
        criterion(&mut text, long);
    }
    for tuned in tuned {
        text.push_str("\n### Pools that the method was tuned on\n\n");
        facts(&mut text, tuned);
        ours(&mut text, tuned);
    }
    text
}

/// Writes a line to a string, which never fails.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {
        writeln!($text, $($format)*).expect("a string takes everything")
    };
}

fn facts(text: &mut String, found: &Found) {
    line!(
        text,
        "{} rounds, {} processes of {} benchmarks, {:.0} machine-minutes; {} pairs of the same \
         program (A/A), {} of a neutral rebuild (A/A′). A pair takes {:.2} s for each benchmark, \
         so criterion's default time for both sides, {CRITERION_SECONDS:.0} s, is that of {:.0} \
         pairs.\n",
        found.rounds,
        found.processes,
        found.subjects.len(),
        found.minutes,
        found.pairs[0],
        found.pairs[1],
        found.pair_seconds,
        CRITERION_SECONDS / found.pair_seconds
    );
}

/// `3 of 93 (3.2%; 0.7–9.1%)`.
fn exact(count: Count) -> String {
    match count.interval() {
        None => "–".to_owned(),
        Some(interval) => format!(
            "{} of {} ({}; {}–{})",
            count.hits,
            count.of,
            percent(count.share()),
            percent(interval.lower).trim_end_matches('%'),
            percent(interval.upper)
        ),
    }
}

fn short(count: Count) -> String {
    if count.of == 0 { "–".to_owned() } else { percent(count.share()) }
}

fn percent(share: f64) -> String {
    if share.is_nan() {
        "–".to_owned()
    } else if share == 0.0 || share >= 0.0995 {
        format!("{:.0}%", share * 100.0)
    } else if share < 0.0005 {
        "<0.1%".to_owned()
    } else {
        format!("{:.1}%", share * 100.0)
    }
}

/// The sum over the benchmarks of one class.
fn sum(tallies: Option<&BTreeMap<usize, Tally>>, subjects: &[usize]) -> Tally {
    let mut all = Tally::default();
    for (_, tally) in
        tallies.into_iter().flatten().filter(|(subject, _)| subjects.contains(subject))
    {
        all += *tally;
    }
    all
}

fn shown(found: &Found) -> Vec<(&'static str, &'static str)> {
    SLOWDOWNS.into_iter().filter(|(variant, _)| found.slowed.contains_key(*variant)).collect()
}

/// Compares the gate with other rules.
fn rules(text: &mut String, found: &Found) {
    let shown = shown(found);
    line!(text, "### All rules at equal machine time\n");
    line!(
        text,
        "False alarms: suites of all {} benchmarks in which an unchanged benchmark was called \
         slower. Found: slowdowns of the {} benchmarks whose pairs differ by at most {:.0}%, one \
         benchmark at a time.\n",
        found.subjects.len(),
        found.calm.len(),
        CALM * 100.0
    );
    let heads: Vec<&str> = shown.iter().map(|(_, head)| *head).collect();
    let head = |text: &mut String| {
        line!(
            text,
            "| rule | s per benchmark | A/A alarms | A/A′ alarms | {} |",
            heads.join(" | ")
        );
        line!(text, "|---|---|---|---|{}", "---|".repeat(shown.len()));
    };
    head(text);
    let cells: Vec<String> = shown
        .iter()
        .map(|(variant, _)| short(sum(found.slowed_again.get(*variant), &found.calm).found()))
        .collect();
    let [same, rebuilt] = &found.resampled;
    line!(
        text,
        "| **benchgate** | {:.1} | {} | {} | {} |",
        same[0].all().pairs_each() * found.pair_seconds,
        short(same[0].alarms),
        short(rebuilt[0].alarms),
        cells.join(" | ")
    );
    for (pairs, peers) in &found.peers {
        if *pairs == 1 {
            line!(
                text,
                "\nThe other rules with one process on each side, which takes less time:\n"
            );
            head(text);
        }
        for peer in Peer::ALL {
            for (threshold, name) in peer.thresholds() {
                let cells: Vec<String> = shown
                    .iter()
                    .map(|(variant, _)| {
                        let scores = peers.slowed.get(*variant).and_then(|by| by.get(&peer));
                        short(above(scores, *threshold))
                    })
                    .collect();
                line!(
                    text,
                    "| {name} | {:.1} | {} | {} | {} |",
                    *pairs as f64 * found.pair_seconds,
                    short(above(peers.same.get(&peer), *threshold)),
                    short(above(peers.rebuilt.get(&peer), *threshold)),
                    cells.join(" | ")
                );
            }
        }
    }
    line!(text, "");
}

/// The gate's results with exact intervals.
fn ours(text: &mut String, found: &Found) {
    let all: Vec<usize> = (0..found.subjects.len()).collect();
    let restless: Vec<usize> =
        all.iter().copied().filter(|subject| !found.calm.contains(subject)).collect();
    line!(text, "### benchgate: nothing changed\n");
    line!(
        text,
        "Suites that do not share a pair, with exact 95% intervals. *Again*: {RESAMPLED} suites that \
         start at random places of the pool and share pairs, which give a finer estimate without \
         an interval.\n"
    );
    line!(
        text,
        "| suites | false alarms | called faster | undecided | pairs | s per benchmark | alarms \
         again | undecided again |"
    );
    line!(text, "|---|---|---|---|---|---|---|---|");
    for (which, name) in ["A/A", "A/A′"].into_iter().enumerate() {
        let classes = [("all", all.len()), ("calm", found.calm.len())];
        for (class, (word, count)) in classes.into_iter().enumerate() {
            let null: &Null = &found.disjoint[which][class];
            let again: &Null = &found.resampled[which][class];
            let tally = again.all();
            if tally.trials == 0 {
                continue;
            }
            line!(
                text,
                "| {name}, {word} {count} | {} | {} | {} | {:.1} | {:.1} | {} | {} |",
                exact(null.alarms),
                exact(null.praises),
                exact(null.all().open()),
                tally.pairs_each(),
                tally.pairs_each() * found.pair_seconds,
                short(again.alarms),
                short(tally.open())
            );
        }
    }
    if found.slowed.is_empty() {
        line!(text, "");
        return;
    }
    line!(text, "\n### benchgate: one benchmark slower\n");
    line!(
        text,
        "*Calm*: pairs differ by at most {:.0}% (robust deviation). No pair of a slower benchmark is \
         in two suites. *Again*: {RESAMPLED_SLOWED} suites for each benchmark that start at random \
         places.\n",
        CALM * 100.0
    );
    line!(
        text,
        "| slower by | calm: found | calm: undecided | others: found | others: undecided | calm \
         again: found | undecided |"
    );
    line!(text, "|---|---|---|---|---|---|---|");
    for (variant, head) in shown(found) {
        let of = |subjects: &[usize]| sum(found.slowed.get(variant), subjects);
        let (calm, others) = (of(&found.calm), of(&restless));
        let again = sum(found.slowed_again.get(variant), &found.calm);
        line!(
            text,
            "| {head} | {} | {} | {} | {} | {} | {} |",
            exact(calm.found()),
            exact(calm.open()),
            exact(others.found()),
            exact(others.open()),
            short(again.found()),
            short(again.open())
        );
    }
    line!(text, "");
}

/// The gate's results by benchmark, the calmest first.
fn subjects(text: &mut String, found: &Found) {
    let shown = shown(found);
    let heads: Vec<&str> = shown.iter().map(|(_, head)| *head).collect();
    line!(text, "### benchgate: by benchmark\n");
    line!(
        text,
        "Suites that start at random places. *Deviation* is that of pairs of the same program. \
         *Alarms*, *undecided* and *pairs* are for the unchanged benchmark. The other columns show \
         how often a slowdown was found.\n"
    );
    line!(text, "| benchmark | deviation | alarms | undecided | pairs | {} |", heads.join(" | "));
    line!(text, "|---|---|---|---|---|{}", "---|".repeat(shown.len()));
    let mut order: Vec<usize> = (0..found.subjects.len()).collect();
    order.sort_by(|a, b| found.deviations[*a].total_cmp(&found.deviations[*b]));
    for subject in order {
        let null = found.resampled[0][0].subjects.get(&subject).copied().unwrap_or_default();
        let cells: Vec<String> = shown
            .iter()
            .map(|(variant, _)| short(sum(found.slowed_again.get(*variant), &[subject]).found()))
            .collect();
        line!(
            text,
            "| `{}` | {} | {} | {} | {:.0} | {} |",
            found.subjects[subject],
            percent(found.deviations[subject]),
            short(null.found()),
            short(null.open()),
            null.pairs_each(),
            cells.join(" | ")
        );
    }
    line!(text, "");
}

/// The gate's results by neutral rebuild.
fn rebuilds(text: &mut String, found: &Found) {
    if found.rebuilds.is_empty() {
        return;
    }
    line!(text, "### benchgate: by neutral rebuild\n");
    line!(text, "| rebuild | suites with an alarm | called faster | alarms in |");
    line!(text, "|---|---|---|---|");
    for (name, null) in &found.rebuilds {
        let alarming: Vec<String> = null
            .subjects
            .iter()
            .filter(|(_, tally)| tally.regressions > 0)
            .map(|(subject, tally)| {
                format!("`{}` {}", found.subjects[*subject], percent(tally.found().share()))
            })
            .collect();
        line!(
            text,
            "| {name} | {} | {} | {} |",
            short(null.alarms),
            short(null.praises),
            if alarming.is_empty() { "–".to_owned() } else { alarming.join(", ") }
        );
    }
    line!(text, "");
}

/// The results for many neutral rebuilds.
fn many_rebuilds(text: &mut String, builds: &rebuilds::Summary) {
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
fn instructions(text: &mut String, counts: &Summary) {
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
fn heap(text: &mut String, heaps: &BTreeMap<String, Moved>) {
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
fn criterion(text: &mut String, long: &Long) {
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
                    short(above(long.peers.slowed[*variant].get(&peer), *threshold))
                })
                .collect();
            line!(
                text,
                "| {name} | {} | {} | {} |",
                exact(above(long.same.get(&peer), *threshold)),
                exact(above(long.peers.same.get(&peer), *threshold)),
                cells.join(" | ")
            );
        }
    }
    line!(text, "");
}
