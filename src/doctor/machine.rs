//! The machine: what makes its clock uneven.
//!
//! Files by kernel.org's admin guide: `pm/cpufreq`, `pm/intel_pstate`, `cputopology`,
//! `cgroup-v2` (`cpu.max`, `cpu.stat`) and `cgroup-v1`, `scheduler/sched-bwc`
//! (`cpu.cfs_quota_us`), and proc(5).

mod limit;

use std::path::Path;
use std::time::Duration;

use super::Check;
use crate::judge::BUSY;
use crate::measure;
use crate::model::{Environment, Field};

/// How long other programs are watched.
const WATCHED: Duration = Duration::from_millis(500);

/// The share of memory in swap from which pages are likely to be missed.
const SWAPPED: f64 = 0.01;

/// The share of its time that a hypervisor may keep from this machine.
const STOLEN: f64 = 0.01;

/// Clock sources that are read without entering the kernel, or nearly so.
const FAST_CLOCKS: [&str; 5] =
    ["tsc", "kvm-clock", "arch_sys_counter", "hyperv_clocksource_tsc_page", "timebase"];

/// Looks at the machine whose `/proc` and `/sys` lie below `root`. Takes half a
/// second, in which it watches what others do.
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

/// Texts below a root.
struct Files<'a>(&'a Path);

impl Files<'_> {
    /// The file's text, trimmed; `None` where it cannot be read.
    fn text(&self, path: &str) -> Option<String> {
        let text = std::fs::read_to_string(self.0.join(path)).ok()?;
        Some(text.trim().to_owned())
    }

    /// The number behind `key` in a file of lines such as `SwapTotal: 12 kB`.
    fn number(&self, path: &str, key: &str) -> Option<f64> {
        let text = self.text(path)?;
        let line = text.lines().find(|line| line.split([':', ' ']).next() == Some(key))?;
        line[key.len()..].trim_start_matches(':').split_whitespace().next()?.parse().ok()
    }
}

fn governor(environment: &Environment) -> Check {
    const NAME: &str = "governor";
    let guest = environment.get(Field::VirtualMachine).is_some_and(|one| one != "none");
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
    let on = "on: how fast a processor runs depends on its heat and on its neighbours";
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
            "on: what runs on the other thread of a core slows a benchmark down",
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
    let better = FAST_CLOCKS.iter().find(|fast| available.split(' ').any(|one| one == **fast));
    let remedy = match better {
        Some(better) => format!("echo {better} | sudo tee /{directory}/current_clocksource"),
        None => "measure on another machine, or let the instructions gate: witness = \
                 \"instructions\""
            .to_owned(),
    };
    Check::warning(NAME, found, remedy)
}

/// How many processors a list such as `0-3,6` names.
fn listed(text: &str) -> Option<f64> {
    let mut count = 0.0;
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last): (u32, u32) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        count += f64::from(last.checked_sub(first)?) + 1.0;
    }
    Some(count)
}

fn load(share: Option<f64>) -> Check {
    const NAME: &str = "load";
    let Some(share) = share else { return Check::ok(NAME, "not visible here") };
    let found = format!("other programs take {:.0}% of the processors", share * 100.0);
    if share > BUSY {
        let remedy = "end them, or measure on a machine that does nothing else";
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
        let found = format!(
            "{:.0} MiB are in swap: a page that is missed takes milliseconds",
            used / 1024.0
        );
        Check::warning(NAME, found, "end what needs the memory, then: sudo swapoff -a")
    } else {
        Check::ok(NAME, if total == 0.0 { "none" } else { "next to nothing is in it" })
    }
}

/// What the hypervisor gave to others, of all time since the start.
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
    let found =
        format!("the host kept {:.1}% of the time since the start for others", stolen * 100.0);
    Some(if stolen > STOLEN {
        Check::warning(
            NAME,
            found,
            "measure on a machine of its own, or with more pairs and --control",
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
            Check::warning("battery", "this machine runs on it, and saves power", "plug it in")
        } else {
            Check::ok("battery", "on mains")
        }
    })
}

#[cfg(test)]
mod tests;
