//! The share of the processors that a container leaves to this process.

use super::files::{Files, listed};
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
        times => format!("; throttled {times} times so far"),
    };
    let found = format!("{limit:.2} processors, then throttled until the next period{stopped}");
    let remedy = "lift the container's limit (docker: --cpuset-cpus instead of --cpus; Kubernetes: \
                  whole processors under the static CPU manager)";
    if limit < 1.0 {
        Check::problem(NAME, found, remedy)
    } else if online.is_none_or(|online| limit < online) {
        Check::warning(NAME, found, remedy)
    } else {
        Check::ok(NAME, format!("{limit:.2} processors, which is all of them"))
    }
}

/// The limits of the unified hierarchy; `None` without one.
fn version_2(files: &Files<'_>, groups: &str) -> Option<Vec<Limit>> {
    let group = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = |place: &str| {
        let limit = files.text(&format!("{place}/cpu.max"))?;
        let (quota, period) = limit.split_once(' ')?;
        share(quota, period)
    };
    Some(each("sys/fs/cgroup", group, limit))
}

/// The limits of the hierarchy that has the controller `cpu`; `None` without one.
fn version_1(files: &Files<'_>, groups: &str) -> Option<Vec<Limit>> {
    let (controllers, group) = groups.lines().find_map(|line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|controller| controller == "cpu").then_some((controllers, group))
    })?;
    let limit = |place: &str| {
        let text = |name: &str| files.text(&format!("{place}/{name}"));
        share(&text("cpu.cfs_quota_us")?, &text("cpu.cfs_period_us")?)
    };
    // Mounted under the names of all its controllers, and usually linked by each. In a
    // container only its own group may be mounted, as the mount's root.
    let mounts = ["cpu", controllers].map(|name| format!("sys/fs/cgroup/{name}"));
    Some(mounts.iter().flat_map(|mount| each(mount, group, limit)).collect())
}

/// The limits of a group and of those above it, up to the mount's root.
fn each(mount: &str, group: &str, limit: impl Fn(&str) -> Option<f64>) -> Vec<Limit> {
    // The kernel writes the path, but the root may come from anywhere.
    let parts: Vec<&str> = group.split('/').filter(|part| !matches!(*part, "" | "..")).collect();
    let places = (0..=parts.len()).map(|depth| format!("{mount}/{}", parts[..depth].join("/")));
    places.filter_map(|place| Some((limit(&place)?, place))).collect()
}

/// The quota of each period; `max` and -1 mean no quota.
fn share(quota: &str, period: &str) -> Option<f64> {
    let (quota, period): (f64, f64) = (quota.parse().ok()?, period.parse().ok()?);
    (quota > 0.0 && period > 0.0).then(|| quota / period)
}
