//! Recognises the format of a file by its content.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::super::file;
use super::format::Format;

/// The lines that are looked at: a record may begin with damaged ones.
const LINES: usize = 64;

/// A line longer than this is not one of a record.
const LONGEST_LINE: usize = 1 << 20;

/// What tells hyperfine's exports.
#[derive(Deserialize)]
struct Export {
    #[serde(rename = "results")]
    _results: Vec<WithCommand>,
}

#[derive(Deserialize)]
struct WithCommand {
    #[serde(rename = "command")]
    _command: String,
}

/// What tells Bencher Metric Format.
type Metrics = BTreeMap<String, BTreeMap<String, WithValue>>;

#[derive(Deserialize)]
struct WithValue {
    #[serde(rename = "value")]
    _value: Value,
}

/// The format of a file, if it has one of them.
pub fn recognise(path: &Path) -> Option<Format> {
    let path = std::fs::canonicalize(path).ok()?;
    of(&file::bytes(&path).ok()?)
}

fn of(bytes: &[u8]) -> Option<Format> {
    // Lines that are part of a longer document are indented.
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| line.starts_with(b"{"));
    if lines.take(LINES).any(is_record) {
        return Some(Format::Record);
    }
    if serde_json::from_slice::<Export>(bytes).is_ok() {
        return Some(Format::Hyperfine);
    }
    let metrics = serde_json::from_slice::<Metrics>(bytes).ok()?;
    (!metrics.is_empty()).then_some(Format::Bencher)
}

/// Whether a line is one of a record: an object of one key, with fields that are not objects, as
/// those of Bencher Metric Format are.
fn is_record(line: &[u8]) -> bool {
    if line.len() > LONGEST_LINE {
        return false;
    }
    match serde_json::from_slice::<Map<String, Value>>(line) {
        Ok(line) => {
            let mut bodies = line.values();
            match (bodies.next(), bodies.next()) {
                (Some(Value::Object(fields)), None) => {
                    fields.values().any(|field| !field.is_object())
                }
                _ => false,
            }
        }
        // Cut off, or with a NaN.
        Err(_) => line.starts_with(b"{\"measurement\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_format_is_recognised_by_its_content() {
        let record = r#"{"not_run":{"subject":"a","reason":"b"}}"#;
        for (text, format) in [
            (record, Some(Format::Record)),
            (&*format!("garbage\n{record}\n"), Some(Format::Record)),
            (r#"{"measurement":{"id":"a","value":NaN}}"#, Some(Format::Record)),
            (r#"{"results":[{"command":"ls","mean":1}]}"#, Some(Format::Hyperfine)),
            (r#"{"results":{"latency":{"value":1}}}"#, Some(Format::Bencher)),
            (r#"{"measurement":{"latency":{"value":1}}}"#, Some(Format::Bencher)),
            ("{\n\"a\":{\"b\":{\"value\":\"no number\"}}}", Some(Format::Bencher)),
            (r#"{"name":"main","benchmarks":{}}"#, None),
            ("{\n  \"rows\": [\n    {\"a\":{\"b\":1}}\n  ]\n}", None),
            ("{}", None),
            ("[]", None),
            ("", None),
            ("text", None),
        ] {
            assert_eq!(of(text.as_bytes()), format, "{text}");
        }
    }
}
