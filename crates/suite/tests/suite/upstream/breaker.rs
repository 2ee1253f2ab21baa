use std::time::Duration;

use benchgate_suite::upstream::{
    Breaker, BreakerConfig, ClientConfig, Clock, Fault, Faults, Rejected, State, UpstreamError,
};

use super::{ONCE, PLAIN, client, upstream};

const OPEN_FOR: Duration = Duration::from_secs(5);
const CONFIG: BreakerConfig = BreakerConfig { window: 4, failures: 3, open_for: OPEN_FOR };
const LEAD: &str = "/valuations/7";

fn breaker() -> (Breaker, Clock) {
    let clock = Clock::manual();
    (Breaker::new(CONFIG, clock.clone()), clock)
}

/// One call with the given outcome.
fn call(breaker: &Breaker, succeeds: bool) {
    let permit = breaker.acquire().unwrap();
    if succeeds {
        permit.succeed();
    } else {
        permit.fail();
    }
}

fn opened() -> (Breaker, Clock) {
    let (breaker, clock) = breaker();
    for _ in 0..3 {
        call(&breaker, false);
    }
    (breaker, clock)
}

#[test]
fn a_breaker_opens_at_its_threshold() {
    let (breaker, _) = breaker();
    for succeeds in [true, false, true, false] {
        call(&breaker, succeeds);
    }
    assert_eq!(breaker.state(), State::Closed);
    // The third failure of the last four calls.
    call(&breaker, false);
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn old_failures_are_forgotten() {
    let (breaker, _) = breaker();
    for succeeds in [false, false, true, true, true, false, false, true, true, false] {
        call(&breaker, succeeds);
        assert_eq!(breaker.state(), State::Closed);
    }
}

#[test]
fn an_open_breaker_rejects_until_its_time_is_over() {
    let (breaker, clock) = opened();
    assert_eq!(breaker.acquire().unwrap_err(), Rejected::Open { retry_in: OPEN_FOR });
    clock.advance(Duration::from_millis(4999));
    let rejected = breaker.acquire().unwrap_err();
    assert_eq!(rejected.to_string(), "the circuit breaker is open for another 1ms");
    clock.advance(Duration::from_millis(1));
    breaker.acquire().unwrap().succeed();
}

#[test]
fn a_half_open_breaker_lets_one_call_through_and_closes_on_success() {
    let (breaker, clock) = opened();
    clock.advance(OPEN_FOR);
    let probe = breaker.acquire().unwrap();
    assert_eq!(breaker.state(), State::HalfOpen);
    for _ in 0..3 {
        assert_eq!(breaker.acquire().unwrap_err(), Rejected::HalfOpen);
    }
    probe.succeed();
    assert_eq!(breaker.state(), State::Closed);
    // Failures before it opened no longer count.
    call(&breaker, false);
    call(&breaker, false);
    assert_eq!(breaker.state(), State::Closed);
    call(&breaker, false);
    assert_eq!(breaker.state(), State::Open);
}

#[test]
fn a_failed_probe_opens_the_breaker_for_the_same_time() {
    let (breaker, clock) = opened();
    clock.advance(OPEN_FOR);
    call(&breaker, false);
    assert_eq!(breaker.acquire().unwrap_err(), Rejected::Open { retry_in: OPEN_FOR });
}

#[test]
fn an_abandoned_probe_makes_room_for_another() {
    let (breaker, clock) = opened();
    clock.advance(OPEN_FOR);
    drop(breaker.acquire().unwrap());
    assert_eq!(breaker.state(), State::Open);
    let probe = breaker.acquire().unwrap();
    assert_eq!(breaker.acquire().unwrap_err(), Rejected::HalfOpen);
    probe.succeed();
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn an_abandoned_call_is_not_a_failure() {
    let (breaker, _) = breaker();
    for _ in 0..10 {
        drop(breaker.acquire().unwrap());
    }
    assert_eq!(breaker.state(), State::Closed);
}

#[test]
fn a_late_result_does_not_decide_a_probe() {
    let (breaker, clock) = breaker();
    let late: Vec<_> = (0..2).map(|_| breaker.acquire().unwrap()).collect();
    for _ in 0..3 {
        call(&breaker, false);
    }
    clock.advance(OPEN_FOR);
    let probe = breaker.acquire().unwrap();
    let [good, bad] = <[_; 2]>::try_from(late).unwrap();
    good.succeed();
    bad.fail();
    assert_eq!(breaker.state(), State::HalfOpen);
    probe.succeed();
    assert_eq!(breaker.state(), State::Closed);
}

const GUARDED: ClientConfig =
    ClientConfig { breaker: BreakerConfig { window: 3, failures: 3, open_for: OPEN_FOR }, ..ONCE };

#[tokio::test]
async fn a_client_sends_nothing_while_open_and_one_request_when_half_open() {
    let upstream = upstream(Faults::cycle([Fault::Unavailable]));
    let (client, clock) = client(&upstream, GUARDED);
    for _ in 0..3 {
        let error = client.get(LEAD).await.unwrap_err();
        assert!(matches!(error, UpstreamError::Status { status: 503, .. }), "{error}");
    }
    for _ in 0..10 {
        let error = client.get(LEAD).await.unwrap_err();
        let expected = format!(
            "{}{LEAD}: not sent, the circuit breaker is open for another 5s",
            upstream.base()
        );
        assert_eq!(error.to_string(), expected);
    }
    assert_eq!(upstream.requests(), 3);
    assert_eq!(client.counts().rejected, 10);

    clock.advance(OPEN_FOR);
    upstream.set_faults(Faults::none());
    let (probe, other) = tokio::join!(client.get(LEAD), client.get(LEAD));
    probe.unwrap();
    let rejected = other.unwrap_err();
    assert!(
        matches!(rejected, UpstreamError::Open { rejected: Rejected::HalfOpen, .. }),
        "{rejected}"
    );
    assert_eq!(upstream.requests(), 4);
    assert_eq!(client.breaker().state(), State::Closed);
    client.get(LEAD).await.unwrap();
    assert_eq!(upstream.requests(), 5);
}

#[tokio::test]
async fn a_breaker_that_opens_ends_the_retries() {
    let upstream = upstream(Faults::cycle([Fault::Reset]));
    let mut config = ClientConfig { breaker: GUARDED.breaker, ..PLAIN };
    config.retry.retries = 10;
    let (client, _) = client(&upstream, config);
    let error = client.get(LEAD).await.unwrap_err();
    // The error names the failure that opened the breaker.
    assert!(matches!(error, UpstreamError::Connection { .. }), "{error}");
    assert_eq!(upstream.requests(), 3);
    assert_eq!(client.breaker().state(), State::Open);
    // No budget was spent and no time was waited for requests that were not sent.
    assert_eq!((client.counts().retries, client.counts().rejected), (2, 0));
}

#[test]
fn an_endless_open_time_is_allowed() {
    let clock = Clock::manual();
    let config = BreakerConfig { window: 1, failures: 1, open_for: Duration::MAX };
    let breaker = Breaker::new(config, clock.clone());
    call(&breaker, false);
    clock.advance(super::HOUR);
    let retry_in = Duration::MAX.saturating_sub(super::HOUR);
    assert_eq!(breaker.acquire().unwrap_err(), Rejected::Open { retry_in });
}

#[tokio::test]
async fn refused_requests_do_not_open_the_breaker() {
    let upstream = upstream(Faults::none());
    let (client, _) = client(&upstream, GUARDED);
    for _ in 0..10 {
        client.get("/valuations/1000").await.unwrap_err();
    }
    assert_eq!(client.breaker().state(), State::Closed);
}

#[tokio::test]
async fn a_caller_who_leaves_during_the_probe_makes_room_for_another() {
    let upstream = upstream(Faults::script([Fault::Unavailable; 3]));
    let (client, clock) = client(&upstream, GUARDED);
    for _ in 0..3 {
        client.get(LEAD).await.unwrap_err();
    }
    clock.advance(OPEN_FOR);
    upstream.set_faults(Faults::script([Fault::Delayed(super::HOUR)]));
    tokio::select! {
        biased;
        answer = client.get(LEAD) => panic!("{answer:?}"),
        // After one poll, the request has been sent.
        () = std::future::ready(()) => {}
    }
    upstream.set_faults(Faults::none());
    client.get(LEAD).await.unwrap();
}
