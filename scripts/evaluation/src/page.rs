//! Renders the results of a replay as Markdown tables.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context as _;

use crate::peers::Peer;
use crate::replay::{
    BLOCK_OF_PAIRS, CALM, CRITERION_SECONDS, Found, Others, RESAMPLED, RESAMPLED_SLOWED,
};
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

/// Writes a line to a string, which never fails.
macro_rules! line {
    ($text:expr, $($format:tt)*) => {
        writeln!($text, $($format)*).expect("a string takes everything")
    };
}

mod recordings;

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
        recordings::rebuilds(&mut text, many);
    }
    if let Some(counts) = counts {
        recordings::instructions(&mut text, counts);
    }
    if let Some(heaps) = heaps {
        recordings::heap(&mut text, heaps);
    }
    if let Some(long) = long {
        recordings::criterion(&mut text, long);
    }
    for tuned in tuned {
        text.push_str("\n### Pools that the method was tuned on\n\n");
        facts(&mut text, tuned);
        ours(&mut text, tuned);
    }
    text
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

/// `3 of 93`.
fn of(count: Count) -> String {
    if count.of == 0 { "–".to_owned() } else { format!("{} of {}", count.hits, count.of) }
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
    let all: Vec<usize> = (0..found.subjects.len()).collect();
    line!(text, "### All rules at equal machine time\n");
    line!(
        text,
        "False alarms: suites of all {} benchmarks in which an unchanged benchmark was called \
         slower. Found: slowdowns of one benchmark at a time, of the {} whose pairs differ by at \
         most {:.0}% / of all {}. No pair is in two suites, for any rule.\n",
        found.subjects.len(),
        found.calm.len(),
        CALM * 100.0,
        found.subjects.len(),
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
    let cell = |calm: Count, all: Count| format!("{} / {}", short(calm), short(all));
    head(text);
    let cells: Vec<String> = shown
        .iter()
        .map(|(variant, _)| {
            let of = |subjects: &[usize]| sum(found.slowed.get(*variant), subjects).found();
            cell(of(&found.calm), of(&all))
        })
        .collect();
    let [same, rebuilt] = &found.disjoint;
    line!(
        text,
        "| **benchgate** | {:.1} | {} | {} | {} |",
        found.resampled[0][0].all().pairs_each() * found.pair_seconds,
        of(same[0].alarms),
        of(rebuilt[0].alarms),
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
                        let of = |subjects: &[usize]| {
                            above(&peers.slower(variant, peer, subjects), *threshold)
                        };
                        cell(of(&found.calm), of(&all))
                    })
                    .collect();
                line!(
                    text,
                    "| {name} | {:.1} | {} | {} | {} |",
                    *pairs as f64 * found.pair_seconds,
                    of(above(peers.same.get(&peer).into_iter().flatten(), *threshold)),
                    of(above(peers.rebuilt.get(&peer).into_iter().flatten(), *threshold)),
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
    calibration(text, found);
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

/// Trials of single benchmarks, and the test's p-values where nothing changed.
fn calibration(text: &mut String, found: &Found) {
    line!(
        text,
        "\nTrials of a single benchmark that share no pair: {} false alarms. The test itself, on blocks \
         of {BLOCK_OF_PAIRS} pairs of the same program, against no change at all:\n",
        exact(found.single.alarms)
    );
    line!(text, "| p at most | should be at most | found |");
    line!(text, "|---|---|---|");
    for (level, count) in found.calibration {
        let level = format!("{:.2}%", level * 100.0);
        line!(text, "| {level} | {level} | {} |", exact(count));
    }
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
