//! A shared cache of whole responses in front of the handlers (RFC 9111), based on moka.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::header::{
    AGE, AUTHORIZATION, CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue, SET_COOKIE, VARY,
};
use axum::http::{Method, Response, StatusCode};
use axum::middleware::Next;
use moka::Expiry;
use moka::future::Cache;

use super::body::whole;
use super::metrics::Metrics;

/// The header that says how the cache handled a request (RFC 9211).
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Longer keys are not cached: a client could fill the cache with made-up addresses.
const KEY_BYTES_MAX: usize = 2048;

/// A cached response. A clone copies only pointers.
#[derive(Clone, Debug)]
struct Stored {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    lifetime: Duration,
    since: Instant,
}

/// Expires each response after its own lifetime.
#[derive(Debug)]
struct OwnLifetime;

impl Expiry<String, Stored> for OwnLifetime {
    fn expire_after_create(&self, _: &String, stored: &Stored, _: Instant) -> Option<Duration> {
        Some(stored.lifetime)
    }

    fn expire_after_update(
        &self,
        _: &String,
        stored: &Stored,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(stored.lifetime)
    }
}

/// Responses to GET, by address and by the request headers that they vary with.
///
/// A response is cached if its status is 200, it has `max-age` or `s-maxage` and none of
/// `no-store`, `no-cache` and `private`, it sets no cookie and does not have `Vary: *`,
/// and its request carried no credentials. The request's `Cache-Control` is ignored: a
/// client must not be able to bypass the cache.
///
/// If two concurrent requests miss, the handler answers both.
///
/// A clone is another handle to the same cache.
#[derive(Clone, Debug)]
pub struct ResponseCache {
    /// The headers that the response at an address varies with.
    vary: Cache<String, Arc<[HeaderName]>>,
    stored: Cache<String, Stored>,
    metrics: Arc<Metrics>,
}

impl ResponseCache {
    /// Creates an empty cache with room for `bytes` bytes of addresses, headers and
    /// bodies.
    ///
    /// Its hashes have a random seed, as addresses come from clients.
    pub fn new(bytes: u64, metrics: Arc<Metrics>) -> Self {
        let weight = |key: &String, stored: &Stored| {
            let headers: usize =
                stored.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
            u32::try_from(key.len() + headers + stored.body.len()).unwrap_or(u32::MAX)
        };
        let stored =
            Cache::builder().max_capacity(bytes).weigher(weight).expire_after(OwnLifetime).build();
        // One address for each small response that there is room for.
        let vary = Cache::builder().max_capacity(bytes / 1024).build();
        Self { vary, stored, metrics }
    }

    /// Does the housekeeping that earlier requests have deferred, so that the next
    /// lookup does nothing else.
    pub async fn settle(&self) {
        self.vary.run_pending_tasks().await;
        self.stored.run_pending_tasks().await;
    }

    /// The number of responses, once [settled](Self::settle).
    pub fn entries(&self) -> u64 {
        self.stored.entry_count()
    }

    /// Removes all variants at an address (path and query).
    pub async fn forget(&self, address: &str) {
        // Without the headers to vary with, no variant is found.
        self.vary.invalidate(address).await;
    }

    /// Answers from the cache, or calls the handler and caches its response.
    pub async fn answer(State(cache): State<Self>, request: Request, next: Next) -> Response<Body> {
        let address = request.uri().path_and_query().map_or("/", |address| address.as_str());
        let usable = request.method() == Method::GET
            && address.len() <= KEY_BYTES_MAX
            && !request.headers().contains_key(AUTHORIZATION);
        if !usable {
            return next.run(request).await;
        }
        if let Some(stored) = cache.find(address, request.headers()).await {
            cache.metrics.response_hits.inc();
            return stored.response();
        }
        cache.metrics.response_misses.inc();
        let (address, asked) = (address.to_owned(), request.headers().clone());
        let response = next.run(request).await;
        cache.keep(address, &asked, response).await
    }

    async fn find(&self, address: &str, asked: &HeaderMap) -> Option<Stored> {
        let vary = self.vary.get(address).await?;
        self.stored.get(&key(address, &vary, asked)?).await
    }

    async fn keep(
        &self,
        address: String,
        asked: &HeaderMap,
        mut response: Response<Body>,
    ) -> Response<Body> {
        let headers = response.headers_mut();
        let (Some(lifetime), Some(vary)) = (lifetime(headers), varies_with(headers)) else {
            return forwarded(response, "benchgate; fwd=miss");
        };
        let Some(key) = key(&address, &vary, asked) else {
            return forwarded(response, "benchgate; fwd=miss");
        };
        if response.status() != StatusCode::OK || response.headers().contains_key(SET_COOKIE) {
            return forwarded(response, "benchgate; fwd=miss");
        }
        let (parts, body) = match whole(response).await {
            Ok(whole) => whole,
            Err(problem) => return problem,
        };
        let stored = Stored {
            status: parts.status,
            headers: parts.headers.clone(),
            body: body.clone(),
            lifetime,
            since: Instant::now(),
        };
        self.stored.insert(key, stored).await;
        self.vary.insert(address, vary).await;
        forwarded(Response::from_parts(parts, Body::from(body)), "benchgate; fwd=miss; stored")
    }
}

