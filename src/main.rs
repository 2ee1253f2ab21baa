//! The gate: parse, run, exit code; nothing else.

use benchgate::exit::Exit;

fn main() -> Exit {
    benchgate::cli::main(std::env::args_os(), false)
}
