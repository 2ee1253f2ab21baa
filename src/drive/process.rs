//! One child process in a group of its own, which never outlives its time.

mod output;

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::io::{self, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::Interrupt;
use output::Output;

/// How long a group may take to end after SIGTERM before SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the rest of the output once the process is gone; only a
/// descendant that left the group can still hold the pipe.
const DRAIN: Duration = Duration::from_millis(500);
/// Bytes of one line that are kept; cargo's messages are the longest that matter.
const LINE_BYTES: usize = 4 << 20;

/// What to run, and how.
#[derive(Clone, Debug)]
pub struct Job {
    /// The executable.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
    /// Where it runs; without one, where this process does.
    pub directory: Option<PathBuf>,
    /// Variables set (or, with `None`, removed) on top of this process's own.
    pub environment: BTreeMap<OsString, Option<OsString>>,
    /// How long it may take.
    pub time_limit: Option<Duration>,
    /// A file that gets what it prints, up to 16 MiB.
    pub log: Option<PathBuf>,
    /// Where its standard error goes.
    pub stderr: Stderr,
    /// What happens to processes of its group that are left when it ends well.
    pub remains: Remains,
}

impl Job {
    /// A program with nothing but its name: no arguments, no time limit, output
    /// captured, remains ended.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            directory: None,
            environment: BTreeMap::new(),
            time_limit: None,
            log: None,
            stderr: Stderr::Captured,
            remains: Remains::End,
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Sets a variable.
    #[must_use]
    pub fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.insert(key.into(), Some(value.into()));
        self
    }
}

/// Where a job's standard error goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stderr {
    /// Line by line to the caller and the log, like standard output.
    Captured,
    /// To this process's own standard error: a compiler's messages.
    Inherited,
}

/// What happens to processes that a job left running in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remains {
    /// They are ended.
    End,
    /// They stay: a compiler cache's server outlives the build that started it.
    Keep,
}

/// Which stream a line came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// How a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// By itself.
    Exited(ExitStatus),
    /// By us, having reached its time limit.
    TimedOut(Duration),
}

impl Ended {
    /// Whether it ended by itself with status 0.
    pub fn success(self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }
}

/// `exit status 101`, `signal 11`, `time limit of 2 s reached`.
impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(status) => match (status.code(), status.signal()) {
                (Some(code), _) => write!(f, "exit status {code}"),
                (None, Some(signal)) => match signal_name(signal) {
                    Some(name) => write!(f, "signal {signal} ({name})"),
                    None => write!(f, "signal {signal}"),
                },
                (None, None) => write!(f, "{status}"),
            },
            Self::TimedOut(limit) => {
                write!(f, "time limit of {} s reached", limit.as_secs_f64())
            }
        }
    }
}

fn signal_name(signal: i32) -> Option<&'static str> {
    Some(match signal {
        1 => "SIGHUP",
        2 => "SIGINT",
        4 => "SIGILL",
        6 => "SIGABRT",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        15 => "SIGTERM",
        _ => return None,
    })
}

/// What is known of a job once it has ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// How it ended.
    pub ended: Ended,
    /// The number that its leading process had; it is free again.
    pub pid: i32,
    /// From start to end, in seconds.
    pub seconds: f64,
    /// The last lines it printed; where a Rust program panicked, what it said
    /// then: a backtrace and what others printed meanwhile would hide it. No
    /// control characters.
    pub tail: Vec<String>,
}

/// Why a job gave no outcome.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// The program could not be started.
    #[error("cannot start {}: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its end could not be waited for.
    #[error("cannot wait for {}: {source}", program.display())]
    Wait {
        /// The program.
        program: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Its log could not be written.
    #[error("cannot write the log: {0}")]
    Log(io::Error),
    /// This process was asked to stop; the job's group was ended.
    #[error("interrupted by signal {signal}")]
    Interrupted {
        /// The signal.
        signal: i32,
    },
}

enum Event {
    Line(Stream, String),
    Closed,
    Exited,
    Interrupted,
}

/// Runs a job to its end and hands each line that it prints to `on_line`.
///
/// The child leads a process group of its own and reads nothing. When its time
/// limit is reached, when this process is interrupted, and on a panic, the
/// whole group gets SIGTERM, two seconds later SIGKILL, and is reaped.
pub fn run(
    job: &Job,
    interrupt: &Interrupt,
    on_line: &mut dyn FnMut(Stream, &str),
) -> Result<Outcome, ProcessError> {
    if let Some(signal) = interrupt.signal() {
        return Err(ProcessError::Interrupted { signal });
    }
    let mut output = Output::new(job)?;
    // Bounded: a program that prints faster than we read waits, as on a terminal.
    let (send, events) = sync_channel(1024);
    let started = Instant::now();
    let mut group = Group::start(job, &send)?;
    let (wake, woken) = sync_channel(1);
    let _waiting = interrupt.on_raise({
        let send = send.clone();
        move || {
            // A full channel is being read: the mark is seen after its next event.
            let _ = wake.try_send(());
            let _ = send.try_send(Event::Interrupted);
        }
    });
    drop(send);

    let deadline = job.time_limit.map(|limit| (started + limit, limit));
    let ended = loop {
        let event = match deadline {
            Some((at, limit)) => {
                let Some(event) = next_before(&events, at) else {
                    group.end(&job.program, &events, &mut output, on_line)?;
                    break Ended::TimedOut(limit);
                };
                event
            }
            None => events.recv().unwrap_or(Event::Exited),
        };
        if woken.try_recv().is_ok() {
            group.end(&job.program, &events, &mut output, on_line)?;
            return Err(ProcessError::Interrupted { signal: interrupt.signal().unwrap_or(0) });
        }
        match event {
            Event::Line(stream, line) => output.take(stream, &line, on_line)?,
            Event::Closed => group.open -= 1,
            Event::Interrupted => {}
            Event::Exited => {
                if job.remains == Remains::End {
                    group.signal(Signal::KILL);
                }
                group.drain(&events, &mut output, on_line)?;
                break Ended::Exited(group.reap(&job.program)?);
            }
        }
    };
    Ok(Outcome {
        ended,
        pid: group.pid.as_raw_pid(),
        seconds: started.elapsed().as_secs_f64(),
        tail: output.tail(),
    })
}

