//! The metrics of `/metrics`, in the `OpenMetrics` text format that Prometheus reads.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::cache::Level;

/// The media type of [`Metrics::text`].
pub const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Upper bounds of the latency's buckets, in seconds.
const BUCKETS: [f64; 14] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
];

/// The route label of a request that matches no route.
pub(super) const NO_ROUTE: &str = "none";

/// A method as a label. Clients must not be able to create new labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, EncodeLabelValue)]
enum Verb {
    #[expect(clippy::upper_case_acronyms, reason = "the label's value is the method's name")]
    GET,
    #[expect(clippy::upper_case_acronyms, reason = "the label's value is the method's name")]
    HEAD,
    #[expect(clippy::upper_case_acronyms, reason = "the label's value is the method's name")]
    POST,
    #[expect(clippy::upper_case_acronyms, reason = "the label's value looks like a method")]
    OTHER,
}

impl From<&Method> for Verb {
    fn from(method: &Method) -> Self {
        match *method {
            Method::GET => Self::GET,
            Method::HEAD => Self::HEAD,
            Method::POST => Self::POST,
            _ => Self::OTHER,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    method: Verb,
    status: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfRoute {
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Found {
    level: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Lookup {
    outcome: &'static str,
}

/// The handles of one route, found without hashing its labels.
#[derive(Debug)]
struct RouteHandles {
    latency: Histogram,
    answered: BTreeMap<(Verb, u16), Counter>,
}

/// The metrics of the service. Clones of its counters share their values.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    latency: Family<OfRoute, Histogram, fn() -> Histogram>,
    routes: RwLock<BTreeMap<String, RouteHandles>>,
    /// Requests under way.
    pub in_flight: Gauge,
    /// Requests rejected because too many were under way.
    pub shed: Counter,
    /// Requests aborted because they took too long.
    pub timed_out: Counter,
    /// Connections accepted.
    pub connections: Counter,
    /// Responses answered from the response cache.
    pub response_hits: Counter,
    /// Responses not found in the response cache.
    pub response_misses: Counter,
    /// How often Redis failed and was skipped.
    pub redis_failures: Counter,
    /// Connections in the database's pool.
    pub pool_connections: Gauge,
    /// Idle connections in the database's pool.
    pub pool_idle: Gauge,
    found: [Counter; 3],
}

fn histogram() -> Histogram {
    Histogram::new(BUCKETS)
}

impl Default for Metrics {
    fn default() -> Self {
        let mut registry = Registry::with_prefix("benchgate");
        let requests = Family::<Answered, Counter>::default();
        registry.register("http_requests", "Requests answered", requests.clone());
        let latency: Family<OfRoute, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(histogram);
        registry.register_with_unit(
            "http_request_duration",
            "From the request's head to the response's head",
            Unit::Seconds,
            latency.clone(),
        );
        let leads = Family::<Found, Counter>::default();
        registry.register(
            "lead_lookups",
            "Leads looked up, by the level where they were found",
            leads.clone(),
        );
        let level = |level| leads.get_or_create_owned(&Found { level });
        let found = [level("l1"), level("l2"), level("source")];
        let responses = Family::<Lookup, Counter>::default();
        registry.register("response_cache_lookups", "Responses looked up", responses.clone());
        let outcome = |outcome| responses.get_or_create_owned(&Lookup { outcome });
        let (response_hits, response_misses) = (outcome("hit"), outcome("miss"));
        let mut counter = |name, help| {
            let counter = Counter::default();
            registry.register(name, help, counter.clone());
            counter
        };
        let shed = counter("http_requests_shed", "Requests rejected under load");
        let timed_out =
            counter("http_requests_timed_out", "Requests aborted because they took too long");
        let connections = counter("http_connections", "Connections accepted");
        let redis_failures = counter("redis_failures", "Times that Redis failed and was skipped");
        let mut gauge = |name, help| {
            let gauge = Gauge::default();
            registry.register(name, help, gauge.clone());
            gauge
        };
        let in_flight = gauge("http_requests_in_flight", "Requests under way");
        let pool_connections = gauge("pool_connections", "Connections in the database's pool");
        let pool_idle = gauge("pool_connections_idle", "Idle connections in the database's pool");
        Self {
            registry,
            requests,
            latency,
            routes: RwLock::default(),
            in_flight,
            shed,
            timed_out,
            connections,
            response_hits,
            response_misses,
            redis_failures,
            pool_connections,
            pool_idle,
            found,
        }
    }
}

impl Metrics {
    /// Counts an answered request. `route` must be one of the service's own routes or
    /// `NO_ROUTE`, and never the path that the client sent.
    pub fn answered(&self, route: &str, method: &Method, status: StatusCode, took: Duration) {
        let key = (Verb::from(method), status.as_u16());
        let seconds = took.as_secs_f64();
        {
            let routes = self.routes.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(handles) = routes.get(route)
                && let Some(counter) = handles.answered.get(&key)
            {
                counter.inc();
                handles.latency.observe(seconds);
                return;
            }
        }
        let mut routes = self.routes.write().unwrap_or_else(PoisonError::into_inner);
        let handles = routes.entry(route.to_owned()).or_insert_with(|| RouteHandles {
            latency: self.latency.get_or_create_owned(&OfRoute { route: route.to_owned() }),
            answered: BTreeMap::new(),
        });
        let (method, status) = key;
        let labels = || Answered { route: route.to_owned(), method, status };
        let counter = handles
            .answered
            .entry(key)
            .or_insert_with(|| self.requests.get_or_create_owned(&labels()));
        counter.inc();
        handles.latency.observe(seconds);
    }

    /// The number of leads found at a level so far.
    pub fn leads(&self, level: Level) -> u64 {
        self.at(level).get()
    }

    /// Counts a lead found at a level.
    pub fn found(&self, level: Level) {
        self.at(level).inc();
    }

    fn at(&self, level: Level) -> &Counter {
        let [l1, l2, source] = &self.found;
        match level {
            Level::L1 => l1,
            Level::L2 => l2,
            Level::Source => source,
        }
    }

    /// All metrics as text of the type [`OPEN_METRICS`].
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}
