//! Text from files that stays text in GitHub's Markdown.
//!
//! Nothing in a code span is Markdown, HTML, a link, a mention or a reference, so
//! names are written as code spans. Prose that could be any of these also becomes a code
//! span; other prose is written unchanged.

use super::super::plain;
use super::super::text::cut;

/// Longer texts are cut, so that a single text cannot fill a comment.
const LONGEST: usize = 300;

/// GitHub takes this many hexadecimal digits for a commit.
const COMMIT: usize = 7;

/// A code span on one line. Its fence is longer than any run of backticks in it.
pub(super) fn code(text: &str) -> String {
    let text = cut(&plain(text), LONGEST);
    if text.trim().is_empty() {
        return "`(blank)`".to_owned();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // A backtick at an end would join the fence. Spaces at both ends are stripped.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Prose if that is safe, otherwise a code span.
pub(super) fn prose(text: &str) -> String {
    let harmless = |c: char| {
        c.is_alphanumeric()
            || matches!(c, ' ' | ',' | '.' | ';' | ':' | '%' | '(' | ')' | '+' | '-')
            || matches!(c, '–' | '…' | '×' | '→' | '<' | '>' | '=' | '\'' | '_' | '/')
    };
    let lower = text.to_lowercase();
    let linked = ["://", "www.", "gh-", "](", "mailto:"].iter().any(|mark| lower.contains(mark));
    let commit = text
        .split(|c: char| !c.is_ascii_hexdigit())
        .any(|word| word.len() >= COMMIT && word.contains(|c: char| c.is_ascii_alphabetic()));
    // Within a word an underscore is text; at its edge it begins emphasis.
    let emphasis = text.split(|c: char| !c.is_alphanumeric() && c != '_');
    let emphasis = emphasis.into_iter().any(|word| word.starts_with('_') || word.ends_with('_'));
    let long = text.chars().count() > LONGEST;
    // A paragraph's first characters can make it a list, a quote or a rule.
    let begins = text.starts_with(|c: char| c.is_alphanumeric() || c == '(' || c == '–');
    if long || !begins || linked || commit || emphasis || !text.chars().all(harmless) {
        return code(text);
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
    out
}

/// Markdown within a table's cell, where a pipe would end even a code span. A pipe
/// after a backslash cannot be escaped, so its code is written.
pub(super) fn cell(markdown: &str) -> String {
    let mut out = String::with_capacity(markdown.len());
    let mut backslash = false;
    for c in markdown.chars() {
        match c {
            '|' if backslash => out.push_str("u{7c}"),
            '|' => out.push_str("\\|"),
            c => out.push(c),
        }
        backslash = c == '\\';
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_spans_hold_any_text() {
        for (text, span) in [
            ("cache/hit", "`cache/hit`"),
            ("a`b", "``a`b``"),
            ("``", "``` `` ```"),
            ("`a", "`` `a ``"),
            (" a ", "`  a  `"),
            ("", "`(blank)`"),
            ("  ", "`(blank)`"),
            ("a\nb\u{202e}c", "`a\\u{a}b\\u{202e}c`"),
        ] {
            assert_eq!(code(text), span);
        }
        assert_eq!(code(&"x".repeat(400)).chars().count(), LONGEST + 3);
    }

    #[test]
    fn pipes_cannot_end_a_cell() {
        assert_eq!(cell("`a|b`"), "`a\\|b`");
        assert_eq!(cell("`a\\|b`"), "`a\\u{7c}b`");
        assert_eq!(cell("`a||b`"), "`a\\|\\|b`");
    }

    #[test]
    fn only_harmless_prose_is_prose() {
        for (text, shown) in [
            (
                "beyond the tolerance of 0.5%, p < 0.0001",
                "beyond the tolerance of 0.5%, p &lt; 0.0001",
            ),
            ("not comparable: different cpu_model", "not comparable: different cpu_model"),
            ("ask @team", "`ask @team`"),
            ("fixes #12", "`fixes #12`"),
            ("see https://example.com", "`see https://example.com`"),
            ("WWW.example.com", "`WWW.example.com`"),
            ("GH-12", "`GH-12`"),
            ("at 4f2c9be1d0", "`at 4f2c9be1d0`"),
            ("<img src=x>", "`<img src=x>`"),
            ("a *b*", "`a *b*`"),
            ("a _b_", "`a _b_`"),
            ("$a$", "`$a$`"),
            ("- a", "`- a`"),
            ("a\nb", "`a\\u{a}b`"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }
}
