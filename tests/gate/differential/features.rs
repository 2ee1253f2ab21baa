//! Every feature, and which projects are made of them.

use super::feature::{Feature, NONE, On, Surroundings};

const DATA: &[(&str, &str)] = &[("data/words.txt", "words of the {side}\n")];
const TOOL: &str =
    "fn main() {\n    println!(\"the {side}'s: {:?}\", std::env::args().skip(1));\n}\n";
const DYNAMIC: &str = "build.rustflags = [\"-Cprefer-dynamic\"]";

/// Every feature.
pub(super) const FEATURES: &[Feature] = &[
    Feature { name: "plain", ..NONE },
    // Cargo: configuration.
    Feature {
        name: "env",
        config: "env.PLAIN = \"the {side}'s\"\n\
                 env.FORCED = { value = \"the {side}'s\", force = true }\n\
                 env.YIELDS = \"the {side}'s\"\n\
                 env.BELOW = { value = \"data\", relative = true }",
        bench: "report.value(\"compiled\", format!(\"{:?}\", option_env!(\"PLAIN\")));",
        variables: &[("FORCED", "the user's"), ("YIELDS", "the user's")],
        ..NONE
    },
    Feature {
        name: "env of the head",
        on: On::Head,
        config: "env.ADDED = \"by the head\"",
        bench: "report.value(\"compiled\", option_env!(\"ADDED\").unwrap_or(\"nothing\"));",
        ..NONE
    },
    Feature {
        name: "env included",
        alone: false,
        root_files: &[(".cargo/more.toml", "env.INCLUDED = \"the {side}'s\"\n")],
        config: "include = [\"more.toml\"]",
        ..NONE
    },
    Feature {
        name: "runner",
        root_files: &[(
            "tools/run",
            "#!/bin/sh\nexport RUN_BY=\"{side} $1\"\nshift\nexec \"$@\"\n",
        )],
        config: "target.'{triple}'.runner = [\"tools/run\", \"with a space\"]",
        ..NONE
    },
    Feature {
        name: "runner by cfg",
        alone: false,
        root_files: &[("tools/run", "#!/bin/sh\nRUN_BY='{side}' exec \"$@\"\n")],
        config: "target.'cfg(unix)'.runner = \"tools/run\"",
        ..NONE
    },
    Feature {
        name: "runner in a variable",
        variables: &[("CARGO_TARGET_{TRIPLE}_RUNNER", "env RUN_BY=env")],
        ..NONE
    },
    Feature {
        name: "rustflags",
        config: "build.rustflags = [\"--cfg\", \"flagged\"]",
        bench: "report.value(\"flagged\", cfg!(flagged));",
        ..NONE
    },
    Feature {
        name: "rustflags of the head",
        on: On::Head,
        config: "target.'{triple}'.rustflags = [\"-Ctarget-cpu=native\", \"--cfg\", \"flagged\"]",
        bench: "report.value(\"flagged\", cfg!(flagged));",
        ..NONE
    },
    Feature {
        name: "rustflags in a variable",
        alone: false,
        variables: &[("RUSTFLAGS", "-Cforce-frame-pointers=yes")],
        ..NONE
    },
    Feature {
        name: "profile",
        workspace: "profile.bench.opt-level = 1\n\
                    profile.bench.debug-assertions = true",
        bench: "report.value(\"assertions\", cfg!(debug_assertions));",
        ..NONE
    },
    Feature {
        name: "profile in a variable",
        variables: &[("CARGO_PROFILE_BENCH_DEBUG_ASSERTIONS", "true")],
        bench: "report.value(\"assertions\", cfg!(debug_assertions));",
        ..NONE
    },
    Feature { name: "target", config: "build.target = \"{triple}\"", ..NONE },
    Feature {
        name: "target in a variable",
        alone: false,
        variables: &[("CARGO_BUILD_TARGET", "{triple}")],
        ..NONE
    },
    Feature {
        name: "target directory",
        config: "build.target-dir = \"out/of the way\"",
        target: Some("out/of the way"),
        ..NONE
    },
    Feature {
        name: "target directory in a variable",
        alone: false,
        variables: &[("CARGO_TARGET_DIR", "{root}/chosen")],
        target: Some("chosen"),
        ..NONE
    },
    Feature {
        name: "configuration without extension",
        root_files: &[(".cargo/config", "env.OLD = \"the {side}'s\"\n")],
        ..NONE
    },
    Feature {
        name: "features",
        alone: false,
        manifest: "features.default = [\"slow\"]\nfeatures.slow = []\nfeatures.fast = []",
        options: &["--no-default-features", "--features", "fast"],
        bench: "report.value(\"features\", (cfg!(feature = \"slow\"), cfg!(feature = \"fast\")).0);\
                \n        report.value(\"fast\", cfg!(feature = \"fast\"));",
        ..NONE
    },
    Feature {
        name: "metadata",
        manifest: "package.description = \"a subject,\\nof two lines\"\n\
                   package.authors = [\"A\", \"B <b@example.invalid>\"]\n\
                   package.homepage = \"https://example.invalid\"\npackage.license-file = \"L\"\n\
                   package.repository = \"https://example.invalid/r\"\n\
                   package.rust-version = \"1.70\"\npackage.readme = \"data/readme.md\"",
        files: &[("L", "licence\n"), ("data/readme.md", "read me\n")],
        ..NONE
    },
    // Cargo: packages.
    Feature { name: "member", package: Some("crates/subject"), member: true, ..NONE },
    Feature {
        name: "member from the root",
        alone: false,
        package: Some("crates/subject"),
        member: true,
        directory: Some(""),
        options: &["--package", "subject"],
        ..NONE
    },
    Feature {
        name: "below the root",
        package: Some("rust"),
        // Not a member of anything.
        root_files: &[("other/Cargo.toml", "[workspace]\n")],
        ..NONE
    },
    Feature {
        name: "program",
        files: &[("src/bin/my-tool.rs", TOOL)],
        bench: "report.program(\"my-tool\", env!(\"CARGO_BIN_EXE_my-tool\"));\n        \
                report.variable(\"CARGO_BIN_EXE_my-tool\");",
        ..NONE
    },
    Feature {
        name: "program beside the bench",
        alone: false,
        files: &[("src/bin/beside.rs", TOOL)],
        bench: "let own = std::env::current_exe().unwrap();\n        \
                report.program(\"beside\", own.ancestors().nth(2).unwrap().join(\"beside\"));",
        ..NONE
    },
    Feature {
        name: "program below the target directory",
        alone: false,
        files: &[("src/bin/below.rs", TOOL)],
        bench: "report.program(\"below\", \"{up}target/release/below\");\n        \
                report.program(\"again\", concat!(env!(\"CARGO_MANIFEST_DIR\"), \
                \"/{up}target/release/below\"));",
        ..NONE
    },
    Feature {
        name: "cdylib",
        manifest: "lib.crate-type = [\"cdylib\", \"rlib\"]",
        library: "#[no_mangle]\npub extern \"C\" fn side() -> u32 {\n    {number}\n}\n",
        bench: "report.load(\"libsubject.so\");\n        \
                let own = std::env::current_exe().unwrap();\n        \
                report.load(own.ancestors().nth(2).unwrap().join(\"libsubject.so\"));",
        ..NONE
    },
    Feature {
        name: "dylib",
        manifest: "dependencies.shared-code.path = \"{up}shared-code\"",
        root_files: &[
            (
                "shared-code/Cargo.toml",
                "[package]\nname = \"shared-code\"\nversion = \"0.1.0\"\n\n[lib]\n\
                 crate-type = [\"dylib\"]\nbench = false\n",
            ),
            ("shared-code/src/lib.rs", "pub fn number() -> u32 {\n    {number}\n}\n"),
        ],
        config: DYNAMIC,
        bench: "report.value(\"number\", shared_code::number());",
        ..NONE
    },
    Feature { name: "dynamic std", config: DYNAMIC, ..NONE },
    Feature {
        name: "build script",
        files: DATA,
        build: "let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
                std::fs::copy(\"data/words.txt\", format!(\"{out}/words.txt\")).unwrap();\n    \
                std::fs::write(format!(\"{out}/made.rs\"), \"pub fn pick(all: &[u32], at: usize) \
                -> u32 { all[at] }\").unwrap();\n    \
                println!(\"cargo::rustc-env=SET=by the {side}\");\n    \
                println!(\"cargo::rustc-link-search=native={out}\");",
        library: "include!(concat!(env!(\"OUT_DIR\"), \"/made.rs\"));\n",
        bench: "report.value(\"picked\", subject::pick(&[1, 2], 1));\n        \
                report.value(\"set\", env!(\"SET\"));\n        \
                report.variable(\"SET\");\n        \
                report.variable(\"OUT_DIR\");",
        ..NONE
    },
    Feature {
        name: "build script asks git",
        alone: false,
        build: "for (name, words) in [(\"DESCRIBED\", &[\"describe\", \"--tags\", \"--dirty\"][..]), \
                (\"COMMIT\", &[\"rev-parse\", \"HEAD\"]), (\"CHANGED\", &[\"status\", \"--porcelain\"]), \
                (\"COUNT\", &[\"rev-list\", \"--count\", \"HEAD\"])] {\n        \
                let output = std::process::Command::new(\"git\").args(words).output().unwrap();\n        \
                let text = String::from_utf8(output.stdout).unwrap().replace('\\n', \" \");\n        \
                println!(\"cargo::rustc-env={name}={text} {}\", output.status);\n    }",
        bench: "for text in [env!(\"DESCRIBED\"), env!(\"COMMIT\"), env!(\"CHANGED\"), \
                env!(\"COUNT\")].iter().enumerate() {\n            \
                report.value(&format!(\"git {}\", text.0), text.1);\n        }",
        ..NONE
    },
    Feature {
        name: "build script's environment",
        alone: false,
        build: "let mut all: Vec<_> = std::env::vars().filter(|(key, _)| {\n        \
                // A server of jobs has a number; the gate stands in for a runner; the test's own.\n        \
                ![\"MAKEFLAGS\", \"_RUNNER\", \"DIFFERENTIAL\"].iter().any(|part| key.contains(part))\n    \
                }).collect();\n    \
                all.sort();\n    \
                let out = std::env::var(\"OUT_DIR\").unwrap();\n    \
                std::fs::write(format!(\"{out}/environment\"), format!(\"{all:#?}\")).unwrap();",
        bench: "let text = std::fs::read_to_string(concat!(env!(\"OUT_DIR\"), \"/environment\"));\
                \n        report.value(\"build environment\", text.unwrap());",
        ..NONE
    },
    Feature {
        name: "two benches",
        files: &[(
            "benches/a-second.rs",
            "mod harness;\nfn main() {\n    \
                  harness::run(\"a-second\", subject::SIDE, |report| report.value(\"second\", 2));\n}\n",
        )],
        manifest: "bench = [{ name = \"subject\", harness = false }, \
                   { name = \"a-second\", harness = false }]",
        ..NONE
    },
    Feature {
        name: "patch",
        manifest: "dev-dependencies.patched = \"1\"",
        workspace: "patch.crates-io.patched.path = \"vendor/patched\"",
        root_files: &[
            ("vendor/patched/Cargo.toml", "[package]\nname = \"patched\"\nversion = \"1.0.0\"\n"),
            ("vendor/patched/src/lib.rs", "pub const SIDE: &str = \"{side}\";\n"),
        ],
        bench: "report.value(\"patched\", patched::SIDE);",
        ..NONE
    },
    // Files at run time.
    Feature {
        name: "included file",
        files: DATA,
        bench: "report.value(\"included\", include_str!(\"../data/words.txt\"));",
        ..NONE
    },
    Feature {
        name: "file below the manifest",
        files: DATA,
        bench: "report.file(concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/data/words.txt\"));\n        \
                let below = std::env::var(\"CARGO_MANIFEST_DIR\").unwrap();\n        \
                report.file(format!(\"{below}/data/words.txt\"));",
        ..NONE
    },
    Feature {
        name: "file below the working directory",
        alone: false,
        files: DATA,
        bench: "report.file(\"data/words.txt\");\n        report.file(\"./../data/words.txt\");",
        ..NONE
    },
    Feature {
        name: "temporary directory of the target",
        bench: "let place = env!(\"CARGO_TARGET_TMPDIR\");\n        \
                report.value(\"temporary\", place);\n        \
                std::fs::write(format!(\"{place}/file\"), \"x\").unwrap();\n        \
                report.file(format!(\"{place}/file\"));",
        ..NONE
    },
    Feature {
        name: "links",
        files: &[
            ("data/words.txt", "words of the {side}\n"),
            ("data/link.txt", "-> words.txt"),
            ("linked", "-> data"),
        ],
        bench: "report.file(\"data/link.txt\");\n        report.file(\"linked/words.txt\");",
        ..NONE
    },
    Feature {
        name: "script",
        files: &[("tool.sh", "#!/bin/sh\necho \"the {side}'s in $PWD\"\n")],
        bench: "report.program(\"script\", \"./tool.sh\");",
        ..NONE
    },
    // Git.
    Feature {
        name: "submodule",
        manifest: "dev-dependencies.inside.path = \"{up}vendor/inside\"",
        bench: "report.value(\"inside\", inside::NUMBER);\n        \
                report.file(\"{up}vendor/inside/deeper/words.txt\");",
        surroundings: Some(Surroundings::Submodule),
        ..NONE
    },
    Feature {
        name: "line endings",
        files: &[("data/words.txt", "two\nlines\n"), ("data/raw.bin", "two\nlines\n")],
        root_files: &[(".gitattributes", "*.txt text eol=crlf\n*.bin -text\n")],
        bench: "report.file(\"data/words.txt\");",
        ..NONE
    },
    Feature {
        name: "line endings by settings",
        alone: false,
        files: &[("data/words.txt", "two\nlines\n")],
        bench: "report.value(\"included\", include_str!(\"../data/words.txt\"));",
        surroundings: Some(Surroundings::Settings(&[("core.autocrlf", "true")])),
        ..NONE
    },
    Feature {
        name: "identifiers",
        alone: false,
        files: &[("data/words.txt", "$Id$ of the {side}\n")],
        root_files: &[(".gitattributes", "*.txt ident\n")],
        bench: "report.file(\"data/words.txt\");",
        ..NONE
    },
    Feature {
        name: "filter of the repository",
        files: &[("data/words.txt", "out: words of the {side}\n")],
        root_files: &[(".gitattributes", "*.txt filter=mark\n")],
        bench: "report.file(\"data/words.txt\");",
        surroundings: Some(Surroundings::Settings(&[
            ("filter.mark.clean", "sed s/^out:/in:/"),
            ("filter.mark.smudge", "sed s/^in:/out:/"),
            ("filter.mark.required", "true"),
        ])),
        ..NONE
    },
    Feature {
        name: "filter of the user",
        alone: false,
        files: &[("data/words.bin", "out: words of the {side}\n")],
        root_files: &[("data/.gitattributes", "*.bin filter=store -text\n")],
        bench: "report.file(\"data/words.bin\");",
        surroundings: Some(Surroundings::UserSettings(&[
            ("filter.store.clean", "sed s/^out:/in:/"),
            ("filter.store.smudge", "sed s/^in:/out:/"),
        ])),
        ..NONE
    },
    Feature {
        name: "sparse checkout",
        alone: false,
        root_files: &[("unused/words.txt", "words of the {side}\n")],
        bench: "report.file(\"{up}unused/words.txt\");",
        surroundings: Some(Surroundings::Sparse),
        ..NONE
    },
    Feature { name: "working tree", surroundings: Some(Surroundings::Worktree), ..NONE },
    Feature {
        name: "shallow clone",
        alone: false,
        surroundings: Some(Surroundings::Shallow),
        ..NONE
    },
    Feature {
        name: "partial clone",
        files: DATA,
        bench: "report.file(\"data/words.txt\");",
        surroundings: Some(Surroundings::Partial),
        ..NONE
    },
    Feature { name: "SHA-256 objects", surroundings: Some(Surroundings::Sha256), ..NONE },
    Feature {
        name: "in a hook",
        alone: false,
        gate_variables: &[("GIT_DIR", "{root}/.git"), ("GIT_WORK_TREE", "{root}")],
        ..NONE
    },
    Feature {
        name: "ignored file",
        bench: "report.file(\"data/corpus.txt\");",
        surroundings: Some(Surroundings::Ignored("data/corpus.txt")),
        ..NONE
    },
    // Location.
    Feature {
        name: "outside",
        manifest: "dev-dependencies.shared.path = \"{up}../shared\"",
        bench: "report.value(\"shared\", shared::NUMBER);",
        surroundings: Some(Surroundings::Outside),
        ..NONE
    },
    Feature {
        name: "outside workspace",
        manifest: "dev-dependencies.inner.path = \"{up}../shared/inner\"",
        bench: "report.value(\"inner\", inner::NUMBER);",
        surroundings: Some(Surroundings::OutsideWorkspace),
        ..NONE
    },
    Feature {
        name: "ignored lock file",
        alone: false,
        surroundings: Some(Surroundings::Ignored("Cargo.lock")),
        ..NONE
    },
    Feature { name: "spaces", repository: Some("pro ject"), ..NONE },
    Feature { name: "other scripts", repository: Some("пр-é"), ..NONE },
    Feature {
        name: "working directory variable",
        alone: false,
        variables: &[("PWD", "{directory}")],
        ..NONE
    },
    Feature { name: "pinned layout", alone: false, pin_layout: true, ..NONE },
];

/// Projects of several features.
pub(super) const COMBINED: &[&[&str]] = &[
    &["member", "env", "env included"],
    &["member", "runner"],
    &["member", "build script", "target"],
    &["member", "file below the working directory", "file below the manifest"],
    &["member", "outside"],
    &["member", "submodule"],
    &["member", "program", "target"],
    &["member", "program below the target directory"],
    &["pinned layout", "program below the target directory"],
    &["member from the root", "runner by cfg", "features"],
    &["below the root", "env", "build script asks git"],
    &["below the root", "outside", "ignored lock file"],
    &["target", "runner", "working directory variable"],
    &["target", "cdylib", "dynamic std"],
    &["target in a variable", "rustflags in a variable", "build script's environment"],
    &["target directory", "program", "cdylib"],
    &["target directory in a variable", "program beside the bench", "build script"],
    &["profile", "program beside the bench"],
    &["env of the head", "target in a variable", "program"],
    &["rustflags of the head", "build script", "member"],
    &["working tree", "submodule"],
    &["working tree", "filter of the repository", "build script asks git"],
    &["sparse checkout", "submodule"],
    &["sparse checkout", "member", "line endings", "identifiers"],
    &["line endings by settings", "script"],
    &["partial clone", "filter of the user"],
    &["shallow clone", "build script asks git"],
    &["in a hook", "build script asks git"],
    &["spaces", "build script", "program"],
    &["spaces", "submodule", "outside"],
    &["spaces", "runner", "dylib"],
    &["other scripts", "file below the manifest", "links"],
    &["pinned layout", "program beside the bench", "cdylib"],
    &["pinned layout", "dynamic std", "runner"],
    &["pinned layout", "member", "build script", "target"],
];
