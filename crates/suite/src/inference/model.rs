//! The models that are scored with, and what they have to say.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::services::Unavailable;
use crate::{SuiteError, sizes};

/// A model to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Model {
    /// One that comes with the suite.
    BuiltIn(BuiltIn),
    /// An ONNX file of the user's.
    File(PathBuf),
}

impl From<BuiltIn> for Model {
    fn from(model: BuiltIn) -> Self {
        Self::BuiltIn(model)
    }
}

impl Model {
    /// The model that `MODEL_PATH` names, if it is set.
    ///
    /// Its input has to be one tensor of f32, `[batch, n]`, with a batch of any
    /// size. Whether it is one is seen when it is loaded.
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
                    "MODEL_PATH names {}, which is no file; set it to an ONNX model, or unset it",
                    path.display()
                ),
            })
        }
    }
}

/// A model that comes with the suite; `scripts/models` makes it.
///
/// All of them take [`sizes::FEATURES`] features and give a score between 0
/// and 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BuiltIn {
    /// A multi-layer perceptron, 32 → 64 → 64 → 1: 6,000 multiplications a row,
    /// the size of a gradient-boosted scorer.
    Scorer,
    /// The same with weights of 8 bits, dynamically quantised.
    ScorerInt8,
    /// A transformer encoder: each feature a token of 48 numbers, two blocks of
    /// attention (three heads) and a feed-forward layer four times as wide, the
    /// mean of the tokens pooled to a score. 2 million multiplications a row.
    Encoder,
    /// The same with weights of 8 bits in its linear layers, dynamically quantised.
    EncoderInt8,
}

impl BuiltIn {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Scorer, Self::ScorerInt8, Self::Encoder, Self::EncoderInt8];

    /// As benchmarks and files call it.
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

    /// How far a backend's score may be from numpy's.
    ///
    /// In f32 only the last bits differ. In int8 an activation that lies between
    /// two integers is rounded by those bits, and the scores follow: they are as
    /// close to numpy's as these are to the f32 model's.
    pub fn tolerance(self) -> f32 {
        match self {
            Self::Scorer | Self::Encoder => 1e-5,
            Self::ScorerInt8 | Self::EncoderInt8 => 0.01,
        }
    }

    /// What numpy gives for the first so many of [`features`], as one batch.
    ///
    /// # Errors
    ///
    /// [`SuiteError::NoReference`] for another number of rows than those of
    /// [`sizes::BATCHES`].
    pub fn reference(self, rows: usize) -> Result<Vec<f32>, SuiteError> {
        let all: BTreeMap<String, Vec<Vec<f32>>> =
            serde_json::from_str(include_str!("../models/reference.json"))
                .map_err(|_| SuiteError::NoReference { rows })?;
        all.get(self.name())
            .and_then(|batches| batches.iter().find(|batch| batch.len() == rows).cloned())
            .ok_or(SuiteError::NoReference { rows })
    }

    /// Whether these are its scores for the first rows of [`features`], as one
    /// batch.
    ///
    /// # Errors
    ///
    /// [`SuiteError::WrongScore`] for the first row that is off by more than
    /// [`tolerance`](Self::tolerance).
    pub fn check(self, scores: &[f32]) -> Result<(), SuiteError> {
        let reference = self.reference(scores.len())?;
        let wrong = scores.iter().zip(&reference).position(|(score, reference)| {
            let off = (score - reference).abs();
            off.is_nan() || off > self.tolerance()
        });
        match wrong {
            None => Ok(()),
            Some(row) => Err(SuiteError::WrongScore {
                model: self.name(),
                row,
                score: scores[row],
                reference: reference[row],
            }),
        }
    }
}

/// Features of `rows` rows of [`sizes::FEATURES`]; `models/make.py` makes the
/// same.
pub fn features(rows: usize) -> Vec<f32> {
    features_of_width(sizes::FEATURES, rows)
}

/// Features of `rows` rows of `width`, between -1 and 1.
pub fn features_of_width(width: usize, rows: usize) -> Vec<f32> {
    (0..rows * width)
        .map(|index| {
            let (row, column) = (index / width, index % width);
            ((row * 31 + column * 17) % 101) as f32 / 50.0 - 1.0
        })
        .collect()
}
