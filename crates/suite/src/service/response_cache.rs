//! Whole responses kept for as long as they say: a shared cache in front of the
//! handlers (RFC 9111), over moka.

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

/// How a response came about (RFC 9211).
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// Longer keys are not worth their room, and a client could make them up.
const KEY_BYTES_MAX: usize = 2048;

/// A response as it is kept: a clone copies pointers.
#[derive(Clone, Debug)]
struct Stored {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
    lifetime: Duration,
    since: Instant,
}

/// Each response says itself how long it lives.
#[derive(Debug)]
struct BySelf;

impl Expiry<String, Stored> for BySelf {
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
/// A response is kept if it is a 200, says `max-age` or `s-maxage` and neither
/// `no-store`, `no-cache` nor `private`, sets no cookie and does not vary with
/// everything, and its request carried no credentials. A client's own
/// `Cache-Control` is passed over: whoever asks must not be able to make every
/// request an expensive one.
///
/// Of two requests at once that miss, both are answered by the handler.
///
/// A clone is another handle on the same cache.
#[derive(Clone, Debug)]
pub struct ResponseCache {
    /// What the response at an address varies with.
    vary: Cache<String, Arc<[HeaderName]>>,
    stored: Cache<String, Stored>,
    metrics: Arc<Metrics>,
}

impl ResponseCache {
    /// An empty one with room for so many bytes of addresses, headers and bodies.
    ///
    /// Its hashes have a random seed: addresses come from outside.
    pub fn new(bytes: u64, metrics: Arc<Metrics>) -> Self {
        let weight = |key: &String, stored: &Stored| {
            let headers: usize =
                stored.headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
            u32::try_from(key.len() + headers + stored.body.len()).unwrap_or(u32::MAX)
        };
        let stored =
            Cache::builder().max_capacity(bytes).weigher(weight).expire_after(BySelf).build();
        // As many addresses as there is room for small responses.
        let vary = Cache::builder().max_capacity(bytes / 1024).build();
        Self { vary, stored, metrics }
    }

    /// Does the housekeeping that earlier requests have left for a later one, so
    /// that the next is a lookup and nothing else.
    pub async fn settle(&self) {
        self.vary.run_pending_tasks().await;
        self.stored.run_pending_tasks().await;
    }

    /// How many responses there are, once [settled](Self::settle).
    pub fn entries(&self) -> u64 {
        self.stored.entry_count()
    }

    /// Forgets all variants at that address (path and query).
    pub async fn forget(&self, address: &str) {
        // Without what it varies with, no variant is found.
        self.vary.invalidate(address).await;
    }

    /// Answers from the cache, or keeps what the handler answers.
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

/// The address with the values of what the response varies with; none for one
/// that is too long to keep.
fn key(address: &str, vary: &[HeaderName], asked: &HeaderMap) -> Option<String> {
    let mut key = String::from(address);
    for name in vary {
        // An address holds no line break, nor does a value; each value ends with
        // one, so that no two requests that differ have one key.
        key.push('\n');
        for value in asked.get_all(name) {
            key.push_str(value.to_str().ok()?);
            key.push('\n');
        }
    }
    (key.len() <= KEY_BYTES_MAX).then_some(key)
}

/// What the response varies with; none where that is everything, or unreadable.
fn varies_with(headers: &HeaderMap) -> Option<Arc<[HeaderName]>> {
    let mut names = Vec::new();
    for value in headers.get_all(VARY) {
        for name in value.to_str().ok()?.split(',').map(str::trim).filter(|name| !name.is_empty()) {
            // `*` is a token, and so it would pass for a name.
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

/// How long a shared cache may keep the response; none where it may not.
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
    fn a_response_lives_as_long_as_it_says() {
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
    fn requests_that_differ_in_what_matters_have_different_keys() {
        let headers = |values: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in values {
                headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
            }
            headers
        };
        let vary: [HeaderName; 2] =
            [HeaderName::from_static("accept-language"), HeaderName::from_static("x-tenant")];
        let of = |values| key("/a", &vary, &headers(values)).unwrap();
        let all = [
            of(&[]),
            of(&[("accept-language", "a")]),
            of(&[("x-tenant", "a")]),
            of(&[("accept-language", "a"), ("x-tenant", "a")]),
            of(&[("accept-language", "a"), ("accept-language", "a")]),
            of(&[("accept-language", "a, a")]),
            of(&[("accept-language", "")]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(!all[..at].contains(one), "{one:?}");
        }
        assert_eq!(of(&[("x-other", "a")]), of(&[]));
    }

    #[test]
    fn what_varies_with_everything_is_not_kept() {
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
