//! The peak memory of the process.

/// The peak resident memory of this process so far in bytes (`VmHWM` in
/// `/proc/self/status` on Linux); `None` on other systems.
///
/// It covers the whole process: the used parts of the program and its libraries, the
/// harness, the model and its working memory.
pub fn resident_peak() -> Option<u64> {
    peak_in(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn peak_in(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

#[cfg(test)]
mod tests {
    use super::peak_in;

    #[test]
    fn the_peak_is_read_in_bytes() {
        let status = "Name:\tinference\nVmPeak:\t  123456 kB\nVmHWM:\t   20480 kB\nVmRSS:\t 1 kB\n";
        assert_eq!(peak_in(status), Some(20 * 1024 * 1024));
        for other in ["", "VmHWM:", "VmHWM:\tmuch kB", "VmHWM:\t18446744073709551615 kB"] {
            assert_eq!(peak_in(other), None, "{other}");
        }
    }
}
