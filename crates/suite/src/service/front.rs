//! The middleware in front of every handler.
//!
//! From the outside in: metrics of all responses; security headers, and errors as
//! problem details; caught panics; then, for the API, `HEAD`, the negotiated encoding
//! and 304; the response cache, for cacheable routes; the limits on concurrent requests
//! and their time; the entity tag; compression; the limit on bodies. Cached responses
//! are sent under any load. The operational routes (health, metrics) have only a time
//! limit.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, MatchedPath, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName, HeaderValue,
    REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::IntoResponse as _;
use tokio::sync::Semaphore;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::SizeAbove;
use tracing::Instrument as _;

use super::body::whole;
use super::encoding::Encoding;
use super::metrics::{Metrics, NO_ROUTE};
use super::problem::{PROBLEM_JSON, Problem};
use super::response_cache::ResponseCache;
use super::{Limits, validators};
use crate::sizes;

/// Headers of every response.
///
/// `Strict-Transport-Security` is missing because it has no effect over plain HTTP. The
/// proxy that terminates TLS has to set it.
const SECURITY_HEADERS: [(HeaderName, &str); 5] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'"),
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

/// The middleware. A clone shares its limits, cache and metrics.
#[derive(Clone, Debug)]
pub struct Front {
    limits: Limits,
    room: Arc<Semaphore>,
    responses: ResponseCache,
    metrics: Arc<Metrics>,
}

impl Front {
    /// Creates the middleware with an empty response cache.
    pub fn new(limits: Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            limits,
            room: Arc::new(Semaphore::new(limits.requests.min(Semaphore::MAX_PERMITS))),
            responses: ResponseCache::new(sizes::RESPONSE_CACHE_BYTES, Arc::clone(&metrics)),
            metrics,
        }
    }

    /// The response cache.
    pub fn responses(&self) -> &ResponseCache {
        &self.responses
    }

    /// The metrics.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Puts the middleware in front of three kinds of routes: cacheable ones,
    /// uncacheable ones, and operational ones. Responses are not streamed: each is read
    /// completely before it is sent.
    pub fn dress(&self, cached: Router, uncached: Router, operating: Router) -> Router {
        // `SizeAbove` includes the size itself.
        let compression = CompressionLayer::new()
            .compress_when(SizeAbove::new(sizes::RESPONSE_COMPRESSION_ABOVE + 1));
        let limited = |routes: Router| {
            routes
                .layer(DefaultBodyLimit::max(self.limits.body_bytes))
                .layer(compression.clone())
                .layer(from_fn(tagged))
                .layer(from_fn_with_state(self.clone(), limited))
        };
        let cached = limited(cached)
            .layer(from_fn_with_state(self.responses.clone(), ResponseCache::answer));
        let api = cached.merge(limited(uncached)).layer(from_fn(negotiated));
        let operating = operating.layer(from_fn_with_state(self.limits.timeout, timed));
        api.merge(operating)
            .fallback(not_found)
            .method_not_allowed_fallback(method_not_allowed)
            .layer(CatchPanicLayer::custom(panicked))
            .layer(from_fn(finished))
            .layer(from_fn_with_state(Arc::clone(&self.metrics), observed))
    }
}

async fn not_found() -> Problem {
    Problem::of_status(StatusCode::NOT_FOUND)
}

async fn method_not_allowed() -> Problem {
    Problem::of_status(StatusCode::METHOD_NOT_ALLOWED)
}

#[expect(clippy::needless_pass_by_value, reason = "required by the layer")]
fn panicked(reason: Box<dyn std::any::Any + Send>) -> Response<Body> {
    let text = reason.downcast_ref::<&str>().copied();
    let text = text.or_else(|| reason.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = text.unwrap_or("(no text)"), "a handler panicked");
    Problem::internal().into_response()
}

/// Counts a request as under way until this value is dropped.
struct UnderWay<'a>(&'a Metrics);

impl<'a> UnderWay<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.in_flight.inc();
        Self(metrics)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.in_flight.dec();
    }
}

async fn observed(
    State(metrics): State<Arc<Metrics>>,
    request: Request,
    next: Next,
) -> Response<Body> {
    let start = Instant::now();
    let _under_way = UnderWay::new(&metrics);
    let method = request.method().clone();
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or(NO_ROUTE, MatchedPath::as_str);
    let span = tracing::info_span!("request", %method, route);
    let response = next.run(request).instrument(span.clone()).await;
    let took = start.elapsed();
    metrics.answered(route, &method, response.status(), took);
    span.in_scope(|| {
        tracing::debug!(status = response.status().as_u16(), microseconds = took.as_micros());
    });
    response
}

/// Adds security headers, forbids storing unless the response allows it, and turns all
/// errors into problem details.
async fn finished(request: Request, next: Next) -> Response<Body> {
    let mut response = next.run(request).await;
    let status = response.status();
    if status.is_client_error() || status.is_server_error() {
        let kind = response.headers().get(CONTENT_TYPE);
        // An error with a JSON body explains itself: the health of each part.
        if kind.is_none_or(|kind| kind != PROBLEM_JSON && kind != "application/json") {
            let mut problem = Problem::of_status(status).into_response();
            // Keeps headers such as `Allow`.
            let headers = std::mem::take(response.headers_mut());
            for (name, value) in &headers {
                if !matches!(*name, CONTENT_TYPE | CONTENT_LENGTH) {
                    problem.headers_mut().append(name, value.clone());
                }
            }
            response = problem;
        }
    }
    let headers = response.headers_mut();
    for (name, value) in SECURITY_HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// Answers `HEAD` as `GET` without a body, normalises `Accept-Encoding`, and answers 304.
async fn negotiated(mut request: Request, next: Next) -> Response<Body> {
    let head = request.method() == Method::HEAD;
    if !head && request.method() != Method::GET {
        return next.run(request).await;
    }
    if head {
        *request.method_mut() = Method::GET;
    }
    Encoding::normalise(request.headers_mut());
    let conditional = validators::condition(request.headers());
    let response = next.run(request).await;
    let mut response = validators::unless_client_has(&conditional, response);
    if head {
        *response.body_mut() = Body::empty();
    }
    response
}

/// Rejects requests beyond the limit, and aborts those that take too long.
///
/// tower's limit is not used: it polls its semaphore, which is also pending when the
/// task has used up its budget, so that requests would be rejected without need.
async fn limited(State(front): State<Front>, request: Request, next: Next) -> Response<Body> {
    let Ok(_permit) = front.room.try_acquire() else {
        front.metrics.shed.inc();
        return Problem::overloaded().into_response();
    };
    let answer = timed(State(front.limits.timeout), request, next).await;
    if answer.status() == StatusCode::GATEWAY_TIMEOUT {
        front.metrics.timed_out.inc();
    }
    answer
}

async fn timed(State(limit): State<Duration>, request: Request, next: Next) -> Response<Body> {
    match tokio::time::timeout(limit, next.run(request)).await {
        Ok(response) => response,
        Err(_) => Problem::timed_out().into_response(),
    }
}

/// Adds the entity tag and the length of the body.
async fn tagged(request: Request, next: Next) -> Response<Body> {
    let get = request.method() == Method::GET;
    let response = next.run(request).await;
    if !get || response.status() != StatusCode::OK {
        return response;
    }
    match whole(response).await {
        Ok((mut parts, body)) => {
            validators::tag(&mut parts.headers, &body);
            parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
            Response::from_parts(parts, Body::from(body))
        }
        Err(problem) => problem,
    }
}
