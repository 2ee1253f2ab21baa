use std::time::Duration;

use benchgate_suite::upstream::{
    ClientConfig, Counts, Fault, Faults, RetryBudget, RetryPolicy, Shares, UpstreamError,
};
use hyper::Method;
use hyper::body::Bytes;
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;

use super::{ONCE, PLAIN, client, upstream};

const LEAD: &str = "/valuations/7";
const ANSWER: &[u8] = br#"{"property":7,"euros":205433}"#;

const fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

const BACKOFF: RetryPolicy = RetryPolicy { first: ms(20), longest: ms(500), ..PLAIN.retry };

#[tokio::test]
async fn a_failed_request_is_sent_again_until_it_succeeds() {
    let upstream = upstream(Faults::script([Fault::Unavailable, Fault::Reset]));
    let (client, clock) = client(&upstream, ClientConfig { retry: BACKOFF, ..PLAIN });
    let start = clock.now();
    assert_eq!(client.get(LEAD).await.unwrap(), ANSWER);
    assert_eq!(upstream.requests(), 3);
    assert_eq!(client.counts(), Counts { requests: 1, attempts: 3, retries: 2, rejected: 0 });

    // It waited for the seed's times, once for each retry.
    let mut random = Xoshiro256PlusPlus::seed_from_u64(BACKOFF.seed);
    let waits = [BACKOFF.delay(0, &mut random), BACKOFF.delay(1, &mut random)];
    assert_eq!(clock.now() - start, waits[0] + waits[1]);
    assert!(waits.iter().all(|wait| !wait.is_zero()), "{waits:?}");
}

#[tokio::test]
async fn after_the_last_retry_the_failure_is_returned() {
    let upstream = upstream(Faults::cycle([Fault::Unavailable]));
    let (client, _) = client(&upstream, PLAIN);
    let error = client.get(LEAD).await.unwrap_err();
    assert_eq!(error.to_string(), format!("{}{LEAD}: answered 503", upstream.base()));
    assert_eq!(upstream.requests(), 3);
}

#[tokio::test]
async fn requests_that_are_not_idempotent_are_sent_once() {
    let upstream = upstream(Faults::script([Fault::Reset, Fault::Unavailable]));
    let (client, _) = client(&upstream, PLAIN);
    // The request was carried out, which the caller cannot know: a retry would repeat it.
    let error = client.post("/orders/7", Bytes::new()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Connection { .. }), "{error}");
    assert_eq!((upstream.orders(), upstream.requests()), (1, 1));

    let error = client.post("/orders/7", Bytes::new()).await.unwrap_err();
    assert!(matches!(error, UpstreamError::Status { status: 503, .. }), "{error}");
    assert_eq!((upstream.orders(), upstream.requests()), (1, 2));

    client.post("/orders/7", Bytes::new()).await.unwrap();
    assert_eq!((upstream.orders(), upstream.requests()), (2, 3));
}

#[tokio::test]
async fn requests_of_every_idempotent_method_are_sent_again() {
    let upstream = upstream(Faults::none());
    let (client, _) = client(&upstream, PLAIN);
    for method in [Method::PUT, Method::DELETE, Method::HEAD, Method::OPTIONS] {
        upstream.set_faults(Faults::script([Fault::Unavailable]));
        let before = upstream.requests();
        // Whatever the answer, the request was sent twice.
        let _ = client.send(method.clone(), "/orders/7", Bytes::new()).await;
        assert_eq!(upstream.requests() - before, 2, "{method}");
    }
    upstream.set_faults(Faults::script([Fault::Unavailable]));
    let before = upstream.requests();
    client.send(Method::PATCH, "/orders/7", Bytes::new()).await.unwrap_err();
    assert_eq!(upstream.requests() - before, 1);
}

#[tokio::test]
async fn refused_requests_are_not_sent_again() {
    let upstream = upstream(Faults::none());
    let (client, _) = client(&upstream, PLAIN);
    for (path, refused) in [("/valuations/1000", 404), ("/valuations?ids=1,x", 400)] {
        let before = upstream.requests();
        let error = client.get(path).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Status { status, .. } if status == refused));
        assert_eq!(upstream.requests() - before, 1, "{path}");
    }
}

#[tokio::test]
async fn no_retry_starts_after_the_deadline() {
    let upstream = upstream(Faults::cycle([Fault::Unavailable]));
    let config = ClientConfig { deadline: Duration::ZERO, ..PLAIN };
    client(&upstream, config).0.get(LEAD).await.unwrap_err();
    assert_eq!(upstream.requests(), 1);
}

#[tokio::test]
async fn retries_stop_when_their_budget_is_used_up() {
    let upstream = upstream(Faults::cycle([Fault::Unavailable]));
    let retry = RetryPolicy { budget_percent: 10, budget_reserve: 3, ..PLAIN.retry };
    let (client, _) = client(&upstream, ClientConfig { retry, ..PLAIN });
    let mut sent = Vec::new();
    for _ in 0..22 {
        let before = upstream.requests();
        client.get(LEAD).await.unwrap_err();
        sent.push(upstream.requests() - before);
    }
    // The reserve of three retries, and then one retry for ten requests.
    assert_eq!(sent, [3, 2, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 1]);
    assert_eq!(client.budget().left(), 0);
}

