//! The reference service over a socket: all of its promises, seen from outside.

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

/// A reference service for tests that do not change anything that other tests could see.
static EMBEDDED: LazyLock<Server> = LazyLock::new(|| Server::embedded().expect("it starts"));

async fn client(server: &Server) -> Client {
    Client::connect(server.address(), Protocol::Http1).await.expect("it accepts")
}

/// Sends a GET request with headers, on its own connection.
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

/// A header of a reply as text, or an empty text.
fn header<'a>(reply: &'a Reply, name: &str) -> &'a str {
    reply.headers.get(name).map_or("", |value| value.to_str().expect("text"))
}

fn json(reply: &Reply) -> serde_json::Value {
    serde_json::from_slice(&reply.body).expect("JSON")
}

/// Checks that a reply is an error with this status and detail, as problem details.
#[track_caller]
fn assert_problem(reply: &Reply, status: StatusCode, detail: &str) {
    assert_eq!(reply.status, status, "{:?}", reply.body);
    assert_eq!(header(reply, "content-type"), "application/problem+json");
    let problem = json(reply);
    assert_eq!(problem["status"], status.as_u16());
    assert_eq!(problem["title"], status.canonical_reason().unwrap());
    assert_eq!(problem["detail"], detail);
}

/// Sends bytes and reads the answer until the server closes the connection.
fn raw(address: SocketAddr, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).expect("it accepts");
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    // The server may close the connection before it has read everything.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    if let Err(error) = stream.read_to_end(&mut answer) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset, "it ends the connection");
    }
    String::from_utf8_lossy(&answer).into_owned()
}

/// Serves a test's own routes, cacheable and uncacheable ones, behind the middleware.
fn dressed(cached: Router, uncached: Router, limits: Limits) -> (Server, Front) {
    let front = Front::new(limits, Arc::new(Metrics::default()));
    let router = front.dress(cached, uncached, Router::new());
    let metrics = Arc::clone(front.metrics());
    (Server::routes(router, limits, metrics).expect("it starts"), front)
}
