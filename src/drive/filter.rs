//! Which benchmarks of an executable to run.

use std::ffi::OsString;

/// Which benchmarks to run.
#[derive(Clone, Debug)]
pub struct Filter {
    text: String,
    pattern: Option<regex::Regex>,
}

impl Filter {
    /// Benchmarks whose name contains a match of a regular expression, as criterion
    /// reads it.
    pub fn matching(pattern: &str) -> Result<Self, regex::Error> {
        Ok(Self { text: pattern.to_owned(), pattern: Some(regex::Regex::new(pattern)?) })
    }

    /// The benchmark of exactly that name.
    pub fn exactly(name: impl Into<String>) -> Self {
        Self { text: name.into(), pattern: None }
    }

    /// The benchmarks of exactly these names.
    pub fn one_of(names: &[&str]) -> Result<Self, regex::Error> {
        if let [name] = names {
            return Ok(Self::exactly(*name));
        }
        let text = anchored(names);
        let pattern = regex::Regex::new(&text)?;
        Ok(Self { text, pattern: Some(pattern) })
    }

    /// The benchmarks of exactly these names, and those whose names begin with one of
    /// `beginnings`.
    pub(crate) fn one_of_or_beginning(
        names: &[&str],
        beginnings: &[&str],
    ) -> Result<Self, regex::Error> {
        if beginnings.is_empty() {
            return Self::one_of(names);
        }
        let whole = names.iter().map(|name| format!("{}$", regex::escape(name)));
        let each: Vec<String> =
            whole.chain(beginnings.iter().map(|name| regex::escape(name))).collect();
        let text = format!("^(?:{})", each.join("|"));
        let pattern = regex::Regex::new(&text)?;
        Ok(Self { text, pattern: Some(pattern) })
    }

    /// Whether it selects a benchmark of that name.
    pub fn accepts(&self, name: &str) -> bool {
        match &self.pattern {
            Some(pattern) => pattern.is_match(name),
            None => self.text == name,
        }
    }

    /// The pattern or name.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// A regular expression that matches the names of the benchmarks.
    pub(crate) fn pattern(&self) -> String {
        match &self.pattern {
            Some(_) => self.text.clone(),
            None => anchored(&[&self.text]),
        }
    }

    /// Criterion's arguments for it: always a pattern, as criterion 0.3 and 0.4 do not know
    /// `--exact`.
    pub(crate) fn arguments(&self) -> Vec<OsString> {
        let pattern = self.pattern();
        let mut arguments = Vec::new();
        if pattern.starts_with('-') {
            arguments.push("--".into());
        }
        arguments.push(OsString::from(pattern));
        arguments
    }

    /// Whether Linux would refuse it as one argument, of 128 KiB with its end.
    pub(crate) fn is_too_long(&self) -> bool {
        const MOST: usize = 128 * 1024 - 1;
        self.arguments().iter().any(|argument| argument.len() > MOST)
    }
}

/// A pattern that matches these names and no others.
fn anchored(names: &[&str]) -> String {
    let escaped: Vec<String> = names.iter().map(|name| regex::escape(name)).collect();
    format!("^(?:{})$", escaped.join("|"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_linux_would_refuse_is_known() {
        let names = |count| vec!["x".repeat(100); count];
        let filter = |names: &[String]| {
            Filter::one_of(&names.iter().map(String::as_str).collect::<Vec<_>>()).expect("a filter")
        };
        assert!(!filter(&names(1000)).is_too_long());
        assert!(filter(&names(1300)).is_too_long());
    }

    #[test]
    fn filters_accept_and_pass_on_what_criterion_does() {
        let filter = Filter::matching("get/(hit|miss)$").expect("a pattern");
        assert!(filter.accepts("cache/get/hit"));
        assert!(!filter.accepts("cache/get/hits"));
        assert_eq!(filter.arguments(), ["get/(hit|miss)$"]);
        let exact = Filter::exactly("-odd (name");
        assert!(exact.accepts("-odd (name"));
        assert!(!exact.accepts("-odd (name)"));
        assert_eq!(exact.arguments(), [r"^(?:\-odd \(name)$"]);
        assert!(Filter::matching("(").is_err());
    }

    #[test]
    fn names_are_exact_and_beginnings_are_not() {
        let filter = Filter::one_of_or_beginning(&["a.b"], &["long"]).expect("a filter");
        for (name, accepted) in
            [("a.b", true), ("a.bc", false), ("axb", false), ("longer", true), ("a long", false)]
        {
            assert_eq!(filter.accepts(name), accepted, "{name}");
        }
    }
}
