//! The machine: anything that makes times uneven.
//!
//! Files by kernel.org's admin guide: `pm/cpufreq`, `pm/intel_pstate`, `cputopology`,
//! `cgroup-v2` (`cpu.max`, `cpu.stat`) and `cgroup-v1`, `scheduler/sched-bwc`
//! (`cpu.cfs_quota_us`), and proc(5).

mod files;
mod limit;

use std::path::Path;
use std::time::Duration;

use super::Check;
use crate::judge::BUSY;
use crate::measure;
use crate::model::{Environment, Field};
use files::Files;

/// How long other programs are watched.
const WATCHED: Duration = Duration::from_millis(500);

/// The share of memory in swap from which pages are likely to be missed.
const SWAPPED: f64 = 0.01;

/// The share of its time that a hypervisor may keep from this machine.
const STOLEN: f64 = 0.01;

/// Clock sources that are read without entering the kernel, or nearly so.
const FAST_CLOCKS: [&str; 5] =
    ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "timebase"];

/// Checks the machine whose `/proc` and `/sys` are below `root`. Takes half a second to
/// watch other programs.
pub fn machine(root: &Path) -> Vec<Check> {
    let mut environment = Environment::default();
    measure::machine_at(root, &mut environment);
    let files = Files(root);
    let mut checks = vec![
        governor(&environment),
        turbo(&files),
        smt(&files),
        clock_source(&files),
        limit::check(&files),
        load(measure::busy(root, WATCHED)),
        swap(&files),
    ];
    checks.extend(stolen(&files));
    checks.extend(battery(&files));
    checks
}

fn governor(environment: &Environment) -> Check {
    const NAME: &str = "governor";
    let guest = environment.get(Field::VirtualMachine).is_some_and(|kind| kind != "none");
    match environment.get(Field::Governor) {
        Some("performance") => Check::ok(NAME, "performance on all processors"),
        Some(other) => Check::warning(
            NAME,
            format!("{other}: the clock's frequency follows the load"),
            "sudo cpupower frequency-set --governor performance",
        ),
        None if guest => Check::ok(NAME, "set by the virtual machine's host, not visible here"),
        None => Check::ok(NAME, "the kernel shows no frequency control"),
    }
}

fn turbo(files: &Files<'_>) -> Check {
    const NAME: &str = "turbo";
    let intel = "sys/devices/system/cpu/intel_pstate/no_turbo";
    let others = "sys/devices/system/cpu/cpufreq/boost";
    let on = "on: a core's speed depends on its temperature and on the other cores";
    match (files.text(intel).as_deref(), files.text(others).as_deref()) {
        (Some("0"), _) => Check::warning(NAME, on, format!("echo 1 | sudo tee /{intel}")),
        (None, Some("1")) => Check::warning(NAME, on, format!("echo 0 | sudo tee /{others}")),
        (None, None) => Check::ok(NAME, "not visible here"),
        _ => Check::ok(NAME, "off"),
    }
}

fn smt(files: &Files<'_>) -> Check {
    const NAME: &str = "smt";
    match files.text("sys/devices/system/cpu/smt/active").as_deref() {
        Some("1") => Check::warning(
            NAME,
            "on: programs on the other thread of a core slow a benchmark down",
            "echo off | sudo tee /sys/devices/system/cpu/smt/control",
        ),
        Some(_) => Check::ok(NAME, "off"),
        None => Check::ok(NAME, "not visible here"),
    }
}

fn clock_source(files: &Files<'_>) -> Check {
    const NAME: &str = "clock-source";
    let directory = "sys/devices/system/clocksource/clocksource0";
    let Some(current) = files.text(&format!("{directory}/current_clocksource")) else {
        return Check::ok(NAME, "not visible here");
    };
    if FAST_CLOCKS.contains(&current.as_str()) {
        return Check::ok(NAME, current);
    }
    let found = format!("{current}: each reading of the clock takes a system call or longer");
    let available = files.text(&format!("{directory}/available_clocksource")).unwrap_or_default();
    let better =
        FAST_CLOCKS.iter().find(|fast| available.split(' ').any(|source| source == **fast));
    let remedy = match better {
        Some(better) => format!("echo {better} | sudo tee /{directory}/current_clocksource"),
        None => "measure on another machine, or gate on instructions: witness = \
                 \"instructions\""
            .to_owned(),
    };
    Check::warning(NAME, found, remedy)
}

fn load(share: Option<f64>) -> Check {
    const NAME: &str = "load";
    let Some(share) = share else { return Check::ok(NAME, "not visible here") };
    let found = format!("other programs take {:.0}% of the processors", share * 100.0);
    if share > BUSY {
        let remedy = "stop them, or measure on an idle machine";
        Check::warning(NAME, found, remedy)
    } else {
        Check::ok(NAME, found)
    }
}

fn swap(files: &Files<'_>) -> Check {
    const NAME: &str = "swap";
    let memory = |key| files.number("proc/meminfo", key);
    let (Some(total), Some(free), Some(all)) =
        (memory("SwapTotal"), memory("SwapFree"), memory("MemTotal"))
    else {
        return Check::ok(NAME, "not visible here");
    };
    let used = total - free;
    if used > all * SWAPPED {
        let found =
            format!("{:.0} MiB are in swap: reading a page back takes milliseconds", used / 1024.0);
        Check::warning(NAME, found, "stop the programs that need the memory, then: sudo swapoff -a")
    } else {
        Check::ok(NAME, if total == 0.0 { "none" } else { "almost unused" })
    }
}

/// The share of time since the start that the hypervisor gave to other machines.
fn stolen(files: &Files<'_>) -> Option<Check> {
    const NAME: &str = "stolen-time";
    let text = files.text("proc/stat")?;
    let line = text.lines().find_map(|line| line.strip_prefix("cpu "))?;
    let ticks: Vec<f64> =
        line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
    let stolen = ticks.get(7)? / ticks.iter().sum::<f64>();
    if !stolen.is_finite() {
        return None;
    }
    let found = format!(
        "the host gave {:.1}% of the time since the start to other machines",
        stolen * 100.0
    );
    Some(if stolen > STOLEN {
        Check::warning(
            NAME,
            found,
            "measure on a dedicated machine, or with more pairs and --control",
        )
    } else {
        Check::ok(NAME, found)
    })
}

/// A laptop that runs on its battery saves power; other machines have no check.
fn battery(files: &Files<'_>) -> Option<Check> {
    let supplies = std::fs::read_dir(files.0.join("sys/class/power_supply")).ok()?;
    let statuses: Vec<String> = supplies
        .flatten()
        .filter(|supply| {
            let kind = std::fs::read_to_string(supply.path().join("type"));
            kind.is_ok_and(|kind| kind.trim() == "Battery")
        })
        .filter_map(|supply| std::fs::read_to_string(supply.path().join("status")).ok())
        .collect();
    let discharging = statuses.iter().any(|status| status.trim() == "Discharging");
    (!statuses.is_empty()).then(|| {
        if discharging {
            Check::warning("battery", "this machine runs on battery, and saves power", "plug it in")
        } else {
            Check::ok("battery", "on mains power")
        }
    })
}

#[cfg(test)]
mod tests;
