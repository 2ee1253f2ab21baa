//! The parts of the code and their allowed dependencies, as in ARCHITECTURE.md.
//!
//! The test reads every `use` and every path of `src` and `crates/*/src`, finds the file
//! that defines each name (through re-exports), and compares the result with the table.
//! Code under `#[cfg(test)]` is left out: tests may depend on more than the tested code.

mod circles;
mod resolve;
mod sources;
mod syntax;
mod table;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::root;
use resolve::Dependencies;
use sources::{Sources, Tree};
use table::{Knows, Table};

fn table() -> Table {
    let path = root().join("ARCHITECTURE.md");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Table::parse(&text).unwrap_or_else(|fault| panic!("ARCHITECTURE.md: {fault}"))
}

#[test]
fn parts_depend_on_what_the_table_lists_and_nothing_else() {
    let sources = Sources::of(&Tree::of_workspace(root()));
    let faults = compare(&table(), &sources, &resolve::dependencies(&sources));
    assert!(faults.is_empty(), "ARCHITECTURE.md and the code differ:\n\n{}", faults.join("\n"));
}

#[test]
fn files_do_not_import_each_other_in_circles() {
    let sources = Sources::of(&Tree::of_workspace(root()));
    let dependencies = resolve::dependencies(&sources);
    let circles = circles::of(&dependencies.between_files());
    assert!(circles.is_empty(), "{}", describe(&circles, &dependencies));
}

/// Each circle with the imports that close it.
fn describe(circles: &[Vec<String>], dependencies: &Dependencies) -> String {
    let mut text = format!("{} circles of files that import each other:\n", circles.len());
    for circle in circles {
        writeln!(text, "\n  {} files:", circle.len()).unwrap();
        for ((from, to), names) in &dependencies.files {
            if from != to && circle.contains(from) && circle.contains(to) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                writeln!(text, "    {from} -> {to}: {}", names.join(", ")).unwrap();
            }
        }
    }
    text
}

/// The differences between the table and the code, one in each line.
fn compare(table: &Table, sources: &Sources, dependencies: &Dependencies) -> Vec<String> {
    let mut faults = Vec::new();
    let mut used: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    let mut present = std::collections::BTreeSet::new();
    for module in sources.modules().filter(|module| module.has_items()) {
        match table.part_of(module.path()) {
            Some(part) => _ = present.insert(part),
            None => faults.push(format!(
                "no row for {} (`{}`)",
                sources.file(module.file()),
                module.path().join("::")
            )),
        }
    }
    for dependency in &dependencies.all {
        let parts = (table.part_of(&dependency.from), table.part_of(&dependency.to));
        let (Some(from), Some(to)) = parts else { continue };
        if from != to {
            let import = format!("{} uses {}", dependency.file, dependency.name);
            used.entry((from, to)).or_default().push(import);
        }
    }
    for ((from, to), imports) in &used {
        if !table.allows(from, to) {
            faults.push(format!("`{from}` does not declare that it knows `{to}`:"));
            let imports: std::collections::BTreeSet<_> = imports.iter().collect();
            faults.extend(imports.into_iter().map(|import| format!("    {import}")));
        }
    }
    for (part, knows) in table.rows() {
        if !present.contains(part) {
            faults.push(format!("the row `{part}` matches no code"));
        }
        let Knows::Parts(known) = knows else { continue };
        for to in known {
            if !used.contains_key(&(part, to.as_str())) {
                faults.push(format!("`{part}` declares that it knows `{to}`, but does not use it"));
            }
        }
    }
    let edges = used.keys().map(|(from, to)| ((*from).to_owned(), (*to).to_owned())).collect();
    for circle in circles::of(&edges) {
        faults.push(format!("parts that know each other in a circle: {}", circle.join(", ")));
    }
    faults
}

/// Small crates, which show that the tests above cannot pass by reading nothing.
mod on_small_crates {
    use super::*;

    const TABLE: &str = "\
        | part | holds | knows |\n\
        |---|---|---|\n\
        | `model` | values | nothing |\n\
        | `judge` | verdicts | `model` |\n";

