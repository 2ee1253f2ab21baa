//! docs/suite.md lists every benchmark. Its tables come from the head of each file in
//! `benches`, so a benchmark is described where it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::process::Command;

use super::root;

const BEGIN: &str = "<!-- begin: benches -->\n";
const END: &str = "<!-- end: benches -->\n";

const BENCHMARKS: [&str; 5] = ["benchmark", "measures", "other metrics", "needs", "noise"];
const RECORDED: [&str; 4] = ["also recorded", "what it is", "metrics", "needs"];

/// Metrics that are not listed for each benchmark: the page says which benchmarks have them.
const UNLISTED: [&str; 8] = [
    "time",
    "instructions",
    "instructions.total",
    "allocations",
    "estimated_cycles",
    "l1_hits",
    "ll_hits",
    "ram_hits",
];

fn read(path: &str) -> String {
    let path = root().join(path);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the bench targets, sorted.
fn targets() -> BTreeSet<String> {
    let manifest: toml::Table = toml::from_str(&read("Cargo.toml")).unwrap();
    let benches = manifest["bench"].as_array().expect("bench targets");
    benches.iter().map(|bench| bench["name"].as_str().expect("a name").to_owned()).collect()
}

/// The documentation at the head of a bench target.
fn head(target: &str) -> String {
    let mut text = String::new();
    for line in read(&format!("benches/{target}.rs")).lines() {
        let Some(line) = line.strip_prefix("//!") else { break };
        writeln!(text, "{}", line.strip_prefix(' ').unwrap_or(line)).unwrap();
    }
    text
}

/// The tables at the head of a bench target.
#[derive(Default)]
struct Listed {
    /// The benchmarks that the target times or counts.
    benchmarks: BTreeSet<String>,
    /// The requirements of each benchmark.
    needs: BTreeMap<String, String>,
    /// Further metrics, of these benchmarks and of benchmarks that only record.
    metrics: BTreeMap<String, BTreeSet<String>>,
}

fn listed(target: &str) -> Listed {
    let mut listed = Listed::default();
    let mut columns: Vec<String> = Vec::new();
    for line in head(target).lines() {
        let Some(inner) = line.strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
            columns.clear();
            continue;
        };
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        if columns.is_empty() {
            assert!(
                cells == BENCHMARKS || cells == RECORDED,
                "benches/{target}.rs: a table with other columns: {cells:?}"
            );
            columns = cells.into_iter().map(str::to_owned).collect();
            continue;
        }
        if cells.iter().all(|cell| cell.bytes().all(|byte| byte == b'-')) {
            continue;
        }
        assert_eq!(cells.len(), columns.len(), "benches/{target}.rs: {line}");
        let is_benchmark = columns == BENCHMARKS;
        for name in code(cells[0]).iter().flat_map(|pattern| expand(pattern)) {
            let known = listed.metrics.insert(name.clone(), code(cells[2]).into_iter().collect());
            assert!(known.is_none(), "benches/{target}.rs: {name} is listed twice");
            listed.needs.insert(name.clone(), cells[3].to_owned());
            if is_benchmark {
                listed.benchmarks.insert(name);
            }
        }
    }
    assert!(!listed.benchmarks.is_empty(), "benches/{target}.rs lists its benchmarks");
    listed
}

/// The texts between backticks.
fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// `a_{1,2}` is `a_1` and `a_2`, as in a shell.
fn expand(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let (inner, after) = rest.split_once('}').expect("a closing brace");
    let ends = expand(after);
    let words = inner.split(',');
    words.flat_map(|word| ends.iter().map(move |end| format!("{before}{word}{end}"))).collect()
}

#[test]
fn the_committed_page_is_current() {
    let mut tables = String::new();
    for target in targets() {
        write!(tables, "\n### `{target}`\n\n{}", head(&target)).unwrap();
    }
    tables.push('\n');
    let page = read("docs/suite.md");
    let (before, rest) = page.split_once(BEGIN).expect("a first mark");
    let (_, after) = rest.split_once(END).expect("a second mark");
    let current = format!("{before}{BEGIN}{tables}{END}{after}");
    if std::env::var_os("BENCHGATE_UPDATE_DOCS").is_some() {
        let path = root().join("docs/suite.md");
        std::fs::write(path, &current).unwrap();
        return;
    }
    assert!(
        page == current,
        "run `BENCHGATE_UPDATE_DOCS=1 cargo test -p benchgate-tests --test gate suite_docs`, \
         and commit docs/suite.md"
    );
}