/// The next event, unless that moment comes first. The clock is looked at each
/// time: a queue that is never empty must not put the moment off.
fn next_before(events: &Receiver<Event>, at: Instant) -> Option<Event> {
    let left = at.checked_duration_since(Instant::now())?;
    events.recv_timeout(left).ok()
}

/// A running child that leads its group; dropping it ends the group.
struct Group {
    child: Child,
    pid: Pid,
    waiter: Option<JoinHandle<()>>,
    /// Pipes that are still being read.
    open: usize,
    reaped: bool,
}

impl Group {
    fn start(job: &Job, send: &SyncSender<Event>) -> Result<Self, ProcessError> {
        let mut command = Command::new(&job.program);
        command.args(&job.arguments).stdin(Stdio::null()).stdout(Stdio::piped()).process_group(0);
        command.stderr(match job.stderr {
            Stderr::Captured => Stdio::piped(),
            Stderr::Inherited => Stdio::inherit(),
        });
        if let Some(directory) = &job.directory {
            command.current_dir(directory);
        }
        for (key, value) in &job.environment {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        let fail = |source| ProcessError::Start { program: job.program.clone(), source };
        let mut child = command.spawn().map_err(fail)?;
        let pid = Pid::from_child(&child);
        let stdout = child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        let stderr = child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>);
        // From here on the guard ends the group whatever fails.
        let mut group = Self { child, pid, waiter: None, open: 0, reaped: false };
        for (stream, pipe) in [(Stream::Stdout, stdout), (Stream::Stderr, stderr)] {
            let Some(pipe) = pipe else { continue };
            let send = send.clone();
            std::thread::Builder::new()
                .name("output".to_owned())
                .spawn(move || forward(stream, pipe, &send))
                .map_err(fail)?;
            group.open += 1;
        }
        let send = send.clone();
        let waiter = std::thread::Builder::new().name("wait".to_owned()).spawn(move || {
            // Not reaped here: while the leader is a zombie its number is not
            // given to another process, so the group can still be signalled.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while matches!(waitid(WaitId::Pid(pid), options), Err(rustix::io::Errno::INTR)) {}
            let _ = send.send(Event::Exited);
        });
        group.waiter = Some(waiter.map_err(fail)?);
        Ok(group)
    }

    fn signal(&self, signal: Signal) {
        // Fails only where no process of the group is left.
        let _ = kill_process_group(self.pid, signal);
    }

    /// SIGTERM, a pause for the leader to tidy up, SIGKILL, reaped.
    fn end(
        &mut self,
        program: &Path,
        events: &Receiver<Event>,
        output: &mut Output,
        on_line: &mut dyn FnMut(Stream, &str),
    ) -> Result<(), ProcessError> {
        self.signal(Signal::TERM);
        let until = Instant::now() + GRACE;
        while let Some(event) = next_before(events, until) {
            match event {
                Event::Line(stream, line) => output.take(stream, &line, on_line)?,
                Event::Closed => self.open -= 1,
                Event::Interrupted => {}
                Event::Exited => break,
            }
        }
        self.signal(Signal::KILL);
        self.drain(events, output, on_line)?;
        self.reap(program).map(|_| ())
    }

    /// Takes what was printed before the end.
    fn drain(
        &mut self,
        events: &Receiver<Event>,
        output: &mut Output,
        on_line: &mut dyn FnMut(Stream, &str),
    ) -> Result<(), ProcessError> {
        let until = Instant::now() + DRAIN;
        while self.open > 0 {
            match next_before(events, until) {
                Some(Event::Line(stream, line)) => output.take(stream, &line, on_line)?,
                Some(Event::Closed) => self.open -= 1,
                Some(Event::Interrupted | Event::Exited) => {}
                None => break,
            }
        }
        Ok(())
    }

    fn reap(&mut self, program: &Path) -> Result<ExitStatus, ProcessError> {
        let status = self
            .child
            .wait()
            .map_err(|source| ProcessError::Wait { program: program.to_owned(), source })?;
        self.reaped = true;
        Ok(status)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.reaped {
            self.signal(Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

/// Sends a pipe's lines, then [`Event::Closed`].
fn forward(stream: Stream, mut pipe: Box<dyn Read + Send>, send: &SyncSender<Event>) {
    let mut line = Vec::new();
    let mut buffer = [0; 8192];
    loop {
        let count = match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for part in buffer[..count].split_inclusive(|&byte| byte == b'\n' || byte == b'\r') {
            let (text, ends) = match part {
                [text @ .., b'\n' | b'\r'] => (text, true),
                text => (text, false),
            };
            let room = LINE_BYTES.saturating_sub(line.len());
            line.extend_from_slice(&text[..text.len().min(room)]);
            if ends && send.send(take_line(stream, &mut line)).is_err() {
                return;
            }
        }
    }
    if !line.is_empty() && send.send(take_line(stream, &mut line)).is_err() {
        return;
    }
    let _ = send.send(Event::Closed);
}

fn take_line(stream: Stream, line: &mut Vec<u8>) -> Event {
    let text = String::from_utf8_lossy(line).into_owned();
    line.clear();
    Event::Line(stream, text)
}

#[cfg(test)]
mod tests;
