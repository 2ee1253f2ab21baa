//! Crates, their modules, and the file that each module is in.

use std::collections::BTreeMap;
use std::path::Path;

use super::syntax::{self, Child, Facts};

/// The text of all source files, and the crates that they belong to.
#[derive(Default)]
pub(crate) struct Tree {
    /// By path from the repository's root.
    texts: BTreeMap<String, String>,
    roots: Vec<Root>,
}

/// The root of a crate.
struct Root {
    /// Its name in other crates; `None` for a program.
    name: Option<String>,
    /// The start of its modules' paths in the table.
    prefix: Vec<String>,
    file: String,
}

impl Tree {
    /// Every crate of the workspace.
    pub(crate) fn of_workspace(root: &Path) -> Self {
        let mut tree = Self::default();
        tree.read_package(root, "", None);
        let members = std::fs::read_dir(root.join("crates")).into_iter().flatten();
        let mut members: Vec<String> = members
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|member| root.join("crates").join(member).join("Cargo.toml").is_file())
            .collect();
        members.sort();
        for member in members {
            tree.read_package(root, &format!("crates/{member}/"), Some(&member));
        }
        tree
    }

    /// A package's library and programs.
    fn read_package(&mut self, root: &Path, directory: &str, prefix: Option<&str>) {
        let manifest = root.join(directory).join("Cargo.toml");
        let manifest: toml::Table =
            toml::from_str(&std::fs::read_to_string(&manifest).unwrap()).unwrap();
        let name = |section: &str| manifest.get(section).and_then(|table| table.get("name"));
        let name = name("lib").or(name("package")).and_then(toml::Value::as_str).unwrap();
        let prefix: Vec<String> = prefix.into_iter().map(str::to_owned).collect();

        let source = format!("{directory}src");
        self.read_files(root, &source);
        let library = format!("{source}/lib.rs");
        if self.texts.contains_key(&library) {
            let name = Some(name.replace('-', "_"));
            self.roots.push(Root { name, prefix: prefix.clone(), file: library });
        }
        let programs: Vec<String> = self
            .texts
            .keys()
            .filter(|file| {
                let rest = file.strip_prefix(&source).and_then(|rest| rest.strip_prefix('/'));
                rest.is_some_and(|rest| match rest.strip_prefix("bin/") {
                    Some(program) => !program.contains('/') || program.ends_with("/main.rs"),
                    None => rest == "main.rs",
                })
            })
            .cloned()
            .collect();
        for file in programs {
            let prefix = prefix.iter().cloned().chain(["bin".to_owned()]).collect();
            self.roots.push(Root { name: None, prefix, file });
        }
    }

    /// All Rust files below a directory.
    fn read_files(&mut self, root: &Path, directory: &str) {
        for entry in std::fs::read_dir(root.join(directory)).unwrap() {
            let entry = entry.unwrap();
            let path = format!("{directory}/{}", entry.file_name().into_string().unwrap());
            if entry.file_type().unwrap().is_dir() {
                self.read_files(root, &path);
            } else if Path::new(&path).extension().is_some_and(|ending| ending == "rs") {
                self.texts.insert(path, std::fs::read_to_string(entry.path()).unwrap());
            }
        }
    }

    /// A root package with these files.
    pub(crate) fn of_files(name: &str, files: &[(&str, &str)]) -> Self {
        let texts = files.iter().map(|(file, text)| ((*file).to_owned(), (*text).to_owned()));
        let name = Some(name.to_owned());
        let library = Root { name, prefix: Vec::new(), file: "src/lib.rs".to_owned() };
        Self { texts: texts.collect(), roots: vec![library] }
    }

    /// Adds a library.
    pub(crate) fn with_library(
        mut self,
        name: &str,
        prefix: &str,
        directory: &str,
        files: &[(&str, &str)],
    ) -> Self {
        let files = files.iter();
        self.texts
            .extend(files.map(|(file, text)| (format!("{directory}/{file}"), (*text).to_owned())));
        let file = format!("{directory}/lib.rs");
        self.roots.push(Root {
            name: Some(name.to_owned()),
            prefix: vec![prefix.to_owned()],
            file,
        });
        self
    }

    /// Adds a program of the root package.
    pub(crate) fn with_program(mut self, file: &str, text: &str) -> Self {
        self.texts.insert(file.to_owned(), text.to_owned());
        self.roots.push(Root { name: None, prefix: vec!["bin".to_owned()], file: file.to_owned() });
        self
    }
}

