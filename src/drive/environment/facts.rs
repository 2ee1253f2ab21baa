//! Facts out of the texts that systems and tools keep: pure functions.

use std::collections::BTreeSet;

/// The processor's model from `/proc/cpuinfo`.
///
/// x86 has `model name`, which a hypervisor may cut to `AMD EPYC`, so family and
/// model number stand behind it; other architectures use other keys, and aarch64
/// gives numbers only (implementer and part), which still tell models apart.
pub(super) fn cpu_model(cpuinfo: &str) -> Option<String> {
    for key in ["model name", "Model", "Hardware", "cpu model", "cpu", "uarch"] {
        if let Some(name) = value(cpuinfo, key) {
            let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
            return Some(match (value(cpuinfo, "cpu family"), value(cpuinfo, "model")) {
                (Some(family), Some(model)) => format!("{name} (family {family} model {model})"),
                _ => name,
            });
        }
    }
    let implementer = value(cpuinfo, "CPU implementer")?;
    let vendor = match implementer {
        "0x41" => "ARM",
        "0x46" => "Fujitsu",
        "0x48" => "HiSilicon",
        "0x4e" => "NVIDIA",
        "0x51" => "Qualcomm",
        "0x61" => "Apple",
        "0xc0" => "Ampere",
        other => other,
    };
    let part = value(cpuinfo, "CPU part")?;
    let variant = value(cpuinfo, "CPU variant").unwrap_or("0x0");
    Some(format!("{vendor} part {part} variant {variant}"))
}

/// The x86-64 level that the flags in `/proc/cpuinfo` reach, by the lists of
/// the x86-64 psABI (linux spells `pni` for SSE3, `abm` for LZCNT, and
/// `lahf_lm`); on other machines the features that libraries choose by.
pub(super) fn cpu_level(cpuinfo: &str) -> Option<String> {
    const LEVELS: [(&str, &[&str]); 4] = [
        ("x86-64-v1", &["cmov", "cx8", "fpu", "fxsr", "mmx", "sse", "sse2", "lm"]),
        ("x86-64-v2", &["cx16", "lahf_lm", "popcnt", "pni", "sse4_1", "sse4_2", "ssse3"]),
        ("x86-64-v3", &["avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"]),
        ("x86-64-v4", &["avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"]),
    ];
    if let Some(flags) = value(cpuinfo, "flags") {
        let flags: BTreeSet<&str> = flags.split_whitespace().collect();
        let reached =
            LEVELS.iter().take_while(|(_, needed)| needed.iter().all(|one| flags.contains(one)));
        return reached.last().map(|(name, _)| (*name).to_owned());
    }
    let features: BTreeSet<&str> = value(cpuinfo, "Features")?.split_whitespace().collect();
    let chosen =
        ["asimd", "atomics", "sve", "sve2"].into_iter().filter(|one| features.contains(one));
    Some(chosen.collect::<Vec<_>>().join("+"))
}

/// The governor of all processors; several are joined.
pub(super) fn governor(governors: &[String]) -> String {
    let distinct: BTreeSet<&str> = governors.iter().map(|text| text.trim()).collect();
    distinct.into_iter().collect::<Vec<_>>().join("+")
}

/// Physical memory in bytes from `/proc/meminfo`.
pub(super) fn memory(meminfo: &str) -> Option<String> {
    let kilobytes: u64 = value(meminfo, "MemTotal")?.strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes.checked_mul(1024)?.to_string())
}

/// The distribution from `os-release`.
pub(super) fn os(release: &str) -> Option<String> {
    let field = |key: &str| {
        release.lines().find_map(|line| {
            let value = line.strip_prefix(key)?.strip_prefix('=')?.trim();
            let value = value.trim_matches(|quote| quote == '"' || quote == '\'');
            (!value.is_empty()).then(|| value.to_owned())
        })
    };
    field("PRETTY_NAME").or_else(|| field("NAME"))
}

/// What may tell of a container.
#[derive(Clone, Debug, Default)]
pub(super) struct ContainerHints {
    /// `/.dockerenv` is there.
    pub(super) docker: bool,
    /// `/run/.containerenv` is there.
    pub(super) podman: bool,
    /// `KUBERNETES_SERVICE_HOST` is set.
    pub(super) kubernetes: bool,
    /// `container`, which systemd-nspawn, LXC and podman set.
    pub(super) variable: Option<String>,
    /// `/proc/1/cgroup`.
    pub(super) cgroup: String,
}

