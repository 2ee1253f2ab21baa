//! How much of the processors a container leaves to this process.

use super::{Files, listed};
use crate::doctor::Check;

const NAME: &str = "cpu-limit";

/// A limit in processors, and the directory of the control group that sets it.
type Limit = (f64, String);

/// The smallest limit of this process's control group and those above it, by
/// either version of control groups.
pub(super) fn check(files: &Files<'_>) -> Check {
    let groups = files.text("proc/self/cgroup").unwrap_or_default();
    let (first, second) = (version_1(files, &groups), version_2(files, &groups));
    if first.is_none() && second.is_none() {
        return Check::ok(NAME, "no control group is visible here");
    }
    let limits = first.into_iter().chain(second).flatten();
    let Some((limit, place)) = limits.min_by(|a, b| a.0.total_cmp(&b.0)) else {
        return Check::ok(NAME, "none");
    };
    let online = files.text("sys/devices/system/cpu/online").and_then(|text| listed(&text));
    let throttled = files.number(&format!("{place}/cpu.stat"), "nr_throttled").unwrap_or(0.0);
    let stopped = match throttled {
        0.0 => String::new(),
        times => format!("; it was stopped {times} times so far"),
    };
    let found = format!("{limit:.2} processors, then it is stopped until the next period{stopped}");
    let remedy = "lift the container's limit (docker: --cpuset-cpus in place of --cpus; Kubernetes: \
                  whole processors under the static CPU manager)";
    if limit < 1.0 {
        Check::problem(NAME, found, remedy)
    } else if online.is_none_or(|online| limit < online) {
        Check::warning(NAME, found, remedy)
    } else {
        Check::ok(NAME, format!("{limit:.2} processors, as many as there are"))
    }
}

/// The limits of the unified hierarchy; `None` where there is none.
fn version_2(files: &Files<'_>, groups: &str) -> Option<Vec<Limit>> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = |place: &str| {
        let limit = files.text(&format!("{place}/cpu.max"))?;
        let (quota, period) = limit.split_once(' ')?;
        share(quota, period)
    };
    Some(each("sys/fs/cgroup", group, limit))
}

/// The limits of the hierarchy that has the controller `cpu`; `None` where there
/// is none.
fn version_1(files: &Files<'_>, groups: &str) -> Option<Vec<Limit>> {
    let (controllers, group) = groups.lines().find_map(|line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|one| one == "cpu").then_some((controllers, group))
    })?;
    let limit = |place: &str| {
        let text = |name: &str| files.text(&format!("{place}/{name}"));
        share(&text("cpu.cfs_quota_us")?, &text("cpu.cfs_period_us")?)
    };
    // Mounted under all its controllers' names, and mostly linked by each. What is
    // mounted in a container may be its own group alone: the mount's root then.
    let mounts = ["cpu", controllers].map(|name| format!("sys/fs/cgroup/{name}"));
    Some(mounts.iter().flat_map(|mount| each(mount, group, limit)).collect())
}

/// The limits of a group and of those above it, up to the mount's root.
fn each(mount: &str, group: &str, limit: impl Fn(&str) -> Option<f64>) -> Vec<Limit> {
    // The path is the kernel's word, but the root may be anybody's.
    let parts: Vec<&str> = group.split('/').filter(|part| !matches!(*part, "" | "..")).collect();
    let places = (0..=parts.len()).map(|depth| format!("{mount}/{}", parts[..depth].join("/")));
    places.filter_map(|place| Some((limit(&place)?, place))).collect()
}

/// A quota of each period; `max` and -1 are none.
fn share(quota: &str, period: &str) -> Option<f64> {
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}