pub(crate) type ModuleId = usize;
pub(crate) type FileId = usize;

pub(crate) struct Module {
    path: Vec<String>,
    file: FileId,
    pub(crate) parent: Option<ModuleId>,
    /// The root module of its crate.
    pub(crate) root: ModuleId,
    pub(crate) children: BTreeMap<String, ModuleId>,
    pub(crate) facts: Facts,
}

impl Module {
    /// The path, as in the table.
    pub(crate) fn path(&self) -> &[String] {
        &self.path
    }

    pub(crate) fn file(&self) -> FileId {
        self.file
    }

    /// Whether it defines anything, rather than only naming modules and re-exports.
    pub(crate) fn has_items(&self) -> bool {
        !self.facts.items.is_empty() || self.facts.has_impls
    }
}

/// All modules of all crates.
#[derive(Default)]
pub(crate) struct Sources {
    files: Vec<String>,
    modules: Vec<Module>,
    /// The root modules of libraries by their names.
    pub(crate) libraries: BTreeMap<String, ModuleId>,
}

impl Sources {
    pub(crate) fn of(tree: &Tree) -> Self {
        let mut sources = Self::default();
        for root in &tree.roots {
            let directory = root.file.rsplit_once('/').map_or("", |(directory, _)| directory);
            let place =
                Place { path: root.prefix.clone(), parent: None, directory: directory.to_owned() };
            let id = sources.read(tree, &root.file, &place);
            if let Some(name) = &root.name {
                sources.libraries.insert(name.clone(), id);
            }
        }
        sources
    }

    pub(crate) fn modules(&self) -> impl Iterator<Item = &Module> {
        self.modules.iter()
    }

    pub(crate) fn ids(&self) -> std::ops::Range<ModuleId> {
        0..self.modules.len()
    }

    pub(crate) fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id]
    }

    pub(crate) fn file(&self, id: FileId) -> &str {
        &self.files[id]
    }

    /// Whether a module is another's ancestor.
    pub(crate) fn is_above(&self, above: ModuleId, below: ModuleId) -> bool {
        let parents = |id: &ModuleId| self.modules[*id].parent;
        std::iter::successors(Some(below), parents).skip(1).any(|id| id == above)
    }

    /// A file's module and all below it.
    fn read(&mut self, tree: &Tree, file: &str, place: &Place) -> ModuleId {
        let text = &tree.texts[file];
        let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        self.files.push(file.to_owned());
        self.add(tree, self.files.len() - 1, &parsed.items, place)
    }

    fn add(&mut self, tree: &Tree, file: FileId, items: &[syn::Item], place: &Place) -> ModuleId {
        let id = self.modules.len();
        let (facts, children) = syntax::read(items);
        self.modules.push(Module {
            path: place.path.clone(),
            file,
            parent: place.parent,
            root: place.parent.map_or(id, |parent| self.modules[parent].root),
            children: BTreeMap::new(),
            facts,
        });
        for Child { name, items } in children {
            let mut path = place.path.clone();
            path.push(name.clone());
            let directory = format!("{}/{name}", place.directory);
            let below = Place { path, parent: Some(id), directory };
            let child = if let Some(items) = items {
                self.add(tree, file, items, &below)
            } else {
                let flat = format!("{}.rs", below.directory);
                let nested = format!("{}/mod.rs", below.directory);
                let found = [flat, nested].into_iter().find(|at| tree.texts.contains_key(at));
                let found = found
                    .unwrap_or_else(|| panic!("{}: no file for `mod {name};`", self.files[file]));
                self.read(tree, &found, &below)
            };
            self.modules[id].children.insert(name, child);
        }
        id
    }
}

/// Where a module is.
struct Place {
    path: Vec<String>,
    parent: Option<ModuleId>,
    /// The directory of its children's files.
    directory: String,
}
