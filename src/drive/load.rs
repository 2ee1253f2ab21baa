//! How busy other programs keep the machine while something is measured.

use std::path::Path;
use std::time::Duration;

/// Processor time since the machine started, in ticks of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ticks {
    /// Of all processors, idle or not.
    all: u64,
    /// Of those, not idle; what a hypervisor took for others counts.
    busy: u64,
    /// What this process and those it has waited for used.
    own: u64,
}

/// Adds up what others did over several stretches of time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Load {
    all: u64,
    others: u64,
}

/// The share of the machine, 0 to 1, that others take in a stretch of time from
/// now on, by what `/proc` below `root` says; `None` where it does not tell.
pub(crate) fn busy(root: &Path, stretch: Duration) -> Option<f64> {
    let before = Ticks::at(root)?;
    std::thread::sleep(stretch);
    let mut load = Load::default();
    load.add(before, Ticks::at(root)?);
    load.share()
}

impl Load {
    /// Does something, and notes what others did meanwhile. The processes that it
    /// starts must have been waited for when it returns. Nothing is noted where
    /// the system does not tell.
    pub(crate) fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let before = Ticks::now();
        let done = work();
        if let (Some(before), Some(after)) = (before, Ticks::now()) {
            self.add(before, after);
        }
        done
    }

    fn add(&mut self, before: Ticks, after: Ticks) {
        let busy = after.busy.saturating_sub(before.busy);
        self.all += after.all.saturating_sub(before.all);
        self.others += busy.saturating_sub(after.own.saturating_sub(before.own));
    }

    /// The share of the machine that others took, 0 to 1.
    pub(crate) fn share(self) -> Option<f64> {
        (self.all > 0).then(|| (self.others as f64 / self.all as f64).min(1.0))
    }
}

impl Ticks {
    /// Linux alone tells it this way.
    fn now() -> Option<Self> {
        Self::at(Path::new("/"))
    }

    fn at(root: &Path) -> Option<Self> {
        let machine = std::fs::read_to_string(root.join("proc/stat")).ok()?;
        let process = std::fs::read_to_string(root.join("proc/self/stat")).ok()?;
        Self::parse(&machine, &process)
    }

    /// See `proc_stat(5)` and `proc_pid_stat(5)`. Both count in the same ticks.
    fn parse(machine: &str, process: &str) -> Option<Self> {
        // `cpu  user nice system idle iowait irq softirq steal guest guest_nice`:
        // guests are in user and nice already.
        let line = machine.lines().find_map(|line| line.strip_prefix("cpu "))?;
        let fields: Vec<u64> =
            line.split_whitespace().take(8).map_while(|word| word.parse().ok()).collect();
        let [_, _, _, idle, waiting, ..] = fields[..] else { return None };
        let all: u64 = fields.iter().sum();
        // The program's name, in parentheses, may hold spaces and parentheses.
        let (_, rest) = process.rsplit_once(')')?;
        // Behind it: state is field 3; utime, stime, cutime, cstime are 14 to 17.
        let own = rest.split_whitespace().skip(11).take(4).map(str::parse::<u64>);
        let own: Vec<u64> = own.collect::<Result<_, _>>().ok()?;
        (own.len() == 4).then(|| Self { all, busy: all - idle - waiting, own: own.iter().sum() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MACHINE: &str = "cpu  100 1 50 800 20 3 4 22 90 0\ncpu0 1 2 3 4\nbtime 1\n";
    const PROCESS: &str =
        "7 (a) b (c) R 1 7 7 0 -1 4194560 9 8 0 0 30 10 200 60 20 0 1 0 5 6 7 8 9\n";

    #[test]
    fn the_kernels_lines_are_read() {
        let ticks = Ticks::parse(MACHINE, PROCESS);
        assert_eq!(ticks, Some(Ticks { all: 1000, busy: 180, own: 300 }));
        assert_eq!(Ticks::parse("cpu  1 2 3\n", PROCESS), None);
        assert_eq!(Ticks::parse("intr 1\n", PROCESS), None);
        assert_eq!(Ticks::parse(MACHINE, "7 (a) R 1 7"), None);
        assert_eq!(Ticks::parse(MACHINE, ""), None);
    }

    #[test]
    fn only_what_others_did_counts() {
        let at = |all, busy, own| Ticks { all, busy, own };
        let mut load = Load::default();
        assert_eq!(load.share(), None, "nothing is known yet");
        load.add(at(1000, 100, 10), at(1200, 200, 60));
        assert_eq!(load.share(), Some(0.25));
        // Clocks that are read one after the other may be apart by a tick.
        load.add(at(1200, 200, 60), at(1400, 290, 160));
        assert_eq!(load.share(), Some(0.125));
    }

    #[test]
    fn a_program_of_ones_own_is_not_another() {
        let mut load = Load::default();
        let spin = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
        let own = load.during(|| {
            let before = Ticks::now();
            let status = std::process::Command::new("sh").args(["-c", spin]).status();
            assert!(status.expect("sh starts").success());
            before.zip(Ticks::now())
        });
        let (before, after) = own.expect("Linux tells");
        assert!(after.own > before.own, "the child's time is ours");
        assert!(load.share().is_some_and(|share| (0.0..=1.0).contains(&share)));
    }
}
