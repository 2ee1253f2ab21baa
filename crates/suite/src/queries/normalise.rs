//! Statements without their values, so that those that differ only in values are
//! equal.

use super::tokens::{Token, tokens};

/// Replaces a value, or a list of values.
const VALUE: &str = "?";

/// Normalises a statement: each literal, each parameter and each list of them becomes
/// one `?`, and a list of rows becomes its first row. Comments are removed, words are
/// separated by one space, and everything outside quotes is in lower case.
///
/// It works on tokens and not on a parsed statement, so it handles every dialect. A
/// statement that cannot be split into tokens keeps its values.
///
/// ```
/// use benchgate_suite::queries::normalise;
///
/// assert_eq!(
///     normalise("SELECT name\nFROM users WHERE id IN ($1, $2) -- two"),
///     "select name from users where id in (?)"
/// );
/// ```
pub fn normalise(statement: &str) -> String {
    let Some(tokens) = tokens(statement) else {
        return statement.split_whitespace().collect::<Vec<_>>().join(" ");
    };
    let mut words: Vec<String> = Vec::new();
    for token in tokens {
        match token {
            Token::Value(_) => {
                // A minus is a sign if there is nothing to subtract from.
                if words.last().is_some_and(|last| last == "-") && !is_operand(&words) {
                    words.pop();
                }
                words.push(VALUE.to_owned());
            }
            Token::Word(word) => words.push(word.to_lowercase()),
            Token::Quoted(text) | Token::Symbol(text) => words.push(text.to_owned()),
        }
        fold(&mut words);
    }
    if words.last().is_some_and(|last| last == ";") {
        words.pop();
    }
    join(&words)
}

/// After these words, a minus is a sign.
const BEFORE_A_SIGN: [&str; 20] = [
    "and",
    "between",
    "by",
    "case",
    "else",
    "having",
    "in",
    "is",
    "like",
    "limit",
    "not",
    "offset",
    "on",
    "or",
    "returning",
    "select",
    "set",
    "then",
    "when",
    "where",
];

/// Whether the word before the last one can be subtracted from.
fn is_operand(words: &[String]) -> bool {
    let Some(before) = words.len().checked_sub(2).map(|at| words[at].as_str()) else {
        return false;
    };
    let is_name = before.ends_with(|last: char| last.is_alphanumeric() || "_\"`]".contains(last));
    [VALUE, ")"].contains(&before) || is_name && !BEFORE_A_SIGN.contains(&before)
}

/// Removes a value that follows another one, and a row that follows another one.
fn fold(words: &mut Vec<String>) {
    for repeated in [["?", ",", "?"].as_slice(), &["(", "?", ")", ",", "(", "?", ")"]] {
        if words.ends_with_words(repeated) {
            // One item and a comma.
            words.truncate(words.len() - repeated.len().div_ceil(2));
        }
    }
}

trait EndsWithWords {
    fn ends_with_words(&self, end: &[&str]) -> bool;
}

impl EndsWithWords for Vec<String> {
    fn ends_with_words(&self, end: &[&str]) -> bool {
        self.len() >= end.len() && self[self.len() - end.len()..].iter().eq(end)
    }
}

fn join(words: &[String]) -> String {
    let mut text = String::new();
    let mut tight = true;
    for word in words {
        if !tight && !matches!(word.as_str(), ")" | "," | "." | ";") {
            text.push(' ');
        }
        text.push_str(word);
        tight = matches!(word.as_str(), "(" | ".");
    }
    text
}
