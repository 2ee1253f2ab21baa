//! The models, and the scores that they must give.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::InferenceError;
use crate::services::Unavailable;
use crate::sizes;

/// A model to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// A model that comes with the suite.
    BuiltIn(BuiltIn),
    /// The user's ONNX file.
    File(PathBuf),
}

impl From<BuiltIn> for Model {
    fn from(model: BuiltIn) -> Self {
        Self::BuiltIn(model)
    }
}

impl Model {
    /// The model at `MODEL_PATH`, if that is set.
    ///
    /// Its input must be one tensor of f32, `[batch, n]`, with a batch of any size.
    /// This is checked when the model is loaded.
    pub fn named() -> Result<Option<Self>, Unavailable> {
        let Some(path) = std::env::var_os("MODEL_PATH").filter(|path| !path.is_empty()) else {
            return Ok(None);
        };
        let path = PathBuf::from(path);
        if path.is_file() {
            Ok(Some(Self::File(path)))
        } else {
            Err(Unavailable {
                reason: format!(
                    "MODEL_PATH is {}, which is not a file; set it to an ONNX model, or unset it",
                    path.display()
                ),
            })
        }
    }
}

/// A model that comes with the suite; `scripts/models` creates it.
///
/// All models take [`sizes::FEATURES`] features and give a score between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuiltIn {
    /// A multi-layer perceptron, 32 → 64 → 64 → 1, with 6,000 multiplications per row:
    /// the size of a gradient-boosted scorer.
    Scorer,
    /// The same with 8-bit weights, dynamically quantised.
    ScorerInt8,
    /// A transformer encoder with 2 million multiplications per row. Each feature is a
    /// token of 48 numbers; two blocks of attention (three heads) and a feed-forward
    /// layer four times as wide; the mean of the tokens gives the score.
    Encoder,
    /// The same with 8-bit weights in its linear layers, dynamically quantised.
    EncoderInt8,
}

impl BuiltIn {
    /// All models.
    pub const ALL: [Self; 4] = [Self::Scorer, Self::ScorerInt8, Self::Encoder, Self::EncoderInt8];

    /// Its name in benchmark ids and file names.
    pub fn name(self) -> &'static str {
        match self {
            Self::Scorer => "scorer",
            Self::ScorerInt8 => "scorer_int8",
            Self::Encoder => "encoder",
            Self::EncoderInt8 => "encoder_int8",
        }
    }

    /// The model's file.
    pub fn onnx(self) -> &'static [u8] {
        match self {
            Self::Scorer => include_bytes!("../models/scorer.onnx"),
            Self::ScorerInt8 => include_bytes!("../models/scorer_int8.onnx"),
            Self::Encoder => include_bytes!("../models/encoder.onnx"),
            Self::EncoderInt8 => include_bytes!("../models/encoder_int8.onnx"),
        }
    }

    /// The largest allowed difference between a backend's score and numpy's.
    ///
    /// In f32, only the last bits differ. In int8, these bits can decide how an
    /// activation is rounded, so the difference is as large as that between numpy's
    /// scores in int8 and in f32.
    pub fn tolerance(self) -> f32 {
        match self {
            Self::Scorer | Self::Encoder => 1e-5,
            Self::ScorerInt8 | Self::EncoderInt8 => 0.01,
        }
    }

    /// Numpy's scores for the first `rows` rows of [`features`], as one batch.
    ///
    /// # Errors
    ///
    /// [`InferenceError::NoReference`] if `rows` is not in [`sizes::BATCHES`].
    pub fn reference(self, rows: usize) -> Result<Vec<f32>, InferenceError> {
        let all: BTreeMap<String, Vec<Vec<f32>>> =
            serde_json::from_str(include_str!("../models/reference.json"))
                .map_err(|_| InferenceError::NoReference { rows })?;
        all.get(self.name())
            .and_then(|batches| batches.iter().find(|batch| batch.len() == rows).cloned())
            .ok_or(InferenceError::NoReference { rows })
    }

    /// Checks the model's scores for the first rows of [`features`], as one batch.
    ///
    /// # Errors
    ///
    /// [`InferenceError::WrongScore`] for the first row that differs by more than
    /// [`tolerance`](Self::tolerance).
    pub fn check(self, scores: &[f32]) -> Result<(), InferenceError> {
        let reference = self.reference(scores.len())?;
        let wrong = scores.iter().zip(&reference).position(|(score, reference)| {
            let difference = (score - reference).abs();
            difference.is_nan() || difference > self.tolerance()
        });
        match wrong {
            None => Ok(()),
            Some(row) => Err(InferenceError::WrongScore {
                model: self.name(),
                row,
                score: scores[row],
                reference: reference[row],
            }),
        }
    }
}

/// `rows` rows of [`sizes::FEATURES`] features; `models/make.py` computes the same.
pub fn features(rows: usize) -> Vec<f32> {
    features_of_width(sizes::FEATURES, rows)
}

/// `rows` rows of `width` features between -1 and 1.
pub fn features_of_width(width: usize, rows: usize) -> Vec<f32> {
    (0..rows * width)
        .map(|index| {
            let (row, column) = (index / width, index % width);
            ((row * 31 + column * 17) % 101) as f32 / 50.0 - 1.0
        })
        .collect()
}
