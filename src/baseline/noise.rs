//! The known noise of a machine class: `<root>/<machine class>/noise.json`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};

use super::checked;
use super::error::{BaselineError, Fault, NameKind, Place};
use super::layout;
use super::load;
use super::name::{NOISE, check};
use super::number::Number;
use super::store::Store;
use crate::files::{self, Existing};
use crate::model;

/// The version of noise files.
pub const NOISE_SCHEMA_VERSION: u32 = 1;

impl Store {
    /// Where a machine class's noise file is or would be.
    pub fn noise_path(&self, class: &str) -> Result<PathBuf, BaselineError> {
        check(NameKind::Class, class)?;
        Ok(self.root().join(class).join(format!("{NOISE}.json")))
    }

    /// The known noise of a machine class; `None` if there is no file.
    pub fn noise(&self, class: &str) -> Result<Option<model::Noise>, BaselineError> {
        let path = self.noise_path(class)?;
        // A broken link is an unreadable file, not a missing one.
        if path.symlink_metadata().is_err() {
            return Ok(None);
        }
        read(&path).map(Some)
    }

    /// Writes the noise file of a machine class atomically.
    pub fn save_noise(&self, class: &str, noise: &model::Noise) -> Result<PathBuf, BaselineError> {
        let path = self.noise_path(class)?;
        let text =
            text(noise).map_err(|source| BaselineError::Noise { path: path.clone(), source })?;
        files::write(&path, &text, Existing::Replace)?;
        Ok(path)
    }
}

/// The JSON Schema of noise files, as committed in `docs/schema/noise.schema.json`.
pub fn noise_schema() -> serde_json::Value {
    let settings = SchemaSettings::draft2020_12();
    settings.into_generator().into_root_schema_for::<File>().to_value()
}

/// How much a machine class's results differ though nothing has changed.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "benchgate noise")]
struct File {
    /// The version of this format. A reader refuses one that it does not know.
    #[schemars(extend("const" = NOISE_SCHEMA_VERSION))]
    schema_version: u32,
    /// The version of benchgate that wrote the file.
    tool_version: String,
    /// One metric of one benchmark each.
    noise: Vec<Row>,
}

/// What is known of one metric of one benchmark.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Row {
    /// The benchmark's name.
    name: String,
    /// The bench target, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// The cargo package, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    package: Option<String>,
    /// The metric's name.
    metric: String,
    /// The name of its unit.
    unit: String,
    /// What each session showed, in the order of time.
    sessions: Vec<Session>,
}

/// What one stretch of measuring showed.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Session {
    /// When it began.
    when: Timestamp,
    /// Names the code that was measured; absent where somebody vouched that it is
    /// all the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    /// Runs that it rests on, at least 2.
    runs: u32,
    /// Hodges–Lehmann centre of the runs (on the scale of logarithms), in the metric's unit.
    centre: Number,
    /// Standard deviation of ln(run), by the bulk of the runs.
    deviation: Number,
    /// The largest distance of ln(run) from their median.
    widest: Number,
    /// 1.4826 times the median absolute deviation of ln(second / first) over pairs
    /// of runs, where they were measured in pairs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    paired: Option<Number>,
}

/// The part of a file that selects its reader.
#[derive(Deserialize)]
struct Peek {
    schema_version: u64,
    tool_version: Option<String>,
}

fn text(noise: &model::Noise) -> serde_json::Result<Vec<u8>> {
    let session = |session: &model::NoiseSession| Session {
        when: session.when,
        code: session.code.clone(),
        runs: session.runs,
        centre: Number(session.centre),
        deviation: Number(session.deviation),
        widest: Number(session.widest),
        paired: session.paired.map(Number),
    };
    let row = |row: &model::NoiseRow| Row {
        name: row.id.name.clone(),
        target: row.id.target_name().map(str::to_owned),
        package: row.id.package().map(str::to_owned),
        metric: row.metric.clone(),
        unit: row.unit.clone(),
        sessions: row.sessions.iter().map(session).collect(),
    };
    layout::text(&File {
        schema_version: NOISE_SCHEMA_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        noise: noise.rows.iter().map(row).collect(),
    })
}

/// Reads a noise file; everything in it is checked.
fn read(path: &Path) -> Result<model::Noise, BaselineError> {
    let content = load::file(path)?;
    let damaged = |source| BaselineError::Noise { path: path.to_owned(), source };
    let Peek { schema_version, tool_version } =
        serde_json::from_slice(&content.bytes).map_err(damaged)?;
    if schema_version > u64::from(NOISE_SCHEMA_VERSION) {
        return Err(BaselineError::Newer {
            path: path.to_owned(),
            version: schema_version,
            known: NOISE_SCHEMA_VERSION,
            tool: tool_version.unwrap_or_else(|| "of an unknown version".to_owned()),
        });
    }
    if schema_version == 0 {
        let fault = Place::default().at("schema_version");
        return Err(fault.fault("unknown schema version 0 (versions start at 1)").in_file(path));
    }
    let file: File = serde_json::from_slice(&content.bytes).map_err(damaged)?;
    noise(file).map_err(|fault| fault.in_file(path))
}

fn noise(file: File) -> Result<model::Noise, Fault> {
    let place = Place::default().at("noise");
    let mut seen = BTreeSet::new();
    let mut rows = Vec::new();
    for (at, row) in file.noise.into_iter().enumerate() {
        let place = place.at(at);
        let Row { name, target, package, metric, unit, sessions } = row;
        if name.is_empty() || metric.is_empty() {
            return Err(place.fault("a name is empty"));
        }
        if sessions.is_empty() {
            return Err(place.at("sessions").fault("there are no sessions"));
        }
        let id = checked::id(name, target, package, &place)?;
        if !seen.insert((id.clone(), metric.clone(), unit.clone())) {
            return Err(place.fault("this benchmark and metric appears twice"));
        }
        let sessions = sessions
            .into_iter()
            .enumerate()
            .map(|(at, session)| self::session(session, &place.at("sessions").at(at)));
        let mut sessions = sessions.collect::<Result<Vec<_>, _>>()?;
        sessions.sort_by_key(|session| session.when);
        if sessions.windows(2).any(|two| two[0].when == two[1].when) {
            return Err(place.at("sessions").fault("two sessions began at the same moment"));
        }
        rows.push(model::NoiseRow { id, metric, unit, sessions });
    }
    rows.sort_by(|a, b| (&a.id, &a.metric, &a.unit).cmp(&(&b.id, &b.metric, &b.unit)));
    Ok(model::Noise { rows })
}

fn session(session: Session, place: &Place) -> Result<model::NoiseSession, Fault> {
    let Session { when, code, runs, centre: Number(centre), deviation, widest, paired } = session;
    if runs < 2 {
        return Err(place.at("runs").fault("at least 2 runs are needed for a deviation"));
    }
    if !(centre > 0.0 && centre.is_finite()) {
        return Err(place.at("centre").fault(format!("{centre} is not a positive number")));
    }
    let deviation_at = |name, Number(value): Number| {
        // A factor of e^100 between two runs was never measured.
        if (0.0..=100.0).contains(&value) {
            Ok(value)
        } else {
            Err(place.at(name).fault(format!("{value} is not a deviation of logarithms")))
        }
    };
    Ok(model::NoiseSession {
        when,
        code,
        runs,
        centre,
        deviation: deviation_at("deviation", deviation)?,
        widest: deviation_at("widest", widest)?,
        paired: paired.map(|paired| deviation_at("paired", paired)).transpose()?,
    })
}
