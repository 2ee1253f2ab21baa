//! Short texts for messages.

/// A share as a short percentage: `0.4%`, `3%`, `31%`.
pub(crate) fn percent(share: f64) -> String {
    let value = share * 100.0;
    let digits = usize::from(value.abs() < 10.0);
    let text = format!("{value:.digits$}");
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// A number of things: `1 row`, `3 rows`.
pub(crate) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// The first `most` of some names, and how many more there are.
pub(crate) fn listed(names: &[&str], most: usize) -> String {
    match names.len().checked_sub(most) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..most].join(", ")),
        _ => names.join(", "),
    }
}

/// The candidate whose name is most like `name`, if it is alike enough to be meant.
pub(crate) fn nearest<'a, T>(
    name: &str,
    candidates: impl Iterator<Item = T>,
    name_of: impl Fn(&T) -> &'a str,
) -> Option<T> {
    /// Similarity from which a name is taken for another (Jaro–Winkler, 0 to 1).
    const ALIKE: f64 = 0.85;
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, name_of(&candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
