//! Readers: files that other tools wrote, turned into the model.
//!
//! Wire types stay in here. A file that cannot be used becomes a
//! [`Problem`] with its path and the reason, and never hides the others. Only
//! a source that is no source at all is an error: [`SourceError`].
//!
//! What every reader holds to:
//!
//! - Contents are hostile. Files above 64 MiB and directories nested more than
//!   twelve deep are refused, symbolic links inside the tree are not followed.
//! - Names are kept as they are, control characters and all; renderers escape.
//! - Two results that claim the same benchmark are both refused: which of them
//!   is meant cannot be known.
//! - The order of the harvest does not depend on the file system's.

pub mod callgrind;
pub mod callgrind_profile;
pub mod criterion;
pub mod exchange;
mod file;
pub mod record;
mod stale;
mod tree;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use crate::model::{
    BenchId, Environment, Measurement, Nature, NotRun, Problem, ProblemKind, RunInfo, Snapshot,
};

/// What a reader found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Harvest {
    /// What could be read; each holds one run, index 0.
    pub measurements: Vec<Measurement>,
    /// What the measured program itself said it could not run.
    pub not_run: Vec<NotRun>,
    /// What was found and could not be used.
    pub problems: Vec<Problem>,
}

impl Harvest {
    /// Keeps the measurements of results that are alone in their claim to a
    /// benchmark; the others become problems that name each other's place.
    ///
    /// A result is what one place holds, in one or several metrics, together in
    /// `found`. `refused` are results that could not be read: they claim their
    /// benchmark as well as the good ones.
    fn from_claims(
        found: Vec<(Measurement, PathBuf)>,
        refused: Vec<(BenchId, PathBuf)>,
        mut problems: Vec<Problem>,
    ) -> Self {
        let mut claims: BTreeMap<BenchId, BTreeSet<PathBuf>> = BTreeMap::new();
        let good = found.iter().map(|(measurement, path)| (measurement.id.clone(), path.clone()));
        for (id, path) in good.chain(refused) {
            claims.entry(id).or_default().insert(path);
        }
        let mut measurements = Vec::new();
        for (measurement, path) in found {
            let places = claims.get(&measurement.id).into_iter().flatten();
            let others: Vec<_> = places.filter(|place| **place != path).collect();
            let Some((first, more)) = others.split_first() else {
                measurements.push(measurement);
                continue;
            };
            let more = match more.len() {
                0 => String::new(),
                n => format!(" and {n} more"),
            };
            let reason = format!(
                "another result claims the same benchmark, so neither is used: {}{more}; give one \
                 of them another name, or remove what is left over",
                first.display()
            );
            let problem =
                Problem { kind: ProblemKind::Duplicate, id: Some(measurement.id), path, reason };
            // Several metrics of one result make one problem.
            if problems.last() != Some(&problem) {
                problems.push(problem);
            }
        }
        let mut harvest = Self { measurements, not_run: Vec::new(), problems };
        harvest.sort();
        harvest
    }

    /// Whether nothing was found, not even something that cannot be used.
    pub fn is_empty(&self) -> bool {
        let Self { measurements, not_run, problems } = self;
        measurements.is_empty() && not_run.is_empty() && problems.is_empty()
    }

    /// Whether any measurement is a count, not a time.
    pub fn has_counts(&self) -> bool {
        self.measurements.iter().any(|measurement| measurement.metric.nature == Nature::Counted)
    }

    /// A snapshot of runs in these environments, taken now. Results of other tools do
    /// not record their own.
    #[must_use]
    pub fn into_snapshot(self, name: String, environments: Vec<Environment>) -> Snapshot {
        let Self { mut measurements, not_run, problems } = self;
        for costs in measurements.iter_mut().filter_map(|measurement| measurement.costs.as_mut()) {
            *costs = costs.kept(&BTreeSet::new());
        }
        let mut snapshot = Snapshot {
            name,
            created: Timestamp::now(),
            revision: None,
            selection: None,
            pairing: None,
            runs: (environments.into_iter())
                .map(|environment| RunInfo {
                    started: None,
                    seconds: None,
                    busy: None,
                    environment,
                })
                .collect(),
            measurements,
            not_run,
            problems,
        };
        snapshot.sort();
        snapshot
    }

