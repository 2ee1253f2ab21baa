//! Round trips over loopback: an axum server on threads of its own, and a
//! client that keeps its connection.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::get;
use axum::serve::Listener;
use axum::{Json, Router};
use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{HOST, HeaderValue};
use hyper::{Request, Uri};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, oneshot};

use super::{SuiteError, sizes};

fn failed<E: Into<Box<dyn std::error::Error + Send + Sync>>>(
    action: &'static str,
) -> impl FnOnce(E) -> SuiteError {
    move |source| SuiteError::Http { action, source: source.into() }
}

/// What `/leads/{id}` answers with.
#[derive(Serialize)]
struct Lead {
    id: u64,
    score: f64,
    stage: &'static str,
    email: String,
}

async fn lead(Path(id): Path<u64>) -> Result<Json<Lead>, StatusCode> {
    if id >= sizes::HTTP_LEADS {
        return Err(StatusCode::NOT_FOUND);
    }
    Ok(Json(Lead {
        id,
        score: (id * 7919 % 1000) as f64 / 1000.0,
        stage: "qualified",
        email: format!("lead{id}@example.com"),
    }))
}

/// Counts what it accepts: the proof that connections are reused.
struct Counting {
    listener: TcpListener,
    accepted: Arc<AtomicU64>,
}

impl Listener for Counting {
    type Io = TcpStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (TcpStream, SocketAddr) {
        // axum's own listener knows how to wait out a failed accept.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        self.accepted.fetch_add(1, Ordering::Relaxed);
        // Delays of a reply, not part of the work; accepting goes on without.
        let _ = stream.set_nodelay(true);
        (stream, address)
    }

    fn local_addr(&self) -> std::io::Result<SocketAddr> {
        TcpListener::local_addr(&self.listener)
    }
}

/// A server on loopback, on a runtime of its own; stopped when dropped.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicU64>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts it on a free port; it accepts connections when this returns.
    pub fn start() -> Result<Self, SuiteError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(sizes::HTTP_SERVER_THREADS)
            .thread_name("benchgate-http")
            .enable_all()
            .build()
            .map_err(failed("start the server's runtime"))?;
        // Bound by std, so that this may be called from within another runtime.
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).map_err(failed("listen"))?;
        listener.set_nonblocking(true).map_err(failed("listen"))?;
        let entered = runtime.enter();
        let listener = TcpListener::from_std(listener).map_err(failed("listen"))?;
        drop(entered);
        let address = listener.local_addr().map_err(failed("listen"))?;
        let accepted = Arc::new(AtomicU64::new(0));
        let counting = Counting { listener, accepted: Arc::clone(&accepted) };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || serve(&runtime, counting, stopped));
        Ok(Self { address, accepted, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::Relaxed)
    }
}

fn serve(runtime: &Runtime, listener: Counting, stopped: oneshot::Receiver<()>) {
    let app = Router::new().route("/leads/{id}", get(lead));
    runtime.block_on(async {
        let server = tokio::spawn(async { axum::serve(listener, app).await });
        // The sender is dropped at the latest with the server: either way, over.
        let _ = stopped.await;
        server.abort();
    });
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread has been reported on stderr.
            let _ = thread.join();
        }
    }
}

/// A client of one connection, kept from request to request.
///
/// Not a pooling client: such a one opens another connection now and then, when
/// the next request is there before the last one's connection is handed back.
#[derive(Debug)]
pub struct Client {
    connection: Mutex<SendRequest<Empty<Bytes>>>,
    host: HeaderValue,
    uris: Vec<Uri>,
}

impl Client {
    /// Connects to the server at `address`. The connection lives on the runtime
    /// that polls this.
    pub async fn connect(address: SocketAddr) -> Result<Self, SuiteError> {
        let stream = TcpStream::connect(address).await.map_err(failed("connect"))?;
        stream.set_nodelay(true).map_err(failed("connect"))?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(failed("connect"))?;
        // What ends a connection shows in the request that was under way.
        tokio::spawn(connection);
        let uris = (0..sizes::HTTP_LEADS)
            .map(|id| format!("/leads/{id}").parse())
            .collect::<Result<_, _>>()
            .map_err(failed("make a request's address"))?;
        let host = HeaderValue::try_from(address.to_string())
            .map_err(failed("make a request's header"))?;
        Ok(Self { connection: Mutex::new(sender), host, uris })
    }

    /// GET of one lead, its whole body read; the checksum is the sum of the
    /// body's bytes. `id` wraps around at [`sizes::HTTP_LEADS`].
    pub async fn get_lead(&self, id: u64) -> Result<u64, SuiteError> {
        let uri = &self.uris[usize::try_from(id % sizes::HTTP_LEADS).unwrap_or(0)];
        tokio::time::timeout(sizes::HTTP_TIMEOUT, self.get(uri))
            .await
            .map_err(failed("finish the round trip in time"))?
    }

    async fn get(&self, uri: &Uri) -> Result<u64, SuiteError> {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = uri.clone();
        request.headers_mut().insert(HOST, self.host.clone());

        let mut connection = self.connection.lock().await;
        connection.ready().await.map_err(failed("reuse the connection"))?;
        let response =
            connection.send_request(request).await.map_err(failed("send the request"))?;
        let status = response.status();
        if !status.is_success() {
            return Err(SuiteError::Status { uri: uri.to_string(), status: status.as_u16() });
        }
        let body = response.into_body().collect().await.map_err(failed("read the reply"))?;
        Ok(body.to_bytes().iter().map(|byte| u64::from(*byte)).sum())
    }
}
