//! Short texts for messages and reports.

/// A share as a short percentage: `0.4%`, `3%`, `31%`.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let digits = usize::from(value.abs() < 10.0);
    let text = format!("{value:.digits$}");
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// A share with at least two significant digits, for a column: `0.42%`, `3.0%`, `31%`.
pub fn aligned_percent(share: f64) -> String {
    let value = share * 100.0;
    let digits = match value {
        v if v >= 10.0 => 0,
        v if v >= 1.0 => 1,
        _ => 2,
    };
    format!("{value:.digits$}%")
}

/// A share with all its digits, as a person would write it: `2.5%`, `0.29%`. Up to
/// 10 decimals, so that the error of binary fractions does not show.
pub fn exact_percent(share: f64) -> String {
    format!("{}%", (share * 1e12).round() / 1e10)
}

/// A number with all its digits, as a person would write it: `597,096`, `1,234.5`.
pub fn grouped(number: f64) -> String {
    let text = number.to_string();
    let (whole, fraction) = text.find('.').map_or((text.as_str(), ""), |at| text.split_at(at));
    let (sign, digits) = whole.split_at(usize::from(whole.starts_with('-')));
    let mut groups = String::new();
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            groups.push(',');
        }
        groups.push(digit);
    }
    format!("{sign}{groups}{fraction}")
}

/// A count with its noun: `1 run`, `3 runs`.
pub fn plural(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// The first `most` of some names, and how many more there are.
pub fn listed<T: AsRef<str>>(names: &[T], most: usize) -> String {
    let shown: Vec<&str> = names.iter().take(most).map(AsRef::as_ref).collect();
    match names.len().saturating_sub(most) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The candidate whose name is most similar to `name`, if it is similar enough.
pub fn nearest<'a, T>(
    name: &str,
    candidates: impl IntoIterator<Item = T>,
    name_of: impl Fn(&T) -> &'a str,
) -> Option<T> {
    /// Similarity from which a name is taken for another (Jaro–Winkler, 0 to 1).
    const ALIKE: f64 = 0.85;
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(name, name_of(&candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_short_aligned_or_exact() {
        let shares = [0.0042, 0.03, 0.314];
        assert_eq!(shares.map(percent), ["0.4%", "3%", "31%"]);
        assert_eq!(shares.map(aligned_percent), ["0.42%", "3.0%", "31%"]);
        assert_eq!(shares.map(exact_percent), ["0.42%", "3%", "31.4%"]);
    }

    #[test]
    fn thousands_are_separated() {
        let numbers = [0.0, 999.0, 1000.0, -1_234_567.0, 1234.5, 0.1234, 1e-7];
        let expected = ["0", "999", "1,000", "-1,234,567", "1,234.5", "0.1234", "0.0000001"];
        assert_eq!(numbers.map(grouped), expected);
    }

    #[test]
    fn lists_and_counts_end_as_they_should() {
        assert_eq!([0, 1, 2].map(|count| plural(count, "run")), ["0 runs", "1 run", "2 runs"]);
        let names = ["a", "b", "c"];
        assert_eq!(listed(&names, 3), "a, b, c");
        assert_eq!(listed(&names, 1), "a and 2 more");
        assert_eq!(listed::<&str>(&[], 1), "");
    }

    #[test]
    fn only_a_similar_name_is_meant() {
        let nearest = |name| nearest(name, ["tolerance", "target"], |known| known);
        assert_eq!(nearest("tolerence"), Some("tolerance"));
        assert_eq!(nearest("floor"), None);
    }
}
