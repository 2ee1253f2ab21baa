//! The backends that run models, and where they are found.

use std::fmt;
use std::path::{Path, PathBuf};

use benchgate_record::{self as record, RecordError};

use crate::services::Unavailable;

/// The release that `scripts/setup` installs.
const ONNX_RUNTIME_VERSION: &str = "1.31.0";

/// A backend that runs models.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Backend {
    /// tract, which is compiled in.
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
    /// Records which build of ONNX Runtime was measured; to be called once a model is
    /// loaded. tract is not recorded: it is part of the measured program and not of its
    /// environment.
    pub fn record(&self) -> Result<(), RecordError> {
        match self {
            Self::Tract => Ok(()),
            Self::OnnxRuntime(_) => {
                // The library reports its commit, not the number of its release.
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

/// Finds ONNX Runtime's library: at `ORT_DYLIB_PATH` if that is set, otherwise where
/// `scripts/setup` installs it.
pub fn onnx_runtime() -> Result<Backend, Unavailable> {
    if let Some(named) = std::env::var_os("ORT_DYLIB_PATH").filter(|path| !path.is_empty()) {
        let named = PathBuf::from(named);
        return library(&named).ok_or_else(|| Unavailable {
            reason: format!(
                "ORT_DYLIB_PATH is {}, which is not a file; set it to libonnxruntime.so",
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
    // The loader would resolve a relative path from the executable's directory.
    let absolute = std::path::absolute(path).ok()?;
    absolute.is_file().then_some(Backend::OnnxRuntime(absolute))
}
