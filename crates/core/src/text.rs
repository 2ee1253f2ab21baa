//! Short texts for messages and reports.

/// A share in few characters: `0.4%`, `3%`, `31%`.
pub fn percent(share: f64) -> String {
    let value = share * 100.0;
    let digits = usize::from(value.abs() < 10.0);
    let text = format!("{value:.digits$}");
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// A share with at least two significant digits, as in a column: `0.42%`, `3.0%`,
/// `31%`.
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

/// The candidate whose name is most like `name`, if it is alike enough to be meant.
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