    fn tree(files: &[(&str, &str)]) -> Sources {
        Sources::of(&Tree::of_files("gate", files))
    }

    fn faults(files: &[(&str, &str)]) -> Vec<String> {
        let sources = tree(files);
        let table = Table::parse(TABLE).unwrap();
        compare(&table, &sources, &resolve::dependencies(&sources))
    }

    fn edges(files: &[(&str, &str)]) -> Vec<(String, String)> {
        resolve::dependencies(&tree(files)).between_files().into_iter().collect()
    }

    fn edge(from: &str, to: &str) -> (String, String) {
        (format!("src/{from}.rs"), format!("src/{to}.rs"))
    }

    const LIB: (&str, &str) = ("src/lib.rs", "pub mod judge; pub mod model;");
    const MODEL: (&str, &str) = ("src/model.rs", "pub struct Row; pub fn row() -> Row { Row }");

    #[test]
    fn a_declared_dependency_is_accepted_however_it_is_written() {
        for judge in [
            "use crate::model::Row; fn f(_: Row) {}",
            "use crate::{model::{Row as R}}; fn f(_: R) {}",
            "use super::model::*; fn f(_: Row) {}",
            "use crate::model; fn f(_: model::Row) {}",
            "fn f() { crate::model::row(); }",
            "fn f() { println!(\"{:?}\", crate::model::row()); }",
            "fn f() { use crate::model::row; row(); }",
            "mod inner { use super::super::model::Row; fn f(_: Row) {} }",
        ] {
            assert_eq!(faults(&[LIB, MODEL, ("src/judge.rs", judge)]), [""; 0], "{judge}");
        }
    }

    #[test]
    fn an_undeclared_dependency_is_named_with_its_file() {
        let model = ("src/model.rs", "use crate::judge::judge; pub fn f() { judge() }");
        let judge = ("src/judge.rs", "use crate::model::f; pub fn judge() { f() }");
        assert_eq!(
            faults(&[LIB, model, judge]),
            [
                "`model` does not declare that it knows `judge`:",
                "    src/model.rs uses judge",
                "parts that know each other in a circle: judge, model",
            ]
        );
    }

    #[test]
    fn missing_and_superfluous_rows_and_entries_are_named() {
        let lib = ("src/lib.rs", "mod judge; mod other;");
        let judge = ("src/judge.rs", "fn f() {}");
        assert_eq!(
            faults(&[lib, judge, ("src/other.rs", "fn f() {}")]),
            [
                "no row for src/other.rs (`other`)",
                "`judge` declares that it knows `model`, but does not use it",
                "the row `model` matches no code",
            ]
        );
    }

    #[test]
    fn tests_are_left_out() {
        let model = (
            "src/model.rs",
            "pub struct Row; #[cfg(test)] mod tests { use crate::judge::f; } \
             #[cfg(test)] use crate::judge::f;",
        );
        assert_eq!(
            faults(&[LIB, model, ("src/judge.rs", "use crate::model::Row; fn f() {}")]),
            [""; 0]
        );
    }

    #[test]
    fn a_name_counts_for_the_file_that_defines_it() {
        let files = [
            ("src/lib.rs", "mod a; mod user;"),
            ("src/a/mod.rs", "mod b; mod c; pub use b::*; pub use self::c::C as Renamed;"),
            ("src/a/b.rs", "pub enum B { X }"),
            ("src/a/c.rs", "pub struct C;"),
            ("src/user.rs", "use crate::a::{B, Renamed}; fn f(_: Renamed) -> B { B::X }"),
        ];
        assert_eq!(edges(&files), [edge("user", "a/b"), edge("user", "a/c")]);
    }

    #[test]
    fn a_re_export_is_a_dependency_only_if_the_module_uses_the_name() {
        let child = ("src/a/b.rs", "use super::A; pub struct B(A); pub struct C;");
        let lib = ("src/lib.rs", "mod a;");
        let only_re_exported = ("src/a/mod.rs", "mod b; pub use b::B; pub struct A;");
        assert_eq!(edges(&[lib, child, only_re_exported]), [edge("a/b", "a/mod")]);
        let used = ("src/a/mod.rs", "mod b; pub use b::B; pub struct A; fn f() -> B { todo!() }");
        let both = [edge("a/b", "a/mod"), edge("a/mod", "a/b")];
        assert_eq!(edges(&[lib, child, used]), both);
        let private = ("src/a/mod.rs", "mod b; use b::C; pub struct A; fn f(_: C) {}");
        assert_eq!(edges(&[lib, child, private]), both);
    }

