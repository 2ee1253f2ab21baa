//! Where the lines of a job go.

use std::collections::VecDeque;
use std::io::Write;

use fs_err as fs;

use super::job::{Job, ProcessError, Stream};

/// Lines kept to show on failure.
const TAIL_LINES: usize = 20;
/// Lines of a panic that are kept: where, and the message.
const PANIC_LINES: usize = 3;
/// Bytes of one log file: a chatty program does not fill the disk.
const LOG_BYTES: u64 = 16 << 20;

/// The log file of a job, and the lines to show if it fails.
pub(super) struct Output {
    log: Option<(fs::File, u64)>,
    last: VecDeque<String>,
    /// The first panic's lines.
    panic: Vec<String>,
}

impl Output {
    pub(super) fn new(job: &Job) -> Result<Self, ProcessError> {
        let log = match &job.log {
            Some(path) => {
                if let Some(parent) = path.parent() {
                    fs::create_dir_all(parent).map_err(ProcessError::Log)?;
                }
                Some((fs::File::create(path).map_err(ProcessError::Log)?, LOG_BYTES))
            }
            None => None,
        };
        Ok(Self { log, last: VecDeque::new(), panic: Vec::new() })
    }

    pub(super) fn take(
        &mut self,
        stream: Stream,
        line: &str,
        on_line: &mut dyn FnMut(Stream, &str),
    ) -> Result<(), ProcessError> {
        if let Some((file, room)) = &mut self.log {
            let length = line.len() as u64 + 1;
            if length <= *room {
                *room -= length;
                file.write_all(line.as_bytes()).map_err(ProcessError::Log)?;
                file.write_all(b"\n").map_err(ProcessError::Log)?;
            }
        }
        let shown = without_thread_id(printable(line));
        if !shown.is_empty() {
            let begun = !self.panic.is_empty() || shown.contains(" panicked at ");
            if stream == Stream::Stderr && begun && self.panic.len() < PANIC_LINES {
                self.panic.push(shown.clone());
            }
            if self.last.len() == TAIL_LINES {
                self.last.pop_front();
            }
            self.last.push_back(shown);
        }
        on_line(stream, line);
        Ok(())
    }

    /// The lines to show when the job has failed.
    pub(super) fn tail(self) -> Vec<String> {
        if self.panic.is_empty() { self.last.into() } else { self.panic }
    }
}

/// A line as it may be shown on a terminal: no colours or other control
/// characters, 200 characters at most, no blanks at its end.
fn printable(line: &str) -> String {
    let plain = anstream::adapter::strip_str(line).to_string();
    let kept: String = plain
        .chars()
        .map(|c| if c == '\t' { ' ' } else { c })
        .filter(|c| !c.is_control())
        .take(200)
        .collect();
    kept.trim_end().to_owned()
}

/// The first line of a panic without the number of its thread: `thread 'main' (1234)
/// panicked at`. Rust writes it since 1.90, and it differs in each process, so that the
/// same failure of two processes would look like two failures.
fn without_thread_id(line: String) -> String {
    let Some((thread, place)) = line.split_once(") panicked at ") else { return line };
    match thread.rsplit_once(" (") {
        Some((thread, id)) if !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()) => {
            format!("{thread} panicked at {place}")
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_of_a_thread_is_left_out() {
        for (line, expected) in [
            ("thread 'main' (4711) panicked at a.rs:1:2:", "thread 'main' panicked at a.rs:1:2:"),
            ("thread 'a (1)' (2) panicked at b.rs:1:2:", "thread 'a (1)' panicked at b.rs:1:2:"),
            ("thread 'main' panicked at a.rs:1:2:", "thread 'main' panicked at a.rs:1:2:"),
            ("worker (idle) panicked at noon", "worker (idle) panicked at noon"),
            ("took (4711) steps", "took (4711) steps"),
        ] {
            assert_eq!(without_thread_id(line.to_owned()), expected);
        }
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(printable("\u{1b}[31mred\tx\u{7} \r"), "red x");
        assert_eq!(printable(&"a".repeat(500)).len(), 200);
    }
}
