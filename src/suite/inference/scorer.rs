use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::TensorRef;

use super::Predict;
use crate::record::{self, RecordError};
use crate::suite::services::Unavailable;
use crate::suite::{SuiteError, sizes};

/// A multi-layer perceptron, 32 → 64 → 64 → 1, the size of a gradient-boosted
/// scorer; `scripts/models` makes it.
const SCORER: &[u8] = include_bytes!("../models/scorer.onnx");

/// The release that `scripts/setup` installs.
const ONNX_RUNTIME_VERSION: &str = "1.31.0";

/// What runs the model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// tract, compiled in.
    Tract,
    /// ONNX Runtime, loaded from this library.
    OnnxRuntime(PathBuf),
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tract => f.write_str("tract"),
            Self::OnnxRuntime(library) => write!(f, "ONNX Runtime ({})", library.display()),
        }
    }
}

/// Where `scripts/setup` puts ONNX Runtime's library:
/// `${XDG_DATA_HOME:-~/.local/share}/benchgate/onnxruntime-VERSION/libonnxruntime.so`.
pub fn installed_onnx_runtime() -> Option<PathBuf> {
    let set = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let data = set("XDG_DATA_HOME").or_else(|| Some(set("HOME")?.join(".local/share")))?;
    Some(
        data.join("benchgate")
            .join(format!("onnxruntime-{ONNX_RUNTIME_VERSION}"))
            .join("libonnxruntime.so"),
    )
}

/// ONNX Runtime where `ORT_DYLIB_PATH` names its library, else where
/// `scripts/setup` has put it.
pub fn onnx_runtime() -> Result<Backend, Unavailable> {
    if let Some(named) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let named = PathBuf::from(named);
        return library(&named).ok_or_else(|| Unavailable {
            reason: format!(
                "ORT_DYLIB_PATH names {}, which is no file; set it to libonnxruntime.so",
                named.display()
            ),
        });
    }
    installed_onnx_runtime().as_deref().and_then(library).ok_or_else(|| Unavailable {
        reason: "ONNX Runtime's library is not installed; run `scripts/setup`, or set \
                 ORT_DYLIB_PATH to libonnxruntime.so"
            .to_owned(),
    })
}

fn library(path: &Path) -> Option<Backend> {
    // Absolute, because the loader would take it relative to the executable.
    let absolute = std::path::absolute(path).ok()?;
    absolute.is_file().then_some(Backend::OnnxRuntime(absolute))
}

/// The backend of this process: only one can be loaded, and only once.
static LOADED: Mutex<Option<(Backend, Environment)>> = Mutex::new(None);

fn environment(wanted: &Backend) -> Result<Environment, SuiteError> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((backend, environment)) = &*loaded {
        return if backend == wanted {
            Ok(environment.clone())
        } else {
            Err(SuiteError::OtherBackend { loaded: backend.clone(), wanted: wanted.clone() })
        };
    }
    let builder = match wanted {
        Backend::Tract => {
            ort::set_api(ort_tract::api());
            ort::init()
        }
        Backend::OnnxRuntime(library) => {
            ort::init_from(library).map_err(|source| SuiteError::Library { source })?
        }
    };
    let environment =
        builder.with_telemetry(false).build().map_err(failed(wanted, "start the backend"))?;
    *loaded = Some((wanted.clone(), environment.clone()));
    Ok(environment)
}

fn failed<'a>(
    backend: &'a Backend,
    action: &'static str,
) -> impl FnOnce(ort::Error) -> SuiteError + 'a {
    move |source| SuiteError::Inference { backend: backend.clone(), action, source }
}

/// A loaded model.
#[derive(Debug)]
pub struct Scorer {
    session: Session,
    backend: Backend,
}

impl Scorer {
    /// Loads the model on a backend, with one thread, so that a prediction is
    /// work and not waiting for threads.
    pub fn load(backend: &Backend) -> Result<Self, SuiteError> {
        let environment = environment(backend)?;
        let mut builder = Session::builder(&environment)
            .map_err(failed(backend, "configure a session"))?
            // ONNX Runtime's default; tract optimises nothing unless told to.
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(|error| failed(backend, "set its optimisation")(error.into()))?;
        // tract has no threads of its own to set.
        if *backend != Backend::Tract {
            builder = builder
                .with_intra_threads(1)
                .map_err(|error| failed(backend, "set its threads")(error.into()))?;
        }
        let session =
            builder.commit_from_memory(SCORER).map_err(failed(backend, "load the model"))?;
        Ok(Self { session, backend: backend.clone() })
    }

    /// The scores of whole rows of [`sizes::FEATURES`] features, in one call of
    /// the model.
    pub fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, SuiteError> {
        let Self { session, backend } = self;
        if features.is_empty() || !features.len().is_multiple_of(sizes::FEATURES) {
            return Err(SuiteError::Features { values: features.len(), width: sizes::FEATURES });
        }
        let rows = features.len() / sizes::FEATURES;
        let input = TensorRef::from_array_view(([rows, sizes::FEATURES], features))
            .map_err(failed(backend, "make the input"))?;
        let outputs = session.run(ort::inputs![input]).map_err(failed(backend, "run the model"))?;
        let (_, scores) =
            outputs[0].try_extract_tensor::<f32>().map_err(failed(backend, "read the scores"))?;
        Ok(scores.to_vec())
    }

    /// Tells the gate which build of ONNX Runtime was measured. tract is part of
    /// the program that is measured, not of its surroundings.
    pub fn record(&self) -> Result<(), RecordError> {
        match &self.backend {
            Backend::Tract => Ok(()),
            Backend::OnnxRuntime(_) => {
                // The release's number is not to be had; its commit is.
                let build = ort::info();
                record::service(
                    "onnxruntime",
                    build.strip_prefix("ORT Build Info: ").unwrap_or(build),
                )
            }
        }
    }

    /// Scores rows; the checksum is the sum of the scores in thousandths.
    pub fn checksum_of(&mut self, features: &[f32]) -> Result<u64, SuiteError> {
        Ok(self.score(features)?.iter().map(|score| thousandths(*score)).sum())
    }
}

impl Predict for Scorer {
    fn width(&self) -> usize {
        sizes::FEATURES
    }

    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, SuiteError> {
        self.score(features)
    }
}

/// Backends differ in the last bits: the checksum must not.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a score lies between 0 and 1; a cast of anything else saturates"
)]
fn thousandths(score: f32) -> u64 {
    (score * 1000.0).round() as u64
}

/// Features of `rows` rows; `models/make.py` makes the same.
pub fn features(rows: usize) -> Vec<f32> {
    (0..rows * sizes::FEATURES)
        .map(|index| {
            let (row, column) = (index / sizes::FEATURES, index % sizes::FEATURES);
            ((row * 31 + column * 17) % 101) as f32 / 50.0 - 1.0
        })
        .collect()
}
