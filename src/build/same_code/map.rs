//! The linker's map: which piece of which object file it put where.

use std::collections::BTreeSet;

/// A piece of an object file, as it was linked: a function, or a constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placed<'a> {
    pub(super) address: u64,
    pub(super) size: u64,
    /// The section of the executable that holds it: `.text`.
    pub(super) output: &'a str,
    /// Its section in the object file: `.text._ZN3app4workE`.
    pub(super) section: &'a str,
    /// The object file.
    pub(super) origin: &'a str,
}

/// Reads a map of LLD: lines of address, load address, size and alignment, and then the
/// name of a section of the executable, or, further in, the file and section that a piece
/// is from. Symbols are further in still. Only pieces of `loaded` sections are kept.
pub(super) fn pieces<'a>(
    text: &'a str,
    loaded: &BTreeSet<&str>,
) -> Result<Vec<Placed<'a>>, String> {
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap_or_default().split_whitespace().collect();
    if header != ["VMA", "LMA", "Size", "Align", "Out", "In", "Symbol"] {
        return Err("the linker's map has another format".to_owned());
    }
    let mut output = "";
    let mut pieces = Vec::new();
    for line in lines {
        let Some((numbers, name)) = columns(line) else {
            return Err(format!("the linker's map has another format: {line:.60}"));
        };
        let indent = name.len() - name.trim_start().len();
        match indent {
            0 => output = name,
            8 if loaded.contains(output) => {
                let name = name.trim_start();
                let Some((origin, section)) = name.strip_suffix(')').and_then(|name| {
                    let at = name.rfind(":(")?;
                    Some((&name[..at], &name[at + 2..]))
                }) else {
                    // An assignment of the linker's script.
                    continue;
                };
                let [address, _, size, _] = numbers;
                pieces.push(Placed { address, size, output, section, origin });
            }
            _ => {}
        }
    }
    Ok(pieces)
}

/// The four numbers of a line, of which the last is decimal, and the rest with its indent.
fn columns(line: &str) -> Option<([u64; 4], &str)> {
    let mut rest = line;
    let mut numbers = [0; 4];
    for (number, radix) in numbers.iter_mut().zip([16, 16, 16, 10]) {
        rest = rest.trim_start();
        let end = rest.find(' ')?;
        *number = u64::from_str_radix(&rest[..end], radix).ok()?;
        rest = &rest[end..];
    }
    // A single space is between the columns.
    Some((numbers, rest.strip_prefix(' ')?))
}

/// A name without the suffix by which LLVM tells apart functions that it made visible to
/// other units. It depends on the unit.
pub(super) fn without_suffix(name: &str) -> &str {
    match name.rsplit_once(".llvm.") {
        Some((rest, digits)) if digits.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => name,
    }
}

/// The name of an object file, as it is in every build: without its directory, and without
/// the number that rustc adds for each run where it compiles incrementally.
pub(super) fn stable_name(origin: &str) -> String {
    const RUN: usize = 7;
    let name = origin.rsplit('/').next().unwrap_or(origin);
    let stable = name.split_once(".rcgu.o").and_then(|(unit, rest)| {
        let (unit, run) = unit.rsplit_once('.')?;
        let is_run = run.len() == RUN
            && run.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase());
        is_run.then(|| format!("{unit}.rcgu.o{rest}"))
    });
    stable.unwrap_or_else(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_loaded_sections_are_read_with_their_origin() {
        let text = "             VMA              LMA     Size Align Out     In      Symbol\n\
                    7cac0            7cac0    246b4    64 .rodata\n\
                    7cac0            7cac0       20     4         /a b/x.o:(.rodata._ZN1aE)\n\
                    7cae0            7cae0      9e0    16         <internal>:(.rodata.cst16)\n\
                    aacd0            aacd0        5     1 .text\n\
                    aacd0            aacd0        5     1         /l.rlib(m.o):(.text.f)\n\
                    aacd0            aacd0        5     1                 app::f(u8)\n\
                    0                0       b2     1 .comment\n\
                    0                0       b2     1         <internal>:(.comment)\n";
        let found = pieces(text, &[".rodata", ".text"].into()).expect("it is read");
        let found: Vec<_> = found
            .iter()
            .map(|it| (it.address, it.size, it.output, it.section, it.origin))
            .collect();
        assert_eq!(
            found,
            [
                (0x7_cac0, 0x20, ".rodata", ".rodata._ZN1aE", "/a b/x.o"),
                (0x7_cae0, 0x9e0, ".rodata", ".rodata.cst16", "<internal>"),
                (0xa_acd0, 5, ".text", ".text.f", "/l.rlib(m.o)"),
            ]
        );
        assert!(pieces("Memory map\n", &BTreeSet::new()).is_err());
        assert!(pieces("VMA LMA Size Align Out In Symbol\nx\n", &BTreeSet::new()).is_err());
    }

    #[test]
    fn names_are_the_same_in_every_build() {
        for (origin, name) in [
            (
                "/t/deps/a-7827.09n6cjorrpjqlqnu19f3afkg8.1y8i8yu.rcgu.o",
                "a-7827.09n6cjorrpjqlqnu19f3afkg8.rcgu.o",
            ),
            ("/t/liba.rlib(a-1.a.7026-cgu.00.rcgu.o)", "liba.rlib(a-1.a.7026-cgu.00.rcgu.o)"),
            ("<internal>", "<internal>"),
        ] {
            assert_eq!(stable_name(origin), name);
        }
        assert_eq!(without_suffix("_ZN1a1bE.llvm.123"), "_ZN1a1bE");
        assert_eq!(without_suffix("_ZN1a1bE.llvm.x"), "_ZN1a1bE.llvm.x");
    }
}
