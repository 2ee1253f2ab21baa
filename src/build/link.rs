//! The program that cargo starts in place of rustc while executables are linked
//! again: the gate itself, under another name.
//!
//! A shell script would not do: some shells drop variables whose names hold a dash,
//! such as `CARGO_BIN_EXE_my-tool`.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// The name under which cargo starts the gate.
pub(super) const NAME: &str = "benchgate-link";
/// The directory of orders, next to the link of that name.
pub(super) const ORDERS: &str = "order";
/// Names a wrapper of the user's own.
pub(super) const WRAPPED: &str = "BENCHGATE_WRAPPED";

/// Runs rustc where cargo has started this program in its place; `None` otherwise.
pub fn as_rustc() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let program = PathBuf::from(arguments.next()?);
    if program.file_name() != Some(OsStr::new(NAME)) {
        return None;
    }
    let place = program.parent().unwrap_or(Path::new("."));
    let package = std::env::var_os("CARGO_PKG_NAME").unwrap_or_default();
    let wrapped = std::env::var_os(WRAPPED).filter(|wrapper| !wrapper.is_empty());
    let words = wrapped.into_iter().chain(with_order(arguments.collect(), place, &package));
    let error = start(words);
    // A closed stderr has no reader.
    let _ = writeln!(io::stderr().lock(), "{NAME}: cannot start rustc: {error}");
    Some(ExitCode::FAILURE)
}

fn start(mut words: impl Iterator<Item = OsString>) -> io::Error {
    match words.next() {
        Some(program) => Command::new(program).args(words).exec(),
        None => io::Error::new(io::ErrorKind::InvalidInput, "cargo named no program"),
    }
}

/// rustc and its arguments, and where an order of functions is kept for the
/// executable that is to be linked, the arguments by which the linker uses it.
fn with_order(mut words: Vec<OsString>, place: &Path, package: &OsStr) -> Vec<OsString> {
    let after = |option: &str| {
        let at = words.iter().position(|word| word == option)?;
        words.get(at + 1)
    };
    let Some(name) = after("--crate-name") else { return words };
    // Without a kind it is a program: cargo names none for benches.
    if after("--crate-type").is_some_and(|kind| kind != "bin") {
        return words;
    }
    let mut file = package.to_owned();
    file.push(".");
    file.push(name);
    let order = place.join(ORDERS).join(file);
    if !order.is_file() {
        return words;
    }
    let mut ordering = OsString::from("link-arg=--symbol-ordering-file=");
    ordering.push(&order);
    let mut map = OsString::from("link-arg=-Map=");
    map.push(map_of(&order));
    // Code on pages of its own: what precedes it in the file does not move it. Relocations
    // and the map say what each function refers to; they are not loaded.
    let others = ["--no-warn-symbol-ordering", "-z", "separate-code", "--emit-relocs"];
    let others = others.map(|option| OsString::from(format!("link-arg={option}")));
    for argument in [ordering].into_iter().chain(others).chain([map]) {
        words.extend(["-C", "link-arg=-Xlinker", "-C"].map(OsString::from));
        words.push(argument);
    }
    words
}

/// Where the linker writes its map of an executable that is linked in that order.
pub(super) fn map_of(order: &Path) -> PathBuf {
    let mut path = order.as_os_str().to_owned();
    path.push(".map");
    path.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<OsString> {
        text.split(' ').map(OsString::from).collect()
    }

    #[test]
    fn only_an_executable_with_an_order_is_linked_by_it() {
        let place = tempfile::tempdir().unwrap();
        std::fs::create_dir(place.path().join(ORDERS)).unwrap();
        let order = place.path().join(ORDERS).join("my-package.speed");
        std::fs::write(&order, "main\n").unwrap();
        let given = |text: &str| with_order(words(text), place.path(), OsStr::new("my-package"));
        let bench = "rustc --crate-name speed --edition=2024 benches/speed.rs";
        let linked = given(bench);
        let expected = format!(
            "{bench} -C link-arg=-Xlinker -C link-arg=--symbol-ordering-file={} \
             -C link-arg=-Xlinker -C link-arg=--no-warn-symbol-ordering \
             -C link-arg=-Xlinker -C link-arg=-z -C link-arg=-Xlinker -C link-arg=separate-code \
             -C link-arg=-Xlinker -C link-arg=--emit-relocs \
             -C link-arg=-Xlinker -C link-arg=-Map={}.map",
            order.display(),
            order.display()
        );
        assert_eq!(linked, words(&expected));
        for other in [
            "rustc --crate-name speed --crate-type lib src/lib.rs",
            "rustc --crate-name other benches/other.rs",
            "rustc -vV",
        ] {
            assert_eq!(given(other), words(other));
        }
    }
}
