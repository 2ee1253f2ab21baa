//! The harness of the projects that tests/gate/differential.rs generates. It answers as
//! criterion does, measures nothing, and writes down what its process sees: its
//! environment, the files below the root of its repository, the libraries that it has
//! loaded, and whatever the project's features add.
//!
//! Each process writes a file of its own into the directory that `DIFFERENTIAL_REPORTS`
//! names, a line `KEY<tab>VALUE` for each thing that it saw.

#![allow(dead_code)]

use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_void, CString, OsStr};
use std::fmt::Display;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The text by which the gate knows criterion: criterion reads this variable, too.
const PORT: &str = "CARGO_CRITERION_PORT";
/// The only benchmark.
const BENCHMARK: &str = "subject";
/// Nanoseconds that it takes.
const TIME: f64 = 100.0;

/// What this process sees.
pub struct Report {
    lines: BTreeMap<String, String>,
}

/// Reports, then answers as criterion does.
pub fn run(bench: &str, side: &str, add: impl FnOnce(&mut Report)) {
    let _ = std::hint::black_box(std::env::var(std::hint::black_box(PORT)));
    let mut report = Report { lines: BTreeMap::new() };
    report.value("bench", bench);
    report.value("side", side);
    report.process();
    add(&mut report);
    // Last: a feature may have loaded more of them.
    report.libraries();
    report.write();
    answer();
}

impl Report {
    /// Notes a value.
    pub fn value(&mut self, name: &str, value: impl Display) {
        let value = value.to_string();
        let escaped = value.replace('\\', "\\\\").replace('\n', "\\n").replace('\t', "\\t");
        self.lines.insert(name.to_owned(), escaped);
    }

    /// Notes a variable of this process, or that it is not set.
    pub fn variable(&mut self, name: &str) {
        let value = std::env::var(name).unwrap_or_else(|_| "not set".to_owned());
        self.value(&format!("variable {name}"), value);
    }

    /// Reads a file and notes its contents.
    pub fn file(&mut self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        let contents = match std::fs::read(path) {
            Ok(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Err(error) => format!("not read: {error}"),
        };
        self.value(&format!("file {}", path.display()), contents);
    }

    /// Runs a program and notes where it is and what it prints.
    pub fn program(&mut self, name: &str, path: impl AsRef<OsStr>) {
        let path = path.as_ref();
        self.value(&format!("program {name}"), path.to_string_lossy());
        let output = Command::new(path).arg("argument").stdin(Stdio::null()).output();
        let printed = match output {
            Ok(output) if output.status.success() => {
                String::from_utf8_lossy(&output.stdout).into_owned()
            }
            Ok(output) => format!("failed: {output:?}"),
            Err(error) => format!("not started: {error}"),
        };
        self.value(&format!("printed by {name}"), printed);
    }

    /// Loads a library and notes what its function `side` returns.
    pub fn load(&mut self, path: impl AsRef<Path>) {
        let path = path.as_ref().to_owned();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let file = CString::new(path.as_os_str().as_bytes()).unwrap();
        // SAFETY: the library is this project's own, and so is the type of its function.
        let returned = unsafe {
            let library = dlopen(file.as_ptr(), NOW);
            let function = (!library.is_null()).then(|| dlsym(library, c"side".as_ptr()));
            function.filter(|function| !function.is_null()).map(|function| {
                std::mem::transmute::<*mut c_void, extern "C" fn() -> u32>(function)()
            })
        };
        let returned = returned.map_or("not loaded".to_owned(), |number| number.to_string());
        self.value(&format!("returned by {name}"), returned);
    }

    fn process(&mut self) {
        for (key, value) in std::env::vars_os() {
            let key = format!("environment {}", key.to_string_lossy());
            self.value(&key, value.to_string_lossy());
        }
        let directory = std::env::current_dir().unwrap();
        self.value("directory", directory.display());
        self.value("executable", std::env::current_exe().unwrap().display());
        self.value("started as", std::env::args().next().unwrap());
        for (file, prefixes) in [
            ("/proc/self/status", &["Umask", "Cpus_allowed_list", "NoNewPrivs", "Seccomp:"][..]),
            ("/proc/self/limits", &["Max"]),
            ("/proc/self/personality", &[""]),
        ] {
            let text = std::fs::read_to_string(file).unwrap_or_default();
            let lines = text.lines().filter(|line| prefixes.iter().any(|it| line.starts_with(it)));
            let lines: Vec<_> = lines.map(|line| line.replace(char::is_whitespace, " ")).collect();
            self.value(file, lines.join(";"));
        }
        let root = directory.ancestors().find(|directory| directory.join(".git").exists());
        let root = root.expect("a repository").to_owned();
        self.value("root", root.display());
        self.tree(&root, &root);
        // Once for each executable is enough, and it takes longer than all else.
        if std::env::args().any(|argument| argument == "--noplot") {
            return;
        }
        for words in [
            &["rev-parse", "HEAD", "HEAD^{tree}", "--abbrev-ref", "HEAD"][..],
            &["describe", "--tags", "--always", "--dirty"],
        ] {
            let output = Command::new("git").args(words).stdin(Stdio::null()).output().unwrap();
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            self.value(&format!("git {}", words.join(" ")), text + &output.status.to_string());
        }
    }

    /// Notes everything in a directory, but for git's files and cargo's.
    fn tree(&mut self, root: &Path, directory: &Path) {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.join("CACHEDIR.TAG").exists() || path.file_name() == Some(OsStr::new(".git")) {
                continue;
            }
            let key = format!("tree {}", path.strip_prefix(root).unwrap().display());
            let metadata = path.symlink_metadata().unwrap();
            if metadata.is_dir() {
                self.tree(root, &path);
            } else if metadata.is_symlink() {
                self.value(&key, format!("-> {}", std::fs::read_link(&path).unwrap().display()));
            } else {
                let mode = metadata.permissions().mode();
                let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).into_owned();
                self.value(&key, format!("{mode:o} {text}"));
            }
        }
    }

    fn libraries(&mut self) {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        for path in maps.lines().filter_map(|line| line.find('/').map(|at| &line[at..])) {
            let name = Path::new(path).file_name().unwrap().to_string_lossy();
            if name.contains(".so") {
                self.value(&format!("library {name}"), path);
            }
        }
    }

    fn write(&self) {
        let Some(directory) = std::env::var_os("DIFFERENTIAL_REPORTS") else { return };
        let text: String =
            self.lines.iter().map(|(key, value)| format!("{key}\t{value}\n")).collect();
        let path = PathBuf::from(directory).join(std::process::id().to_string());
        // Renamed into its place: a reader never finds a part.
        std::fs::write(path.with_extension("part"), text).unwrap();
        std::fs::rename(path.with_extension("part"), path).unwrap();
    }
}

