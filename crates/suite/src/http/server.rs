//! A server on loopback, with its own runtime and threads.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use super::error::failed;
use crate::service::{Drained, Limits, Metrics, Parts, Service, serve};
use crate::{SuiteError, sizes};

/// A server on loopback. It has its own runtime, so that client and server do not take
/// turns on one thread. Dropping it stops it, after requests under way are answered.
#[derive(Debug)]
pub struct Server {
    running: Running,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Drained>>,
}

/// The routes to serve, with their limits.
struct Served {
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    service: Option<Service>,
}

/// What the server's thread reports once it listens.
#[derive(Debug)]
struct Running {
    address: SocketAddr,
    runtime: Handle,
    metrics: Arc<Metrics>,
    service: Option<Service>,
}

impl Server {
    /// Starts the reference service without any installed servers, on a free port. It
    /// accepts connections when this returns.
    pub fn embedded() -> Result<Self, SuiteError> {
        Self::service(async { Ok(Parts::embedded().await?) })
    }

    /// Starts the reference service. The parts are created on the server's runtime.
    pub fn service(
        parts: impl Future<Output = Result<Parts, SuiteError>> + Send + 'static,
    ) -> Result<Self, SuiteError> {
        Self::start(async {
            let service = Service::new(parts.await?).await?;
            Ok(Served {
                router: service.router(),
                limits: service.limits(),
                metrics: Arc::clone(service.front().metrics()),
                service: Some(service),
            })
        })
    }

    /// Serves other routes, without any middleware: see
    /// [`Front::dress`](crate::service::Front::dress) for that of the reference service.
    /// Connections are counted in `metrics`.
    pub fn routes(
        router: Router,
        limits: Limits,
        metrics: Arc<Metrics>,
    ) -> Result<Self, SuiteError> {
        Self::start(async move { Ok(Served { router, limits, metrics, service: None }) })
    }

    fn start(
        made: impl Future<Output = Result<Served, SuiteError>> + Send + 'static,
    ) -> Result<Self, SuiteError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(sizes::HTTP_SERVER_THREADS)
            .thread_name("benchgate-http")
            .enable_all()
            .build()
            .map_err(failed("start the server's runtime"))?;
        let (stop, stopped) = oneshot::channel();
        let (started, starting) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("benchgate-http".to_owned())
            .spawn(move || run(&runtime, made, &started, stopped))
            .map_err(failed("start the server's thread"))?;
        match starting.recv() {
            Ok(Ok(running)) => Ok(Self { running, stop: Some(stop), thread: Some(thread) }),
            Ok(Err(error)) => Err(error),
            // A panic, which has been reported on stderr.
            Err(error) => Err(failed("start the server")(error).into()),
        }
    }

    /// The server's address.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// The number of connections accepted so far. It shows whether they are reused.
    pub fn accepted(&self) -> u64 {
        self.running.metrics.connections.get()
    }

    /// The server's runtime. Requests without a socket must run there too: a pooled
    /// connection that another runtime acquired returns only when that runtime is next
    /// polled, and stopping waits for it.
    pub fn runtime(&self) -> &Handle {
        &self.running.runtime
    }

    /// The reference service, if that is served.
    pub fn reference(&self) -> Option<&Service> {
        self.running.service.as_ref()
    }

    /// Begins to stop, without waiting: the server accepts no more connections and
    /// answers the requests under way.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops the server and waits for it. Returns whether every request under way was
    /// answered.
    ///
    /// # Errors
    ///
    /// If the server's thread panicked.
    pub fn stop(mut self) -> Result<Drained, SuiteError> {
        self.begin_stop();
        self.join().unwrap_or(Ok(Drained::All))
    }

    fn join(&mut self) -> Option<Result<Drained, SuiteError>> {
        let ended = self.thread.take()?.join();
        Some(ended.map_err(|_| failed("stop the server")("its thread panicked").into()))
    }
}

fn run(
    runtime: &Runtime,
    made: impl Future<Output = Result<Served, SuiteError>>,
    started: &mpsc::Sender<Result<Running, SuiteError>>,
    stopped: oneshot::Receiver<()>,
) -> Drained {
    runtime.block_on(async {
        let made = async {
            let served = made.await?;
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed("listen"))?;
            let address = listener.local_addr().map_err(failed("listen"))?;
            Ok((served, listener, address))
        };
        let (Served { router, limits, metrics, service }, listener, address) = match made.await {
            Ok(made) => made,
            Err(error) => {
                // The receiver waits for this.
                let _ = started.send(Err(error));
                return Drained::All;
            }
        };
        let running = Running {
            address,
            runtime: Handle::current(),
            metrics: Arc::clone(&metrics),
            service: service.clone(),
        };
        let _ = started.send(Ok(running));
        // Ready when the sender is dropped, at the latest with the server.
        let stop = async {
            let _ = stopped.await;
        };
        // Spawned on the worker: otherwise both threads would serve connections.
        let serving = tokio::spawn(serve(listener, router, limits, metrics, stop));
        let drained = serving.await.unwrap_or(Drained::NotAll);
        if let Some(service) = service
            && let Err(error) = service.stop().await
        {
            tracing::warn!(%error, "the service could not release all of its resources");
        }
        drained
    })
}

impl Drop for Server {
    fn drop(&mut self) {
        self.begin_stop();
        // A panic of the server's thread has been reported on stderr.
        let _ = self.join();
    }
}
