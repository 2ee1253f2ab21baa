//! Puts a waiver into a policy's text and keeps everything else: comments, order,
//! spaces and line ends.

use std::path::{Path, PathBuf};

use jiff::civil::Date;
use toml_edit::{
    ArrayOfTables, DocumentMut, InlineTable, Item, Table, TableLike, TomlError, Value,
};

use super::{Policy, PolicyError, Waiver};
use crate::text::exact_percent;

/// Why a waiver was not put into a policy.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    /// The policy is invalid, or would be with the waiver.
    #[error(transparent)]
    Policy(#[from] PolicyError),
    /// The policy's text is not TOML.
    #[error("{}: {source}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: TomlError,
    },
    /// The row already has a waiver.
    #[error(
        "{}: {bench} ({metric}) already has a waiver until {until}; replace it with --replace",
        path.display()
    )]
    Duplicate {
        /// The file.
        path: PathBuf,
        /// The benchmark.
        bench: String,
        /// The metric.
        metric: String,
        /// The last day of the existing waiver.
        until: Date,
    },
}

/// Adds a waiver to the text of the policy at `path`. With `replace`, a waiver that
/// the row already has is replaced.
///
/// The returned text has been read again as a policy. An empty text becomes a policy
/// that holds only the waiver.
pub fn with_waiver(
    text: &str,
    path: &Path,
    waiver: &Waiver,
    replace: bool,
) -> Result<String, EditError> {
    let text = if text.trim().is_empty() { "version = 1\n" } else { text };
    let policy = Policy::parse(text, path)?;
    let same = |other: &Waiver| other.bench == waiver.bench && other.metric == waiver.metric;
    // The defaults have none, so places in the policy are places in the file.
    let place = policy.waivers.iter().position(same);
    if let (Some(place), false) = (place, replace) {
        return Err(EditError::Duplicate {
            path: path.to_owned(),
            bench: waiver.bench.clone(),
            metric: waiver.metric.clone(),
            until: policy.waivers[place].until,
        });
    }
    let mut document: DocumentMut =
        text.parse().map_err(|source| EditError::Toml { path: path.to_owned(), source })?;
    put(&mut document, waiver, place);
    let mut edited = document.to_string();
    // The editor writes plain line feeds.
    if text.contains('\n') && text.matches('\n').count() == text.matches("\r\n").count() {
        edited = edited.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    Policy::parse(&edited, path)?;
    Ok(edited)
}

fn put(document: &mut DocumentMut, waiver: &Waiver, place: Option<usize>) {
    if document.get("waiver").is_none() {
        // Comments at the end of the file stay where they are, above the waiver.
        let above = document.trailing().as_str().unwrap_or_default().to_owned();
        document.set_trailing("");
        let mut table = Table::new();
        fill(&mut table, waiver);
        table.decor_mut().set_prefix(spaced(&above));
        let mut tables = ArrayOfTables::new();
        tables.push(table);
        document.insert("waiver", Item::ArrayOfTables(tables));
        return;
    }
    match (&mut document["waiver"], place) {
        (Item::ArrayOfTables(tables), None) => {
            let mut table = Table::new();
            fill(&mut table, waiver);
            tables.push(table);
        }
        (Item::ArrayOfTables(tables), Some(place)) => {
            if let Some(table) = tables.get_mut(place) {
                fill(table, waiver);
            }
        }
        // `waiver = [{ … }]` has the same meaning.
        (Item::Value(Value::Array(array)), None) => {
            let mut table = InlineTable::new();
            fill(&mut table, waiver);
            array.push(table);
        }
        (Item::Value(Value::Array(array)), Some(place)) => {
            if let Some(table) = array.get_mut(place).and_then(Value::as_inline_table_mut) {
                fill(table, waiver);
            }
        }
        // Any other shape was refused when the policy was read.
        _ => {}
    }
}

/// The comments at the end of the file, followed by an empty line.
fn spaced(above: &str) -> String {
    match above {
        "" => "\n".to_owned(),
        above if above.ends_with("\n\n") || above.ends_with("\n\r\n") => above.to_owned(),
        above if above.ends_with('\n') => format!("{above}\n"),
        above => format!("{above}\n\n"),
    }
}

fn fill(table: &mut dyn TableLike, waiver: &Waiver) {
    let Waiver { bench, metric, up_to, until, reason } = waiver;
    for (key, text) in [
        ("bench", bench.clone()),
        ("metric", metric.clone()),
        ("up_to", percent(*up_to)),
        ("until", until.to_string()),
        ("reason", reason.clone()),
    ] {
        let mut value = Value::from(text);
        match table.get_mut(key).and_then(Item::as_value_mut) {
            Some(standing) => {
                // A comment behind the value belongs to the key.
                *value.decor_mut() = standing.decor().clone();
                *standing = value;
            }
            None => {
                table.insert(key, Item::Value(value));
            }
        }
    }
}

/// A share as a percentage that is read as the same share again.
fn percent(share: f64) -> String {
    let exact = format!("{}%", share * 100.0);
    let short = exact_percent(share);
    if super::percentage(&short) == Ok(share) { short } else { exact }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiver() -> Waiver {
        Waiver {
            bench: "cache/hit".to_owned(),
            metric: "time".to_owned(),
            up_to: 0.07,
            until: "2027-01-31".parse().expect("a day"),
            reason: "values carry a \"checksum\" now".to_owned(),
        }
    }

    fn put_into(text: &str, replace: bool) -> Result<String, EditError> {
        let edited = with_waiver(text, Path::new("gate.toml"), &waiver(), replace)?;
        let policy = Policy::parse(&edited, Path::new("gate.toml")).expect("a policy");
        assert!(policy.waivers.contains(&waiver()), "the waiver was not read back: {edited}");
        Ok(edited)
    }

    const LINES: &str = "[[waiver]]\nbench = \"cache/hit\"\nmetric = \"time\"\nup_to = \"7%\"\n\
                         until = \"2027-01-31\"\nreason = 'values carry a \"checksum\" now'\n";

    #[test]
    fn a_waiver_is_added_at_the_end_of_the_file() {
        let above = "# Ours.\nversion   = 1 # the only one\n\n[verdict]\nnew = 'warn'\n";
        assert_eq!(put_into(above, false).expect("added"), format!("{above}\n{LINES}"));
        let comments = format!("{above}\n# The last words.\n");
        assert_eq!(put_into(&comments, false).expect("added"), format!("{comments}\n{LINES}"));
        assert_eq!(put_into("", false).expect("made"), format!("version = 1\n\n{LINES}"));
        assert_eq!(
            put_into("version = 1", false).expect("made"),
            format!("version = 1\n\n{LINES}")
        );
    }

    const OTHER: &str = "[[waiver]] # first\nbench = \"a\"\nmetric = \"time\"\nup_to = \"5%\" # at most\n\
                         until = \"2026-12-31\"\n# Asked for by the database team.\nreason = \"b\"\n";

    #[test]
    fn a_waiver_is_added_after_the_other_waivers() {
        let below = "\n[[rule]]\nbench = \"x\"\n\n# The end.\n";
        let text = format!("version = 1\n\n{OTHER}{below}");
        let edited = put_into(&text, false).expect("added");
        assert_eq!(edited, format!("version = 1\n\n{OTHER}\n{LINES}{below}"));
    }

    #[test]
    fn a_row_has_one_waiver_which_is_replaced_on_request() {
        let text = format!("version = 1\n\n{OTHER}").replace("\"a\"", "\"cache/hit\"").replace(
            "reason = \"b\"\n",
            "reason = \"b\" # see the log\n\n[[waiver]]\nbench = \"z\"\n\
                     metric = \"time\"\nup_to = \"1%\"\nuntil = \"2026-12-31\"\nreason = \"c\"\n",
        );
        let refused = put_into(&text, false).expect_err("the row has a waiver").to_string();
        assert_eq!(
            refused,
            "gate.toml: cache/hit (time) already has a waiver until 2026-12-31; replace it with \
             --replace"
        );
        let edited = put_into(&text, true).expect("replaced");
        let wanted = text
            .replacen("\"5%\"", "\"7%\"", 1)
            .replacen("2026-12-31", "2027-01-31", 1)
            .replacen("\"b\"", "'values carry a \"checksum\" now'", 1);
        assert_eq!(edited, wanted);
    }

    #[test]
    fn line_ends_and_inline_tables_are_kept() {
        let text = "version = 1\r\n# a\r\n";
        let edited = put_into(text, false).expect("added");
        assert_eq!(edited, format!("{text}\r\n{}", LINES.replace('\n', "\r\n")));
        let inline = "version = 1\nwaiver = []\n";
        let edited = put_into(inline, false).expect("added");
        assert!(edited.starts_with("version = 1\nwaiver = [{ bench = \"cache/hit\","), "{edited}");
        let again = put_into(&edited.replace("7%", "3%"), true).expect("replaced");
        assert_eq!(again, edited);
    }

    #[test]
    fn an_invalid_policy_is_not_changed() {
        let wrong = put_into("version = 1\nvresion = 2\n", false).expect_err("refused").to_string();
        assert!(wrong.starts_with("gate.toml:2:1: unknown field `vresion`"), "{wrong}");
        let silent = Waiver { reason: "  ".to_owned(), ..waiver() };
        let wrong = with_waiver("version = 1\n", Path::new("gate.toml"), &silent, false);
        let wrong = wrong.expect_err("refused").to_string();
        assert!(wrong.contains("a waiver needs a reason"), "{wrong}");
    }

    #[test]
    fn percentages_are_written_as_people_write_them() {
        for text in ["7%", "12%", "0.1%", "0.29%", "1.15%", "250%", "0.123456789012345%"] {
            let share = super::super::percentage(text).expect("a percentage");
            assert_eq!(super::super::percentage(&percent(share)), Ok(share), "{text}");
        }
        assert_eq!(percent(0.07), "7%");
        assert_eq!(percent(0.0029), "0.29%");
    }
}
