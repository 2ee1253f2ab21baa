//! Shows on standard error what is being built and measured.

mod bar;
mod count;
mod lines;
mod text;

use std::io::{self, IsTerminal as _};

use crate::measure::Progress;
use bar::Bar;
use lines::Lines;

/// A bar if standard error is a terminal, else lines.
pub(super) fn on_stderr() -> Box<dyn Progress> {
    if io::stderr().is_terminal() {
        Box::new(Bar::on_stderr())
    } else {
        Box::new(Lines::new(io::stderr()))
    }
}

#[cfg(test)]
mod tests;
