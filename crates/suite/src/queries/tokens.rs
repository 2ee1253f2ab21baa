//! The tokens of a statement in SQL, by the lexical rules of PostgreSQL and SQLite.
//!
//! `sqlparser` has a tokenizer too, but it always compiles its parser: 41 CPU seconds, which
//! the rest of a first build waited for.

/// A token and its text. Spaces and comments are not tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'s> {
    /// A keyword, or a name without quotes.
    Word(&'s str),
    /// A name in quotes, with them.
    Quoted(&'s str),
    /// A number, a string or a parameter.
    Value(&'s str),
    /// An operator, a bracket or other punctuation.
    Symbol(&'s str),
}

/// Splits a statement into tokens. `None` if a quote or a comment is not closed.
pub(super) fn tokens(statement: &str) -> Option<Vec<Token<'_>>> {
    let mut tokens = Vec::new();
    let mut rest = statement.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match comment(rest)? {
            0 => token(rest, first)?,
            length => (None, length),
        };
        tokens.extend(token);
        rest = rest[length..].trim_start();
    }
    Some(tokens)
}

/// The bytes of the comment at the start of `text`; 0 without one. Comments between `/*`
/// and `*/` nest, as in PostgreSQL.
fn comment(text: &str) -> Option<usize> {
    if text.starts_with("--") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if !text.starts_with("/*") {
        return Some(0);
    }
    let (mut depth, mut at) = (1, 2);
    while depth > 0 {
        at += text[at..].find(['*', '/'])?;
        match text.get(at..at + 2) {
            Some("*/") => (depth, at) = (depth - 1, at + 2),
            Some("/*") => (depth, at) = (depth + 1, at + 2),
            _ => at += 1,
        }
    }
    Some(at)
}

/// The token at the start of `text`, which begins with `first`, and its bytes.
fn token<'s>(text: &'s str, first: char) -> Option<(Option<Token<'s>>, usize)> {
    let second = text[first.len_utf8()..].chars().next();
    let (make, length): (fn(&'s str) -> Token<'s>, usize) = match first {
        '\'' => (Token::Value, quoted(text, 0, false)?),
        '"' | '`' => (Token::Quoted, quoted(text, 0, false)?),
        '$' => (Token::Value, dollar(text)?),
        '?' => (Token::Value, 1 + run(&text[1..], |c| c.is_ascii_digit())),
        ':' | '@' if second.is_some_and(starts_name) => {
            (Token::Value, 1 + run(&text[1..], in_name))
        }
        '0'..='9' => (Token::Value, number(text)),
        '.' if second.is_some_and(|c| c.is_ascii_digit()) => (Token::Value, number(text)),
        _ if starts_name(first) => match prefix(text) {
            Some(quote) => (Token::Value, quoted(text, quote, text.starts_with(['e', 'E']))?),
            None => (Token::Word, run(text, in_name)),
        },
        _ => (Token::Symbol, operator(text).max(first.len_utf8())),
    };
    Some((Some(make(&text[..length])), length))
}

/// The bytes of the first characters of `text` that satisfy `belongs`.
fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

fn starts_name(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '$')
}

/// Where the quote of a string with a prefix is: `E'…'`, `B'…'`, `X'…'`, `N'…'`, `U&'…'`.
fn prefix(text: &str) -> Option<usize> {
    let letters = text.find('\'')?;
    let is_prefix = ["e", "b", "x", "n", "u&"]
        .iter()
        .any(|prefix| prefix.eq_ignore_ascii_case(&text[..letters]));
    is_prefix.then_some(letters)
}

/// The bytes up to the end of the quoted text whose quote is at byte `start`. Two quotes
/// inside are one; a backslash escapes the next character if `escapes`.
fn quoted(text: &str, start: usize, escapes: bool) -> Option<usize> {
    let mut characters = text[start..].char_indices().peekable();
    let (_, quote) = characters.next()?;
    while let Some((at, c)) = characters.next() {
        if escapes && c == '\\' {
            characters.next();
        } else if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return Some(start + at + quote.len_utf8());
        }
    }
    None
}

