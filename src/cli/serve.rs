//! `gate serve`

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::Args;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::emulate_default_handler;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::ab::time;
use super::{Context, Failed};
use crate::exit::Exit;
use crate::suite::inference::{self, Backend};
use crate::suite::queries::Database;
use crate::suite::service::{Drained, Limits, Parts, Service, serve};
use crate::suite::services::{Postgres, Redis};
use crate::suite::sizes;

/// Serve the suite's reference service
///
/// Leads through a tiered cache, lists of organisations and audit logs, scores in batches; health,
/// metrics, limits. It starts with nothing installed, on a private database (seeded once, kept in the
/// user's cache directory) and a model in pure Rust:
///
///   gate serve                               on 127.0.0.1:8080
///   gate serve --listen 127.0.0.1:0          on a free port, which log and stdout tell
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
pub(super) struct Serve {
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
    #[arg(long, value_name = "TIME", value_parser = time)]
    timeout: Option<Duration>,
    /// How long requests under way may take when it is told to end [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = time)]
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
    fn find(self) -> Result<Backend, Failed> {
        let named = std::env::var_os("ORT_DYLIB_PATH").is_some_and(|path| !path.is_empty());
        match self {
            Self::Tract => Ok(Backend::Tract),
            Self::OnnxRuntime => Ok(inference::onnx_runtime()?),
            // A library that is named and not there is not replaced by another.
            Self::Auto if named => Ok(inference::onnx_runtime()?),
            Self::Auto => Ok(inference::onnx_runtime().unwrap_or(Backend::Tract)),
        }
    }
}

impl Serve {
    pub(super) fn run(self, context: &Context) -> Result<Exit, Failed> {
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
        let runtime = tokio::runtime::Runtime::new().context("cannot start the runtime")?;
        runtime.block_on(async {
            // Listened for from the start: a signal while it starts ends it too.
            let stop = stopped().context("cannot listen for signals")?;
            let listener = TcpListener::bind(listen)
                .await
                .with_context(|| format!("cannot listen on {listen}; --listen takes another"))?;
            let address = listener.local_addr().context("cannot listen")?;
            if !address.ip().is_loopback() {
                context.shell.note(&format!(
                    "{address} can be reached from outside, and nothing asks for a password"
                ));
            }
            let database = match &postgres {
                Some(server) => Database::postgres(server, pool).await?,
                None => Database::sqlite(pool).await?,
            };
            let parts = Parts { redis, backend, limits, upstream, ..Parts::of(database) };
            let service = Service::new(parts).await?;
            tracing::info!(%address, "listening");
            context.shell.data(&format!("http://{address}\n"))?;
            let metrics = Arc::clone(service.front().metrics());
            let drained = serve(listener, service.router(), limits, metrics, stop).await;
            service.stop().await?;
            Ok(match drained {
                Drained::All => {
                    tracing::info!("everything under way was answered");
                    Exit::Pass
                }
                Drained::NotAll => {
                    tracing::error!("requests took longer than --drain, and were given up");
                    Exit::Failure
                }
            })
        })
    }
}

/// Ready at the first SIGINT or SIGTERM. The second one ends the process at once.
fn stopped() -> std::io::Result<impl Future<Output = ()>> {
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
