//! The upstream over loopback, with faults.

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

use super::{Fault, Faults, Valuation, valuation};
use crate::{SuiteError, sizes};

#[derive(Debug)]
struct Shared {
    faults: Mutex<Faults>,
    requests: AtomicU64,
    accepted: AtomicU64,
    orders: AtomicU64,
}

/// An upstream on loopback, on a runtime of its own, whose answers fail as
/// [`Faults`] say; stopped when dropped.
///
/// It values properties: `GET /valuations/{property}` one of them,
/// `GET /valuations?ids=1,2,3` many at once (those it knows), and
/// `POST /orders/{property}` orders an appraisal, which is no idempotent thing.
#[derive(Debug)]
pub struct FaultyUpstream {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultyUpstream {
    /// Starts it on a free port; it accepts connections when this returns.
    pub fn start(faults: Faults) -> Result<Self, SuiteError> {
        let failed = |action| move |source| SuiteError::Io { action, source };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(sizes::UPSTREAM_THREADS)
            .thread_name("benchgate-upstream")
            .enable_all()
            .build()
            .map_err(failed("start the upstream's runtime"))?;
        // Bound by std, so that this may be called from within another runtime.
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

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its address as a client takes it.
    pub fn base(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What happens to requests from now on.
    pub fn set_faults(&self, faults: Faults) {
        *self.shared.faults.lock().unwrap_or_else(PoisonError::into_inner) = faults;
    }

    /// Requests that have arrived so far, those that failed too.
    pub fn requests(&self) -> u64 {
        self.shared.requests.load(Ordering::Relaxed)
    }

    /// Connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted.load(Ordering::Relaxed)
    }

    /// Appraisals ordered so far, whether or not that was answered.
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
        let service = app.into_make_service_with_connect_info::<Fate>();
        let server = tokio::spawn(async { axum::serve(listener, service).await });
        // The sender is dropped at the latest with the server: either way, over.
        let _ = stopped.await;
        server.abort();
    });
}

fn app(shared: &Arc<Shared>) -> Router {
    Router::new()
        .route("/valuations/{property}", get(one))
        .route("/valuations", get(many))
        .route("/orders/{property}", post(order))
        .layer(from_fn_with_state(Arc::clone(shared), suffer))
        .with_state(Arc::clone(shared))
}

/// Lets the request suffer what is next.
async fn suffer(
    State(shared): State<Arc<Shared>>,
    ConnectInfo(fate): ConnectInfo<Fate>,
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
            fate.0.store(true, Ordering::Relaxed);
            response
        }
    }
}

async fn one(Path(property): Path<u64>) -> Result<Json<Valuation>, StatusCode> {
    known(property).map(Json).ok_or(StatusCode::NOT_FOUND)
}

fn known(property: u64) -> Option<Valuation> {
    (property < sizes::UPSTREAM_PROPERTIES).then(|| valuation(property))
}

async fn many(RawQuery(query): RawQuery) -> Result<Json<Vec<Valuation>>, StatusCode> {
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

/// Whether a connection is to be reset in place of what is written next.
#[derive(Clone, Debug)]
struct Fate(Arc<AtomicBool>);

impl Connected<IncomingStream<'_, Breakable>> for Fate {
    fn connect_info(stream: IncomingStream<'_, Breakable>) -> Self {
        stream.io().fate.clone()
    }
}

/// Accepts connections that can be reset, and counts them.
struct Breakable {
    listener: TcpListener,
    shared: Arc<Shared>,
}

impl Listener for Breakable {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // axum's own listener knows how to wait out a failed accept.
        let (stream, address) = Listener::accept(&mut self.listener).await;
        self.shared.accepted.fetch_add(1, Ordering::Relaxed);
        // Delays of a reply, not part of the work; accepting goes on without.
        let _ = stream.set_nodelay(true);
        (Connection { stream, fate: Fate(Arc::default()) }, address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        TcpListener::local_addr(&self.listener)
    }
}

struct Connection {
    stream: TcpStream,
    fate: Fate,
}

impl Connection {
    /// An error in place of a write: the server then drops the connection, which
    /// without lingering is a reset.
    fn survive(&self) -> io::Result<()> {
        if !self.fate.0.load(Ordering::Relaxed) {
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
        self.survive()?;
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.survive()?;
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
