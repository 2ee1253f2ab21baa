//! The one output object: data on stdout, status on stderr.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::AnsiColor;

use crate::report::{Bars, plain};

/// Where everything that the program says goes.
#[derive(Debug, Default)]
pub(super) struct Shell {
    /// Whether status lines are left out.
    pub(super) quiet: bool,
}

#[expect(clippy::unused_self, reason = "output goes through the one object that may write")]
impl Shell {
    /// Writes data: the report, a list, a schema.
    ///
    /// A reader that went away (`gate … | head`) is no error.
    pub(super) fn data(&self, text: &str) -> io::Result<()> {
        let mut out = AutoStream::auto(io::stdout()).lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Says what is being done. Control characters are written as escapes.
    pub(super) fn status(&self, verb: &str, message: &str) {
        if !self.quiet {
            let style = AnsiColor::Green.on_default().bold();
            self.write(&format!("{style}{verb:>12}{style:#} {}\n", plain(message)));
        }
    }

    /// Says what the user should know, whatever was asked for.
    pub(super) fn note(&self, message: &str) {
        let style = AnsiColor::Cyan.on_default().bold();
        self.write(&format!("{style}note{style:#}: {}\n", plain(message)));
    }

    /// Says what went wrong; lines are kept, other control characters escaped.
    pub(super) fn error(&self, message: &str) {
        let style = AnsiColor::Red.on_default().bold();
        let lines: Vec<String> = message.lines().map(plain).collect();
        self.write(&format!("{style}error{style:#}: {}\n", lines.join("\n")));
    }

    /// Columns of stdout, where it is a terminal.
    pub(super) fn width(&self) -> Option<u16> {
        if !io::stdout().is_terminal() {
            return None;
        }
        terminal_size::terminal_size().map(|(width, _)| width.0)
    }

    /// How changes are drawn: on a terminal, in characters that it knows.
    pub(super) fn bars(&self) -> Bars {
        // The first that is set decides: so does the C library.
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|value| !value.is_empty())
            .unwrap_or_default()
            .to_ascii_lowercase();
        match self.width() {
            None => Bars::Off,
            Some(_) if cfg!(windows) || locale.contains("utf-8") || locale.contains("utf8") => {
                Bars::Unicode
            }
            Some(_) => Bars::Ascii,
        }
    }

    fn write(&self, text: &str) {
        let mut err = AutoStream::auto(io::stderr()).lock();
        // There is nowhere left to say that stderr cannot be written.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}
