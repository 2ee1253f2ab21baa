//! Puts the rows of many callers into one tensor, and returns their scores to them.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use super::InferenceError;

/// Something that scores rows, such as a [`Scorer`](super::Scorer).
pub trait Predict: Send + 'static {
    /// The number of features in a row.
    fn width(&self) -> usize;

    /// Returns a score for each row of `features`, which holds the rows one after the
    /// other.
    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, InferenceError>;
}

/// The reply to a caller: its score, or why its batch failed.
pub type Reply = Result<f32, Arc<InferenceError>>;

/// A caller who wants one row scored.
#[derive(Debug)]
pub struct Caller {
    features: Vec<f32>,
    reply: oneshot::Sender<Reply>,
    since: Instant,
}

impl Caller {
    /// Creates a caller with its row, and the receiver of its score.
    pub fn new(features: Vec<f32>) -> (Self, oneshot::Receiver<Reply>) {
        let (reply, receiver) = oneshot::channel();
        (Self { features, reply, since: Instant::now() }, receiver)
    }

    /// When the caller was created.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Whether the receiver of the score has been dropped.
    pub fn has_gone(&self) -> bool {
        self.reply.is_closed()
    }
}

/// A batch of rows. Its memory is reused for the next batch, so that it does not
/// allocate once it has grown.
#[derive(Clone, Debug)]
pub struct Batch {
    features: Vec<f32>,
    width: usize,
}

impl Batch {
    /// Creates an empty batch with room for `rows` rows of `width` features.
    pub fn with_capacity(rows: usize, width: usize) -> Self {
        Self { features: Vec::with_capacity(rows * width), width }
    }

    /// Adds a row.
    ///
    /// # Panics
    ///
    /// If the row does not have the batch's width.
    pub fn push(&mut self, row: &[f32]) {
        assert_eq!(row.len(), self.width, "features of a row");
        self.features.extend_from_slice(row);
    }

    /// Removes all rows.
    pub fn clear(&mut self) {
        self.features.clear();
    }

    /// The rows, one after the other.
    pub fn features(&self) -> &[f32] {
        &self.features
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.features.len() / self.width
    }

    /// Scores the rows, in the order in which they were added.
    pub fn score(&self, model: &mut impl Predict) -> Result<Vec<f32>, InferenceError> {
        let scores = model.predict(&self.features)?;
        if scores.len() == self.rows() {
            Ok(scores)
        } else {
            Err(InferenceError::Scores { scores: scores.len(), rows: self.rows() })
        }
    }

    /// Scores the callers' rows in one call of the model, and sends each caller its
    /// score.
    ///
    /// # Panics
    ///
    /// If a row does not have the batch's width.
    pub fn answer(&mut self, callers: Vec<Caller>, model: &mut impl Predict) {
        self.clear();
        for caller in &callers {
            self.push(&caller.features);
        }
        let replies = callers.into_iter().map(|caller| caller.reply);
        // Sending fails if the caller has gone, which does not matter.
        match self.score(model) {
            Ok(scores) => {
                for (reply, score) in replies.zip(scores) {
                    let _ = reply.send(Ok(score));
                }
            }
            Err(error) => {
                let error = Arc::new(error);
                for reply in replies {
                    let _ = reply.send(Err(Arc::clone(&error)));
                }
            }
        }
    }
}
