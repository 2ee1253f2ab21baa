use super::files::listed;
use super::*;
use crate::doctor::Status;

/// A machine made of files: paths and their texts.
fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("a directory");
    for (path, text) in files {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(path, text).expect("written");
    }
    root
}

/// What is found on such a machine: status and name, and what helps.
fn found(files: &[(&str, &str)]) -> Vec<(Status, String, String)> {
    let root = tree(files);
    let shown = |check: Check| (check.status, check.name, check.remedy.unwrap_or(check.found));
    machine(root.path()).into_iter().map(shown).collect()
}

fn is(status: Status, name: &str, text: &str) -> (Status, String, String) {
    (status, name.to_owned(), text.to_owned())
}

#[test]
fn a_machine_that_shows_nothing_is_not_blamed() {
    use Status::Ok;
    assert_eq!(
        found(&[]),
        [
            is(Ok, "governor", "the kernel shows no frequency control"),
            is(Ok, "turbo", "not visible here"),
            is(Ok, "smt", "not visible here"),
            is(Ok, "clock-source", "not visible here"),
            is(Ok, "cpu-limit", "no control group is visible here"),
            is(Ok, "load", "not visible here"),
            is(Ok, "swap", "not visible here"),
        ]
    );
}

const STILL: &str = "cpu  100 0 0 895 0 0 0 5 0 0\n";

#[test]
fn a_machine_made_for_measuring() {
    use Status::Ok;
    let files = [
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
        ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "performance\n"),
        ("sys/devices/system/cpu/intel_pstate/no_turbo", "1\n"),
        ("sys/devices/system/cpu/smt/active", "0\n"),
        ("sys/devices/system/cpu/online", "0-1\n"),
        ("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n"),
        ("proc/self/cgroup", "0::/\n"),
        ("sys/fs/cgroup/cpu.max", "max 100000\n"),
        ("proc/meminfo", "MemTotal: 1000000 kB\nSwapTotal: 500000 kB\nSwapFree: 495000 kB\n"),
        ("proc/stat", STILL),
        ("sys/class/power_supply/AC/type", "Mains\n"),
        ("sys/class/power_supply/BAT0/type", "Battery\n"),
        ("sys/class/power_supply/BAT0/status", "Full\n"),
    ];
    assert_eq!(
        found(&files),
        [
            is(Ok, "governor", "performance on all processors"),
            is(Ok, "turbo", "off"),
            is(Ok, "smt", "off"),
            is(Ok, "clock-source", "tsc"),
            is(Ok, "cpu-limit", "none"),
            is(Ok, "load", "not visible here"),
            is(Ok, "swap", "almost unused"),
            is(
                Ok,
                "stolen-time",
                "the host gave 0.5% of the time since the start to other machines"
            ),
            is(Ok, "battery", "on mains power"),
        ]
    );
}

