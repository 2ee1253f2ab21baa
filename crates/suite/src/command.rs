//! The command line of the reference service, for `gate service` and the program
//! `benchgate-service`.

use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use jiff::SignedDuration;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::SuiteError;
use crate::inference::{self, Backend};
use crate::queries::Database;
use crate::service::{Drained, Limits, Parts, Service, serve};
use crate::services::{Postgres, Redis, Unavailable};
use crate::sizes;

/// Why the service could not start or stop properly.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A configured server or library is not available.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A part of the service failed.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// The address is in use or not one of this machine.
    #[error("cannot listen on {address}: {source}; choose another address with --listen")]
    Listen {
        /// The requested address.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// Another system call failed.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was being done.
        action: &'static str,
        /// The system's error.
        source: io::Error,
    },
}

impl ServiceError {
    fn io(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, source }
    }
}

/// Parses a duration on the command line.
fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "write a duration such as 90s or 10m".to_owned())
}

/// Run the suite's reference service
///
/// Serves leads through a tiered cache, lists of organisations and audit logs, and scores in
/// batches, with health checks, metrics and limits. It needs no installation: it uses a private
/// database (seeded once, kept in the user's cache directory) and a model backend in pure Rust.
///
///   gate service                          Listen on 127.0.0.1:8080
///   gate service --listen 127.0.0.1:0     Listen on a free port, printed to stdout and the log
///   curl localhost:8080/score/7           Score a lead: cache, SQL, features, batch
///
/// With `REDIS_URL`, leads are also cached in that server, under a prefix of their own. With
/// `DATABASE_URL`, rows are in that database, in a schema of their own. ONNX Runtime runs the
/// model if `scripts/setup` has installed it or `ORT_DYLIB_PATH` is set.
///
/// Routes: /leads/{id} · /organisations · /audit-logs · POST /score · /score/{lead} ·
/// /valuations/{property} with --upstream · /health · /health/detailed · /metrics
///
/// There is no authentication: on any address other than loopback, everyone who can reach the
/// service can use it. SIGINT and SIGTERM end it after the requests under way are answered.
/// Exit codes: 0 · 1 could not start, or aborted requests at the end.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ServiceArgs {
    /// Listen on this address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Ask this service for valuations of properties, with retries and a circuit breaker
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Run the model on this backend
    #[arg(long, value_name = "NAME", default_value = "auto")]
    backend: BackendName,
    /// Keep this many connections in the database's pool
    #[arg(long, value_name = "N", default_value_t = sizes::SERVICE_POOL,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pool: u32,
    /// Answer further concurrent requests with 503
    #[arg(long, value_name = "N", default_value_t = sizes::SERVICE_LIMITS.requests)]
    max_requests: usize,
    /// Answer requests that take longer with 504 [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// Abort requests that are still under way this long after a signal to end [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    drain: Option<Duration>,
    /// Filter the log on stderr: a level, or TARGET=LEVEL,…; `debug` logs each request
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info")]
    log: Targets,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum BackendName {
    /// ONNX Runtime if it is found, otherwise tract
    Auto,
    /// Always tract, in pure Rust
    Tract,
    /// Always ONNX Runtime
    OnnxRuntime,
}

impl BackendName {
    fn find(self) -> Result<Backend, Unavailable> {
        let named = std::env::var_os("ORT_DYLIB_PATH").is_some_and(|path| !path.is_empty());
        match self {
            Self::Tract => Ok(Backend::Tract),
            Self::OnnxRuntime => inference::onnx_runtime(),
            // If the configured library is missing, tract must not replace it.
            Self::Auto if named => inference::onnx_runtime(),
            Self::Auto => Ok(inference::onnx_runtime().unwrap_or(Backend::Tract)),
        }
    }
}

impl ServiceArgs {
    /// Serves until a signal ends it. Returns whether every request was answered.
    ///
    /// The address is written to stdout and the log to stderr.
    pub fn run(self) -> Result<Drained, ServiceError> {
        let Self { listen, upstream, backend, pool, max_requests, timeout, drain, log } = self;
        // Fails if a test has installed another subscriber.
        // A line that cannot be written is dropped: the layer would report that on stderr, and
        // panic if stderr is closed.
        let lines = tracing_subscriber::fmt::layer()
            .with_writer(std::io::stderr)
            .with_ansi(false)
            .log_internal_errors(false);
        let _ = tracing_subscriber::registry().with(lines.with_filter(log)).try_init();
        let limits = Limits {
            requests: max_requests,
            timeout: timeout.unwrap_or(sizes::SERVICE_LIMITS.timeout),
            drain: drain.unwrap_or(sizes::SERVICE_LIMITS.drain),
            ..sizes::SERVICE_LIMITS
        };
        let backend = backend.find()?;
        // A configured server that does not answer is an error: nothing replaces it.
        let named = |name| std::env::var_os(name).is_some_and(|url| !url.is_empty());
        let redis = if named("REDIS_URL") { Some(Redis::find()?) } else { None };
        let postgres = if named("DATABASE_URL") || named("DATABASE_REPLICA_URL") {
            Some(Postgres::find()?)
        } else {
            None
        };
        let runtime =
            tokio::runtime::Runtime::new().map_err(ServiceError::io("start the runtime"))?;
        runtime.block_on(async {
            // Installed first, so that a signal also ends a service that is starting.
            let stop = stopped().map_err(ServiceError::io("listen for signals"))?;
            let listener = TcpListener::bind(listen)
                .await
                .map_err(|source| ServiceError::Listen { address: listen, source })?;
            let address = listener.local_addr().map_err(ServiceError::io("listen"))?;
            if !address.ip().is_loopback() {
                tracing::warn!(%address, "reachable from outside, without authentication");
            }
            let database = match &postgres {
                Some(server) => Database::postgres(server, pool).await,
                None => Database::sqlite(pool).await,
            }
            .map_err(SuiteError::from)?;
            let parts = Parts { redis, backend, limits, upstream, ..Parts::of(database) };
            let service = Service::new(parts).await?;
            tracing::info!(%address, "listening");
            print_address(address).map_err(ServiceError::io("write to stdout"))?;
            let metrics = Arc::clone(service.front().metrics());
            let drained = serve(listener, service.router(), limits, metrics, stop).await;
            service.stop().await?;
            match drained {
                Drained::All => tracing::info!("every request under way was answered"),
                Drained::NotAll => {
                    tracing::error!("some requests took longer than --drain and were aborted");
                }
            }
            Ok(drained)
        })
    }
}

/// Prints the address for a program that started the service. A closed stdout is not an
/// error, as the log has the address too.
fn print_address(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "http://{address}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// A future that is ready at the first SIGINT or SIGTERM. A second signal ends the process
/// at once.
fn stopped() -> io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) =
        (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    let mut next = async move || {
        tokio::select! {
            _ = interrupt.recv() => SIGINT,
            _ = terminate.recv() => SIGTERM,
        }
    };
    Ok(async move {
        let signal = next().await;
        tracing::info!(signal, "ending after the requests under way");
        tokio::spawn(async move {
            // Fails only for unknown signals.
            let _ = emulate_default_handler(next().await);
        });
    })
}
