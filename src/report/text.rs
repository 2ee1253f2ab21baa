//! Makes hostile text harmless for a terminal or a log.

use std::fmt::Write as _;

/// `text` on one line. Control characters, line breaks, characters that change the reading
/// direction, and commands of CI logs are escaped.
pub fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() || changes_direction(c) {
            let _ = write!(plain, "{}", c.escape_unicode());
        } else {
            plain.push(c);
        }
    }
    // GitHub's runner takes a line of a log that begins with `::` or holds `##[` as
    // a command.
    if plain.trim_start().starts_with("::") {
        plain = plain.replacen(':', "\\u{3a}", 1);
    }
    plain.replace("##[", "#\\u{23}[")
}

/// At most `most` characters of `text`; an ellipsis marks a cut.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Unicode's explicit directional marks, embeddings, overrides and isolates, and
/// the separators that break lines.
fn changes_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_commands_are_escaped() {
        assert_eq!(plain("a\u{1b}[31mb\r\nc\u{202e}d"), "a\\u{1b}[31mb\\u{d}\\u{a}c\\u{202e}d");
        assert_eq!(plain(" ::error::a"), " \\u{3a}:error::a");
        assert_eq!(plain("a ##[error]b"), "a #\\u{23}[error]b");
        assert_eq!(plain("größe/::a/µs/日本"), "größe/::a/µs/日本");
    }
}
