//! A word on a coloured background.

use maud::{Markup, html};

/// How good or bad something is: it chooses the colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Tone {
    Bad,
    Unsure,
    Good,
    Calm,
}

impl Tone {
    /// The class of the style sheet.
    pub(in super::super) fn class(self) -> &'static str {
        match self {
            Self::Bad => "bad",
            Self::Unsure => "unsure",
            Self::Good => "good",
            Self::Calm => "calm",
        }
    }
}

/// A badge; its text is escaped.
pub(in super::super) fn badge(text: &str, tone: Tone) -> Markup {
    html! { span class={ "badge " (tone.class()) } { (text) } }
}
