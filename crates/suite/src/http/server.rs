//! A server on loopback, on a runtime and threads of its own.

use std::net::SocketAddr;
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use axum::Router;
use tokio::net::TcpListener;
use tokio::runtime::{Handle, Runtime};
use tokio::sync::oneshot;

use super::failed;
use crate::service::{Drained, Limits, Metrics, Parts, Service, serve};
use crate::{SuiteError, sizes};

/// A server on loopback, on a runtime of its own, so that client and server do
/// not take turns on one thread. Stopped when dropped: requests under way are
/// answered first.
#[derive(Debug)]
pub struct Server {
    running: Running,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<Drained>>,
}

/// What is served.
struct Served {
    router: Router,
    limits: Limits,
    metrics: Arc<Metrics>,
    service: Option<Service>,
}

/// What the starter is told.
#[derive(Debug)]
struct Running {
    address: SocketAddr,
    runtime: Handle,
    metrics: Arc<Metrics>,
    service: Option<Service>,
}

impl Server {
    /// The reference service with nothing to install, on a free port. It accepts
    /// connections when this returns.
    pub fn embedded() -> Result<Self, SuiteError> {
        Self::service(Parts::embedded())
    }

    /// The reference service of these parts, which are made where they are used.
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

    /// Any other routes, as they are: see [`Front::dress`](crate::service::Front::dress)
    /// for what the reference service puts before its own. Connections are counted
    /// in `metrics`.
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
        let (tell, told) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("benchgate-http".to_owned())
            .spawn(move || run(&runtime, made, &tell, stopped))
            .map_err(failed("start the server's thread"))?;
        match told.recv() {
            Ok(Ok(running)) => Ok(Self { running, stop: Some(stop), thread: Some(thread) }),
            Ok(Err(error)) => Err(error),
            // A panic, of which stderr tells.
            Err(error) => Err(failed("start the server")(error)),
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// Connections accepted so far: the proof that they are reused.
    pub fn accepted(&self) -> u64 {
        self.running.metrics.connections.get()
    }

    /// The runtime that it runs on. What uses the service without a socket is to
    /// run there too: a connection that another runtime took out of the pool goes
    /// back when that runtime next has a turn, and stopping waits for it.
    pub fn runtime(&self) -> &Handle {
        &self.running.runtime
    }

    /// The reference service, if it is that which is served.
    pub fn reference(&self) -> Option<&Service> {
        self.running.service.as_ref()
    }

    /// Tells it to stop, without waiting: it accepts no connection any more, and
    /// answers what is under way.
    pub fn begin_stop(&mut self) {
        drop(self.stop.take());
    }

    /// Stops it, and waits until it has; whether everything under way was
    /// answered.
    ///
    /// # Errors
    ///
    /// Where its thread panicked.
    pub fn stop(mut self) -> Result<Drained, SuiteError> {
        self.begin_stop();
        self.join().unwrap_or(Ok(Drained::All))
    }

    fn join(&mut self) -> Option<Result<Drained, SuiteError>> {
        let ended = self.thread.take()?.join();
        Some(ended.map_err(|_| failed("stop the server")("its thread panicked")))
    }
}

fn run(
    runtime: &Runtime,
    made: impl Future<Output = Result<Served, SuiteError>>,
    tell: &mpsc::Sender<Result<Running, SuiteError>>,
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
                // Who is told has asked for it, and waits.
                let _ = tell.send(Err(error));
                return Drained::All;
            }
        };
        let running = Running {
            address,
            runtime: Handle::current(),
            metrics: Arc::clone(&metrics),
            service: service.clone(),
        };
        let _ = tell.send(Ok(running));
        // The sender is dropped at the latest with the server: either way, over.
        let stop = async {
            let _ = stopped.await;
        };
        // On a worker, and not on this thread: both would take connections over.
        let serving = tokio::spawn(serve(listener, router, limits, metrics, stop));
        let drained = serving.await.unwrap_or(Drained::NotAll);
        if let Some(service) = service
            && let Err(error) = service.stop().await
        {
            tracing::warn!(%error, "not everything could be given back");
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
