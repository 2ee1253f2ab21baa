use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use benchgate_suite::upstream::{
    BatchConfig, BatchError, Batcher, Fault, Faults, UpstreamError, Valuations, valuation,
};
use tokio::task::JoinSet;

use super::{HOUR, ONCE, PLAIN, client, upstream};

const fn batches(max_size: usize, max_wait: Duration) -> BatchConfig {
    BatchConfig { max_size, max_wait }
}

#[tokio::test]
async fn concurrent_lookups_are_one_request_and_each_gets_its_own_value() {
    let upstream = upstream(Faults::none());
    let valuations = Valuations::new(client(&upstream, ONCE).0, batches(8, HOUR));
    let mut callers = JoinSet::new();
    // Two callers want the same value, and one caller wants a missing value.
    for property in [5, 3, 1000, 9, 3, 1, 0, 700] {
        let valuations = valuations.clone();
        callers.spawn(async move { (property, valuations.batched(property).await.unwrap()) });
    }
    for (property, found) in callers.join_all().await {
        assert_eq!(found, (property < 1000).then(|| valuation(property)), "{property}");
    }
    assert_eq!(upstream.requests(), 1);
}

#[tokio::test]
async fn a_full_batch_is_sent_at_once_and_the_rest_after_its_wait() {
    let upstream = upstream(Faults::none());
    let wait = Duration::from_millis(1);
    let valuations = Valuations::new(client(&upstream, ONCE).0, batches(4, wait));
    let sum: u64 = (0..10).map(|property| valuation(property).checksum()).sum();
    assert_eq!(valuations.crowd(0..10, true).await.unwrap(), sum);
    assert_eq!(upstream.requests(), 3);
    assert_eq!(valuations.crowd(0..10, false).await.unwrap(), sum);
    assert_eq!(upstream.requests(), 13);
}

#[tokio::test]
async fn with_a_batch_size_of_0_or_1_each_lookup_is_a_request() {
    let upstream = upstream(Faults::none());
    for max_size in [0, 1] {
        let before = upstream.requests();
        let valuations =
            Valuations::new(client(&upstream, ONCE).0, batches(max_size, Duration::MAX));
        valuations.crowd(0..5, true).await.unwrap();
        assert_eq!(upstream.requests() - before, 5);
    }
}

#[tokio::test]
async fn the_error_of_a_batch_reaches_all_its_callers_and_no_others() {
    let upstream = upstream(Faults::script([Fault::Unavailable]));
    let valuations = Valuations::new(client(&upstream, ONCE).0, batches(4, HOUR));
    let mut callers = JoinSet::new();
    for property in 0..4 {
        let valuations = valuations.clone();
        callers.spawn(async move { valuations.batched(property).await });
    }
    for answer in callers.join_all().await {
        let error = answer.unwrap_err();
        assert!(matches!(error, UpstreamError::Status { status: 503, .. }), "{error}");
    }
    assert_eq!(upstream.requests(), 1);
    valuations.crowd(0..4, true).await.unwrap();
}

#[tokio::test]
async fn a_batch_is_sent_again_as_one() {
    let upstream = upstream(Faults::script([Fault::Reset, Fault::Unavailable]));
    let valuations = Valuations::new(client(&upstream, PLAIN).0, batches(4, HOUR));
    valuations.crowd(0..4, true).await.unwrap();
    assert_eq!(upstream.requests(), 3);
}

type Asked = Arc<Mutex<Vec<Vec<u32>>>>;

/// Doubles each key. 13 is missing, 66 fails and 99 panics.
fn doubling(config: BatchConfig) -> (Batcher<u32, u32, &'static str>, Asked) {
    let asked = Asked::default();
    let batcher = Batcher::new(config, {
        let asked = Arc::clone(&asked);
        move |keys: Vec<u32>| {
            asked.lock().unwrap().push(keys.clone());
            async move {
                assert!(!keys.contains(&99), "a key that panics");
                if keys.contains(&66) {
                    return Err("66");
                }
                let known = keys.into_iter().filter(|key| *key != 13);
                Ok(known.map(|key| (key, 2 * key)).collect::<BTreeMap<_, _>>())
            }
        }
    });
    (batcher, asked)
}

#[tokio::test]
async fn a_batch_asks_for_different_keys_in_their_order() {
    let (batcher, asked) = doubling(batches(5, HOUR));
    let answers = tokio::join!(
        batcher.get(7),
        batcher.get(2),
        batcher.get(7),
        batcher.get(13),
        batcher.get(1)
    );
    assert_eq!(answers, (Ok(Some(14)), Ok(Some(4)), Ok(Some(14)), Ok(None), Ok(Some(2))));
    assert_eq!(*asked.lock().unwrap(), [[1, 2, 7, 13]]);
}

#[tokio::test]
async fn keys_of_callers_who_have_gone_are_not_requested() {
    let (batcher, asked) = doubling(batches(2, HOUR));
    tokio::select! {
        biased;
        answer = batcher.get(1) => panic!("{answer:?}"),
        // After one poll, the caller is in the queue.
        () = std::future::ready(()) => {}
    }
    assert_eq!(batcher.get(2).await, Ok(Some(4)));
    assert_eq!(*asked.lock().unwrap(), [[2]]);
}

#[tokio::test]
async fn a_batch_without_waiting_callers_is_not_requested() {
    let (batcher, asked) = doubling(batches(1, HOUR));
    tokio::select! {
        biased;
        answer = batcher.get(1) => panic!("{answer:?}"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(batcher.get(2).await, Ok(Some(4)));
    assert_eq!(*asked.lock().unwrap(), [[2]]);
}

#[tokio::test]
async fn a_lookup_that_panics_loses_its_batch_and_no_other() {
    let (batcher, _) = doubling(batches(1, HOUR));
    assert_eq!(batcher.get(99).await, Err(BatchError::Lost));
    assert_eq!(batcher.get(66).await, Err(BatchError::Lookup("66")));
    assert_eq!(batcher.get(4).await, Ok(Some(8)));
}

#[test]
fn a_batcher_whose_runtime_has_ended_loses_its_callers() {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let first = runtime();
    let (batcher, _) = first.block_on(async { doubling(batches(1, HOUR)) });
    drop(first);
    let answer = runtime().block_on(batcher.get(4));
    assert_eq!(answer, Err(BatchError::Lost));
}
