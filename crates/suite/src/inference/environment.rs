//! The backend that this process has loaded.

use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;

use super::{Backend, InferenceError};

impl Backend {
    /// Loads the backend into this process, unless it is already loaded. Loading a model
    /// does the same.
    ///
    /// # Errors
    ///
    /// [`InferenceError::Library`] if the library cannot be loaded, and
    /// [`InferenceError::OtherBackend`] if the process has loaded another backend.
    pub fn start(&self) -> Result<(), InferenceError> {
        environment(self).map(drop)
    }
}

/// The backend of this process. Only one can be loaded, and only once.
static LOADED: Mutex<Option<(Backend, Environment)>> = Mutex::new(None);

pub(super) fn environment(wanted: &Backend) -> Result<Environment, InferenceError> {
    let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((backend, environment)) = &*loaded {
        return if backend == wanted {
            Ok(environment.clone())
        } else {
            Err(InferenceError::OtherBackend { loaded: backend.clone(), wanted: wanted.clone() })
        };
    }
    let builder = match wanted {
        Backend::Tract => {
            ort::set_api(ort_tract::api());
            ort::init()
        }
        Backend::OnnxRuntime(library) => {
            ort::init_from(library).map_err(|source| InferenceError::Library { source })?
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
) -> impl FnOnce(ort::Error) -> InferenceError + 'a {
    move |source| InferenceError::Backend { backend: backend.clone(), action, source }
}
