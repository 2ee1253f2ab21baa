//! Rows of many callers in one tensor.

use crate::suite::SuiteError;

/// What scores rows: a [`Scorer`](super::Scorer), or something else with a
/// model behind it.
pub trait Predict: Send + 'static {
    /// Features of one row.
    fn width(&self) -> usize;

    /// A score for each of the rows, which lie one after the other in `features`.
    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, SuiteError>;
}

/// A batch that is being put together; used again for the next one, so that it
/// allocates nothing once it has grown.
#[derive(Clone, Debug)]
pub struct Batch {
    features: Vec<f32>,
    width: usize,
}

impl Batch {
    /// With room for `rows` rows of `width` features.
    pub fn with_capacity(rows: usize, width: usize) -> Self {
        Self { features: Vec::with_capacity(rows * width), width }
    }

    /// Takes one more row.
    ///
    /// # Panics
    ///
    /// When it does not have the batch's width.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.width, "features of a row");
        self.features.extend_from_slice(row);
    }

    /// Leaves no row in it.
    pub fn clear(&mut self) {
        self.features.clear();
    }

    /// Its rows, one after the other.
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// Rows in it.
    pub fn rows(&self) -> usize {
        self.features.len() / self.width
    }

    /// A score for each row, in the order they came in.
    pub fn score(&self, model: &mut impl Predict) -> Result<Vec<f32>, SuiteError> {
        let scores = model.predict(&self.features)?;
        if scores.len() == self.rows() {
            Ok(scores)
        } else {
            Err(SuiteError::Scores { scores: scores.len(), rows: self.rows() })
        }
    }
}
