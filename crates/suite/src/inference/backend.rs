//! What runs a model, and where it is found.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

use crate::SuiteError;
use crate::services::Unavailable;
use benchgate_record::{self as record, RecordError};

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

impl Backend {
    /// Loads it into this process, if it is not there yet. Loading a model does
    /// the same.
    ///
    /// # Errors
    ///
    /// [`SuiteError::Library`] where the library cannot be loaded,
    /// [`SuiteError::OtherBackend`] where the process has another backend.
    pub fn start(&self) -> Result<(), SuiteError> {
        environment(self).map(drop)
    }

    /// Tells the gate which build of ONNX Runtime was measured, once a model is
    /// loaded on it. tract is part of the program that is measured, not of its
    /// surroundings.
    pub fn record(&self) -> Result<(), RecordError> {
        match self {
            Self::Tract => Ok(()),
            Self::OnnxRuntime(_) => {
                // The release's number is not to be had; its commit is.
                let build = ort::info();
                record::service(
                    "onnxruntime",
                    build.strip_prefix("ORT Build Info: ").unwrap_or(build),
                )
            }
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

pub(super) fn environment(wanted: &Backend) -> Result<Environment, SuiteError> {
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

pub(super) fn failed<'a>(
    backend: &'a Backend,
    action: &'static str,
) -> impl FnOnce(ort::Error) -> SuiteError + 'a {
    move |source| SuiteError::Inference { backend: backend.clone(), action, source }
}
