//! The reference service: the suite's parts combined as in a real service.
//! `gate service` runs it, and the HTTP benchmarks send requests to it.
//!
//! | route | answer |
//! |---|---|
//! | `GET /leads/{id}` | a lead from the tiered cache: the process, Redis if there is one, SQL |
//! | `GET /organisations?after&rows&form` | organisations with their users, with one query or (a bad example) `form=n-plus-one`; cacheable |
//! | `GET /audit-logs?after&rows&form` | audit logs with their users, likewise, never cached |
//! | `POST /score` | the score of `{"features":[…]}` or `{"lead":{…}}`, computed in batches |
//! | `GET /score/{lead}` | the score of a stored lead: cache, SQL, features, batch |
//! | `GET /valuations/{property}` | the answer of another service, if one is configured: retries, a circuit breaker, batched lookups |
//! | `GET /health`, `/health/detailed` | liveness; each part with its state and latency |
//! | `GET /metrics` | counts and latencies, for Prometheus |
//!
//! [`Front`] is the middleware of all routes; other routes can use it too. Errors are
//! problem details (RFC 9457) that say what the client can do and reveal nothing
//! internal. There is no authentication, so the service listens on loopback by default;
//! put a proxy with authentication in front before you open it up.

pub use encoding::Encoding;
pub use front::Front;
pub use leads::{LeadError, Leads, Scorable};
pub use limits::Limits;
pub use metrics::{Metrics, OPEN_METRICS};
pub use problem::{PROBLEM_JSON, Problem};
pub use response_cache::{CACHE_STATUS, ResponseCache};
pub use routes::answer;
pub use serve::{Drained, serve};
pub use state::{Parts, Service};

mod body;
mod encoding;
mod front;
mod health;
mod leads;
mod limits;
mod metrics;
mod problem;
mod response_cache;
mod routes;
mod serve;
mod state;
mod validators;