impl Stored {
    fn response(self) -> Response<Body> {
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response.headers_mut().insert(AGE, HeaderValue::from(self.since.elapsed().as_secs()));
        forwarded(response, "benchgate; hit")
    }
}

fn forwarded(mut response: Response<Body>, status: &'static str) -> Response<Body> {
    response.headers_mut().insert(CACHE_STATUS, HeaderValue::from_static(status));
    response
}

/// The cache key: the address with the values of the headers to vary with. `None` if it
/// is too long.
fn key(address: &str, vary: &[HeaderName], asked: &HeaderMap) -> Option<String> {
    let mut key = String::from(address);
    for name in vary {
        // Neither addresses nor values contain line breaks. Each value ends with one, so
        // that different requests have different keys.
        key.push('\n');
        for value in asked.get_all(name) {
            key.push_str(value.to_str().ok()?);
            key.push('\n');
        }
    }
    (key.len() <= KEY_BYTES_MAX).then_some(key)
}

/// The headers that the response varies with. `None` for `Vary: *` and unreadable values.
fn varies_with(headers: &HeaderMap) -> Option<Arc<[HeaderName]>> {
    let mut names = Vec::new();
    for value in headers.get_all(VARY) {
        for name in value.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            // `*` would be a valid header name.
            if name == "*" {
                return None;
            }
            names.push(HeaderName::from_bytes(name.as_bytes()).ok()?);
        }
    }
    names.sort_by(|a, b| a.as_str().cmp(b.as_str()));
    names.dedup();
    Some(names.into())
}

/// How long a shared cache may keep the response; `None` if it may not.
fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let (mut shared, mut any) = (None, None);
    for value in headers.get_all(CACHE_CONTROL) {
        for directive in value.to_str().ok()?.split(',').map(str::trim) {
            let (name, argument) = directive.split_once('=').unwrap_or((directive, ""));
            let seconds = || argument.trim_matches('"').parse::<u32>().ok();
            match name.to_ascii_lowercase().as_str() {
                "no-store" | "no-cache" | "private" => return None,
                "s-maxage" => shared = Some(seconds()?),
                "max-age" => any = Some(seconds()?),
                _ => {}
            }
        }
    }
    let seconds = shared.or(any).filter(|seconds| *seconds > 0)?;
    Some(Duration::from_secs(seconds.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn control(values: &[&'static str]) -> Option<u64> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(CACHE_CONTROL, HeaderValue::from_static(value));
        }
        lifetime(&headers).map(|lifetime| lifetime.as_secs())
    }

    #[test]
    fn the_lifetime_comes_from_cache_control() {
        for (values, seconds) in [
            (&["public, max-age=30"][..], Some(30)),
            (&["max-age=30, s-maxage=60"], Some(60)),
            (&["s-maxage=5, max-age=30"], Some(5)),
            (&["Max-Age=\"7\""], Some(7)),
            (&["max-age=30", "private"], None),
            (&["max-age=30, no-store"], None),
            (&["no-cache=\"set-cookie\", max-age=30"], None),
            (&["max-age=0"], None),
            (&["max-age=-1"], None),
            (&["max-age=1e3"], None),
            (&["max-age=99999999999"], None),
            (&["public"], None),
            (&[], None),
        ] {
            assert_eq!(control(values), seconds, "{values:?}");
        }
    }

    #[test]
    fn requests_that_differ_in_a_vary_header_have_different_keys() {
        let headers = |values: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            headers
        };
        let vary: [HeaderName; 2] =
            [HeaderName::from_static("accept-language"), HeaderName::from_static("x-tenant")];
        let key = |values| key("/a", &vary, &headers(values)).unwrap();
        let keys = [
            key(&[]),
            key(&[("accept-language", "a")]),
            key(&[("x-tenant", "a")]),
            key(&[("accept-language", "a"), ("x-tenant", "a")]),
            key(&[("accept-language", "a"), ("accept-language", "a")]),
            key(&[("accept-language", "a, a")]),
            key(&[("accept-language", "")]),
        ];
        for (at, key) in keys.iter().enumerate() {
            assert!(!keys[..at].contains(key), "{key:?}");
        }
        assert_eq!(key(&[("x-other", "a")]), key(&[]));
    }

    #[test]
    fn responses_that_vary_with_everything_are_not_cached() {
        let vary = |value| {
            let mut headers = HeaderMap::new();
            headers.insert(VARY, HeaderValue::from_static(value));
            varies_with(&headers).map(|names| names.len())
        };
        assert_eq!(vary("*"), None);
        assert_eq!(vary("accept, *"), None);
        assert_eq!(vary("b, A,, a"), Some(2));
        assert_eq!(vary("not a name"), None);
    }
}
