//! From the names that modules use to the files that define them.

use std::collections::{BTreeMap, BTreeSet};

use super::sources::{ModuleId, Sources};
use super::syntax::Import;

/// One module uses a name that another defines.
pub(crate) struct Dependency {
    /// The modules' paths, as the table names them.
    pub(crate) from: Vec<String>,
    pub(crate) to: Vec<String>,
    /// The file that uses it.
    pub(crate) file: String,
    pub(crate) name: String,
}

pub(crate) struct Dependencies {
    pub(crate) all: Vec<Dependency>,
    /// Pairs of files: the first uses a name that the second defines.
    pub(crate) files: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Dependencies {
    pub(crate) fn between_files(&self) -> BTreeSet<(String, String)> {
        self.files.keys().cloned().collect()
    }
}

/// The target of a path.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    /// An item of this name that this module defines.
    Item(ModuleId, String),
    Module(ModuleId),
}

pub(crate) fn dependencies(sources: &Sources) -> Dependencies {
    let mut all = Vec::new();
    let mut files: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for from in sources.ids() {
        for (to, name) in used(sources, from) {
            let (user, definer) = (sources.module(from), sources.module(to));
            let file = sources.file(user.file()).to_owned();
            if user.file() != definer.file() {
                let edge = (file.clone(), sources.file(definer.file()).to_owned());
                files.entry(edge).or_default().insert(name.clone());
            }
            let (from, to) = (user.path().to_vec(), definer.path().to_vec());
            all.push(Dependency { from, to, file, name });
        }
    }
    Dependencies { all, files }
}

/// The modules whose items a module uses, with the items' names.
fn used(sources: &Sources, from: ModuleId) -> BTreeSet<(ModuleId, String)> {
    let facts = &sources.module(from).facts;
    let mut used = BTreeSet::new();
    let mut add = |targets: BTreeSet<Target>| {
        for target in targets {
            // The name of a module is not a dependency: paths through it are.
            if let Target::Item(to, name) = target
                && to != from
            {
                used.insert((to, name));
            }
        }
    };
    for import in facts.imports.iter().filter(|import| !import.is_glob) {
        let mut targets = resolve(sources, from, &import.path);
        if import.is_re_export {
            // A module may re-export items of the modules inside it without using them.
            targets.retain(|target| match target {
                Target::Item(to, _) => !sources.is_above(from, *to),
                Target::Module(_) => false,
            });
        }
        add(targets);
    }
    for path in &facts.paths {
        let is_variable = path.len() == 1 && facts.variables.contains(&path[0]);
        if !is_variable {
            add(resolve(sources, from, path));
        }
    }
    used
}

/// The targets of a path, seen from a module.
fn resolve(sources: &Sources, from: ModuleId, path: &[String]) -> BTreeSet<Target> {
    walk(sources, from, path, &mut BTreeSet::new())
}

type Seen = BTreeSet<(ModuleId, String)>;

fn walk(sources: &Sources, from: ModuleId, path: &[String], seen: &mut Seen) -> BTreeSet<Target> {
    let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
    let start: BTreeSet<Target> = match first.as_str() {
        "crate" => [Target::Module(sources.module(from).root)].into(),
        "self" => [Target::Module(from)].into(),
        "super" => sources.module(from).parent.map(Target::Module).into_iter().collect(),
        name => {
            let found = lookup(sources, from, name, seen);
            if found.is_empty() {
                sources.libraries.get(name).map(|id| Target::Module(*id)).into_iter().collect()
            } else {
                found
            }
        }
    };
    rest.iter().fold(start, |targets, name| {
        let next = |target: Target| match target {
            // A variant, or an associated item.
            Target::Item(..) => [target].into(),
            Target::Module(id) if name == "super" => {
                sources.module(id).parent.map(Target::Module).into_iter().collect()
            }
            Target::Module(id) => lookup(sources, id, name, seen),
        };
        let is_ambiguous = targets.len() > 1;
        // A function and a module may share a name: a path goes on in the module.
        let goes_on = |target: &Target| !is_ambiguous || matches!(target, Target::Module(_));
        targets.into_iter().filter(goes_on).flat_map(next).collect()
    })
}

/// The targets of a name in a module.
fn lookup(sources: &Sources, id: ModuleId, name: &str, seen: &mut Seen) -> BTreeSet<Target> {
    if !seen.insert((id, name.to_owned())) {
        return BTreeSet::new();
    }
    let module = sources.module(id);
    let mut found = BTreeSet::new();
    if module.facts.items.contains(name) {
        found.insert(Target::Item(id, name.to_owned()));
    }
    found.extend(module.children.get(name).map(|child| Target::Module(*child)));
    let at_top = || module.facts.imports.iter().filter(|import| import.at_top);
    let named = |import: &&Import| import.name.as_deref() == Some(name);
    for import in at_top().filter(named) {
        let targets = walk(sources, id, &import.path, seen);
        found.extend(targets.into_iter().map(|target| offered(sources, id, import, target)));
    }
    if found.is_empty() {
        for glob in at_top().filter(|import| import.is_glob) {
            for target in walk(sources, id, &glob.path, seen) {
                match target {
                    Target::Module(other) if other != id => {
                        let targets = lookup(sources, other, name, seen).into_iter();
                        found.extend(targets.map(|target| offered(sources, id, glob, target)));
                    }
                    // The variants of an enumeration: their names are not read.
                    Target::Module(_) | Target::Item(..) => {}
                }
            }
        }
    }
    seen.remove(&(id, name.to_owned()));
    found
}

/// The target that an import offers to other modules. A module that re-exports an item of
/// another crate hides that crate.
fn offered(sources: &Sources, id: ModuleId, import: &Import, target: Target) -> Target {
    match target {
        Target::Item(definer, name)
            if import.is_re_export && sources.module(definer).root != sources.module(id).root =>
        {
            Target::Item(id, name)
        }
        other => other,
    }
}
