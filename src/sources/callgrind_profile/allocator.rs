//! The memory allocators whose calls can be told by their names.
//!
//! An allocator takes more or fewer instructions for one and the same request, depending on
//! what earlier requests left of the heap. A count that is to follow the code charges a
//! constant for each call instead, so it must know where an allocator is entered.

/// What one call of an allocator is charged, in instructions.
///
/// glibc's malloc takes 20 instructions where a freed block of the right size is at hand,
/// and 200 and more where it has to search, split or merge blocks. Any constant makes the
/// count independent of the heap; this one is between the two, so that a call weighs about
/// as much as it takes.
pub const CALL: u64 = 100;

/// What a call of an allocator asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// A block, new or of another size.
    Allocate,
    /// To take a block back.
    Free,
}

/// The functions of the C library, and of jemalloc behind a prefix.
const STANDARD: [(&str, Request); 11] = [
    ("malloc", Request::Allocate),
    ("calloc", Request::Allocate),
    ("realloc", Request::Allocate),
    ("memalign", Request::Allocate),
    ("aligned_alloc", Request::Allocate),
    ("posix_memalign", Request::Allocate),
    ("valloc", Request::Allocate),
    ("pvalloc", Request::Allocate),
    ("free", Request::Free),
    ("free_sized", Request::Free),
    ("free_aligned_sized", Request::Free),
];

/// jemalloc's own.
const JEMALLOC: [(&str, Request); 5] = [
    ("mallocx", Request::Allocate),
    ("rallocx", Request::Allocate),
    ("xallocx", Request::Allocate),
    ("sdallocx", Request::Free),
    ("dallocx", Request::Free),
];

/// mimalloc's, behind its prefix.
const MIMALLOC: [(&str, Request); 12] = [
    ("malloc", Request::Allocate),
    ("zalloc", Request::Allocate),
    ("calloc", Request::Allocate),
    ("realloc", Request::Allocate),
    ("malloc_aligned", Request::Allocate),
    ("zalloc_aligned", Request::Allocate),
    ("calloc_aligned", Request::Allocate),
    ("realloc_aligned", Request::Allocate),
    ("free", Request::Free),
    ("free_size", Request::Free),
    ("free_aligned", Request::Free),
    ("free_size_aligned", Request::Free),
];

/// What glibc puts in front of the names of its functions.
const GLIBC: [&str; 4] = ["__GI___libc_", "__libc_", "__GI___", "__GI_"];
/// What builds of jemalloc put in front of its functions; the first is that of the crate
/// tikv-jemallocator.
const JEMALLOC_PREFIXES: [&str; 3] = ["_rjem_", "je_", ""];

/// What a function of that name asks for, if programs call it to enter an allocator.
pub(super) fn request(name: &str) -> Option<Request> {
    let find = |known: &[(&str, Request)], name: &str| {
        known.iter().find(|(of, _)| *of == name).map(|(_, request)| *request)
    };
    if let Some(name) = name.strip_prefix("mi_") {
        return find(&MIMALLOC, name);
    }
    if let Some(name) = GLIBC.iter().find_map(|prefix| name.strip_prefix(prefix)) {
        return find(&STANDARD, name);
    }
    JEMALLOC_PREFIXES.iter().find_map(|prefix| {
        let name = name.strip_prefix(prefix)?;
        find(&STANDARD, name).or_else(|| find(&JEMALLOC, name))
    })
}

/// Whether a function of that name is part of an allocator that programs do not call.
pub(super) fn is_internal(name: &str) -> bool {
    const PREFIXES: [&str; 8] = [
        "_int_malloc",
        "_int_free",
        "_int_realloc",
        "_int_memalign",
        "_rjem_je_",
        "je_arena_",
        "_mi_",
        "mi_heap_",
    ];
    PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether a function of that demangled name is one by which Rust enters its allocator,
/// whichever that is.
pub(super) fn is_rusts(name: &str) -> bool {
    const WORDS: [&str; 4] = ["alloc", "alloc_zeroed", "realloc", "dealloc"];
    let last = name.rsplit("::").next().unwrap_or(name);
    ["__rust_", "__rg_", "__rdl_"]
        .iter()
        .any(|prefix| last.strip_prefix(prefix).is_some_and(|word| WORDS.contains(&word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_from_what_is_behind_them() {
        for (name, expected) in [
            ("malloc", Some(Request::Allocate)),
            ("__GI___libc_free", Some(Request::Free)),
            ("__libc_memalign", Some(Request::Allocate)),
            ("_rjem_malloc", Some(Request::Allocate)),
            ("_rjem_sdallocx", Some(Request::Free)),
            ("mallocx", Some(Request::Allocate)),
            ("mi_malloc_aligned", Some(Request::Allocate)),
            ("mi_free", Some(Request::Free)),
            ("_int_malloc", None),
            ("_rjem_je_malloc_default", None),
            ("mi_heap_malloc", None),
            ("__minimal_malloc", None),
            ("app::free", None),
        ] {
            assert_eq!(request(name), expected, "{name}");
        }
        assert!(is_internal("_mi_page_malloc") && !is_internal("mi_malloc"));
        assert!(is_rusts("__rustc::__rust_alloc") && is_rusts("__rdl_dealloc"));
        assert!(!is_rusts("__rustc::__rust_no_alloc_shim_is_unstable_v2"));
    }
}
