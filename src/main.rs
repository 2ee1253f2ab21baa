//! The gate: parse, run, exit code; nothing else.

fn main() {}
