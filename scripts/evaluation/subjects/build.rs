//! Writes the neutral code: functions that no subject calls, whose number, order and size
//! depend on a seed. A commit that changes unrelated code has the same effect.

use std::fmt::Write as _;
use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-env-changed=NEUTRAL_SEED");
    println!("cargo::rerun-if-changed=build.rs");
    let seed: u64 = env::var("NEUTRAL_SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(0x2545_F491_4F6C_DD1D);
    let mut next = |below: u64| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state % below
    };
    let mut code = String::new();
    let functions = 3 + next(12);
    for function in 0..functions {
        writeln!(code, "#[inline(never)]\nfn other_{function}(mut x: u64) -> u64 {{").unwrap();
        for _ in 0..1 + next(30) {
            let (a, b) = (next(1 << 40) | 1, 1 + next(60));
            writeln!(code, "    x = x.rotate_left({b}) ^ x.wrapping_mul({a});").unwrap();
        }
        writeln!(code, "    x\n}}").unwrap();
    }
    writeln!(code, "/// All of the neutral functions.\npub fn others(mut x: u64) -> u64 {{").unwrap();
    for function in 0..functions {
        writeln!(code, "    x = other_{function}(x);").unwrap();
    }
    writeln!(code, "    x\n}}").unwrap();
    let place = env::var("OUT_DIR").unwrap();
    fs::write(Path::new(&place).join("neutral.rs"), code).unwrap();
}
