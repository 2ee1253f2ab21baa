//! Which names are safe as one part of a path, on every system.

use super::error::{BaselineError, NameKind};

/// Room for a suffix and a temporary's name within the 255 bytes that file
/// systems allow.
const MAX_BYTES: usize = 100;

/// The name of the noise file, which no baseline can have.
pub(super) const NOISE: &str = "noise";

/// Device names of Windows. They are not file names there, whatever the extension.
const RESERVED: [&str; 22] = [
    "con", "prn", "aux", "nul", "com1", "com2", "com3", "com4", "com5", "com6", "com7", "com8",
    "com9", "lpt1", "lpt2", "lpt3", "lpt4", "lpt5", "lpt6", "lpt7", "lpt8", "lpt9",
];

/// Refuses whatever could leave its directory, hide, or name something else on
/// another system: committed baselines are checked out anywhere.
pub(super) fn check(kind: NameKind, name: &str) -> Result<(), BaselineError> {
    let taken = kind == NameKind::Baseline && name.eq_ignore_ascii_case(NOISE);
    let reason = "is the name of the file that `gate calibrate` writes: choose another";
    match fault(name).or(taken.then_some(reason)) {
        None => Ok(()),
        Some(reason) => Err(BaselineError::Name { kind, name: name.to_owned(), reason }),
    }
}

fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is empty: give it a name such as `main`");
    }
    if name.len() > MAX_BYTES {
        return Some("is longer than 100 bytes: shorten it");
    }
    if name.chars().any(char::is_control) {
        return Some("contains a control character: leave it out");
    }
    if name.contains(['/', '\\']) {
        return Some("contains a path separator: use `-` instead");
    }
    if name.contains(['<', '>', ':', '"', '|', '?', '*']) {
        return Some(
            "contains one of < > : \" | ? *, which some systems do not allow in file names",
        );
    }
    if name.starts_with('.') {
        return Some("starts with a dot: hidden files are not baselines");
    }
    if name.starts_with('-') {
        return Some("starts with a dash: commands would take it for an option");
    }
    if name.ends_with('.') || name.trim() != name {
        return Some("starts or ends with a space, or ends with a dot: leave that out");
    }
    if name.to_ascii_lowercase().ends_with(".json") {
        return Some("ends with .json: the extension is added to the name");
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    if RESERVED.iter().any(|reserved| stem.eq_ignore_ascii_case(reserved)) {
        return Some("is the name of a device on Windows: choose another");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass() {
        let long = "x".repeat(100);
        for name in
            ["main", "v1.2.0", "größe", "a b", "feature-x", "console", "main.2026-07-01", &long]
        {
            assert_eq!(fault(name), None, "{name}");
        }
    }

    #[test]
    fn the_noise_file_is_not_a_baseline() {
        assert!(check(NameKind::Baseline, "Noise").is_err());
        assert!(check(NameKind::Class, "noise").is_ok());
    }

    #[test]
    fn each_unsafe_name_has_its_reason() {
        let long = "x".repeat(101);
        for (name, part) in [
            ("", "empty"),
            (long.as_str(), "100 bytes"),
            ("..", "dot"),
            (".hidden", "dot"),
            ("a/b", "separator"),
            ("../x", "separator"),
            ("a\\b", "separator"),
            ("a\0b", "control"),
            ("a\nb", "control"),
            ("a\u{85}b", "control"),
            ("c:x", "< > :"),
            ("-rf", "dash"),
            ("x ", "space"),
            ("x.", "ends with a dot"),
            ("main.json", ".json"),
            ("main.JSON", ".json"),
            ("CON", "Windows"),
            ("nul.txt", "Windows"),
            ("lpt1 .x", "Windows"),
        ] {
            let error = check(NameKind::Class, name).expect_err(name).to_string();
            assert!(error.starts_with("machine class \""), "{error}");
            assert!(error.contains(part), "{name:?}: {error}");
        }
    }
}
