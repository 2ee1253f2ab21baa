//! One child process in a group of its own, which never outlives its time.

mod job;
mod output;
mod throttle;

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::{Interrupt, OnSide};
pub use job::{Ended, Job, Outcome, ProcessError, Remains, Stderr, Stream};
use output::Output;
use throttle::Throttle;

/// How long a group may take to end after SIGTERM before SIGKILL.
const GRACE: Duration = Duration::from_secs(2);
/// How long to wait for the rest of the output once the process is gone; only a
/// descendant that left the group can still hold the pipe.
const DRAIN: Duration = Duration::from_millis(500);
/// Bytes of one line that are kept; cargo's messages are the longest that matter.
const LINE_BYTES: usize = 4 << 20;

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
    // A process that is left when the job ends may still need the side's files, but
    // waiting for it could take forever.
    let side = job.on_side.as_ref().map(OnSide::enter).transpose();
    let _entered = side.map_err(ProcessError::Side)?;
    let mut output = Output::new(job)?;
    // Bounded: a program that prints faster than we read waits, as on a terminal.
    let (send, events) = sync_channel(1024);
    let started = Instant::now();
    let mut group = Group::start(job, &send)?;
    // Ended before the group is: a group that stands still would not see its SIGTERM.
    let mut throttle = job
        .slowdown
        .map(|share| Throttle::start(group.pid, share))
        .transpose()
        .map_err(|source| ProcessError::Start { program: job.program.clone(), source })?;
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
                    drop(throttle.take());
                    group.end(&job.program, &events, &mut output, on_line)?;
                    break Ended::TimedOut(limit);
                };
                event
            }
            None => events.recv().unwrap_or(Event::Exited),
        };
        if woken.try_recv().is_ok() {
            drop(throttle.take());
            group.end(&job.program, &events, &mut output, on_line)?;
            return Err(ProcessError::Interrupted { signal: interrupt.signal().unwrap_or(0) });
        }
        match event {
            Event::Line(stream, line) => output.take(stream, &line, on_line)?,
            Event::Closed => group.open -= 1,
            Event::Interrupted => {}
            Event::Exited => {
                drop(throttle.take());
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
