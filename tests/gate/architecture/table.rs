//! The dependency table of ARCHITECTURE.md.
//!
//! Its columns are `part | holds | knows`. A part is a path in backticks: `cli` is the
//! module of the root package, `core::model` the module `model` of `crates/core`. It
//! covers all modules below it without a row of their own. The last column holds
//! parts in backticks, or the word "nothing", or the word "everything".

use std::collections::{BTreeMap, BTreeSet};

pub(crate) enum Knows {
    Everything,
    Parts(BTreeSet<String>),
}

pub(crate) struct Table(BTreeMap<String, Knows>);

impl Table {
    /// Reads the first table with these headings.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut lines = text.lines().map(cells);
        lines
            .find(|cells| *cells == ["part", "holds", "knows"])
            .ok_or("has no table with the columns part, holds and knows")?;
        let mut rows = BTreeMap::new();
        for cells in lines.skip(1).take_while(|cells| !cells.is_empty()) {
            let [part, _, knows] = cells[..] else {
                return Err(format!("a row needs three cells: {cells:?}"));
            };
            let part = name(part)?;
            let knows = match knows {
                "everything" => Knows::Everything,
                "nothing" => Knows::Parts(BTreeSet::new()),
                list => Knows::Parts(list.split(", ").map(name).collect::<Result<_, _>>()?),
            };
            if rows.insert(part.clone(), knows).is_some() {
                return Err(format!("`{part}` has two rows"));
            }
        }
        let table = Self(rows);
        for (part, knows) in table.rows() {
            let Knows::Parts(parts) = knows else { continue };
            if let Some(unknown) = parts.iter().find(|known| !table.0.contains_key(*known)) {
                return Err(format!("`{part}` knows `{unknown}`, but `{unknown}` has no row"));
            }
        }
        Ok(table)
    }

    pub(crate) fn rows(&self) -> impl Iterator<Item = (&str, &Knows)> {
        self.0.iter().map(|(part, knows)| (part.as_str(), knows))
    }

    /// The row that covers a module: the longest row that its path starts with.
    pub(crate) fn part_of(&self, path: &[String]) -> Option<&str> {
        let rows = self.0.keys().filter(|part| {
            let mut rest = path.iter();
            part.split("::").all(|word| rest.next().is_some_and(|segment| segment == word))
        });
        rows.max_by_key(|part| part.split("::").count()).map(String::as_str)
    }

    pub(crate) fn allows(&self, from: &str, to: &str) -> bool {
        match self.0.get(from) {
            Some(Knows::Everything) => true,
            Some(Knows::Parts(parts)) => parts.contains(to),
            None => false,
        }
    }
}

/// The cells of a line of a table; none for any other line.
fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|'));
    inner.map(|inner| inner.split('|').map(str::trim).collect()).unwrap_or_default()
}

/// The text between backticks.
fn name(cell: &str) -> Result<String, String> {
    let inner = cell.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    let inner = inner.ok_or_else(|| format!("a part is written in backticks: {cell}"))?;
    Ok(inner.to_owned())
}