    #[test]
    fn every_circle_is_found_with_the_names_that_close_it() {
        let sources = tree(&[
            ("src/lib.rs", "mod a; mod b; mod c; mod d;"),
            ("src/a.rs", "use crate::b::B; pub struct A(B);"),
            ("src/b.rs", "use crate::c; pub struct B(c::C);"),
            ("src/c.rs", "pub struct C(Box<super::a::A>);"),
            ("src/d.rs", "use crate::a::A; struct D(A);"),
        ]);
        let dependencies = resolve::dependencies(&sources);
        let circles = circles::of(&dependencies.between_files());
        assert_eq!(circles, [["src/a.rs", "src/b.rs", "src/c.rs"]]);
        let text = describe(&circles, &dependencies);
        assert!(text.contains("src/c.rs -> src/a.rs: A\n"), "{text}");
        assert!(!text.contains("src/d.rs"), "{text}");
    }

    #[test]
    fn crates_of_the_workspace_are_parts() {
        let table = Table::parse(
            "| part | holds | knows |\n|---|---|---|\n| `core::model` | values | nothing |\n\
             | `cli` | commands | everything |\n| `bin` | programs | `cli` |\n",
        )
        .unwrap();
        let tree = Tree::of_files(
            "gate",
            &[
                ("src/lib.rs", "pub mod cli;"),
                ("src/cli.rs", "use gate_core::model::Row; fn f(_: Row) {}"),
            ],
        )
        .with_library(
            "gate_core",
            "core",
            "crates/core/src",
            &[("lib.rs", "pub mod model;"), ("model.rs", "pub struct Row;")],
        )
        .with_program("src/main.rs", "fn main() { gate::cli::f() }");
        let sources = Sources::of(&tree);
        let dependencies = resolve::dependencies(&sources);
        assert_eq!(compare(&table, &sources, &dependencies), [""; 0]);
        assert_eq!(dependencies.between_files().len(), 2);
    }

    #[test]
    fn a_re_exported_item_counts_for_the_crate_that_re_exports_it() {
        let files = [
            ("src/lib.rs", "mod cli; pub use gate_core::model;"),
            ("src/cli.rs", "use crate::model::Metric; fn f(_: Metric) {}"),
        ];
        let core = [
            ("lib.rs", "pub mod model;"),
            ("model.rs", "pub use gate_record::Metric; pub fn f(_: Metric) {}"),
        ];
        let record = [("lib.rs", "pub struct Metric;")];
        let tree = Tree::of_files("gate", &files)
            .with_library("gate_core", "core", "core", &core)
            .with_library("gate_record", "record", "record", &record);
        let edges = resolve::dependencies(&Sources::of(&tree)).between_files();
        let edge = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let expected =
            [edge("core/model.rs", "record/lib.rs"), edge("src/cli.rs", "core/model.rs")];
        assert_eq!(edges.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_damaged_table_is_refused() {
        for (text, fault) in [
            ("# No table", "has no table with the columns part, holds and knows"),
            ("| part | holds | knows |\n|---|---|---|\n| model | x | nothing |\n", "backticks"),
            ("| part | holds | knows |\n|---|---|---|\n| `a` | x | `b` |\n", "`b` has no row"),
            ("| part | holds | knows |\n|---|---|---|\n| `a` | x | b |\n", "backticks"),
            ("| part | holds | knows |\n|---|---|---|\n| `a` | x |\n", "three cells"),
            (
                "| part | holds | knows |\n|---|---|---|\n| `a` | x | nothing |\n| `a` | x | nothing |\n",
                "two rows",
            ),
        ] {
            let error = Table::parse(text).err().unwrap_or_else(|| panic!("accepted: {text}"));
            assert!(error.contains(fault), "{error}");
        }
    }
}
