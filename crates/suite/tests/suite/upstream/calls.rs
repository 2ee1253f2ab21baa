use std::time::Duration;

use benchgate_suite::upstream::{
    BatchConfig, Client, ClientConfig, Fault, Faults, UpstreamError, Valuation, Valuations,
    valuation,
};
use hyper::body::Bytes;

use super::{HOUR, ONCE, PLAIN, client, upstream};

#[test]
fn valuations_are_the_same_everywhere() {
    assert_eq!(valuation(0), Valuation { property: 0, euros: 150_000 });
    assert_eq!(valuation(7), Valuation { property: 7, euros: 205_433 });
    assert_eq!(valuation(999).checksum(), 999 * 31 + 411_081);
}

#[tokio::test]
async fn valuations_singly_and_many_at_once() {
    let upstream = upstream(Faults::none());
    let valuations = Valuations::new(client(&upstream, ONCE).0, BatchConfig::default());
    assert_eq!(valuations.one(7).await.unwrap(), Some(valuation(7)));
    assert_eq!(valuations.one(1000).await.unwrap(), None);
    assert_eq!(valuations.checksum_of(7).await.unwrap(), 205_650);
    assert_eq!(upstream.requests(), 3);

    let many = valuations.many(&[3, 1000, 1]).await.unwrap();
    assert_eq!(many.into_values().collect::<Vec<_>>(), [valuation(1), valuation(3)]);
    assert_eq!(upstream.requests(), 4);
    assert!(valuations.many(&[]).await.unwrap().is_empty());
    assert_eq!(upstream.requests(), 4, "no request without properties");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_abandoned() {
    let upstream = upstream(Faults::script([Fault::Delayed(HOUR)]));
    let within = Duration::from_millis(30);
    let (hasty, _) = client(&upstream, ClientConfig { attempt_timeout: within, ..ONCE });
    let error = hasty.get("/valuations/7").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{}/valuations/7: no answer within 30ms", upstream.base())
    );
    assert!(error.is_failure() && error.is_transient());
    // The upstream itself works.
    client(&upstream, ONCE).0.get("/valuations/7").await.unwrap();
}

#[tokio::test]
async fn a_delay_is_not_a_failure() {
    let upstream = upstream(Faults::script([Fault::Delayed(Duration::from_millis(5))]));
    client(&upstream, ONCE).0.get("/valuations/7").await.unwrap();
    assert_eq!(upstream.requests(), 1);
}

#[tokio::test]
async fn a_reset_connection_is_an_error_and_not_used_again() {
    let upstream = upstream(Faults::script([Fault::None, Fault::Reset]));
    let (client, _) = client(&upstream, ONCE);
    client.get("/valuations/7").await.unwrap();
    let error = client.get("/valuations/7").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Connection { .. }), "{error}");
    assert!(error.is_failure() && error.is_transient());
    client.get("/valuations/7").await.unwrap();
    assert_eq!(upstream.requests(), 3);
    assert!(upstream.accepted() >= 2, "{} connections", upstream.accepted());
}

#[tokio::test]
async fn connections_are_used_again() {
    let upstream = upstream(Faults::none());
    let (client, _) = client(&upstream, ONCE);
    for _ in 0..100 {
        client.get("/valuations/7").await.unwrap();
    }
    // Not always one: sometimes a request is sent before the previous connection is back in
    // the pool.
    assert!(upstream.accepted() < 10, "{} connections", upstream.accepted());
}

#[tokio::test]
async fn an_upstream_that_is_gone_is_an_error() {
    let upstream = upstream(Faults::none());
    let (client, _) = client(&upstream, PLAIN);
    let base = upstream.base();
    drop(upstream);
    let error = client.get("/valuations/7").await.unwrap_err();
    // Down to what the system says.
    let (start, end) = (format!("{base}/valuations/7: no answer: "), "Connection refused");
    let text = error.to_string();
    assert!(text.starts_with(&start) && text.contains(end), "{text}");
    assert_eq!(client.counts().retries, 2);
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let upstream = upstream(Faults::none());
    let (client, _) = client(&upstream, ClientConfig { answer_bytes_max: 10, ..PLAIN });
    let error = client.get("/valuations/7").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Answer { .. }), "{error}");
    assert_eq!(upstream.requests(), 1, "an endless answer was requested again");
    assert!(client.post("/orders/7", Bytes::new()).await.unwrap().is_empty());
}

#[tokio::test]
async fn invalid_addresses_are_refused() {
    for (base, reason) in [
        ("https://127.0.0.1:1", "the scheme is not http, or there is a path"),
        ("http://127.0.0.1:1/api", "the scheme is not http, or there is a path"),
        ("127.0.0.1:1", "the scheme is not http, or there is a path"),
        ("http://a b", "invalid uri character"),
    ] {
        let error = Client::new(base, ONCE).unwrap_err();
        let expected =
            format!("`{base}` is not the address of an upstream: {reason}; write http://HOST:PORT");
        assert_eq!(error.to_string(), expected);
    }
    let client = Client::new("http://127.0.0.1:1", ONCE).unwrap();
    let error = client.get("no path").await.unwrap_err();
    assert!(matches!(error, UpstreamError::Address { .. }), "{error}");
    assert_eq!(client.counts().attempts, 0);
}
