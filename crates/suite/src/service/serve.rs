//! Accepts connections until a signal to stop, then lets requests finish.
//!
//! It replaces axum's own loop, which has no time limits and so keeps connections that
//! never send a request.

use std::future::pending;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::ServiceExt as _;

use super::Limits;
use super::metrics::Metrics;

/// Whether requests could be finished when the server stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Every request under way was answered.
    All,
    /// Some requests took longer than [`Limits::drain`] and were aborted.
    NotAll,
}

/// Serves connections from `listener` until `stop` is ready. Then it accepts no more
/// connections or requests, and waits for those under way.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    stop: impl Future<Output = ()>,
) -> Drained {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // This also limits how long a connection may be idle between requests.
    builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.head);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(limits.head)
        .keep_alive_timeout(limits.head)
        .max_concurrent_streams(limits.streams);
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
    let mut stop = pin!(stop);
    loop {
        // Connections beyond the limit wait in the system's queue.
        let accepted = async { (accept(&listener).await, Arc::clone(&room).acquire_owned().await) };
        let (stream, permit) = tokio::select! {
            biased;
            () = &mut stop => break,
            (stream, permit) = accepted => (stream, permit),
        };
        // The semaphore is never closed.
        let Ok(permit) = permit else { break };
        metrics.connections.inc();
        let connection =
            answer(stream, router.clone(), builder.clone(), graceful.watcher(), limits.head);
        tokio::spawn(hold(permit, connection));
    }
    drop(listener);
    match tokio::time::timeout(limits.drain, graceful.shutdown()).await {
        Ok(()) => Drained::All,
        Err(_) => Drained::NotAll,
    }
}

async fn hold(_permit: OwnedSemaphorePermit, connection: impl Future<Output = ()>) {
    connection.await;
}

/// Accepts the next connection. Accepting fails if a client has disconnected or if file
/// descriptors have run out; neither should end the server.
async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Nagle's algorithm would delay the end of a reply. If the option cannot be
                // set, replies are only slower.
                let _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

async fn answer(
    stream: TcpStream,
    router: Router,
    builder: auto::Builder<TokioExecutor>,
    watcher: Watcher,
    patience: Duration,
) {
    let asked = Arc::new(AtomicBool::new(false));
    let silent = {
        let asked = Arc::clone(&asked);
        async move {
            tokio::time::sleep(patience).await;
            if asked.load(Ordering::Relaxed) {
                pending::<()>().await;
            }
        }
    };
    let service = service_fn(move |request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        router.clone().oneshot(request.map(Body::new))
    });
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        ended = watcher.watch(connection) => {
            if let Err(error) = ended {
                // Clients may disconnect at any time.
                tracing::debug!(error, "a connection ended early");
            }
        }
        () = silent => tracing::debug!("a connection without a request was closed"),
    }
}
