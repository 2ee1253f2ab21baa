//! The reference service over a socket: each thing that it promises, seen from
//! outside.

mod front;
mod limits;
mod process;
mod routes;
mod target;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use axum::Router;
use benchgate_suite::http::{Client, Protocol, Reply, Server};
use benchgate_suite::service::{Front, Limits, Metrics};
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};

/// The reference service with nothing to install, for tests that change nothing
/// others could see.
static EMBEDDED: LazyLock<Server> = LazyLock::new(|| Server::embedded().expect("it starts"));

async fn client(server: &Server) -> Client {
    Client::connect(server.address(), Protocol::Http1).await.expect("it accepts")
}

/// GET of `path` with these headers, on a connection of its own.
async fn get(server: &Server, path: &str, headers: &[(&'static str, &str)]) -> Reply {
    let client = client(server).await;
    let mut call = client.get(path).expect("an address");
    for (name, value) in headers {
        let value = HeaderValue::from_str(value).expect("a header value");
        call = call.with(HeaderName::from_static(name), value);
    }
    client.send(&call).await.expect("a reply")
}

async fn post(server: &Server, path: &str, body: &'static str) -> Reply {
    let client = client(server).await;
    client.send(&client.get(path).unwrap().json(body)).await.expect("a reply")
}

/// A header of a reply, as text; empty where there is none.
fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

fn json(reply: &Reply) -> serde_json::Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

/// An error as problem details of that status, with that detail.
#[track_caller]
fn assert_problem(reply: &Reply, status: StatusCode, detail: &str) {
    assert_eq!(reply.status, status, "{:?}", reply.body);
    assert_eq!(header(reply, "content-type"), "application/problem+json");
    let problem = json(reply);
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["title"], status.canonical_reason().unwrap());
    assert_eq!(problem["detail"], detail);
}

/// What a server answers to these bytes until it closes the connection.
fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // It may end the connection before it has read all of it.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it ends the connection");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Routes of a test's own behind everything that the service puts before its
/// own: cached and uncached ones.
fn dressed(cached: Router, uncached: Router, limits: Limits) -> (Server, Front) {
    let front = Front::new(limits, Arc::new(Metrics::default()));
    let router = front.dress(cached, uncached, Router::new());
    let metrics = Arc::clone(front.metrics());
    (Server::routes(router, limits, metrics).expect("it starts"), front)
}
