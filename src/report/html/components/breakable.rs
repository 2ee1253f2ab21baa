//! Text with places where a browser may break the line.

use maud::{Markup, html};

/// Where names and long numbers may be broken.
const BREAKS: [char; 5] = ['/', '_', ':', ',', '.'];

/// Text with places for line breaks.
pub(in super::super) struct Breakable<'a> {
    /// The escaped text. A copy from the page does not contain extra characters.
    pub(in super::super) markup: Markup,
    /// The `aria-label` of the element around the text, because a screen reader would take
    /// the places for ends of words. `None` if there are no such places.
    pub(in super::super) label: Option<&'a str>,
}

/// `text` with a place for a line break after each separator, if it has more than `fitting`
/// bytes.
pub(in super::super) fn breakable(text: &str, fitting: usize) -> Breakable<'_> {
    let parts = if text.len() > fitting { parts(text) } else { vec![text] };
    Breakable {
        label: (parts.len() > 1).then_some(text),
        markup: html! {
            @for (index, part) in parts.into_iter().enumerate() {
                @if index > 0 { wbr; }
                (part)
            }
        },
    }
}

/// The parts between which a line may break: each ends with its separators.
fn parts(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut start = 0;
    let mut behind_separator = false;
    for (at, c) in text.char_indices() {
        let is_separator = BREAKS.contains(&c);
        if behind_separator && !is_separator {
            parts.push(&text[start..at]);
            start = at;
        }
        behind_separator = is_separator;
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breaks_follow_separators_and_the_text_is_escaped() {
        for (text, markup) in [
            ("cache/hit", "cache/hit"),
            ("http/round_trip", "http/<wbr>round_<wbr>trip"),
            ("a::b::<script>/", "a::<wbr>b::<wbr>&lt;script&gt;/"),
            ("1,629,242,123,456", "1,<wbr>629,<wbr>242,<wbr>123,<wbr>456"),
            ("//////////////////", "//////////////////"),
        ] {
            let broken = breakable(text, 14);
            assert_eq!(broken.markup.into_string(), markup);
            assert_eq!(broken.label, markup.contains("<wbr>").then_some(text));
        }
    }
}
