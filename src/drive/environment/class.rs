//! The machine class: which machines share baselines.

use crate::model::{Environment, Field};

/// The longest name: file systems and people cope with it.
const LONGEST: usize = 64;

/// The name of the machine class: processor, cores, architecture and system,
/// such as `amd-epyc-7763-4c-x86_64-linux`.
///
/// Machines of one class are the same as far as clocks can be compared, so
/// baselines are kept in a directory of that name: lower case letters, digits,
/// `-` and `_` only, 64 characters at most, never empty.
pub fn machine_class(environment: &Environment) -> String {
    let model = slug(environment.get(Field::CpuModel).unwrap_or_default());
    let cores: String = environment
        .get(Field::Cores)
        .unwrap_or_default()
        .chars()
        .filter(char::is_ascii_digit)
        .take(6)
        .collect();
    let cores = if cores.is_empty() { String::new() } else { format!("-{cores}c") };
    let end = format!("{cores}-{}", system(environment.get(Field::Target)));
    let model = if model.is_empty() { "unknown-cpu" } else { &model };
    let room = LONGEST.saturating_sub(end.len());
    let model = &model[..model.len().min(room)];
    format!("{}{end}", model.trim_end_matches('-'))
}

/// What tells models apart, without trade marks, frequencies and core counts.
fn slug(model: &str) -> String {
    let model = model.to_lowercase();
    // "AMD Ryzen 7 … with Radeon Graphics", "Intel … CPU @ 2.20GHz"
    let model = model.split(" with ").next().unwrap_or_default();
    let (name, numbers) = model.split_once(" (family ").unwrap_or((model, ""));
    let name = name.split('@').next().unwrap_or_default();
    let model = format!("{name} {numbers}");
    let model = model.replace("(r)", " ").replace("(tm)", " ").replace("(c)", " ");
    let words = model
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '-'))
        .filter(|word| !matches!(*word, "" | "cpu" | "processor" | "family" | "model"))
        .filter(|word| !word.ends_with("-core"));
    let mut slug = String::new();
    for c in words.collect::<Vec<_>>().join("-").chars() {
        if c != '-' || !(slug.is_empty() || slug.ends_with('-')) {
            slug.push(c);
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// `x86_64-linux` out of a triple, else of this program's own.
fn system(triple: Option<&str>) -> String {
    let own = (std::env::consts::ARCH, std::env::consts::OS);
    let (arch, os) = triple
        .and_then(|triple| {
            let arch = triple.split('-').next()?;
            let plain = |c: char| c.is_ascii_alphanumeric() || c == '_';
            let os = ["linux", "darwin", "windows", "freebsd", "netbsd", "openbsd", "illumos"]
                .into_iter()
                .find(|os| triple.contains(os))?;
            let os = if os == "darwin" { "macos" } else { os };
            (!arch.is_empty() && arch.len() <= 16 && arch.chars().all(plain)).then_some((arch, os))
        })
        .unwrap_or(own);
    format!("{arch}-{os}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn class(model: &str, cores: &str, target: &str) -> String {
        let mut environment = Environment::default();
        environment.set(Field::CpuModel, model);
        environment.set(Field::Cores, cores);
        environment.set(Field::Target, target);
        machine_class(&environment)
    }

    #[test]
    fn known_processors() {
        let linux = "x86_64-unknown-linux-gnu";
        assert_eq!(class("AMD EPYC", "2", linux), "amd-epyc-2c-x86_64-linux");
        assert_eq!(
            class("AMD EPYC 7763 64-Core Processor", "4", linux),
            "amd-epyc-7763-4c-x86_64-linux"
        );
        assert_eq!(
            class("Intel(R) Xeon(R) Platinum 8370C CPU @ 2.80GHz", "2", linux),
            "intel-xeon-platinum-8370c-2c-x86_64-linux"
        );
        assert_eq!(
            class("Intel(R) Core(TM) i7-1185G7 @ 3.00GHz", "8", linux),
            "intel-core-i7-1185g7-8c-x86_64-linux"
        );
        assert_eq!(
            class("AMD Ryzen 7 5800U with Radeon Graphics", "16", "x86_64-unknown-linux-musl"),
            "amd-ryzen-7-5800u-16c-x86_64-linux"
        );
        assert_eq!(
            class("ARM part 0xd40 variant 0x1", "4", "aarch64-unknown-linux-gnu"),
            "arm-part-0xd40-variant-0x1-4c-aarch64-linux"
        );
        assert_eq!(class("Apple M3", "8", "aarch64-apple-darwin"), "apple-m3-8c-aarch64-macos");
    }

    #[test]
    fn whatever_is_known_the_name_is_safe() {
        let own = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
        assert_eq!(machine_class(&Environment::default()), format!("unknown-cpu-{own}"));
        let hostile =
            ["../../etc", "…", "--", &"x".repeat(300), "a/b\\c:d\0e", "CPU @ 3GHz", "-rf"];
        for model in hostile {
            for target in ["", "x86_64-unknown-linux-gnu", "../..-linux", "-linux-linux"] {
                let name = class(model, &"9".repeat(30), target);
                assert!(name.len() <= 64, "{name}");
                assert!(name.starts_with(|c: char| c.is_ascii_alphanumeric()), "{name}");
                let safe =
                    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_".contains(c);
                assert!(name.chars().all(safe), "{name}");
            }
        }
    }
}