#[test]
fn every_metric_is_explained() {
    let page = read("docs/suite.md");
    let (prose, _) = page.split_once(BEGIN).expect("a first mark");
    let explained: BTreeSet<String> = prose
        .lines()
        .filter(|line| line.starts_with("| `"))
        .flat_map(|line| code(line.split('|').nth(1).expect("a cell")))
        .collect();
    for target in targets() {
        let metrics: BTreeSet<String> = listed(&target).metrics.into_values().flatten().collect();
        let missing: Vec<_> = metrics.difference(&explained).collect();
        assert!(missing.is_empty(), "docs/suite.md does not explain {missing:?} of {target}");
    }
}

/// The committed baseline was measured with everything that the suite can start: each
/// of its benchmarks and metrics has to be on the page.
#[test]
fn every_row_of_the_committed_baseline_is_listed() {
    let path = "baselines/amd-epyc-25-17-2c-x86_64-linux/main.json";
    let baseline: serde_json::Value = serde_json::from_str(&read(path)).unwrap();
    let mut measured: BTreeMap<String, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    let mut add = |target: &serde_json::Value, name: &str, metric: &str| {
        let target = target.as_str().expect("a target").to_owned();
        let metrics = measured.entry(target).or_default().entry(name.to_owned()).or_default();
        // Until it is measured again, it has one statistic of some distributions.
        let metric = metric.strip_suffix(".p99").unwrap_or(metric);
        if !UNLISTED.contains(&metric) {
            metrics.insert(metric.to_owned());
        }
    };
    for (name, benchmark) in baseline["benchmarks"].as_object().expect("benchmarks") {
        add(&benchmark["benchgate"]["target"], name, "time");
    }
    for measurement in baseline["benchgate"]["measurements"].as_array().expect("measurements") {
        let (name, metric) = (&measurement["name"], &measurement["metric"]["name"]);
        add(&measurement["target"], name.as_str().unwrap(), metric.as_str().unwrap());
    }
    assert!(measured.len() >= 10, "{} targets", measured.len());
    for (target, benchmarks) in measured {
        let listed = listed(&target);
        for (name, metrics) in benchmarks {
            let mut expected = listed.metrics.get(&name).cloned().unwrap_or_default();
            if !metrics.contains("latency") {
                expected.remove("latency");
            }
            assert_eq!(
                expected, metrics,
                "benches/{target}.rs: the metrics of {name}, as the baseline has them"
            );
        }
    }
}

#[test]
#[ignore = "needs all services and tools of the suite: scripts/test installs them"]
fn each_target_documents_the_benchmarks_that_it_lists() {
    for target in targets() {
        let output = Command::new(env!("CARGO"))
            .args(["test", "--quiet", "--bench", &target, "--", "--list"])
            .current_dir(root())
            .output()
            .expect("cargo starts");
        let text = String::from_utf8(output.stdout).unwrap();
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{target}: {error}");
        let names = text.lines().filter_map(|line| line.strip_suffix(": benchmark"));
        let found: BTreeSet<String> = names.map(|name| written(&target, name)).collect();
        let Listed { benchmarks, needs, .. } = listed(&target);
        let yours = |name: &&String| {
            let variable = |name| std::env::var_os(name).is_none();
            (needs[*name].contains("MODEL_PATH") && variable("MODEL_PATH"))
                || (needs[*name].contains("TARGET_URL") && variable("TARGET_URL"))
        };
        let expected: BTreeSet<String> =
            benchmarks.iter().filter(|name| !yours(name)).cloned().collect();
        assert_eq!(found, expected, "{target}: {error}");
    }
}

/// iai-callgrind lists `crate::group::function::id`; the page and the gate write
/// `group::function id`.
fn written(target: &str, listed: &str) -> String {
    let path = listed.strip_prefix(target).and_then(|rest| rest.strip_prefix("::"));
    match path.and_then(|path| path.rsplit_once("::")) {
        Some((function, id)) => format!("{function} {id}"),
        None => listed.to_owned(),
    }
}

#[test]
fn braces_expand_to_each_of_their_words() {
    assert_eq!(expand("a"), ["a"]);
    assert_eq!(expand("a_{1,2}/{b,c}"), ["a_1/b", "a_1/c", "a_2/b", "a_2/c"]);
}
