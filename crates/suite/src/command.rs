//! The command line of the reference service: `gate service`, and the program
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

/// Why the service could not start, or not stop in order.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// A server or library that was named does not answer.
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// A part of the service failed.
    #[error(transparent)]
    Suite(#[from] SuiteError),
    /// The address is taken, or not this machine's.
    #[error("cannot listen on {address}; --listen takes another: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// The system's error.
        source: io::Error,
    },
    /// The system refused something else.
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

/// A length of time on the command line.
fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<SignedDuration>()
        .ok()
        .and_then(|time| Duration::try_from(time).ok())
        .ok_or_else(|| "write a length of time such as 90s or 10m".to_owned())
}

/// Run the suite's reference service
///
/// Leads through a tiered cache, lists of organisations and audit logs, scores in batches; health,
/// metrics, limits. It starts with nothing installed, on a private database (seeded once, kept in the
/// user's cache directory) and a model in pure Rust:
///
///   gate service                               on 127.0.0.1:8080
///   gate service --listen 127.0.0.1:0          on a free port, which log and stdout tell
///   curl localhost:8080/score/7              the whole path: cache, SQL, features, batch
///
/// With `REDIS_URL` set, leads are also kept in that server, below a prefix of their own; with
/// `DATABASE_URL`, in a schema of its own in that database. ONNX Runtime runs the model where
/// `scripts/setup` has installed it or `ORT_DYLIB_PATH` names it.
///
/// Routes: /leads/{id} · /organisations · /audit-logs · POST /score · /score/{lead} ·
/// /valuations/{property} with --upstream · /health · /health/detailed · /metrics
///
/// Nothing asks for a password, so nothing has a default one: on another address than loopback,
/// whoever reaches it may use it. SIGINT and SIGTERM end it once the requests under way are
/// answered. Exit codes: 0 · 1 could not start, or requests had to be given up.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct ServiceArgs {
    /// Where to listen
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Another service, asked for what properties are worth, with retries and a circuit breaker
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// What runs the model
    #[arg(long, value_name = "NAME", default_value = "auto")]
    backend: AskedBackend,
    /// Connections in the database's pool
    #[arg(long, value_name = "N", default_value_t = sizes::SERVICE_POOL,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pool: u32,
    /// Requests under way at once; one more is answered with 503
    #[arg(long, value_name = "N", default_value_t = sizes::SERVICE_LIMITS.requests)]
    max_requests: usize,
    /// An answer that takes longer is a 504 [default: 5s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    timeout: Option<Duration>,
    /// How long requests under way may take when it is told to end [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    drain: Option<Duration>,
    /// What is written to the log on stderr: a level, or TARGET=LEVEL,…; each request at `debug`
    #[arg(long, value_name = "FILTER", env = "RUST_LOG", default_value = "info")]
    log: Targets,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum AskedBackend {
    /// ONNX Runtime where it is found, else tract
    Auto,
    /// In pure Rust
    Tract,
    /// ONNX Runtime, or nothing
    OnnxRuntime,
}

impl AskedBackend {
    fn find(self) -> Result<Backend, Unavailable> {
        let named = std::env::var_os("ORT_DYLIB_PATH").is_some_and(|path| !path.is_empty());
        match self {
            Self::Tract => Ok(Backend::Tract),
            Self::OnnxRuntime => inference::onnx_runtime(),
            // A library that is named and not there is not replaced by another.
            Self::Auto if named => inference::onnx_runtime(),
            Self::Auto => Ok(inference::onnx_runtime().unwrap_or(Backend::Tract)),
        }
    }
}

impl ServiceArgs {
    /// Serves until a signal ends it, and says whether every request was answered.
    ///
    /// The address goes to stdout, the log to stderr.
    pub fn run(self) -> Result<Drained, ServiceError> {
        let Self { listen, upstream, backend, pool, max_requests, timeout, drain, log } = self;
        // Another subscriber in this process is a test's.
        let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
        let _ = tracing_subscriber::registry().with(lines.with_filter(log)).try_init();
        let limits = Limits {
            requests: max_requests,
            timeout: timeout.unwrap_or(sizes::SERVICE_LIMITS.timeout),
            drain: drain.unwrap_or(sizes::SERVICE_LIMITS.drain),
            ..sizes::SERVICE_LIMITS
        };
        let backend = backend.find()?;
        // What is named and does not answer is an error: nothing takes its place.
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
            // Listened for from the start: a signal while it starts ends it too.
            let stop = stopped().map_err(ServiceError::io("listen for signals"))?;
            let listener = TcpListener::bind(listen)
                .await
                .map_err(|source| ServiceError::Listen { address: listen, source })?;
            let address = listener.local_addr().map_err(ServiceError::io("listen"))?;
            if !address.ip().is_loopback() {
                tracing::warn!(%address, "reachable from outside, and nothing asks for a password");
            }
            let database = match &postgres {
                Some(server) => Database::postgres(server, pool).await?,
                None => Database::sqlite(pool).await?,
            };
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
                    tracing::error!("requests took longer than --drain, and were given up");
                }
            }
            Ok(drained)
        })
    }
}

/// A program that started the service reads the address here. A reader that has
/// gone is not an error: the log names the address too.
fn print_address(address: SocketAddr) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "http://{address}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Ready at the first SIGINT or SIGTERM. The second one ends the process at once.
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
        tracing::info!(signal, "ending: requests under way are answered first");
        tokio::spawn(async move {
            // Fails for unknown signals only.
            let _ = emulate_default_handler(next().await);
        });
    })
}