#[test]
fn a_budget_holds_no_more_than_its_reserve() {
    let budget = RetryBudget::new(50, 2);
    for _ in 0..100 {
        budget.deposit();
    }
    assert_eq!(budget.left(), 2);
    assert_eq!([(); 3].map(|()| budget.withdraw()), [true, true, false]);
    budget.deposit();
    assert!(!budget.withdraw(), "half a retry");
    budget.deposit();
    assert!(budget.withdraw());
    assert!(!RetryBudget::new(0, 0).withdraw());
}

#[test]
fn waits_grow_to_their_maximum() {
    let ceilings: Vec<_> = [0, 1, 2, 3, 4, 5, 31, 32, u32::MAX]
        .map(|retry| BACKOFF.ceiling(retry).as_millis())
        .to_vec();
    assert_eq!(ceilings, [20, 40, 80, 160, 320, 500, 500, 500, 500]);
    let nothing = RetryPolicy { first: Duration::ZERO, ..BACKOFF };
    assert_eq!(nothing.ceiling(3), Duration::ZERO);
}

#[test]
fn waits_spread_evenly_below_their_ceiling_and_the_same_for_a_seed() {
    let draw = |seed| -> Vec<Duration> {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
        (0..1000).map(|_| BACKOFF.delay(2, &mut random)).collect()
    };
    let waits = draw(1);
    assert!(waits.iter().all(|wait| *wait < ms(80)));
    for quarter in [0, 20, 40, 60] {
        let within = |wait: &&Duration| (ms(quarter)..ms(quarter + 20)).contains(*wait);
        let count = waits.iter().filter(within).count();
        assert!((200..300).contains(&count), "{count} from {quarter} ms on");
    }
    assert_eq!(waits, draw(1));
    assert_ne!(waits, draw(2));
}

/// Of a third of requests that fail, hardly any reach the caller.
#[tokio::test]
async fn retries_hide_most_failures() {
    const SHARES: Shares =
        Shares { unavailable: 0.25, delayed: 0.0, reset: 0.1, delay: Duration::ZERO };
    let (mut answered, mut asked) = (Vec::new(), Vec::new());
    for config in [ONCE, PLAIN] {
        let upstream = upstream(Faults::drawn(5, SHARES));
        let (client, _) = client(&upstream, config);
        let mut good = 0;
        for _ in 0..200 {
            good += u32::from(client.get(LEAD).await.is_ok());
        }
        answered.push(good);
        asked.push(upstream.requests());
    }
    // By hand: what happens to each request, one after the other.
    for (config, answered, asked) in [(ONCE, answered[0], asked[0]), (PLAIN, answered[1], asked[1])]
    {
        let mut faults = Faults::drawn(5, SHARES);
        let (mut good, mut requests) = (0, 0);
        for _ in 0..200 {
            let mut left = config.retry.retries + 1;
            while left > 0 {
                requests += 1;
                left -= 1;
                if faults.next() == Some(Fault::None) {
                    good += 1;
                    left = 0;
                }
            }
        }
        assert_eq!((answered, asked), (good, requests));
    }
    assert!(answered[0] < 150 && answered[1] > 180, "{answered:?}");
}

#[test]
fn faults_come_in_their_order() {
    use Fault::{None, Reset, Unavailable};
    let take = |faults: Faults| faults.take(5).collect::<Vec<_>>();
    assert_eq!(take(Faults::none()), [None; 5]);
    assert_eq!(
        take(Faults::script([Reset, None, Unavailable])),
        [Reset, None, Unavailable, None, None]
    );
    assert_eq!(
        take(Faults::cycle([Reset, Unavailable])),
        [Reset, Unavailable, Reset, Unavailable, Reset]
    );
    assert_eq!(take(Faults::cycle([])), [None; 5]);
}

#[test]
fn drawn_faults_have_their_shares_and_are_the_same_for_a_seed() {
    let shares = Shares { unavailable: 0.2, delayed: 0.1, reset: 0.05, delay: ms(3) };
    let draw = |seed| Faults::drawn(seed, shares).take(10_000).collect::<Vec<_>>();
    let drawn = draw(1);
    for (fault, expected) in [
        (Fault::Unavailable, 2000),
        (Fault::Delayed(ms(3)), 1000),
        (Fault::Reset, 500),
        (Fault::None, 6500),
    ] {
        let count: i32 = drawn.iter().map(|drawn| i32::from(*drawn == fault)).sum();
        // Five standard deviations of the largest.
        assert!((count - expected).abs() < 240, "{fault:?}: {count}");
    }
    assert_eq!(drawn, draw(1));
    assert_ne!(drawn, draw(2));
}
