use globset::{GlobBuilder, GlobMatcher};

use super::BenchId;

/// A glob over benchmarks, with the text it was made from: `*` stops at a slash,
/// `**` does not.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    matcher: GlobMatcher,
}

/// Two are equal if they are written alike.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// The glob that matches everything.
    const ANY: &str = "**";

    /// A glob that matches everything.
    ///
    /// # Panics
    ///
    /// Never: the glob is a constant.
    pub fn any() -> Self {
        Self::new(Self::ANY).expect("a valid glob")
    }

    /// Whether it is the glob that matches everything.
    pub fn is_any(&self) -> bool {
        self.text == Self::ANY
    }

    /// Reads a glob.
    ///
    /// # Errors
    ///
    /// What is wrong with it, such as a bracket that is never closed.
    pub fn new(text: &str) -> Result<Self, String> {
        let glob = GlobBuilder::new(text)
            .literal_separator(true)
            .build()
            .map_err(|error| format!("this is no glob: {}", error.kind()))?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    /// The glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the benchmark is meant: by its name, or by
    /// `package/target::name` if the glob holds `::`.
    pub fn matches(&self, id: &BenchId) -> bool {
        let qualified = self.text.contains("::") && self.matcher.is_match(id.qualified());
        qualified || self.matcher.is_match(&id.name)
    }

    /// Whether that text is meant, which names no benchmark: a metric, say.
    pub fn matches_text(&self, text: &str) -> bool {
        self.matcher.is_match(text)
    }
}