#[test]
fn everything_that_can_be_bad_at_once() {
    use Status::{Ok, Problem, Warning};
    let files = [
        ("sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "performance\n"),
        ("sys/devices/system/cpu/cpu1/cpufreq/scaling_governor", "powersave\n"),
        ("sys/devices/system/cpu/cpufreq/boost", "1\n"),
        ("sys/devices/system/cpu/smt/active", "1\n"),
        ("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n"),
        ("sys/devices/system/clocksource/clocksource0/available_clocksource", "tsc hpet acpi_pm\n"),
        ("proc/self/cgroup", "0::/system.slice/docker-1.scope\n"),
        ("sys/fs/cgroup/system.slice/docker-1.scope/cpu.max", "50000 100000\n"),
        ("sys/fs/cgroup/system.slice/docker-1.scope/cpu.stat", "nr_periods 9\nnr_throttled 7\n"),
        ("proc/meminfo", "MemTotal: 1000000 kB\nSwapTotal: 500000 kB\nSwapFree: 250000 kB\n"),
        ("proc/stat", "cpu  100 0 0 800 0 0 0 100 0 0\n"),
        ("sys/class/power_supply/BAT0/type", "Battery\n"),
        ("sys/class/power_supply/BAT0/status", "Discharging\n"),
    ];
    assert_eq!(
        found(&files),
        [
            is(Warning, "governor", "sudo cpupower frequency-set --governor performance"),
            is(Warning, "turbo", "echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost"),
            is(Warning, "smt", "echo off | sudo tee /sys/devices/system/cpu/smt/control"),
            is(
                Warning,
                "clock-source",
                "echo tsc | sudo tee /sys/devices/system/clocksource/clocksource0/current_clocksource"
            ),
            is(
                Problem,
                "cpu-limit",
                "lift the container's limit (docker: --cpuset-cpus instead of --cpus; \
                 Kubernetes: whole processors under the static CPU manager)"
            ),
            is(Ok, "load", "not visible here"),
            is(Warning, "swap", "stop the programs that need the memory, then: sudo swapoff -a"),
            is(
                Warning,
                "stolen-time",
                "measure on a dedicated machine, or with more pairs and --control"
            ),
            is(Warning, "battery", "plug it in"),
        ]
    );
}

#[test]
fn the_tightest_limit_of_all_groups_counts() {
    let limit = |files: &[(&str, &str)]| {
        let root = tree(files);
        let check = limit::check(&Files(root.path()));
        (check.status, check.found)
    };
    let online = ("sys/devices/system/cpu/online", "0-3\n");
    let group = ("proc/self/cgroup", "1:cpu:/x\n0::/a/b\n");
    let inner = ("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    let (status, text) =
        limit(&[online, group, inner, ("sys/fs/cgroup/a/cpu.max", "150000 100000")]);
    assert_eq!(status, Status::Warning);
    assert_eq!(text, "1.50 processors, then throttled until the next period");
    let (status, _) = limit(&[online, group, inner, ("sys/fs/cgroup/cpu.max", "400000 100000")]);
    assert_eq!(status, Status::Ok, "all four of them");
    let garbage = ("sys/fs/cgroup/a/cpu.max", "x y z\n");
    assert_eq!(limit(&[online, group, garbage]).1, "none");
    let outside = ("proc/self/cgroup", "0::/../../etc\n");
    assert_eq!(limit(&[online, outside]).1, "none");
}

#[test]
fn a_busy_machine() {
    assert_eq!(load(Some(0.204)).status, Status::Warning);
    assert_eq!(load(Some(0.2)).status, Status::Ok, "as `machine-busy` has it");
    assert_eq!(load(Some(0.123)).found, "other programs take 12% of the processors");
}

#[test]
fn lists_of_processors() {
    assert_eq!(listed("0-3,6"), Some(5.0));
    assert_eq!(listed("0"), Some(1.0));
    assert_eq!(listed("3-1"), None);
    assert_eq!(listed(""), None);
}

#[test]
fn this_machine_is_looked_at_without_a_failure() {
    let names: Vec<String> = machine(Path::new("/")).into_iter().map(|check| check.name).collect();
    assert_eq!(names[0], "governor");
    assert!(names.len() >= 7, "{names:?}");
}

#[test]
fn limits_of_the_older_control_groups_count_too() {
    let limit = |files: &[(&str, &str)]| {
        let found = found(files).into_iter().find(|(_, name, _)| name == "cpu-limit");
        let (status, _, text) = found.expect("a check");
        (status, text)
    };
    let online = ("sys/devices/system/cpu/online", "0-3\n");
    let group = ("proc/self/cgroup", "5:memory:/docker/1\n4:cpu,cpuacct:/docker/1\n1:name=x:/\n");
    let quota = |place: &'static str| (place, "50000\n");
    let period = |place: &'static str| (place, "100000\n");
    let own = [
        quota("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_quota_us"),
        period("sys/fs/cgroup/cpu,cpuacct/docker/1/cpu.cfs_period_us"),
    ];
    let (status, remedy) = limit(&[online, group, own[0], own[1]]);
    assert_eq!(status, Status::Problem, "{remedy}");
    assert!(remedy.starts_with("lift the container's limit"), "{remedy}");
    // In a container, its own group is the mount's root.
    let root = [
        quota("sys/fs/cgroup/cpu/cpu.cfs_quota_us"),
        period("sys/fs/cgroup/cpu/cpu.cfs_period_us"),
    ];
    assert_eq!(limit(&[online, group, root[0], root[1]]).0, Status::Problem);
    let none = ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    assert_eq!(limit(&[online, group, none, root[1]]), (Status::Ok, "none".to_owned()));
    // Both versions at once: the smaller one holds.
    let both = ("proc/self/cgroup", "4:cpu,cpuacct:/\n0::/a\n");
    let wide = ("sys/fs/cgroup/a/cpu.max", "200000 100000\n");
    assert_eq!(limit(&[online, both, wide, root[0], root[1]]).0, Status::Problem);
    assert_eq!(limit(&[online, both, wide]).0, Status::Warning);
}
