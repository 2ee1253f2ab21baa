//! Which functions a program executed, from any of callgrind's files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::parser::Names;
use super::{ProfileError, file};

/// The executed functions by the path of their file, under mangled names; code without a
/// symbol under its address, `0x…`.
pub type Executed = BTreeMap<String, BTreeSet<String>>;

/// Reads which functions were executed while callgrind collected. The file must have been
/// written with `--demangle=no`.
pub fn executed(path: &Path) -> Result<Executed, ProfileError> {
    file::bytes(path)
        .and_then(|bytes| functions(&String::from_utf8_lossy(&bytes)))
        .map_err(|reason| ProfileError { path: path.to_owned(), reason })
}

fn functions(text: &str) -> Result<Executed, String> {
    let (mut objects, mut functions) = (Names::default(), Names::default());
    let mut object = String::new();
    let mut found = Executed::new();
    let mut whole = false;
    for line in text.lines() {
        if let Some(value) = line.strip_prefix("ob=") {
            object = objects.resolve(value)?.to_string();
        } else if let Some(value) = line.strip_prefix("cob=") {
            objects.resolve(value)?;
        } else if let Some(value) = line.strip_prefix("cfn=") {
            functions.resolve(value)?;
        } else if let Some(value) = line.strip_prefix("fn=") {
            let name = functions.resolve(value)?;
            // Without its callers and the depth of a recursion.
            let name = name.split('\'').next().unwrap_or_default();
            found.entry(object.clone()).or_default().insert(name.to_owned());
        } else if line.starts_with("totals:") {
            whole = true;
        }
    }
    if whole { Ok(found) } else { Err("it is cut off".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_listed_by_their_file() {
        let text = "events: Ir\nob=(1) /bench\nfn=(1) _ZN1aE\n1 5\ncob=(2) /libc.so\n\
                    cfn=(2) malloc\ncalls=1 1\n1 7\nob=(2)\nfn=(2)\n1 7\nfn=(3) 0x00aa\n1 1\n\
                    ob=(1)\nfn=(4) _ZN1bE'2\n1 1\ntotals: 9\n";
        let found = functions(text).expect("it is read");
        let found: Vec<_> = found
            .iter()
            .map(|(object, names)| (object.as_str(), names.iter().cloned().collect::<Vec<_>>()))
            .collect();
        let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            found,
            [("/bench", names(&["_ZN1aE", "_ZN1bE"])), ("/libc.so", names(&["0x00aa", "malloc"]))]
        );
        assert!(functions("fn=(1) a\n").is_err(), "it is cut off");
    }
}
