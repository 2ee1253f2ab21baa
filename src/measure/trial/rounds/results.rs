//! The results of the rounds so far, as one snapshot for each arm.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::super::super::witness;
use super::super::plan::{Trial, TrialPlan};
use super::Rounds;
use crate::model::{Arm, BenchId, Extent, Pairing, Revision, Snapshot};

impl Rounds<'_> {
    /// The results so far.
    pub(in crate::measure::trial) fn so_far(&self) -> Trial {
        // What a command does besides measuring is not known.
        let set_up = self.paired.iter().filter(|pair| !pair.counts() && !pair.is_command());
        let set_up: Vec<_> = set_up.filter_map(|pair| pair.pace.set_up(&pair.target)).collect();
        let created = Timestamp::now();
        let shard = self.share.as_ref().map(|share| share.shard.clone());
        let extent = shard.map_or(Extent::Whole, Extent::Shard);
        let (mut measured, mut others) = (Vec::new(), Vec::new());
        for merge in self.merges.values().cloned() {
            let (measurements, not_run, problems) = merge.whole();
            measured.push(measurements);
            others.push((not_run, problems));
        }
        witness::keep(&mut measured);
        let mut measured = measured.into_iter().zip(others);
        // Called for the arms in order.
        let mut snapshot = |arm: Arm, name: &str, revision: &Option<Revision>| {
            let (mut measurements, (mut not_run, problems)) = measured.next().unwrap_or_default();
            // The control runs the base's code, so it does not have counts of its own.
            if arm != Arm::Control {
                let runs = self.runs[&arm].len();
                let counts = self.witnesses.measurements(arm.side(), &measurements, runs);
                measurements.extend(counts);
                not_run.extend(self.witnesses.not_run(arm.side()));
            }
            measurements.retain(|row| {
                // A part of a screening decides nothing.
                row.criterion.is_none() || !self.not_reached.contains(&row.id)
            });
            let listed = |ids: &BTreeSet<BenchId>| match arm {
                Arm::Control => Vec::new(),
                Arm::Base | Arm::Head => ids.iter().cloned().collect(),
            };
            let pairing = Pairing {
                trial: self.name.clone(),
                seed: self.plan.seed,
                screening: self.plan.screening,
                looks: self.looks.clone(),
                // The control lists only what was measured.
                identical: if arm == Arm::Control { Vec::new() } else { self.identical.clone() },
                same_code: listed(&self.same_code),
                not_reached: listed(&self.not_reached),
                out_of_time: self.out_of_time,
                control: self.plan.control,
                set_up: set_up.clone(),
                layouts: self.plan.layouts.clone(),
                sources: self.plan.sources.clone(),
                extent: extent.clone(),
            };
            let mut snapshot = Snapshot {
                name: name.to_owned(),
                created,
                revision: revision.clone(),
                selection: self.plan.selection.clone(),
                pairing: Some(pairing),
                runs: self.runs[&arm].clone(),
                measurements,
                not_run,
                problems,
            };
            snapshot.sort();
            snapshot
        };
        let TrialPlan { base, head, control, .. } = self.plan;
        Trial {
            base: snapshot(Arm::Base, &base.name, &base.revision),
            head: snapshot(Arm::Head, &head.name, &head.revision),
            control: control.then(|| snapshot(Arm::Control, Arm::Control.as_str(), &base.revision)),
        }
    }
}
