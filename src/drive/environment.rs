//! The fingerprint of the machine: where a run is made.

mod class;
pub(crate) mod facts;

use std::path::Path;
use std::process::{Command, Stdio};

use super::Harness;
use crate::model::{Environment, Field};

pub use class::machine_class;

/// What can change from one run to the next without anybody's doing: read again
/// for each run. Runs no program.
pub fn machine(environment: &mut Environment) {
    machine_at(Path::new("/"), environment);
}

/// The same, of the machine whose `/proc` and `/sys` lie below `root`; how many
/// processors this process may use is always its own.
pub(crate) fn machine_at(root: &Path, environment: &mut Environment) {
    let read = |path: &str| std::fs::read_to_string(root.join(path)).unwrap_or_default();
    let cpuinfo = read("proc/cpuinfo");
    set(environment, Field::CpuModel, facts::cpu_model(&cpuinfo));
    set(environment, Field::CpuLevel, facts::cpu_level(&cpuinfo));
    if let Ok(cores) = std::thread::available_parallelism() {
        environment.set(Field::Cores, cores.to_string());
    }
    environment.set(Field::Governor, facts::governor(&governors(root)));
    set(environment, Field::Memory, facts::memory(&read("proc/meminfo")));
    let release = ["etc/os-release", "usr/lib/os-release"].map(read);
    let os = release.iter().find_map(|text| facts::os(text));
    environment.set(Field::Os, os.unwrap_or_else(|| std::env::consts::OS.to_owned()));
    environment.set(Field::Kernel, read("proc/sys/kernel/osrelease").trim());
    set_or_none(
        environment,
        Field::Container,
        facts::container(&facts::ContainerHints {
            docker: root.join(".dockerenv").exists(),
            podman: root.join("run/.containerenv").exists(),
            kubernetes: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
            variable: std::env::var("container").ok(),
            cgroup: read("proc/1/cgroup"),
        }),
    );
    let dmi = ["sys_vendor", "product_name", "board_vendor", "bios_vendor"]
        .map(|name| read(&format!("sys/class/dmi/id/{name}")));
    let machine = facts::virtual_machine(&dmi, &read("sys/hypervisor/type"), &cpuinfo);
    set_or_none(environment, Field::VirtualMachine, machine);
}

/// Valgrind and the runners, for the harnesses that count instructions; what is not
/// installed is absent.
pub(crate) fn tools(harnesses: &[Harness]) -> Environment {
    let mut environment = Environment::default();
    let counting: Vec<Harness> = harnesses.iter().copied().filter(|one| one.counts()).collect();
    if !counting.is_empty() {
        set(&mut environment, Field::Valgrind, valgrind_version());
    }
    let mut runners: Vec<String> = counting
        .iter()
        .filter_map(|harness| Some(format!("{} {}", harness.runner()?, runner_version(*harness)?)))
        .collect();
    runners.sort();
    runners.dedup();
    environment.set(Field::Runner, runners.join(", "));
    environment
}

/// `valgrind-3.19.0`, if it is installed.
pub fn valgrind_version() -> Option<String> {
    let text = output(Command::new("valgrind").arg("--version"))?;
    text.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

/// The version of a harness's runner, if it is installed: the program that
/// `IAI_CALLGRIND_RUNNER` or `GUNGRAUN_RUNNER` names, else the one on the path.
pub fn runner_version(harness: Harness) -> Option<String> {
    let variable = match harness {
        Harness::Criterion | Harness::Command => return None,
        Harness::IaiCallgrind => "IAI_CALLGRIND_RUNNER",
        Harness::Gungraun => "GUNGRAUN_RUNNER",
    };
    let runner = std::env::var_os(variable).or_else(|| harness.runner().map(Into::into))?;
    // Neither runner has a `--version`: told that version, it refuses and says its own.
    let found = Command::new(runner).arg("0.0.0").stdin(Stdio::null()).output().ok()?;
    facts::runner_version(&String::from_utf8_lossy(&found.stderr))
}

pub(crate) fn libc_version() -> Option<String> {
    if let Some(text) = output(Command::new("getconf").arg("GNU_LIBC_VERSION")) {
        return Some(text.trim().to_owned());
    }
    // musl's ldd says so on its standard error, and fails.
    let found = Command::new("ldd").arg("--version").stdin(Stdio::null()).output().ok()?;
    facts::ldd(&format!(
        "{}\n{}",
        String::from_utf8_lossy(&found.stdout),
        String::from_utf8_lossy(&found.stderr)
    ))
}

/// Standard output of a program that succeeds.
fn output(command: &mut Command) -> Option<String> {
    let found = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    found.status.success().then(|| String::from_utf8_lossy(&found.stdout).into_owned())
}

fn governors(root: &Path) -> Vec<String> {
    let Ok(cpus) = std::fs::read_dir(root.join("sys/devices/system/cpu")) else {
        return Vec::new();
    };
    cpus.flatten()
        .filter_map(|cpu| std::fs::read_to_string(cpu.path().join("cpufreq/scaling_governor")).ok())
        .collect()
}

fn set(environment: &mut Environment, field: Field, value: Option<String>) {
    environment.set(field, value.unwrap_or_default());
}

/// Sets a field that was looked at, also where nothing was there: a build with
/// flags differs from one without.
fn set_or_none(environment: &mut Environment, field: Field, value: Option<String>) {
    let value = value.filter(|value| !value.trim().is_empty());
    environment.set(field, value.unwrap_or_else(|| "none".to_owned()));
}
