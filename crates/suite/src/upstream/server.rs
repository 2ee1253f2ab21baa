//! A faulty upstream on loopback.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread::JoinHandle;

use axum::extract::connect_info::Connected;
use axum::extract::{ConnectInfo, Path, RawQuery, Request, State};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::serve::{IncomingStream, Listener};
use axum::{Json, Router};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::error::shared;
use super::{Fault, Faults, UpstreamError, Valuation, valuation};
use crate::sizes;

#[derive(Debug)]
struct Shared {
    faults: Mutex<Faults>,
    requests: AtomicU64,
    accepted: AtomicU64,
    orders: AtomicU64,
}

/// An upstream on loopback, with its own runtime, whose answers fail according to
/// [`Faults`]. Dropping it stops it.
///
/// It values properties: `GET /valuations/{property}` values one,
/// `GET /valuations?ids=1,2,3` values many at once and skips unknown ones, and
/// `POST /orders/{property}` orders an appraisal, which is not idempotent.
#[derive(Debug)]
pub struct FaultyUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultyUpstream {
    /// Starts the upstream on a free port. It accepts connections when this returns.
    pub fn start(faults: Faults) -> Result<Self, UpstreamError> {
        let failed = |action| {
            move |source: io::Error| UpstreamError::Start { action, source: shared(source) }
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(sizes::UPSTREAM_THREADS)
            .thread_name("benchgate-upstream")
            .enable_all()
            .build()
            .map_err(failed("start the upstream's runtime"))?;
        // Bound with the standard library, so that this works within another runtime.
        let listen = || {
            let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
            listener.set_nonblocking(true)?;
            let _entered = runtime.enter();
            let listener = TcpListener::from_std(listener)?;
            Ok((listener.local_addr()?, listener))
        };
        let (address, listener) = listen().map_err(failed("open the upstream's port"))?;
        let shared = Arc::new(Shared {
            faults: Mutex::new(faults),
            requests: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            orders: AtomicU64::new(0),
        });
        let listener = Breakable { listener, shared: Arc::clone(&shared) };
        let (stop, stopped) = oneshot::channel();
        let app = app(&shared);
        let thread = std::thread::spawn(move || serve(&runtime, listener, app, stopped));
        Ok(Self { address, shared, stop: Some(stop), thread: Some(thread) })
    }

    /// The upstream's address.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The upstream's address as a client expects it.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Sets the faults of the following requests.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// The number of requests so far, including those that failed.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// The number of connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// The number of appraisals ordered so far, whether or not the order was answered.
    pub fn orders(&self) -> u64 {
        self.shared.orders.load(Ordering::Relaxed)
    }
}

impl Drop for FaultyUpstream {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread has been reported on stderr.
            let _ = thread.join();
        }
    }
}

fn serve(runtime: &Runtime, listener: Breakable, app: Router, stopped: oneshot::Receiver<()>) {
    runtime.block_on(async {
        let service = app.into_make_service_with_connect_info::<ResetFlag>();
        let server = tokio::spawn(async { axum::serve(listener, service).await });
        // Ready when the sender is dropped, at the latest with the server.
        let _ = stopped.await;
        server.abort();
    });
}

fn app(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/valuations/{property}", get(value_one))
        .route("/valuations", get(value_many))
        .route("/orders/{property}", post(order))
        .layer(from_fn_with_state(Arc::clone(shared), inject_fault))
        .with_state(Arc::clone(shared))
}

/// Applies the next fault to the request.
async fn inject_fault(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(reset): ConnectInfo<ResetFlag>,
    request: Request,
    next: Next,
) -> Response {
    shared.requests.fetch_add(1, Ordering::Relaxed);
    let fault = shared.faults.lock().unwrap_or_else(PoisonError::into_inner).next();
    match fault.unwrap_or(Fault::None) {
        Fault::None => next.run(request).await,
        Fault::Unavailable => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Fault::Delayed(delay) => {
            tokio::time::sleep(delay).await;
            next.run(request).await
        }
        Fault::Reset => {
            let response = next.run(request).await;
            reset.0.store(true, Ordering::Relaxed);
            response
        }
    }
}

async fn value_one(Path(property): Path<u64>) -> Result<Json<Valuation>, StatusCode> {
    known(property).map(Json).ok_or(StatusCode::NOT_FOUND)
}

fn known(property: u64) -> Option<Valuation> {
    (property < sizes::UPSTREAM_PROPERTIES).then(|| valuation(property))
}

async fn value_many(RawQuery(query): RawQuery) -> Result<Json<Vec<Valuation>>, StatusCode> {
    let ids = query.as_deref().and_then(|query| query.strip_prefix("ids="));
    let ids: Result<Vec<u64>, _> = ids.unwrap_or_default().split(',').map(str::parse).collect();
    let ids = ids.map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(Json(ids.into_iter().filter_map(known).collect()))
}

async fn order(State(shared): State<Arc<Shared>>, Path(property): Path<u64>) -> StatusCode {
    if known(property).is_none() {
        return StatusCode::NOT_FOUND;
    }
    shared.orders.fetch_add(1, Ordering::Relaxed);
    StatusCode::CREATED
}

/// Set if a connection must be reset instead of the next write.
#[derive(Clone, Debug)]
struct ResetFlag(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Breakable>> for ResetFlag {
    fn connect_info(stream: IncomingStream<'_, Breakable>) -> Self {
        stream.io().reset.clone()
    }
}

/// Accepts and counts connections that can be reset.
struct Breakable {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Listener for Breakable {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // axum's own implementation retries a failed accept.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        self.shared.accepted.fetch_add(1, Ordering::Relaxed);
        // If the option cannot be set, replies are only slower.
        let _ = stream.set_nodelay(true);
        (Connection { stream, reset: ResetFlag(Arc::default()) }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        TcpListener::local_addr(&self.listener)
    }
}

struct Connection {
    stream: TcpStream,
    reset: ResetFlag,
}

impl Connection {
    /// Fails if the connection must be reset. The server then drops it, which without
    /// lingering sends a reset.
    fn check_reset(&self) -> io::Result<()> {
        if !self.reset.0.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.stream.set_zero_linger()?;
        Err(io::ErrorKind::ConnectionReset.into())
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check_reset()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.check_reset()?;
        Pin::new(&mut self.stream).poll_write_vectored(context, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
