//! Requests to an upstream that may fail.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Request, Uri};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rand::SeedableRng as _;
use rand::rngs::Xoshiro256PlusPlus;

use super::error::shared;
use super::{Breaker, ClientConfig, Clock, RetryBudget, State, UpstreamError};
use crate::sizes;

/// The counts of a client so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests by callers.
    pub requests: u64,
    /// Attempts that were sent, including retries.
    pub attempts: u64,
    /// Retries.
    pub retries: u64,
    /// Attempts that the breaker rejected.
    pub rejected: u64,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    attempts: AtomicU64,
    retries: AtomicU64,
    rejected: AtomicU64,
}

/// A client of one upstream, over pooled HTTP/1.1 connections. A clone is another handle
/// to the same client.
///
/// Each attempt goes through the breaker and has a time-out. A failed request is retried
/// according to the [`RetryPolicy`](super::RetryPolicy) if the failure is transient
/// ([`UpstreamError::is_transient`]) and the method is idempotent (RFC 9110, section
/// 9.2.2): other requests may have been executed already.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    base: Uri,
    config: ClientConfig,
    clock: Clock,
    http: legacy::Client<HttpConnector, Full<Bytes>>,
    breaker: Breaker,
    budget: RetryBudget,
    random: Mutex<Xoshiro256PlusPlus>,
    counters: Counters,
}

impl Client {
    /// Creates a client of the upstream at `base`, such as `http://127.0.0.1:8080`. Nothing
    /// is sent yet. Connections belong to the runtime that sends requests.
    pub fn new(base: &str, config: ClientConfig) -> Result<Self, UpstreamError> {
        Self::with_clock(base, config, Clock::system())
    }

    /// Like [`new`](Self::new), with a clock for the breaker, the deadline and the waits
    /// between attempts. The time-out of an attempt always uses the system's clock.
    pub fn with_clock(
        base: &str,
        config: ClientConfig,
        clock: Clock,
    ) -> Result<Self, UpstreamError> {
        let wrong = |source| UpstreamError::Address { address: base.to_owned(), source };
        let parsed: Uri = base.parse().map_err(|source| wrong(shared(source)))?;
        if parsed.scheme_str() != Some("http") || !matches!(parsed.path(), "" | "/") {
            return Err(wrong(shared("the scheme is not http, or there is a path")));
        }
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(config.attempt_timeout));
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(sizes::UPSTREAM_IDLE_TIMEOUT)
            .build(connector);
        let retry = config.retry;
        Ok(Self(Arc::new(Inner {
            base: parsed,
            config,
            breaker: Breaker::new(config.breaker, clock.clone()),
            clock,
            http,
            budget: RetryBudget::new(retry.budget_percent, retry.budget_reserve),
            random: Mutex::new(Xoshiro256PlusPlus::seed_from_u64(retry.seed)),
            counters: Counters::default(),
        })))
    }

    /// The client's breaker.
    pub fn breaker(&self) -> &Breaker {
        &self.0.breaker
    }

    /// The client's retry budget.
    pub fn budget(&self) -> &RetryBudget {
        &self.0.budget
    }

    /// The counts so far.
    pub fn counts(&self) -> Counts {
        let Counters { requests, attempts, retries, rejected } = &self.0.counters;
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            requests: read(requests),
            attempts: read(attempts),
            retries: read(retries),
            rejected: read(rejected),
        }
    }

    /// Sends a GET request for a path with its query, such as `/valuations/7`, and returns
    /// the body of the answer.
    pub async fn get(&self, path: &str) -> Result<Bytes, UpstreamError> {
        self.send(Method::GET, path, Bytes::new()).await
    }

    /// Sends a POST request, which is never retried, and returns the body of the answer.
    pub async fn post(&self, path: &str, body: Bytes) -> Result<Bytes, UpstreamError> {
        self.send(Method::POST, path, body).await
    }

    /// Sends a request with any method, and returns the body of a successful answer.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
    ) -> Result<Bytes, UpstreamError> {
        let Inner { config, clock, breaker, budget, counters, .. } = &*self.0;
        let uri = self.uri(path)?;
        let count = |counter: &AtomicU64| counter.fetch_add(1, Ordering::Relaxed);
        count(&counters.requests);
        budget.deposit();
        let start = clock.now();
        let mut retry = 0;
        let mut last_error = None;
        loop {
            let permit = match breaker.acquire() {
                Ok(permit) => permit,
                Err(rejected) => {
                    count(&counters.rejected);
                    // If other callers opened the breaker between two attempts, the error of
                    // the last attempt says more.
                    let open = || UpstreamError::Open { uri: uri.to_string(), rejected };
                    return Err(last_error.unwrap_or_else(open));
                }
            };
            count(&counters.attempts);
            let error = match self.attempt(&method, &uri, &body).await {
                Ok(answer) => {
                    permit.succeed();
                    return Ok(answer);
                }
                Err(error) => error,
            };
            if error.is_failure() {
                permit.fail();
            } else {
                permit.succeed();
            }
            if retry == config.retry.retries || !method.is_idempotent() || !error.is_transient() {
                return Err(error);
            }
            if breaker.state() == State::Open {
                return Err(error);
            }
            let delay = self.delay(retry);
            let late = (clock.now() - start).saturating_add(delay) >= config.deadline;
            if late || !budget.withdraw() {
                return Err(error);
            }
            clock.sleep(delay).await;
            count(&counters.retries);
            retry += 1;
            last_error = Some(error);
        }
    }

    fn delay(&self, retry: u32) -> Duration {
        let mut random = self.0.random.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.config.retry.delay(retry, &mut *random)
    }

    fn uri(&self, path: &str) -> Result<Uri, UpstreamError> {
        let wrong = |source| UpstreamError::Address {
            address: format!("{}{path}", self.0.base.to_string().trim_end_matches('/')),
            source,
        };
        let path: PathAndQuery = path.parse().map_err(|source| wrong(shared(source)))?;
        let mut parts = self.0.base.clone().into_parts();
        parts.path_and_query = Some(path);
        Uri::from_parts(parts).map_err(|source| wrong(shared(source)))
    }

    async fn attempt(
        &self,
        method: &Method,
        uri: &Uri,
        body: &Bytes,
    ) -> Result<Bytes, UpstreamError> {
        let within = self.0.config.attempt_timeout;
        match tokio::time::timeout(within, self.exchange(method, uri, body)).await {
            Ok(answer) => answer,
            Err(_) => Err(UpstreamError::TimedOut { uri: uri.to_string(), within }),
        }
    }

    async fn exchange(
        &self,
        method: &Method,
        uri: &Uri,
        body: &Bytes,
    ) -> Result<Bytes, UpstreamError> {
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = method.clone();
        *request.uri_mut() = uri.clone();
        let response = self.0.http.request(request).await.map_err(|source| {
            UpstreamError::Connection { uri: uri.to_string(), source: shared(source) }
        })?;
        let status = response.status();
        // Always read, as a connection with an unread answer cannot be reused.
        let body = Limited::new(response.into_body(), self.0.config.answer_bytes_max)
            .collect()
            .await
            .map_err(|source| {
                let uri = uri.to_string();
                if source.is::<LengthLimitError>() {
                    UpstreamError::Answer { uri, source: shared(source) }
                } else {
                    UpstreamError::Connection { uri, source: shared(source) }
                }
            })?;
        if !status.is_success() {
            return Err(UpstreamError::Status { uri: uri.to_string(), status: status.as_u16() });
        }
        Ok(body.to_bytes())
    }
}
