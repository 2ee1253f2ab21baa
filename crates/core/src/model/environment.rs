//! Where and with what a run was made.

use std::collections::BTreeMap;
use std::fmt;

/// One fact about the place and the tools of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// The processor's model name.
    CpuModel,
    /// Logical processors that the process may use.
    Cores,
    /// The x86-64 level (`x86-64-v3`) or the like: which instructions libraries
    /// that look at run time will choose.
    CpuLevel,
    /// Scaling governor, where readable.
    Governor,
    /// Physical memory in bytes.
    Memory,
    /// Operating system and distribution.
    Os,
    /// Kernel release.
    Kernel,
    /// C library and version.
    Libc,
    /// `docker`, `podman`, `kubernetes` …, where something hints at it.
    Container,
    /// The hypervisor, where something hints at it.
    VirtualMachine,
    /// `rustc --version`.
    Rustc,
    /// The target triple that was built for.
    Target,
    /// Cargo profile.
    Profile,
    /// RUSTFLAGS as cargo resolved them; holds target features set by hand.
    Flags,
    /// Cargo features of the measured package.
    Features,
    /// `valgrind --version`.
    Valgrind,
    /// The iai-callgrind or gungraun runner's version.
    Runner,
    /// Any of the measured services, by name and version.
    Services,
}

impl Field {
    /// All fields, in the order in which they are shown.
    pub const ALL: [Self; 18] = [
        Self::CpuModel,
        Self::Cores,
        Self::CpuLevel,
        Self::Governor,
        Self::Memory,
        Self::Os,
        Self::Kernel,
        Self::Libc,
        Self::Container,
        Self::VirtualMachine,
        Self::Rustc,
        Self::Target,
        Self::Profile,
        Self::Flags,
        Self::Features,
        Self::Valgrind,
        Self::Runner,
        Self::Services,
    ];

    /// The stable name, in files and policies.
    pub fn key(self) -> &'static str {
        match self {
            Self::CpuModel => "cpu_model",
            Self::Cores => "cores",
            Self::CpuLevel => "cpu_level",
            Self::Governor => "governor",
            Self::Memory => "memory_bytes",
            Self::Os => "os",
            Self::Kernel => "kernel",
            Self::Libc => "libc",
            Self::Container => "container",
            Self::VirtualMachine => "virtual_machine",
            Self::Rustc => "rustc",
            Self::Target => "target",
            Self::Profile => "profile",
            Self::Flags => "flags",
            Self::Features => "features",
            Self::Valgrind => "valgrind",
            Self::Runner => "runner",
            Self::Services => "services",
        }
    }

    /// The field of that name.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.key() == key)
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.key())
    }
}

/// The facts that could be found out. What is not known is absent, never empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment(BTreeMap<Field, String>);

impl Environment {
    /// The value of a field, where known.
    pub fn get(&self, field: Field) -> Option<&str> {
        self.0.get(&field).map(String::as_str)
    }

    /// Sets a field; blank values are taken as not known.
    pub fn set(&mut self, field: Field, value: impl Into<String>) {
        let value = value.into();
        if value.trim().is_empty() {
            self.0.remove(&field);
        } else {
            self.0.insert(field, value);
        }
    }

    /// The known facts, in the order of [`Field::ALL`].
    pub fn iter(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(field, value)| (*field, value.as_str()))
    }

    /// Whether nothing is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
