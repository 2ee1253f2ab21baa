//! The names that a module defines, imports and uses, from its syntax.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, Item, UseTree, Visibility};

/// The facts of a module's own text, without the modules inside it.
#[derive(Default)]
pub(crate) struct Facts {
    /// Names of the items that it defines.
    pub(crate) items: BTreeSet<String>,
    pub(crate) has_impls: bool,
    pub(crate) imports: Vec<Import>,
    /// Paths outside of imports, by their segments.
    pub(crate) paths: BTreeSet<Vec<String>>,
    /// Names of variables: a path that is only such a name means the variable.
    pub(crate) variables: BTreeSet<String>,
}

/// One leaf of a `use`.
pub(crate) struct Import {
    /// Without the `*` of a glob.
    pub(crate) path: Vec<String>,
    /// The name in this module; `None` for a glob and for `as _`.
    pub(crate) name: Option<String>,
    pub(crate) is_glob: bool,
    /// `pub`, or `pub(…)`.
    pub(crate) is_re_export: bool,
    /// At the top of the module, not inside a function.
    pub(crate) at_top: bool,
}

/// A module inside: its items, or `None` if they are in a file of their own.
pub(crate) struct Child<'a> {
    pub(crate) name: String,
    pub(crate) items: Option<&'a [Item]>,
}

/// The facts of a module, and the modules inside it.
pub(crate) fn read(items: &[Item]) -> (Facts, Vec<Child<'_>>) {
    let mut reader = Reader::default();
    let mut children = Vec::new();
    for item in items {
        match item {
            Item::Mod(module) if is_for_tests(&module.attrs) => {}
            Item::Mod(module) => children.push(Child {
                name: module.ident.to_string(),
                items: module.content.as_ref().map(|(_, items)| items.as_slice()),
            }),
            Item::Use(item) if is_for_tests(&item.attrs) => {}
            Item::Use(item) => reader.import(item, true),
            other => {
                if !item_attributes(other).is_some_and(is_for_tests) {
                    reader.define(other);
                    reader.visit_item(other);
                }
            }
        }
    }
    (reader.0, children)
}

/// Whether code is compiled for tests only.
fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        let syn::Meta::List(list) = &attribute.meta else { return false };
        let condition = list.tokens.to_string();
        list.path.is_ident("cfg")
            && (condition == "test" || condition.replace(' ', "").starts_with("all(test,"))
    })
}

fn item_attributes(item: &Item) -> Option<&[Attribute]> {
    Some(match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        _ => return None,
    })
}

#[derive(Default)]
struct Reader(Facts);

impl Reader {
    fn define(&mut self, item: &Item) {
        let name = match item {
            Item::Const(item) => &item.ident,
            Item::Enum(item) => &item.ident,
            Item::Fn(item) => &item.sig.ident,
            Item::Static(item) => &item.ident,
            Item::Struct(item) => &item.ident,
            Item::Trait(item) => &item.ident,
            Item::TraitAlias(item) => &item.ident,
            Item::Type(item) => &item.ident,
            Item::Union(item) => &item.ident,
            Item::Macro(item) => match &item.ident {
                Some(name) => name,
                None => return,
            },
            Item::Impl(_) => {
                self.0.has_impls = true;
                return;
            }
            _ => return,
        };
        self.0.items.insert(name.to_string());
    }

    fn import(&mut self, item: &syn::ItemUse, at_top: bool) {
        let is_re_export = !matches!(item.vis, Visibility::Inherited);
        self.leaves(&item.tree, &mut Vec::new(), is_re_export, at_top);
    }

    fn leaves(&mut self, tree: &UseTree, path: &mut Vec<String>, is_re_export: bool, at_top: bool) {
        let mut leaf = |path: Vec<String>, name, is_glob| {
            self.0.imports.push(Import { path, name, is_glob, is_re_export, at_top });
        };
        let with = |path: &[String], last: &syn::Ident| -> Vec<String> {
            // `use a::{self}` is `use a`.
            let last = (last != "self" || path.is_empty()).then(|| last.to_string());
            path.iter().cloned().chain(last).collect()
        };
        match tree {
            UseTree::Path(branch) => {
                path.push(branch.ident.to_string());
                self.leaves(&branch.tree, path, is_re_export, at_top);
                path.pop();
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.leaves(tree, path, is_re_export, at_top);
                }
            }
            UseTree::Name(end) => {
                let path = with(path, &end.ident);
                let name = path.last().cloned();
                leaf(path, name, false);
            }
            UseTree::Rename(end) => {
                let name = (end.rename != "_").then(|| end.rename.to_string());
                leaf(with(path, &end.ident), name, false);
            }
            UseTree::Glob(_) => leaf(path.clone(), None, true),
        }
    }

    /// Paths in a macro's input, which is not parsed because it may have any syntax.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.flush(&mut path);
                    }
                    path.push(name.to_string());
                    colons = 0;
                }
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                other => {
                    self.flush(&mut path);
                    colons = 0;
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.flush(&mut path);
    }

    fn flush(&mut self, path: &mut Vec<String>) {
        if !path.is_empty() {
            self.0.paths.insert(std::mem::take(path));
        }
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_attribute(&mut self, _: &'a Attribute) {}

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        self.import(item, false);
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.to_string());
        self.0.paths.insert(segments.collect());
        visit::visit_path(self, path);
    }

    fn visit_pat_ident(&mut self, pattern: &'a syn::PatIdent) {
        self.0.variables.insert(pattern.ident.to_string());
        visit::visit_pat_ident(self, pattern);
    }

    fn visit_macro(&mut self, called: &'a syn::Macro) {
        self.visit_path(&called.path);
        self.tokens(called.tokens.clone());
    }
}
