//! Invented sessions, whose noise is known.

use benchgate::judge::{Code, Severity};
use benchgate::stats::SplitMix64;

use super::{RUNS, Session, Tally, line, noise, policy, share, snapshot, verdict};

/// Runs of a calibrated session: both sides of twenty pairs.
const CALIBRATED: usize = 40;

/// A machine and its benchmarks.
struct Machine {
    random: SplitMix64,
    /// The standard deviation of the runs of each benchmark; one run in ten is five times
    /// as far out.
    runs: Vec<f64>,
    /// The standard deviations of what all benchmarks of a session have in common, and of
    /// each benchmark's own part.
    common: f64,
    own: f64,
    /// The gaps between the two speeds of benchmarks that have one speed in each session.
    gaps: Vec<f64>,
}

impl Machine {
    fn new(seed: u64, rows: usize, [common, own]: [f64; 2], bimodal: usize) -> Self {
        let mut random = SplitMix64::new(seed);
        let runs = (0..rows).map(|_| 0.005 * (1.4 * uniform(&mut random)).exp()).collect();
        let gaps = (0..rows)
            .map(|at| if at < bimodal { 0.05 + 0.1 * uniform(&mut random) } else { 0.0 })
            .collect();
        Self { random, runs, common, own, gaps }
    }

    fn session(&mut self, runs: usize) -> Session {
        let random = &mut self.random;
        let common = self.common * normal(random);
        self.runs
            .iter()
            .zip(&self.gaps)
            .map(|(deviation, gap)| {
                let mode = if random.index(2) == 0 { 0.0 } else { *gap };
                let centre = 7.0 + common + self.own * normal(random) + mode;
                (0..runs).map(|_| centre + deviation * heavy(random)).collect()
            })
            .collect()
    }
}

fn uniform(random: &mut SplitMix64) -> f64 {
    (random.next_bits() >> 11) as f64 / (1_u64 << 53) as f64
}

/// A nearly normal number: the sum of twelve uniform numbers minus 6.
fn normal(random: &mut SplitMix64) -> f64 {
    (0..12).map(|_| uniform(random)).sum::<f64>() - 6.0
}

/// A normal number; one in ten is multiplied by five.
fn heavy(random: &mut SplitMix64) -> f64 {
    let far = if random.index(10) == 0 { 5.0 } else { 1.0 };
    far * normal(random)
}

/// One kind of comparison.
struct Kind {
    name: &'static str,
    rows: usize,
    /// Common and own deviation of sessions.
    sessions: [f64; 2],
    bimodal: usize,
    known: usize,
    policy: &'static str,
    /// The slowdown of benchmark 7 (or the last), and whether all have equal counts.
    slowdown: f64,
    counts: bool,
}

const PLAIN: Kind = Kind {
    name: "",
    rows: 20,
    sessions: [0.01, 0.01],
    bimodal: 0,
    known: 0,
    policy: "",
    slowdown: 0.0,
    counts: false,
};
const SHIFT: &str = "[verdict]\nsuite_shift = \"fail\"";

