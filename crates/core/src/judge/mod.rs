//! From two snapshots and a policy to a report: compare, decide, say why.
//!
//! Pure: no file, no clock, no terminal. [`pair`](self) puts the sides beside
//! each other and measures how far they are apart, `decide` holds that against
//! the policy, `verdict` sums up, and everything that a renderer shows is in the
//! [`Report`].

mod budget;
mod cause;
mod code;
mod comparability;
mod control;
mod decide;
mod findings;
mod noise;
mod pair;
mod paired;
mod report;
mod shift;
mod trial;
mod verdict;
mod waiver;
mod witness;

use jiff::civil::Date;

pub use code::{Code, explained, explanation};
pub use control::{Control, judge_controlled};
pub use pair::run_value;
pub use report::{
    Change, EnvironmentDifference, Finding, FunctionChange, Judgement, Outcome, Report, Row,
    RowLimits, Severity, Side, SnapshotSummary, Verdict, VerdictOutcome,
};
pub use trial::BUSY;
pub use witness::to_confirm;

use crate::model::{BenchId, Noise, Pairing, Snapshot};
use crate::policy::Policy;
use comparability::Comparability;
use pair::Pair;

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// What the candidate is held against, where there is anything.
    pub baseline: Option<&'a Snapshot>,
    /// What is judged.
    pub candidate: &'a Snapshot,
    /// By which rules.
    pub policy: &'a Policy,
    /// What is known of the machine class's noise, where anything is.
    pub noise: Option<&'a Noise>,
    /// The day on which waivers are judged.
    pub today: Date,
}

impl<'a> Case<'a> {
    /// How the two sides were measured in turn, where they were.
    fn pairing(&self) -> Option<&'a Pairing> {
        let ours = self.candidate.pairing.as_ref()?;
        let theirs = self.baseline?.pairing.as_ref()?;
        (ours.trial == theirs.trial).then_some(ours)
    }

    /// Benchmarks that were not measured, as both sides are the same code: what
    /// holds for the base holds for the candidate.
    fn identical(&self) -> impl Iterator<Item = &'a BenchId> + use<'a> {
        self.pairing().into_iter().flat_map(|pairing| &pairing.identical)
    }
}

/// Judges the candidate: every row, every finding, the verdict.
pub fn judge(case: &Case<'_>) -> Report {
    let comparability = comparability::of(case);
    let (pairs, between) = compared(case, &comparability);
    let mut rows = decide::rows(case, pairs, &comparability);
    let mut findings = findings::of_snapshots(case, &comparability, &rows);
    findings.extend(between);
    findings.extend(trial::findings(case));
    findings.extend(budget::judge(case, &rows));
    findings.extend(waiver::apply(case, &mut rows));
    findings.extend(findings::of_rows(&rows));
    let verdict = verdict::reach(case, &rows, &findings);
    report::assemble(case, comparability, rows, findings, Some(verdict))
}

/// Puts the sides beside each other and judges nothing: rows without a
/// judgement, findings about what could not be read or compared, no verdict.
pub fn compare(case: &Case<'_>) -> Report {
    let comparability = comparability::of(case);
    let (pairs, between) = compared(case, &comparability);
    let rows: Vec<Row> = pairs
        .into_iter()
        .map(|pair| {
            let gate = case.policy.limits(&pair.id, &pair.metric).gate;
            pair.into_row(gate)
        })
        .collect();
    let mut findings = findings::of_snapshots(case, &comparability, &rows);
    findings.extend(between);
    report::assemble(case, comparability, rows, findings, None)
}

/// The pairs with all that is known of their uncertainty, and what was found
/// about the two sessions as wholes.
fn compared<'a>(case: &Case<'a>, comparability: &Comparability) -> (Vec<Pair<'a>>, Vec<Finding>) {
    let mut pairs = pair::pairs(case);
    let shift = shift::find(case, &pairs, comparability);
    let sessions = noise::apply(case, comparability, shift.as_ref(), &mut pairs);
    let mut findings: Vec<Finding> = shift.iter().filter_map(|shift| shift.finding(case)).collect();
    findings.extend(findings::of_sessions(sessions));
    (pairs, findings)
}

/// The JSON Schema of a report.
pub fn schema() -> serde_json::Value {
    schemars::schema_for!(Report).to_value()
}
