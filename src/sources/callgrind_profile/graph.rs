//! Who called whom, and what is read from it: which instructions are an allocator's, and
//! whether the kernel was asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::allocator::{self, Request};

/// The functions of a program, as far as they were collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Graph {
    pub(super) functions: BTreeMap<Arc<str>, Function>,
    /// Whether the file holds the address of each instruction.
    pub(super) addresses: bool,
    /// Whether the file holds the number of system calls.
    pub(super) counts_system_calls: bool,
}

/// One function; calls of it by itself belong to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Function {
    /// Its name for people.
    pub(super) shown: String,
    /// Instructions that it took itself.
    pub(super) own: u64,
    /// System calls that it made itself.
    pub(super) system_calls: u64,
    /// Whether it reads the clock, for which a program does not ask the kernel unless it
    /// runs under valgrind.
    pub(super) is_clock: bool,
    /// Of a function by which an allocator is entered: how often each of its instructions
    /// was executed.
    pub(super) executed: BTreeMap<u64, u64>,
    /// The address at which it is entered.
    pub(super) entry: Option<u64>,
    /// Instructions of each function that it called, with all that this one called.
    pub(super) callees: BTreeMap<Arc<str>, u64>,
}

/// How an allocator took part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Allocator {
    /// Its own instructions.
    pub(super) instructions: u64,
    /// Calls of each function by which it is entered, by the name for people.
    pub(super) calls: BTreeMap<String, u64>,
    /// How many of them asked for a block.
    pub(super) allocations: u64,
    /// What the other functions took, by their names for people: without what they took
    /// when an allocator called them.
    pub(super) others: BTreeMap<String, u64>,
}

/// Why an allocator's share of a count is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, thiserror::Error)]
pub enum Uncharged {
    /// The file does not tell instructions of a function apart.
    #[error(
        "callgrind's file does not hold the addresses of instructions (`--dump-instr=yes`), by \
         which calls of the allocator are counted"
    )]
    NoAddresses,
    /// Memory was allocated, and no known function was entered for it.
    #[error(
        "no entry of a known allocator was found (glibc, jemalloc and mimalloc are known, with \
         their symbols)"
    )]
    NoEntry,
}

impl Graph {
    /// Adds what was collected in another part.
    pub(super) fn add(&mut self, other: &Self) {
        self.addresses |= other.addresses;
        self.counts_system_calls |= other.counts_system_calls;
        for (name, more) in &other.functions {
            let function = self.functions.entry(Arc::clone(name)).or_default();
            let Function { shown, own, system_calls, is_clock, executed, entry, callees } = more;
            if function.shown.is_empty() {
                function.shown.clone_from(shown);
            }
            function.own = function.own.saturating_add(*own);
            function.system_calls = function.system_calls.saturating_add(*system_calls);
            function.is_clock |= is_clock;
            function.entry = function.entry.into_iter().chain(*entry).min();
            for (address, times) in executed {
                *function.executed.entry(*address).or_default() += times;
            }
            for (callee, took) in callees {
                let sum = function.callees.entry(Arc::clone(callee)).or_default();
                *sum = sum.saturating_add(*took);
            }
        }
    }

    /// System calls of the program itself; those of its allocator depend on the heap, and
    /// are charged with the call.
    pub(super) fn system_calls(&self) -> u64 {
        let outside = self.outside();
        let own = |(name, function): (&Arc<str>, &Function)| {
            if function.is_clock || !outside.contains(name) {
                return 0;
            }
            if self.counts_system_calls {
                function.system_calls
            } else {
                u64::from(function.own > 0 && is_system_call(name))
            }
        };
        self.functions.iter().map(own).sum()
    }

