//! Rows of many callers in one tensor, and their scores back to them.

use std::sync::Arc;
use std::time::Instant;

use tokio::sync::oneshot;

use crate::SuiteError;

/// What scores rows: a [`Scorer`](super::Scorer), or something else with a
/// model behind it.
pub trait Predict: Send + 'static {
    /// Features of one row.
    fn width(&self) -> usize;

    /// A score for each of the rows, which lie one after the other in `features`.
    fn predict(&mut self, features: &[f32]) -> Result<Vec<f32>, SuiteError>;
}

/// What a caller is told: one score, or why the whole batch has none.
pub type Reply = Result<f32, Arc<SuiteError>>;

/// Somebody who wants one row scored.
#[derive(Debug)]
pub struct Caller {
    features: Vec<f32>,
    reply: oneshot::Sender<Reply>,
    since: Instant,
}

impl Caller {
    /// With its row, and where it waits for the score.
    pub fn new(features: Vec<f32>) -> (Self, oneshot::Receiver<Reply>) {
        let (reply, receiver) = oneshot::channel();
        (Self { features, reply, since: Instant::now() }, receiver)
    }

    /// When it came.
    pub fn since(&self) -> Instant {
        self.since
    }

    /// Whether nobody waits for its score any longer.
    pub fn has_gone(&self) -> bool {
        self.reply.is_closed()
    }
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

    /// Scores the callers' rows in one call of the model, and tells each its own
    /// score.
    ///
    /// # Panics
    ///
    /// When a row does not have the batch's width.
    pub fn answer(&mut self, callers: Vec<Caller>, model: &mut impl Predict) {
        self.clear();
        for caller in &callers {
            self.push(&caller.features);
        }
        let replies = callers.into_iter().map(|caller| caller.reply);
        // Who has gone meanwhile needs no reply.
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
