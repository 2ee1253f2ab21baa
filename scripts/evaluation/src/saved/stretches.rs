//! Recorded processes as sessions: each stretch of measuring is one.

use benchgate::stats;

use super::{RUNS, Session, Tally, line, noise, percent, policy, share, snapshot, verdict};
use crate::processes::Pool;

/// A pause that ends a stretch, in seconds.
const PAUSE: u64 = 60;
/// The runs after which a stretch is taken to end: about three minutes of the pool.
const LONGEST: usize = 24;
/// Every so many stretches one is known, so that known sessions are spread over the hour.
const STRIDE: usize = 5;
/// Programs that are equal.
const SAME: [&str; 2] = ["base", "again"];
/// Benchmarks whose centres differ by no more between stretches are calm.
const CALM: f64 = 0.03;
/// The slowdowns that are looked for.
const SLOWDOWNS: [f64; 3] = [0.05, 0.1, 0.2];
/// How many sessions are known.
const KNOWN: [usize; 6] = [0, 3, 4, 6, 8, 10];

/// The stretches of a pool, without those that have too few runs.
fn stretches(pool: &Pool) -> Vec<Session> {
    let mut stretches: Vec<Session> = Vec::new();
    let mut last = None;
    for process in &pool.processes {
        let full = stretches.last().is_some_and(|session| session[0].len() >= LONGEST);
        if full || last.is_none_or(|last| process.began > last + PAUSE) {
            stretches.push(vec![Vec::new(); pool.subjects.len()]);
        }
        last = Some(process.began);
        let session = stretches.last_mut().expect("pushed above");
        if SAME.contains(&process.variant.as_str()) {
            for (logs, samples) in session.iter_mut().zip(&process.times) {
                logs.extend(stats::median(samples).map(f64::ln));
            }
        }
    }
    stretches.retain(|session| session[0].len() >= 2 * RUNS);
    stretches
}

/// How much the centres of stretches differ.
struct Spread {
    /// The part that all benchmarks have in common, as a standard deviation.
    common: f64,
    /// Each benchmark's own part.
    own: Vec<f64>,
}

impl Spread {
    fn of(stretches: &[Session]) -> Self {
        let centre = |logs: &Vec<f64>| stats::hodges_lehmann(logs).expect("there are runs");
        let centres: Vec<Vec<f64>> =
            stretches.iter().map(|session| session.iter().map(centre).collect()).collect();
        let median = |values: Vec<f64>| stats::median(&values).expect("there are values");
        let rows = 0..centres[0].len();
        let whole: Vec<f64> =
            rows.clone().map(|row| median(centres.iter().map(|c| c[row]).collect())).collect();
        let common: Vec<f64> = centres
            .iter()
            .map(|c| median(c.iter().zip(&whole).map(|(centre, whole)| centre - whole).collect()))
            .collect();
        let deviation = |values: &[f64]| stats::variance(values).unwrap_or_default().sqrt();
        let own = rows
            .map(|row| {
                let own = centres.iter().zip(&common).map(|(c, common)| c[row] - common);
                deviation(&own.collect::<Vec<f64>>())
            })
            .collect();
        Self { common: deviation(&common), own }
    }
}

/// The runs of a session from a position.
fn part(session: &Session, at: usize) -> Session {
    session.iter().map(|logs| logs[at..at + RUNS].to_vec()).collect()
}

/// Two tables: how much stretches differ, and how they are judged.
pub fn table(pool: &Pool) -> String {
    let stretches = stretches(pool);
    let spread = Spread::of(&stretches);
    let mut text = String::new();
    line(
        &mut text,
        &format!(
            "{} stretches of about three minutes. Their centres differ by {} in common (standard \
             deviation), and each benchmark by, besides:\n",
            stretches.len(),
            percent(spread.common)
        ),
    );
    let own = pool.subjects.iter().zip(&spread.own);
    let own: Vec<String> = own.map(|(name, own)| format!("`{name}` {}", percent(*own))).collect();
    line(&mut text, &format!("{}.\n", own.join(", ")));
    line(
        &mut text,
        "| known sessions | red | exit 4 | slower | faster | undecided | median detectable | calm \
         +5% | calm +10% | calm +20% | all +5% | all +10% | all +20% | calm +5% failed | calm +10% \
         failed | calm +20% failed |",
    );
    line(&mut text, "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
    for known in KNOWN {
        let (same, slowed) = judged(&stretches, &spread, known);
        let found: Vec<String> = [1, 0]
            .into_iter()
            .flat_map(|which| slowed.iter().map(move |both| &both[which]))
            .map(|tally| share(tally.found, tally.slowed))
            .collect();
        let failed: Vec<String> =
            slowed.iter().map(|[_, calm]| share(calm.failed, calm.slowed)).collect();
        let (found, failed) = (found.join(" | "), failed.join(" | "));
        line(&mut text, &format!("| {known} | {} | {found} | {failed} |", same.cells()));
    }
    text
}

/// Every stretch as a baseline of every other: of unchanged code, and with one slower
/// benchmark: all of them, and the calm ones, for each slowdown.
fn judged(stretches: &[Session], spread: &Spread, known: usize) -> (Tally, Vec<[Tally; 2]>) {
    let (policy, rows) = (policy(""), spread.own.len());
    let mut same = Tally::default();
    let mut slowed = vec![<[Tally; 2]>::default(); SLOWDOWNS.len()];
    let mut turn = 0;
    for first in 0..stretches.len() {
        for second in (0..stretches.len()).filter(|second| *second != first) {
            let others: Vec<Session> = (0..stretches.len())
                .map(|at| (STRIDE * at + first + second) % stretches.len())
                .filter(|at| *at != first && *at != second)
                .map(|at| stretches[at].clone())
                .take(known)
                .collect();
            let noise = noise(&others);
            turn += 1;
            let sides = [first, second].map(|side| {
                let parts = stretches[side][0].len() / RUNS;
                part(&stretches[side], (turn % parts) * RUNS)
            });
            let base = snapshot(&sides[0], 1, None, false);
            let judge = |slowed| {
                let head = snapshot(&sides[1], 2, slowed, false);
                verdict([&base, &head], noise.as_ref(), &policy)
            };
            same.add(&judge(None), None);
            for (slowdown, [all, calm]) in SLOWDOWNS.iter().zip(&mut slowed) {
                // Two benchmarks of each pair of stretches, in turn.
                for row in [turn % rows, (turn + rows / 2) % rows] {
                    let report = judge(Some((row, 1.0 + slowdown)));
                    all.add(&report, Some(row));
                    if spread.own[row] <= CALM {
                        calm.add(&report, Some(row));
                    }
                }
            }
        }
    }
    (same, slowed)
}
