//! Numbers as the files contain them: exact, and as short as possible.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize, Serializer};

/// 2^53: up to here an `f64` represents every integer exactly.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A number that is written as an integer where it is one.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Number(pub(super) f64);

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(number) = *self;
        let whole = number.fract() == 0.0 && number.abs() <= EXACT;
        // -0 is not an integer.
        if whole && !(number == 0.0 && number.is_sign_negative()) {
            #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
            serializer.serialize_i64(number as i64)
        } else {
            serializer.serialize_f64(number)
        }
    }
}

impl JsonSchema for Number {
    fn schema_name() -> Cow<'static, str> {
        "Number".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number" })
    }
}

/// The iterations of each sample. Criterion's two ways of choosing them need
/// one number each; the number of samples is that of the times.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Iterations {
    /// Sample k, counted from 1, holds k times as many.
    Step(Number),
    /// Every sample holds as many.
    Each(Number),
    /// Anything else, one number a sample.
    List(Vec<Number>),
}

impl Iterations {
    /// The shortest form that gives back exactly these numbers.
    pub(super) fn pack(iterations: &[f64]) -> Self {
        let Some(&first) = iterations.first() else { return Self::List(Vec::new()) };
        let same = |candidate: &Self| candidate.unpack(iterations.len()) == iterations;
        [Self::Step(Number(first)), Self::Each(Number(first))]
            .into_iter()
            .find(same)
            .unwrap_or_else(|| Self::List(iterations.iter().copied().map(Number).collect()))
    }

    /// The iterations of `samples` samples; a list gives what it holds.
    pub(super) fn unpack(&self, samples: usize) -> Vec<f64> {
        match self {
            Self::Step(Number(step)) => (1..=samples).map(|k| k as f64 * step).collect(),
            Self::Each(Number(each)) => vec![*each; samples],
            Self::List(list) => list.iter().map(|number| number.0).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_written_as_integers_and_nothing_is_lost() {
        for (number, text) in [
            (1234.0, "1234"),
            (0.0, "0"),
            (-0.0, "-0.0"),
            (-7.0, "-7"),
            (0.1, "0.1"),
            (9_007_199_254_740_992.0, "9007199254740992"),
            (1e300, "1e+300"),
            (1.5e-300, "1.5e-300"),
        ] {
            let written = serde_json::to_string(&Number(number)).expect("a number");
            assert_eq!(written, text);
            let Number(read) = serde_json::from_str(&written).expect("the same number");
            assert_eq!(read.to_bits(), number.to_bits());
        }
    }

    #[test]
    fn iterations_take_the_shortest_exact_form() {
        for (iterations, text) in [
            (vec![3.0, 6.0, 9.0], r#"{"step":3}"#),
            (vec![3.0, 3.0], r#"{"each":3}"#),
            (vec![3.0], r#"{"step":3}"#),
            (vec![0.1, 0.2, 0.1 * 3.0], r#"{"step":0.1}"#),
            (vec![0.1, 0.2, 0.3], r#"{"list":[0.1,0.2,0.3]}"#),
            (vec![5.0, 6.0], r#"{"list":[5,6]}"#),
        ] {
            let packed = Iterations::pack(&iterations);
            assert_eq!(serde_json::to_string(&packed).expect("text"), text);
            assert_eq!(packed.unpack(iterations.len()), iterations);
        }
    }
}