const KINDS: [Kind; 30] = [
    Kind { name: "1% / 1%", ..PLAIN },
    Kind { name: "3% / 3%", sessions: [0.03, 0.03], ..PLAIN },
    Kind { name: "1% / 1%", known: 3, ..PLAIN },
    Kind { name: "3% / 3%", sessions: [0.03, 0.03], known: 3, ..PLAIN },
    Kind { name: "1% / 1%", known: 6, ..PLAIN },
    Kind { name: "3% / 3%", sessions: [0.03, 0.03], known: 6, ..PLAIN },
    Kind { name: "one of 20 bimodal", bimodal: 1, known: 3, ..PLAIN },
    Kind { name: "one of 20 bimodal", bimodal: 1, known: 4, ..PLAIN },
    Kind { name: "one of 20 bimodal", bimodal: 1, known: 5, ..PLAIN },
    Kind { name: "one of 20 bimodal", bimodal: 1, known: 6, ..PLAIN },
    Kind { name: "one of 20 bimodal", bimodal: 1, known: 10, ..PLAIN },
    Kind { name: "four of 20 bimodal", bimodal: 4, known: 3, ..PLAIN },
    Kind { name: "four of 20 bimodal", bimodal: 4, known: 4, ..PLAIN },
    Kind { name: "four of 20 bimodal", bimodal: 4, known: 5, ..PLAIN },
    Kind { name: "four of 20 bimodal", bimodal: 4, known: 6, ..PLAIN },
    Kind { name: "four of 20 bimodal", bimodal: 4, known: 10, ..PLAIN },
    Kind { name: "6 benchmarks", rows: 6, known: 3, ..PLAIN },
    Kind { name: "6 benchmarks", rows: 6, known: 6, ..PLAIN },
    Kind { name: "shift 0.5%", sessions: [0.005, 0.01], policy: SHIFT, ..PLAIN },
    Kind { name: "shift 1%", sessions: [0.01, 0.01], policy: SHIFT, ..PLAIN },
    Kind { name: "shift 2%", sessions: [0.02, 0.01], policy: SHIFT, ..PLAIN },
    Kind { name: "shift 0.5%", sessions: [0.005, 0.01], policy: SHIFT, known: 6, ..PLAIN },
    Kind { name: "shift 1%", sessions: [0.01, 0.01], policy: SHIFT, known: 6, ..PLAIN },
    Kind { name: "shift 2%", sessions: [0.02, 0.01], policy: SHIFT, known: 6, ..PLAIN },
    Kind { name: "+10%", known: 4, slowdown: 0.1, ..PLAIN },
    Kind { name: "+20%", known: 4, slowdown: 0.2, ..PLAIN },
    Kind {
        name: "+10%, sessions 0.5%",
        sessions: [0.005, 0.005],
        known: 4,
        slowdown: 0.1,
        ..PLAIN
    },
    Kind { name: "+10%", slowdown: 0.1, ..PLAIN },
    Kind { name: "+100%, equal counts", known: 6, slowdown: 1.0, counts: true, ..PLAIN },
    Kind { name: "+100%, equal counts", slowdown: 1.0, counts: true, ..PLAIN },
];

pub fn table(suites: u64) -> String {
    let mut text = String::new();
    line(
        &mut text,
        "| sessions: common / own | known | red | exit 4 | slower | faster | undecided | median detectable | found | failed | shift reported |",
    );
    line(&mut text, "|---|---|---|---|---|---|---|---|---|---|---|");
    for kind in &KINDS {
        let policy = policy(kind.policy);
        let mut tally = Tally::default();
        let mut shifts = 0;
        for seed in 0..suites {
            let mut machine = Machine::new(seed, kind.rows, kind.sessions, kind.bimodal);
            let known: Vec<Session> =
                (0..kind.known).map(|_| machine.session(CALIBRATED)).collect();
            let noise = noise(&known);
            let slowed = (kind.slowdown > 0.0).then_some((7, 1.0 + kind.slowdown));
            let base = snapshot(&machine.session(RUNS), 1, None, kind.counts);
            let head = snapshot(&machine.session(RUNS), 2, slowed, kind.counts);
            let report = verdict([&base, &head], noise.as_ref(), &policy);
            shifts += usize::from(
                report
                    .findings
                    .iter()
                    .any(|f| f.code == Code::SuiteShift && f.severity != Severity::Note),
            );
            tally.add(&report, slowed.map(|(row, _)| row));
        }
        line(
            &mut text,
            &format!(
                "| {} | {} | {} | {} | {} | {} |",
                kind.name,
                kind.known,
                tally.cells(),
                share(tally.found, tally.slowed),
                share(tally.failed, tally.slowed),
                share(shifts, tally.suites),
            ),
        );
    }
    text
}