/// The bytes of a parameter, `$1` or `$name`, or of a string between two `$tag$`.
fn dollar(text: &str) -> Option<usize> {
    let name = 1 + run(&text[1..], |c| c.is_alphanumeric() || c == '_');
    let is_tag =
        text[name..].starts_with('$') && !text[1..].starts_with(|c: char| c.is_ascii_digit());
    if !is_tag {
        return Some(name);
    }
    let (tag, body) = text.split_at(name + 1);
    Some(tag.len() + body.find(tag)? + tag.len())
}

/// The bytes of a number: `1`, `1.5e-3`, `.5`, `0x1F`, `1_000`.
fn number(text: &str) -> usize {
    let digits = |at: usize| at + run(&text[at..], |c| c.is_ascii_digit() || c == '_');
    if text.starts_with("0x") || text.starts_with("0X") {
        return 2 + run(&text[2..], |c| c.is_ascii_hexdigit() || c == '_');
    }
    let mut end = digits(0);
    if text[end..].starts_with('.') {
        end = digits(end + 1);
    }
    if text[end..].starts_with(['e', 'E']) {
        let sign = usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(end + 1 + sign);
        if exponent > end + 1 + sign {
            end = exponent;
        }
    }
    end
}

/// The bytes of the operator at the start of `text`; 0 if it begins with something else. As
/// in PostgreSQL, an operator ends before a comment, and of several characters it ends in
/// `+` or `-` only if it has one of `~ ! @ # % ^ & |`. So `=-1` is `=`, `-` and `1`.
fn operator(text: &str) -> usize {
    if text.starts_with("::") || text.starts_with(":=") {
        return 2;
    }
    let mut operator = &text[..run(text, |c| "+-*/<>=~!@#%^&|".contains(c))];
    for comment in ["--", "/*"] {
        // `operator` begins with no comment: that was looked for before.
        operator = &operator[..operator.find(comment).unwrap_or(operator.len())];
    }
    if !operator.contains(['~', '!', '@', '#', '%', '^', '&', '|']) {
        let shorter = operator.trim_end_matches(['+', '-']);
        operator = if shorter.is_empty() { &operator[..operator.len().min(1)] } else { shorter };
    }
    operator.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_found_in_each_form() {
        for value in [
            "1",
            "1.5",
            "1.5e-3",
            "1e5",
            ".5",
            "0x1F",
            "1_000",
            "'a'",
            "'it''s'",
            "''",
            "E'a\\'b'",
            "e'\\\\'",
            "X'00ff'",
            "b'01'",
            "N'a'",
            "U&'d\\0061t'",
            "$$it's$$",
            "$a$ $$ $b$ $a$",
            "$1",
            "$name",
            "?",
            "?12",
            ":name",
            "@name",
            "'ä–\u{1F600}'",
        ] {
            assert_eq!(tokens(value), Some(vec![Token::Value(value)]), "{value}");
        }
    }

    #[test]
    fn names_operators_and_comments_differ() {
        use Token::{Quoted, Symbol, Value, Word};
        let cases: [(&str, &[Token<'_>]); 11] = [
            ("größe$1 = e", &[Word("größe$1"), Symbol("="), Word("e")]),
            ("\"a \"\"b\" `c`", &[Quoted("\"a \"\"b\""), Quoted("`c`")]),
            ("a=-1", &[Word("a"), Symbol("="), Symbol("-"), Value("1")]),
            ("a@-1", &[Word("a"), Symbol("@-"), Value("1")]),
            ("a--b\n*c", &[Word("a"), Symbol("*"), Word("c")]),
            ("a+/*x/*y*/z*/b", &[Word("a"), Symbol("+"), Word("b")]),
            ("a::int", &[Word("a"), Symbol("::"), Word("int")]),
            ("a->>'b'", &[Word("a"), Symbol("->>"), Value("'b'")]),
            ("a.b", &[Word("a"), Symbol("."), Word("b")]),
            ("f(*)", &[Word("f"), Symbol("("), Symbol("*"), Symbol(")")]),
            ("a[1]", &[Word("a"), Symbol("["), Value("1"), Symbol("]")]),
        ];
        for (statement, expected) in cases {
            assert_eq!(tokens(statement).as_deref(), Some(expected), "{statement}");
        }
    }

    #[test]
    fn text_that_is_not_closed_has_no_tokens() {
        for statement in ["'a", "\"a", "`a", "E'a\\'", "$a$ $b$", "/* a", "/* /* */", "x'"] {
            assert_eq!(tokens(statement), None, "{statement}");
        }
    }
}
