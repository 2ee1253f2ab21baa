//! A loaded model.

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorElementType, TensorRef};

use super::environment::{environment, failed};
use super::{Backend, BuiltIn, InferenceError, Model, Predict, features_of_width};
use crate::services::Unavailable;

/// A loaded model that gives one score per row.
#[derive(Debug)]
pub struct Scorer {
    session: Session,
    backend: Backend,
    width: usize,
    output: usize,
}

impl Scorer {
    /// Loads [`BuiltIn::Scorer`] with one thread.
    pub fn load(backend: &Backend) -> Result<Self, InferenceError> {
        Self::load_model(backend, &BuiltIn::Scorer.into(), 1)
    }

    /// Loads a model that computes each prediction with `threads` threads. With one
    /// thread, a prediction never waits for other threads. tract has only one.
    ///
    /// # Errors
    ///
    /// [`InferenceError::Model`] if the model's input is not one tensor of f32,
    /// `[batch, n]`, with a batch of any size, if no output is a tensor of f32, or if
    /// tract should use several threads. [`InferenceError::Backend`] if the backend
    /// cannot load the model.
    pub fn load_model(
        backend: &Backend,
        model: &Model,
        threads: usize,
    ) -> Result<Self, InferenceError> {
        let environment = environment(backend)?;
        let mut builder = Session::builder(&environment)
            .map_err(failed(backend, "configure a session"))?
            // ONNX Runtime's default; tract does not optimise by default.
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(|error| failed(backend, "set its optimisation")(error.into()))?;
        // tract has no setting for threads.
        if *backend != Backend::Tract {
            builder = builder
                .with_intra_threads(threads)
                .map_err(|error| failed(backend, "set its threads")(error.into()))?;
        } else if threads != 1 {
            return Err(InferenceError::Model {
                problem: format!("tract computes with one thread, not with {threads}"),
            });
        }
        let session = match model {
            Model::BuiltIn(model) => builder.commit_from_memory(model.onnx()),
            // By path: the weights of a large model are in files next to it.
            Model::File(path) => builder.commit_from_file(path),
        }
        .map_err(failed(backend, "load the model"))?;
        let width = width(session.inputs())?;
        let output = output(session.outputs())?;
        Ok(Self { session, backend: backend.clone(), width, output })
    }

    /// Loads the user's model at `MODEL_PATH`, and checks that it can score.
    pub fn load_named(backend: &Backend) -> Result<Self, Unavailable> {
        let Some(model) = Model::named()? else {
            let reason = "MODEL_PATH is not set; set it to an ONNX model to measure it too";
            return Err(Unavailable { reason: reason.to_owned() });
        };
        let load = || {
            let mut scorer = Self::load_model(backend, &model, 1)?;
            scorer.score(&features_of_width(scorer.width, 8))?;
            Ok(scorer)
        };
        load()
            .map_err(|error: InferenceError| Unavailable { reason: format!("MODEL_PATH: {error}") })
    }

    /// The number of features in a row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// The backend that runs the model.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// Scores whole rows of features in one call of the model. If the output has several
    /// numbers per row, the first is the score.
    pub fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, InferenceError> {
        let Self { session, backend, width, output } = self;
        if features.is_empty() || !features.len().is_multiple_of(*width) {
            return Err(InferenceError::Features { values: features.len(), width: *width });
        }
        let rows = features.len() / *width;
        let input = TensorRef::from_array_view(([rows, *width], features))
            .map_err(failed(backend, "create the input"))?;
        let outputs = session.run(ort::inputs![input]).map_err(failed(backend, "run the model"))?;
        let (_, scores) = outputs[*output]
            .try_extract_tensor::<f32>()
            .map_err(failed(backend, "read the scores"))?;
        if scores.is_empty() || !scores.len().is_multiple_of(rows) {
            return Err(InferenceError::Scores { scores: scores.len(), rows });
        }
        Ok(scores.iter().step_by(scores.len() / rows).copied().collect())
    }

    /// Scores rows and returns the sum of the scores in thousandths.
    pub fn checksum_of(&mut self, features: &[f32]) -> Result<u64, InferenceError> {
        Ok(checksum(&self.score(features)?))
    }
}

impl Predict for Scorer {
    fn width(&self) -> usize {
        self.width
    }

    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, InferenceError> {
        self.score(features)
    }
}

/// The number of features in a row of the model's only input.
fn width(inputs: &[Outlet]) -> Result<usize, InferenceError> {
    let refused = |problem: String| Err(InferenceError::Model { problem });
    let [input] = inputs else {
        let names: Vec<&str> = inputs.iter().map(Outlet::name).collect();
        return refused(format!("it has {} inputs ({})", inputs.len(), names.join(", ")));
    };
    let (name, kind) = (input.name(), input.dtype());
    match (kind.tensor_type(), kind.tensor_shape().map(|shape| &**shape)) {
        (Some(TensorElementType::Float32), Some(&[batch, width])) if batch < 0 => {
            match usize::try_from(width) {
                Ok(width) if width > 0 => Ok(width),
                _ => refused(format!("its input `{name}` has no fixed number of features: {kind}")),
            }
        }
        (Some(TensorElementType::Float32), Some(&[batch, _])) => {
            refused(format!("its input `{name}` takes only batches of {batch}: {kind}"))
        }
        _ => refused(format!("its input `{name}` is {kind}")),
    }
}

/// The first output of f32. A classifier's first output is its label, an integer.
fn output(outputs: &[Outlet]) -> Result<usize, InferenceError> {
    outputs
        .iter()
        .position(|output| output.dtype().tensor_type() == Some(TensorElementType::Float32))
        .ok_or_else(|| InferenceError::Model { problem: "no output is a tensor of f32".to_owned() })
}

/// The sum of scores in thousandths. Backends differ in the last bits, but the checksum
/// must not.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a score is between 0 and 1; other values saturate"
)]
pub fn checksum(scores: &[f32]) -> u64 {
    scores.iter().fold(0, |sum: u64, score| sum.wrapping_add((score * 1000.0).round() as u64))
}
