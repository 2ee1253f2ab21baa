//! The files of a project.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use benchgate::model::TrialSide;

use super::feature::{Feature, On, Surroundings};
use super::project::{Project, TRIPLE};

/// Judges leniently and measures as little as the gate allows.
const POLICY: &str = "version = 1\n[ab]\nscreening = 6\nlooks = [8]\nwarm_up = \"1ms\"\ntime = \
                      \"1ms\"\nsamples = 10\ncounts = 0\nmachine_busy = \"warn\"\npin_layout = \
                      {pin}\n[verdict]\nundecided = \"allow\"\n[[rule]]\nbench = \"**\"\nmetric = \
                      \"time\"\ntolerance = \"300%\"\ntarget = \"900%\"\n";

const HARNESS: &str = include_str!("harness.rs");

impl Project {
    pub(super) fn filled(&self, text: &str, side: TrialSide) -> String {
        let number = match side {
            TrialSide::Base => "100",
            TrialSide::Head => "200",
        };
        text.replace("{side}", side.as_str())
            .replace("{number}", number)
            .replace("{triple}", &TRIPLE)
            .replace("{up}", &self.up())
    }

    /// The files of one side, from the root.
    pub(super) fn files(&self, side: TrialSide) -> BTreeMap<PathBuf, String> {
        let features = || {
            let there = |feature: &&&Feature| feature.on == On::Both || side == TrialSide::Head;
            self.features.iter().filter(there)
        };
        let package = Path::new(self.package());
        let lines = |part: fn(&Feature) -> &str| {
            let mut lines: Vec<String> = Vec::new();
            for line in features().flat_map(|feature| part(feature).split('\n')) {
                // Two features may need the same.
                if !line.is_empty() && !lines.iter().any(|known| known == line) {
                    lines.push(line.to_owned());
                }
            }
            lines.join("\n") + "\n"
        };
        let mut files: BTreeMap<PathBuf, String> = BTreeMap::new();
        for feature in features() {
            for (path, text) in feature.files {
                files.insert(package.join(path), (*text).to_owned());
            }
            for (path, text) in feature.root_files {
                files.insert(PathBuf::from(path), (*text).to_owned());
            }
        }
        let mut manifest = "package.name = \"subject\"\npackage.version = \"0.1.0\"\n\
                            package.edition = \"2021\"\npackage.autobenches = false\n"
            .to_owned();
        manifest += &lines(|feature| feature.manifest);
        if !manifest.contains("\nbench = ") {
            manifest += "bench = [{ name = \"subject\", harness = false }]\n";
        }
        manifest += "lib.bench = false\n";
        let mut workspace = lines(|feature| feature.workspace);
        if !workspace.contains("opt-level") {
            workspace += "profile.bench.opt-level = 0\n";
        }
        if features().any(|feature| feature.member) {
            let member = self.package();
            let _ = writeln!(workspace, "workspace.members = [{member:?}]");
            workspace += "workspace.resolver = \"2\"\n";
            files.insert("Cargo.toml".into(), workspace);
        } else {
            manifest += &workspace;
        }
        files.insert(package.join("Cargo.toml"), manifest);
        let config = lines(|feature| feature.config);
        if config != "\n" {
            files.insert(".cargo/config.toml".into(), config);
        }
        let library = lines(|feature| feature.library);
        let library = format!("pub const SIDE: &str = \"{{side}}\";\n{library}");
        files.insert(package.join("src/lib.rs"), library);
        let statements: Vec<&str> = features().map(|feature| feature.bench).collect();
        let statements = statements.join(
            "
        ",
        );
        let bench = format!(
            "mod harness;\n\nfn main() {{\n    harness::run(\"subject\", subject::SIDE, |report| {{\n        \
             let _ = &report;\n        {statements}\n    }});\n}}\n"
        );
        files.insert(package.join("benches/subject.rs"), bench);
        files.insert(package.join("benches/harness/mod.rs"), HARNESS.to_owned());
        let statements: Vec<&str> =
            features().map(|feature| feature.build).filter(|text| !text.is_empty()).collect();
        if !statements.is_empty() {
            let script = format!("fn main() {{\n    {}\n}}\n", statements.join("\n    "));
            files.insert(package.join("build.rs"), script);
        }
        let policy = POLICY.replace("{pin}", &self.has_pinned_layout().to_string());
        files.insert(self.workspace().join("gate.toml"), policy);
        let mut ignored = format!("/{}\n", self.target().display());
        for surroundings in self.surroundings() {
            if let Surroundings::Ignored(path) = surroundings {
                let _ = writeln!(ignored, "{path}");
            }
        }
        files.insert(".gitignore".into(), ignored);
        files.into_iter().map(|(path, text)| (path, self.filled(&text, side))).collect()
    }
}
