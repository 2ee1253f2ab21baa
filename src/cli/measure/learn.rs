//! The session that a `gate run` adds to the known noise of its machine class.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::calibrate::{Observed, observe, remember};
use crate::cli::args::StoreArgs;
use crate::cli::context::{Context, Failed};
use crate::fnv::Fnv;
use crate::measure::{BenchExecutable, identity};
use crate::model::{Noise, Snapshot, TargetId};
use crate::policy::ProcessRules;

/// Sessions that began closer together share the hour and its neighbours, so that the
/// second would show too little about how much sessions differ.
const APART: SignedDuration = SignedDuration::from_hours(1);

/// Names the code of each target.
pub(super) type Codes = BTreeMap<TargetId, String>;

/// The code of each target. Code that cannot be read gets a name that no other session
/// shares.
pub(super) fn codes(executables: &[BenchExecutable]) -> Codes {
    let code = |executable: &BenchExecutable| {
        identity::fingerprint(executable)
            .unwrap_or_else(|_| format!("unknown-{:x}", fastrand::u64(..)))
    };
    executables.iter().map(|executable| (executable.target.clone(), code(executable))).collect()
}

/// Adds a session of runs to the known sessions.
///
/// How much sessions differ is known from sessions with the same name of code only. So
/// that nothing but the session differs between them, the name also stands for the
/// environment and for criterion's times.
pub(super) fn keep(
    context: &Context,
    store: &StoreArgs,
    known: Option<Noise>,
    snapshot: &Snapshot,
    codes: &Codes,
    rules: ProcessRules,
) -> Result<(), Failed> {
    let known = known.unwrap_or_default();
    let around = surroundings(snapshot, rules);
    let named = observe(snapshot).into_iter().filter_map(|row| {
        let code = codes.get(row.id.target.as_ref()?)?;
        Some(Observed { code: Some(format!("{code}-{around}")), ..row })
    });
    let observed: Vec<Observed> = named.filter(|row| !is_near(&known, row)).collect();
    if observed.is_empty() {
        context.shell.note(
            "this session's noise is not recorded: either no benchmark has two runs, or the same \
             code was measured within an hour of it, which says little about how sessions differ",
        );
        return Ok(());
    }
    let path = store.store().save_noise(&store.class(), &remember(&known, &observed))?;
    context.shell.status("kept", &path.display().to_string());
    Ok(())
}

/// Whether a session of the same code at about the same time is known.
fn is_near(known: &Noise, observed: &Observed) -> bool {
    let near = |when: Timestamp| observed.when.duration_since(when).abs() < APART;
    let row = known.rows.iter().find(|row| {
        (&row.id, row.metric.as_str()) == (&observed.id, observed.metric.name.as_str())
            && row.unit == observed.metric.unit.to_string()
    });
    row.is_some_and(|row| {
        row.sessions.iter().any(|session| session.code == observed.code && near(session.when))
    })
}

/// A name for everything besides the code that must be equal.
fn surroundings(snapshot: &Snapshot, rules: ProcessRules) -> Fnv {
    let ProcessRules { warm_up, time, samples } = rules;
    let mut name = Fnv::default();
    name.add(format!("{warm_up:?} {time:?} {samples}\n").as_bytes());
    for (field, value) in snapshot.environment().iter() {
        name.add(format!("{field} {value}\n").as_bytes());
    }
    name
}