/// The kind of container, the most telling hint first.
pub(super) fn container(hints: &ContainerHints) -> Option<String> {
    let in_cgroup = |text: &str| hints.cgroup.contains(text);
    let kind = if hints.kubernetes || in_cgroup("kubepods") {
        "kubernetes"
    } else if hints.podman || in_cgroup("libpod") {
        "podman"
    } else if hints.docker || in_cgroup("docker") {
        "docker"
    } else if let Some(named) = hints.variable.as_deref().filter(|name| !name.is_empty()) {
        named
    } else if in_cgroup("lxc") {
        "lxc"
    } else if in_cgroup("containerd") {
        "containerd"
    } else {
        return None;
    };
    Some(kind.to_owned())
}

/// The hypervisor, from the firmware's names, Xen's file, or the flag that
/// processors show to guests.
pub(super) fn virtual_machine(dmi: &[String], hypervisor: &str, cpuinfo: &str) -> Option<String> {
    const NAMES: [(&str, &str); 12] = [
        ("KVM", "kvm"),
        ("QEMU", "qemu"),
        ("Amazon EC2", "amazon ec2"),
        ("Google", "google compute engine"),
        ("Microsoft Corporation", "hyper-v"),
        ("VMware", "vmware"),
        ("VirtualBox", "virtualbox"),
        ("innotek", "virtualbox"),
        ("Xen", "xen"),
        ("Parallels", "parallels"),
        ("OpenStack", "openstack"),
        ("Hetzner", "hetzner"),
    ];
    // A Surface and a bare-metal EC2 instance carry these names as well: the
    // processor's flag decides on machines that have it.
    let is_guest = value(cpuinfo, "flags")
        .is_none_or(|flags| flags.split_whitespace().any(|flag| flag == "hypervisor"));
    if !is_guest {
        return None;
    }
    let named = NAMES.iter().find(|(text, _)| dmi.iter().any(|found| found.contains(text)));
    if let Some((_, name)) = named {
        return Some((*name).to_owned());
    }
    if !hypervisor.trim().is_empty() {
        return Some(hypervisor.trim().to_owned());
    }
    // Only the flag is evidence on its own; machines without flags have none.
    value(cpuinfo, "flags").map(|_| "unnamed hypervisor".to_owned())
}

/// The first line of `rustc -vV`.
pub(crate) fn rustc(version: &str) -> Option<String> {
    version.lines().next().filter(|line| line.starts_with("rustc ")).map(str::to_owned)
}

/// The host triple in `rustc -vV`.
pub(crate) fn rustc_host(version: &str) -> Option<String> {
    version.lines().find_map(|line| line.strip_prefix("host: ")).map(|host| host.trim().to_owned())
}

/// The C library from what `ldd --version` prints.
pub(super) fn ldd(text: &str) -> Option<String> {
    if text.contains("musl") {
        let version = text.lines().find_map(|line| line.strip_prefix("Version "))?;
        return Some(format!("musl {}", version.trim()));
    }
    let first = text.lines().next()?;
    let version = first.split_whitespace().last()?;
    (first.starts_with("ldd") && version.starts_with(|c: char| c.is_ascii_digit()))
        .then(|| format!("glibc {version}"))
}

/// A runner's own version, the first one in brackets in its refusal.
pub(super) fn runner_version(refusal: &str) -> Option<String> {
    versions(refusal).next().map(str::to_owned)
}

/// The versions in brackets: `runner (0.16.1) is newer than library (0.14.0)`.
pub(crate) fn versions(text: &str) -> impl Iterator<Item = &str> {
    text.split('(').skip(1).filter_map(|rest| rest.split(')').next()).filter(|inner| {
        inner.starts_with(|c: char| c.is_ascii_digit())
            && inner.contains('.')
            && inner.chars().all(|c| c.is_ascii_alphanumeric() || ".-+".contains(c))
    })
}

/// The value of the first line `KEY : VALUE`.
fn value<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == key).then(|| value.trim()).filter(|value| !value.is_empty())
    })
}

#[cfg(test)]
mod tests;