    /// Both harvests, the second being that of `place`. What both claim is refused:
    /// which of them is meant cannot be known.
    #[must_use]
    pub fn and(mut self, more: Self, place: &Path) -> Self {
        let key = |one: &Measurement| (one.id.clone(), one.metric.clone());
        let ours: BTreeSet<_> = self.measurements.iter().map(key).collect();
        let twice: BTreeSet<_> =
            more.measurements.iter().map(key).filter(|one| ours.contains(one)).collect();
        self.measurements.extend(more.measurements);
        self.measurements.retain(|one| !twice.contains(&key(one)));
        self.not_run.extend(more.not_run);
        self.problems.extend(more.problems);
        self.problems.extend(twice.into_iter().map(|(id, metric)| Problem {
            kind: ProblemKind::Duplicate,
            id: Some(id),
            path: place.to_owned(),
            reason: format!(
                "another directory has the {metric} of that benchmark too, so neither is used: \
                 name one of them"
            ),
        }));
        self.sort();
        self
    }

    fn sort(&mut self) {
        self.measurements.sort_by(|a, b| (&a.id, &a.metric.name).cmp(&(&b.id, &b.metric.name)));
        self.not_run.sort();
        self.not_run.dedup();
        self.problems
            .sort_by(|a, b| (&a.path, a.kind, &a.reason).cmp(&(&b.path, b.kind, &b.reason)));
    }
}

/// One invocation writes its results closer together than this, also where a
/// single benchmark measures for minutes.
pub const STALE_GAP: Duration = Duration::from_mins(30);

/// How to tell a result that an earlier run left behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Stale {
    /// Whatever was written before that moment.
    Before(jiff::Timestamp),
    /// Whatever was written before a pause of more than that length: one
    /// invocation writes its results close together.
    Gap(Duration),
    /// Nothing: the directory was made for one run.
    Never,
}

/// Why a whole source could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// Nothing is there.
    #[error("{} does not exist; {way_out}", path.display())]
    Missing {
        /// What was asked for.
        path: PathBuf,
        /// What would make it exist.
        way_out: &'static str,
    },
    /// Something is there, but not a directory.
    #[error("{} is not a directory; name the directory that holds the results", path.display())]
    NotADirectory {
        /// What was asked for.
        path: PathBuf,
    },
    /// The system does not let us read it.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// What was asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The results are another program's.
    #[error(
        "{} holds results of cargo-criterion (.cbor files), which have a form of their own; run the \
         benchmarks by `gate run` or `cargo bench`, whose results can be read", path.display()
    )]
    CargoCriterion {
        /// What was asked for.
        path: PathBuf,
    },
    /// The name cannot be a baseline of criterion's.
    #[error("{name:?} names no baseline of criterion's: {reason}")]
    NotABaseline {
        /// The name that was asked for.
        name: String,
        /// Why it names none.
        reason: &'static str,
    },
}

/// Checks that a source's root can be read as a directory.
fn check_root(root: &Path, way_out: &'static str) -> Result<(), SourceError> {
    let path = || root.to_path_buf();
    match root.metadata() {
        Ok(metadata) if !metadata.is_dir() => Err(SourceError::NotADirectory { path: path() }),
        Ok(_) => match root.read_dir() {
            Ok(_) => Ok(()),
            Err(source) => Err(SourceError::Unreadable { path: path(), source }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Err(SourceError::Missing { path: path(), way_out })
        }
        Err(source) => Err(SourceError::Unreadable { path: path(), source }),
    }
}

/// Whether cargo made this directory as its target directory.
fn is_cargo_target(root: &Path) -> bool {
    [".rustc_info.json", "CACHEDIR.TAG"].iter().any(|name| root.join(name).is_file())
}
