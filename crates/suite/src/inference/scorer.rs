//! A loaded model.

use ort::session::Session;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorElementType, TensorRef};

use super::backend::{environment, failed};
use super::{Backend, BuiltIn, Model, Predict};
use crate::SuiteError;

/// A loaded model that gives one score a row.
#[derive(Debug)]
pub struct Scorer {
    session: Session,
    backend: Backend,
    width: usize,
    output: usize,
}

impl Scorer {
    /// Loads [`BuiltIn::Scorer`] with one thread.
    pub fn load(backend: &Backend) -> Result<Self, SuiteError> {
        Self::load_model(backend, &BuiltIn::Scorer.into(), 1)
    }

    /// Loads a model that computes one prediction with so many threads. With one,
    /// a prediction is work and not waiting for threads. tract has one only.
    ///
    /// # Errors
    ///
    /// [`SuiteError::Model`] when the model's input is not one tensor of f32,
    /// `[batch, n]`, with a batch of any size, or when no output is a tensor of
    /// f32, or when tract is to use several threads. [`SuiteError::Inference`]
    /// when the backend cannot read or run it.
    pub fn load_model(
        backend: &Backend,
        model: &Model,
        threads: usize,
    ) -> Result<Self, SuiteError> {
        let environment = environment(backend)?;
        let mut builder = Session::builder(&environment)
            .map_err(failed(backend, "configure a session"))?
            // ONNX Runtime's default; tract optimises nothing unless told to.
            .with_optimization_level(GraphOptimizationLevel::All)
            .map_err(|error| failed(backend, "set its optimisation")(error.into()))?;
        // tract has no threads of its own to set.
        if *backend != Backend::Tract {
            builder = builder
                .with_intra_threads(threads)
                .map_err(|error| failed(backend, "set its threads")(error.into()))?;
        } else if threads != 1 {
            return Err(SuiteError::Model {
                what: format!("tract computes with one thread, not with {threads}"),
            });
        }
        let session = match model {
            Model::BuiltIn(model) => builder.commit_from_memory(model.onnx()),
            // By its path: a large model's weights lie in files beside it.
            Model::File(path) => builder.commit_from_file(path),
        }
        .map_err(failed(backend, "load the model"))?;
        let width = width(session.inputs())?;
        let output = output(session.outputs())?;
        Ok(Self { session, backend: backend.clone(), width, output })
    }

    /// Features of one row.
    pub fn width(&self) -> usize {
        self.width
    }

    /// What runs it.
    pub fn backend(&self) -> &Backend {
        &self.backend
    }

    /// The scores of whole rows of features, in one call of the model. Of an
    /// output with several numbers a row, the first.
    pub fn score(&mut self, features: &[f32]) -> Result<Vec<f32>, SuiteError> {
        let Self { session, backend, width, output } = self;
        if features.is_empty() || !features.len().is_multiple_of(*width) {
            return Err(SuiteError::Features { values: features.len(), width: *width });
        }
        let rows = features.len() / *width;
        let input = TensorRef::from_array_view(([rows, *width], features))
            .map_err(failed(backend, "make the input"))?;
        let outputs = session.run(ort::inputs![input]).map_err(failed(backend, "run the model"))?;
        let (_, scores) = outputs[*output]
            .try_extract_tensor::<f32>()
            .map_err(failed(backend, "read the scores"))?;
        if scores.is_empty() || !scores.len().is_multiple_of(rows) {
            return Err(SuiteError::Scores { scores: scores.len(), rows });
        }
        Ok(scores.iter().step_by(scores.len() / rows).copied().collect())
    }

    /// Scores rows; the checksum is the sum of the scores in thousandths.
    pub fn checksum_of(&mut self, features: &[f32]) -> Result<u64, SuiteError> {
        Ok(checksum(&self.score(features)?))
    }
}

impl Predict for Scorer {
    fn width(&self) -> usize {
        self.width
    }

    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, SuiteError> {
        self.score(features)
    }
}

/// The features that the model's one input has room for.
fn width(inputs: &[Outlet]) -> Result<usize, SuiteError> {
    let refused = |what: String| Err(SuiteError::Model { what });
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
            refused(format!("its input `{name}` takes batches of {batch} alone: {kind}"))
        }
        _ => refused(format!("its input `{name}` is {kind}")),
    }
}

/// The first output of f32: a classifier's label, an integer, comes before.
fn output(outputs: &[Outlet]) -> Result<usize, SuiteError> {
    outputs
        .iter()
        .position(|output| output.dtype().tensor_type() == Some(TensorElementType::Float32))
        .ok_or_else(|| SuiteError::Model { what: "no output is a tensor of f32".to_owned() })
}

/// The sum of scores in thousandths: backends differ in the last bits, and a
/// checksum must not.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a score lies between 0 and 1; a cast of anything else saturates"
)]
pub fn checksum(scores: &[f32]) -> u64 {
    scores.iter().fold(0, |sum: u64, score| sum.wrapping_add((score * 1000.0).round() as u64))
}
