//! The limits of the service, and how it stops.

use std::future::pending;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::{get as route, post as posted};
use benchgate_suite::http::{Client, Protocol, Server};
use benchgate_suite::service::{Drained, Limits};
use hyper::StatusCode;
use tokio::sync::Semaphore;

use super::{EMBEDDED, assert_problem, client, dressed, get, header, json, post, raw};

const QUICK: Duration = Duration::from_millis(50);

/// A route that reports when a request has begun, and waits until it may end.
#[derive(Clone)]
struct Gate {
    begun: Arc<Semaphore>,
    may_end: Arc<Semaphore>,
}

impl Gate {
    fn new() -> Self {
        let closed = || Arc::new(Semaphore::new(0));
        Self { begun: closed(), may_end: closed() }
    }

    fn routes(&self) -> Router {
        let gate = self.clone();
        Router::new().route(
            "/waits",
            route(move || {
                let gate = gate.clone();
                async move {
                    gate.begun.add_permits(1);
                    gate.may_end.acquire().await.expect("never closed").forget();
                    "done"
                }
            }),
        )
    }

    async fn begun(&self) {
        self.begun.acquire().await.expect("never closed").forget();
    }

    fn end(&self) {
        self.may_end.add_permits(1);
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused() {
    let limits = Limits { body_bytes: 1000, ..Limits::default() };
    let echo = Router::new().route("/echo", posted(async |body: String| body.len().to_string()));
    let (server, _) = dressed(Router::new(), echo, limits);
    let client = client(&server).await;
    let sent = |length: usize| client.get("/echo").unwrap().json("a".repeat(length));
    assert_eq!(client.send(&sent(1000)).await.unwrap().body, "1000");
    let refused = client.send(&sent(1001)).await.unwrap();
    let detail = "the body is too large";
    assert_problem(&refused, StatusCode::PAYLOAD_TOO_LARGE, detail);
    // The same with chunks, without a length in the head.
    let pieces = "400\r\n".to_owned() + &"a".repeat(0x400) + "\r\n0\r\n\r\n";
    let head = "POST /echo HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{pieces}");
    let answer = raw(server.address(), chunked.as_bytes());
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    // The same in a handler's extractor.
    let large = post(&EMBEDDED, "/score", Box::leak("1".repeat(70_000).into_boxed_str())).await;
    assert_problem(&large, StatusCode::PAYLOAD_TOO_LARGE, detail);
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_aborted() {
    let limits = Limits { timeout: QUICK, ..Limits::default() };
    let never = Router::new().route("/never", route(pending::<&'static str>));
    let (server, front) = dressed(Router::new(), never, limits);
    let reply = get(&server, "/never", &[]).await;
    assert_problem(&reply, StatusCode::GATEWAY_TIMEOUT, "the answer took too long");
    assert_eq!(front.metrics().timed_out.get(), 1);
    assert_eq!(front.metrics().in_flight.get(), 0);
}

#[tokio::test]
async fn requests_beyond_the_limit_are_rejected() {
    let limits = Limits { requests: 1, ..Limits::default() };
    let gate = Gate::new();
    let kept = || async { ([("cache-control", "max-age=60")], "kept") };
    let cached = Router::new().route("/kept", route(kept));
    let (server, front) = dressed(cached, gate.routes(), limits);
    assert_eq!(get(&server, "/kept", &[]).await.status, StatusCode::OK);

    let (first, ()) = tokio::join!(get(&server, "/waits", &[]), async {
        gate.begun().await;
        let shed = get(&server, "/waits", &[]).await;
        let detail = "too many requests are under way";
        assert_problem(&shed, StatusCode::SERVICE_UNAVAILABLE, detail);
        assert_eq!(header(&shed, "retry-after"), "1");
        // Cached responses are still sent.
        assert_eq!(get(&server, "/kept", &[]).await.body, "kept");
        assert_eq!(front.metrics().shed.get(), 1);
        gate.end();
    });
    assert_eq!(first.body, "done");
    let (after, ()) = tokio::join!(get(&server, "/waits", &[]), async { gate.end() });
    assert_eq!(after.body, "done", "there is room again");
}

#[tokio::test]
async fn a_request_of_a_disconnected_client_frees_its_place() {
    let limits = Limits { requests: 1, ..Limits::default() };
    let gate = Gate::new();
    let (server, front) = dressed(Router::new(), gate.routes(), limits);
    let gone = client(&server).await;
    let call = gone.get("/waits").unwrap();
    tokio::select! {
        _ = gone.send(&call) => panic!("it ended by itself"),
        () = gate.begun() => {}
    }
    drop(gone);
    // Its place is free once the server has seen the connection end.
    while front.metrics().in_flight.get() > 0 {
        tokio::task::yield_now().await;
    }
    let (next, ()) = tokio::join!(get(&server, "/waits", &[]), async { gate.end() });
    assert_eq!(next.body, "done");
}

#[tokio::test]
async fn a_stopping_server_answers_only_requests_under_way() {
    for protocol in [Protocol::Http1, Protocol::H2] {
        let gate = Gate::new();
        let (mut server, _) = dressed(Router::new(), gate.routes(), Limits::default());
        let address = server.address();
        let client = Client::connect(address, protocol).await.unwrap();
        let call = client.get("/waits").unwrap();
        let (reply, ()) = tokio::join!(client.send(&call), async {
            gate.begun().await;
            server.begin_stop();
            // Its port is closed while the request is still under way.
            while TcpStream::connect(address).is_ok() {
                tokio::task::yield_now().await;
            }
            gate.end();
        });
        assert_eq!(reply.unwrap().body, "done", "{protocol:?}");
        assert_eq!(server.stop().unwrap(), Drained::All);
        client.send(&call).await.unwrap_err();
    }
}

#[tokio::test]
async fn a_stopping_server_does_not_wait_forever() {
    let limits = Limits { drain: QUICK, ..Limits::default() };
    let gate = Gate::new();
    let (server, _) = dressed(Router::new(), gate.routes(), limits);
    let client = client(&server).await;
    let call = client.get("/waits").unwrap();
    let (reply, drained) = tokio::join!(client.send(&call), async {
        gate.begun().await;
        tokio::task::spawn_blocking(move || server.stop().unwrap()).await.unwrap()
    });
    assert_eq!(drained, Drained::NotAll);
    reply.unwrap_err();
}

#[tokio::test]
async fn a_stopped_server_is_gone() {
    let (server, _) = dressed(Router::new(), Router::new(), Limits::default());
    let address = server.address();
    TcpStream::connect(address).unwrap();
    drop(server);
    TcpStream::connect(address).unwrap_err();
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed() {
    let limits = Limits { head: QUICK, ..Limits::default() };
    let (server, _) = dressed(Router::new(), Router::new(), limits);
    for beginning in ["", "P", "PRI * HT", "GET / HTTP/1.1\r\nhost:"] {
        // Returns when the server closes, and fails after twenty seconds.
        let answer = raw(server.address(), beginning.as_bytes());
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408"), "{answer}");
    }
}

#[tokio::test]
async fn connections_are_reused_and_counted() {
    let server = Server::embedded().unwrap();
    for (protocol, connections) in [(Protocol::Http1, 1), (Protocol::H2, 2)] {
        let client = Client::connect(server.address(), protocol).await.unwrap();
        let call = client.get("/leads/7").unwrap();
        for _ in 0..50 {
            assert_eq!(json(&client.send(&call).await.unwrap())["id"], 7);
        }
        assert_eq!(server.accepted(), connections, "{protocol:?}");
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let limits = Limits { connections: 1, ..Limits::default() };
    let routes = Router::new().route("/", route(|| async { "here" }));
    let (server, _) = dressed(Router::new(), routes, limits);
    let first = client(&server).await;
    assert_eq!(first.send(&first.get("/").unwrap()).await.unwrap().body, "here");
    let second = client(&server).await;
    let call = second.get("/").unwrap();
    let mut waiting = Box::pin(second.send(&call));
    tokio::select! {
        biased;
        reply = &mut waiting => panic!("{reply:?}"),
        // The first one is served as before.
        reply = first.send(&call) => assert_eq!(reply.unwrap().body, "here"),
    }
    drop(first);
    assert_eq!(waiting.await.unwrap().body, "here");
}

#[tokio::test]
async fn hostile_heads_are_refused() {
    let address = EMBEDDED.address();
    for (request, answer) in [
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        ("\0\0\0\0\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
        (format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(70_000)), "HTTP/1.1 414 "),
        (format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(200)), "HTTP/1.1 431 "),
        (
            "POST /score HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n".to_owned(),
            "HTTP/1.1 400 ",
        ),
        ("POST /score HTTP/1.1\r\ncontent-length: -1\r\n\r\n".to_owned(), "HTTP/1.1 400 "),
    ] {
        let got = raw(address, request.as_bytes());
        let shown: String = request.chars().take(60).collect();
        assert!(got.starts_with(answer), "{shown}: {}", got.lines().next().unwrap_or("nothing"));
    }
}