    /// Which instructions are the allocator's, and how often it was entered.
    pub(super) fn allocator(&self) -> Result<Allocator, Uncharged> {
        let outside = self.outside();
        if self.is_entered_elsewhere(&outside) {
            return Err(Uncharged::NoEntry);
        }
        let mut found = Allocator::default();
        // What functions took that both an allocator and the rest of the program call.
        let mut within: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, function) in &self.functions {
            let is_outside = outside.contains(name);
            for (callee, took) in &function.callees {
                match (is_outside, allocator::request(callee).is_some()) {
                    (true, true) => found.instructions = found.instructions.saturating_add(*took),
                    (false, false) if outside.contains(callee) => {
                        *within.entry(callee).or_default() += took;
                    }
                    _ => {}
                }
            }
            let Some(request) = allocator::request(name).filter(|_| function.own > 0) else {
                continue;
            };
            if !self.addresses {
                return Err(Uncharged::NoAddresses);
            }
            let entry = function.entry.ok_or(Uncharged::NoEntry)?;
            let calls = function.executed.get(&entry).copied().unwrap_or(0);
            *found.calls.entry(function.shown.clone()).or_default() += calls;
            if request == Request::Allocate {
                found.allocations += calls;
            }
        }
        for name in &outside {
            let Some(function) = self.functions.get(*name) else { continue };
            let own = function.own.saturating_sub(within.get(&***name).copied().unwrap_or(0));
            if own > 0 {
                *found.others.entry(function.shown.clone()).or_default() += own;
            }
        }
        Ok(found)
    }

    /// The functions that run outside of any allocator: those that no allocator reaches,
    /// and all that these reach without entering one.
    fn outside(&self) -> BTreeSet<&Arc<str>> {
        let entries = self.functions.keys().filter(|name| allocator::request(name).is_some());
        let behind = self.reached(entries.collect(), |_| false);
        let roots = self.functions.keys().filter(|name| !behind.contains(name)).collect();
        self.reached(roots, |name| allocator::request(name).is_some())
    }

    /// All functions that some functions reach, themselves included, without passing
    /// through one at which to stop. Calls in which nothing was collected do not count.
    fn reached<'a>(
        &'a self,
        mut next: Vec<&'a Arc<str>>,
        stops: impl Fn(&str) -> bool,
    ) -> BTreeSet<&'a Arc<str>> {
        let mut found = BTreeSet::new();
        while let Some(name) = next.pop() {
            if stops(name) || !found.insert(name) {
                continue;
            }
            let Some(function) = self.functions.get(name) else { continue };
            let callees = function.callees.iter().filter(|(_, took)| **took > 0);
            next.extend(callees.map(|(callee, _)| callee));
        }
        found
    }

    /// Whether memory is allocated by functions that are not known to enter an allocator.
    fn is_entered_elsewhere(&self, outside: &BTreeSet<&Arc<str>>) -> bool {
        outside.iter().any(|name| {
            let Some(function) = self.functions.get(*name).filter(|it| it.own > 0) else {
                return false;
            };
            allocator::is_internal(name)
                || allocator::is_rusts(&function.shown) && !self.enters_allocator(name)
        })
    }

    /// Whether a function calls an allocator, itself or through others.
    fn enters_allocator(&self, name: &Arc<str>) -> bool {
        self.reached(vec![name], |_| false).iter().any(|name| allocator::request(name).is_some())
    }
}

/// Whether the C library's function of that name asks the kernel, in files that do not
/// hold the number of system calls.
fn is_system_call(name: &str) -> bool {
    const NAMES: [&str; 47] = [
        "accept",
        "access",
        "bind",
        "brk",
        "clock_nanosleep",
        "close",
        "connect",
        "epoll_ctl",
        "epoll_pwait",
        "epoll_wait",
        "eventfd",
        "execve",
        "fcntl",
        "fork",
        "fstat",
        "fsync",
        "ftruncate",
        "futex",
        "getdents",
        "getrandom",
        "ioctl",
        "listen",
        "lll_lock_wait",
        "lseek",
        "madvise",
        "mmap",
        "mremap",
        "munmap",
        "nanosleep",
        "open",
        "openat",
        "poll",
        "pread",
        "preadv",
        "pthread_create",
        "pwrite",
        "read",
        "readv",
        "recv",
        "recvfrom",
        "select",
        "send",
        "sendto",
        "socket",
        "syscall",
        "write",
        "writev",
    ];
    let name = name.trim_start_matches("__GI_").trim_start_matches("__libc_");
    let name = name.trim_start_matches('_');
    let name = ["_nocancel", "64", "_private"]
        .iter()
        .fold(name, |name, end| name.strip_suffix(end).unwrap_or(name));
    NAMES.binary_search(&name).is_ok()
}
