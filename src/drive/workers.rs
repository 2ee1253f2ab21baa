//! Work on several threads, with its events on one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

/// What happened to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum JobEvent {
    Started,
    Ended,
}

enum Message<T, E> {
    Started(usize),
    Ended(usize, Result<T, E>),
}

/// As many as there are cores, and no more than there is work for.
pub(crate) fn workers(jobs: usize) -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(jobs)
}

/// Carries out all jobs, so many at a time, and returns their outcomes in the same
/// order. `on_event` is called on this thread.
///
/// # Errors
///
/// The first that occurs. No job is started after it; those that are running end
/// first.
pub(crate) fn parallel_map<J: Sync, T: Send, E: Send>(
    jobs: &[J],
    workers: usize,
    work: impl Fn(&J) -> Result<T, E> + Sync,
    mut on_event: impl FnMut(&J, JobEvent),
) -> Result<Vec<T>, E> {
    let next = AtomicUsize::new(0);
    let (send, messages) = channel();
    let one = |send: &Sender<Message<T, E>>| {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let Some(job) = jobs.get(number) else { break };
            // The receiver outlives the workers.
            let _ = send.send(Message::Started(number));
            let outcome = work(job);
            if outcome.is_err() {
                next.store(jobs.len(), Ordering::Relaxed);
            }
            let _ = send.send(Message::Ended(number, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..workers {
            let send = send.clone();
            let one = &one;
            scope.spawn(move || one(&send));
        }
        drop(send);
        let mut done = BTreeMap::new();
        let mut failed = None;
        for message in messages {
            match message {
                Message::Started(number) => on_event(&jobs[number], JobEvent::Started),
                Message::Ended(number, Ok(outcome)) => {
                    on_event(&jobs[number], JobEvent::Ended);
                    done.insert(number, outcome);
                }
                Message::Ended(_, Err(error)) => {
                    failed.get_or_insert(error);
                }
            }
        }
        match failed {
            Some(error) => Err(error),
            None => Ok(done.into_values().collect()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_in_the_order_of_jobs_and_each_has_its_events() {
        let jobs: Vec<u32> = (0..100).collect();
        let (mut started, mut ended) = (0, 0);
        let squares = parallel_map(
            &jobs,
            3,
            |job| Ok::<_, ()>(job * job),
            |_, event| match event {
                JobEvent::Started => started += 1,
                JobEvent::Ended => ended += 1,
            },
        );
        assert_eq!(squares.unwrap(), jobs.iter().map(|job| job * job).collect::<Vec<_>>());
        assert_eq!((started, ended), (100, 100));
        let none = parallel_map(&[], workers(0), |job: &u32| Ok::<_, ()>(*job), |_, _| {});
        assert_eq!(none, Ok(Vec::new()));
    }

    #[test]
    fn nothing_is_begun_after_an_error() {
        let jobs: Vec<u32> = (0..1000).collect();
        let begun = AtomicUsize::new(0);
        let outcome = parallel_map(
            &jobs,
            1,
            |job| {
                begun.fetch_add(1, Ordering::Relaxed);
                if *job == 3 { Err("the third") } else { Ok(()) }
            },
            |_, _| {},
        );
        assert_eq!(outcome, Err("the third"));
        assert_eq!(begun.into_inner(), 4);
    }
}
