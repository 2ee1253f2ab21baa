//! Texts as real systems write them.

use super::*;

const EPYC: &str = "\
processor\t: 0
vendor_id\t: AuthenticAMD
model name\t: AMD EPYC 7763 64-Core Processor
flags\t\t: fpu cx8 cmov mmx fxsr sse sse2 lm pni ssse3 cx16 sse4_1 sse4_2 popcnt lahf_lm \
fma movbe xsave avx f16c abm bmi1 avx2 bmi2 hypervisor
";
const GRAVITON: &str = "\
processor\t: 0
BogoMIPS\t: 243.75
Features\t: fp asimd evtstrm aes atomics fphp asimdhp sve
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: 0xd40
";

#[test]
fn cpu_models() {
    assert_eq!(cpu_model(EPYC).as_deref(), Some("AMD EPYC 7763 64-Core Processor"));
    assert_eq!(
        cpu_model("model name\t: Intel(R)  Xeon(R)   CPU @ 2.20GHz\n").as_deref(),
        Some("Intel(R) Xeon(R) CPU @ 2.20GHz")
    );
    assert_eq!(cpu_model(GRAVITON).as_deref(), Some("ARM part 0xd40 variant 0x1"));
    assert_eq!(
        cpu_model("processor\t: 0\nModel\t: Raspberry Pi 5 Model B Rev 1.0\n").as_deref(),
        Some("Raspberry Pi 5 Model B Rev 1.0")
    );
    assert_eq!(cpu_model(""), None);
    assert_eq!(cpu_model("model name\t:\n"), None);
}

#[test]
fn cpu_levels() {
    assert_eq!(cpu_level(EPYC).as_deref(), Some("x86-64-v3"));
    let v4 = EPYC.replace("avx2", "avx2 avx512f avx512bw avx512cd avx512dq avx512vl");
    assert_eq!(cpu_level(&v4).as_deref(), Some("x86-64-v4"));
    assert_eq!(cpu_level(&EPYC.replace(" movbe", "")).as_deref(), Some("x86-64-v2"));
    assert_eq!(cpu_level(&EPYC.replace(" popcnt", "")).as_deref(), Some("x86-64-v1"));
    assert_eq!(cpu_level("flags\t: fpu\n"), None);
    assert_eq!(cpu_level(GRAVITON).as_deref(), Some("asimd+atomics+sve"));
    assert_eq!(cpu_level(""), None);
}

#[test]
fn governors_are_joined_where_they_differ() {
    assert_eq!(governor(&[]), "");
    assert_eq!(governor(&["performance\n".into(), "performance\n".into()]), "performance");
    assert_eq!(governor(&["schedutil\n".into(), "powersave\n".into()]), "powersave+schedutil");
}

#[test]
fn memory_in_bytes() {
    let text = "MemTotal:        8139264 kB\nMemFree:         1000 kB\n";
    assert_eq!(memory(text).as_deref(), Some("8334606336"));
    assert_eq!(memory("MemTotal: lots kB\n"), None);
    assert_eq!(memory("MemTotal: 18446744073709551615 kB\n"), None);
    assert_eq!(memory(""), None);
}

#[test]
fn distributions() {
    let debian = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nNAME=\"Debian GNU/Linux\"\n";
    assert_eq!(os(debian).as_deref(), Some("Debian GNU/Linux 12 (bookworm)"));
    assert_eq!(os("NAME=Alpine\n").as_deref(), Some("Alpine"));
    assert_eq!(os("PRETTY_NAME=\"\"\n"), None);
}

#[test]
fn containers() {
    let none = ContainerHints { cgroup: "0::/init.scope\n".into(), ..ContainerHints::default() };
    assert_eq!(container(&none), None);
    let docker = ContainerHints { docker: true, ..none.clone() };
    assert_eq!(container(&docker).as_deref(), Some("docker"));
    let pod = ContainerHints { kubernetes: true, ..docker };
    assert_eq!(container(&pod).as_deref(), Some("kubernetes"));
    let nspawn = ContainerHints { variable: Some("systemd-nspawn".into()), ..none.clone() };
    assert_eq!(container(&nspawn).as_deref(), Some("systemd-nspawn"));
    let cgroup = "12:pids:/kubepods/besteffort/pod1\n".into();
    assert_eq!(
        container(&ContainerHints { cgroup, ..none.clone() }).as_deref(),
        Some("kubernetes")
    );
    let podman = ContainerHints { podman: true, ..none };
    assert_eq!(container(&podman).as_deref(), Some("podman"));
}

#[test]
fn hypervisors() {
    let dmi = |vendor: &str| vec![vendor.to_owned(), String::new()];
    assert_eq!(virtual_machine(&dmi("QEMU\n"), "", EPYC).as_deref(), Some("qemu"));
    assert_eq!(virtual_machine(&dmi("Amazon EC2\n"), "", EPYC).as_deref(), Some("amazon ec2"));
    assert_eq!(virtual_machine(&dmi(""), "xen\n", EPYC).as_deref(), Some("xen"));
    assert_eq!(virtual_machine(&dmi(""), "", EPYC).as_deref(), Some("unnamed hypervisor"));
    let bare = EPYC.replace(" hypervisor", "");
    assert_eq!(virtual_machine(&dmi("Microsoft Corporation\n"), "", &bare), None);
    assert_eq!(virtual_machine(&dmi("LENOVO\n"), "", GRAVITON), None);
    assert_eq!(virtual_machine(&dmi("Amazon EC2\n"), "", GRAVITON).as_deref(), Some("amazon ec2"));
}

#[test]
fn toolchains() {
    let text =
        "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\n";
    assert_eq!(rustc(text).as_deref(), Some("rustc 1.95.0 (59807616e 2026-04-14)"));
    assert_eq!(rustc_host(text).as_deref(), Some("x86_64-unknown-linux-gnu"));
    assert_eq!(rustc("error: no such toolchain\n"), None);
    assert_eq!(rustc_host(""), None);
}

#[test]
fn c_libraries() {
    assert_eq!(
        ldd("ldd (Debian GLIBC 2.36-9+deb12u10) 2.36\nCopyright\n").as_deref(),
        Some("glibc 2.36")
    );
    assert_eq!(
        ldd("\nmusl libc (x86_64)\nVersion 1.2.5\nDynamic Program Loader\n").as_deref(),
        Some("musl 1.2.5")
    );
    assert_eq!(ldd(""), None);
    assert_eq!(ldd("ldd: unrecognized option\n"), None);
}

#[test]
fn runners_say_their_version_when_they_refuse() {
    let text = "iai_callgrind_runner: Error: iai-callgrind-runner (0.16.1) is newer than \
                iai-callgrind (0.0.0). Please update iai-callgrind to '0.16.1'";
    assert_eq!(runner_version(text).as_deref(), Some("0.16.1"));
    assert_eq!(versions(text).collect::<Vec<_>>(), ["0.16.1", "0.0.0"]);
    assert_eq!(runner_version("command (not found) error (2)"), None);
}
