//! The one output object: data on stdout, status on stderr.

use std::io::{self, IsTerminal, Write};

use anstream::AutoStream;
use anstyle::AnsiColor;

use crate::report::{Bars, plain};

/// The one place that writes to stdout and stderr.
#[derive(Debug, Default)]
pub(super) struct Shell {
    /// Whether status messages are suppressed.
    pub(super) quiet: bool,
}

#[expect(clippy::unused_self, reason = "output goes through the one object that may write")]
impl Shell {
    /// Writes data: the report, a list, a schema.
    ///
    /// A closed reader (`gate … | head`) is not an error: the command continues, because
    /// its files and its exit code may still be needed.
    pub(super) fn data(&self, text: &str) -> io::Result<()> {
        let mut out = AutoStream::auto(io::stdout()).lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            other => other,
        }
    }

    /// Reports progress, unless that is suppressed. Control characters are escaped.
    pub(super) fn status(&self, verb: &str, message: &str) {
        if !self.quiet {
            let style = AnsiColor::Green.on_default().bold();
            self.write(&format!("{style}{verb:>12}{style:#} {}\n", plain(message)));
        }
    }

    /// Reports something that the user should know, even with --quiet.
    pub(super) fn note(&self, message: &str) {
        let style = AnsiColor::Cyan.on_default().bold();
        self.write(&format!("{style}note{style:#}: {}\n", plain(message)));
    }

    /// Writes one of the program's own texts to stderr, unchanged.
    pub(super) fn plain(&self, text: &str) {
        self.write(text);
    }

    /// Reports an error. Line breaks are kept, other control characters escaped.
    pub(super) fn error(&self, message: &str) {
        let style = AnsiColor::Red.on_default().bold();
        let lines: Vec<String> = message.lines().map(plain).collect();
        self.write(&format!("{style}error{style:#}: {}\n", lines.join("\n")));
    }

    /// Asks a yes-or-no question; any answer but yes counts as no. `None` without a
    /// terminal to ask on.
    pub(super) fn ask(&self, question: &str) -> io::Result<Option<bool>> {
        if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
            return Ok(None);
        }
        let style = AnsiColor::Cyan.on_default().bold();
        self.write(&format!("{style}{question}{style:#} [y/N] "));
        let mut answer = String::new();
        io::stdin().read_line(&mut answer)?;
        Ok(Some(matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes")))
    }

    /// The columns of stdout, if it is a terminal.
    pub(super) fn width(&self) -> Option<u16> {
        if !io::stdout().is_terminal() {
            return None;
        }
        terminal_size::terminal_size().map(|(width, _)| width.0)
    }

    /// How changes are drawn: on a terminal only, in characters that it can show.
    pub(super) fn bars(&self) -> Bars {
        // The first variable that is set decides, as in the C library.
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
        // Ignored: there is nowhere left to report that stderr cannot be written.
        let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
    }
}
