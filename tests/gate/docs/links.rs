//! Links between documents, and from documents to files of the repository.

use std::collections::BTreeSet;
use std::path::Path;

use regex::Regex;

use super::{documents, outside_blocks, root};

/// The anchors of a document's headings, as GitHub makes them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|title| title.chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

#[test]
fn links_lead_somewhere() {
    let link = Regex::new(r"\]\(([^)\s]+)\)").unwrap();
    let mut count = 0;
    for (document, text) in documents() {
        for found in link.captures_iter(&outside_blocks(&text)) {
            let target = &found[1];
            if target.contains("://") {
                continue;
            }
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let directory = Path::new(&document).parent().expect("a directory");
            let file = if path.is_empty() {
                root().join(&document)
            } else {
                root().join(directory).join(path)
            };
            assert!(file.exists(), "{document}: {target} leads nowhere");
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&file).unwrap();
                assert!(anchors(&text).contains(anchor), "{document}: {target}: no such heading");
            }
            count += 1;
        }
    }
    assert!(count > 20, "too few were found: {count}");
}
