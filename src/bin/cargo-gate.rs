//! `cargo gate …`: the same program under the name that cargo looks for.

use benchgate::exit::Exit;

fn main() -> Exit {
    benchgate::cli::main(std::env::args_os(), true)
}
