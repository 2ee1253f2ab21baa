//! Work that is shared among threads, and told about on one.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};

/// What happened to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
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

/// Carries out all jobs, so many at a time; what came of them, in their order.
/// `told` is called on this thread.
///
/// # Errors
///
/// The first that occurs. No job is begun after it; those under way end first.
pub(crate) fn share<J: Sync, T: Send, E: Send>(
    jobs: &[J],
    workers: usize,
    work: impl Fn(&J) -> Result<T, E> + Sync,
    mut told: impl FnMut(&J, Told),
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
                Message::Started(number) => told(&jobs[number], Told::Started),
                Message::Ended(number, Ok(outcome)) => {
                    told(&jobs[number], Told::Ended);
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
    fn outcomes_are_in_the_order_of_jobs_and_each_is_told_of() {
        let jobs: Vec<u32> = (0..100).collect();
        let (mut started, mut ended) = (0, 0);
        let squares = share(
            &jobs,
            3,
            |job| Ok::<_, ()>(job * job),
            |_, told| match told {
                Told::Started => started += 1,
                Told::Ended => ended += 1,
            },
        );
        assert_eq!(squares.unwrap(), jobs.iter().map(|job| job * job).collect::<Vec<_>>());
        assert_eq!((started, ended), (100, 100));
        let none = share(&[], workers(0), |job: &u32| Ok::<_, ()>(*job), |_, _| {});
        assert_eq!(none, Ok(Vec::new()));
    }

    #[test]
    fn nothing_is_begun_after_an_error() {
        let jobs: Vec<u32> = (0..1000).collect();
        let begun = AtomicUsize::new(0);
        let outcome = share(
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