const NOW: c_int = 2;

extern "C" {
    fn dlopen(file: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

/// Lists the benchmark, or writes its results where `CRITERION_HOME` says.
fn answer() {
    if std::env::args().any(|argument| argument == "--list") {
        println!("{BENCHMARK}: benchmark");
        return;
    }
    println!("Benchmarking {BENCHMARK}");
    // Under `cargo bench` nobody reads them.
    let Some(home) = std::env::var_os("CRITERION_HOME") else { return };
    let directory = PathBuf::from(home).join(BENCHMARK).join("new");
    std::fs::create_dir_all(&directory).unwrap();
    // Knuth's multiplicative hash: no two processes take exactly as long.
    let noise = std::process::id().wrapping_mul(2_654_435_761) % 1000;
    let time = TIME * (1.0 + f64::from(noise) * 1e-6);
    let information = format!(
        "{{\"group_id\":\"{BENCHMARK}\",\"function_id\":null,\"value_str\":null,\
         \"throughput\":null,\"full_id\":\"{BENCHMARK}\",\"directory_name\":\"{BENCHMARK}\",\
         \"title\":\"{BENCHMARK}\"}}"
    );
    let estimate = format!(
        "{{\"confidence_interval\":{{\"confidence_level\":0.95,\"lower_bound\":{time},\
         \"upper_bound\":{time}}},\"point_estimate\":{time},\"standard_error\":0.1}}"
    );
    let estimates = format!(
        "{{\"mean\":{estimate},\"median\":{estimate},\"median_abs_dev\":{estimate},\"slope\":null,\
         \"std_dev\":{estimate}}}"
    );
    let samples = |value: f64| vec![value.to_string(); 10].join(",");
    let sample = format!(
        "{{\"sampling_mode\":\"Flat\",\"iters\":[{}],\"times\":[{}]}}",
        samples(10.0),
        samples(10.0 * time)
    );
    for (name, text) in
        [("benchmark.json", information), ("estimates.json", estimates), ("sample.json", sample)]
    {
        std::fs::write(directory.join(name), text).unwrap();
    }
}
