//! Instructions of one request through the reference service, counted by iai-callgrind: the
//! layers in front of the routes, routing and the answer, without a socket.
//!
//! These counts vary by some hundred instructions. The time of each request is sorted into a
//! histogram's buckets; moka reads the clock, and adding to a time sometimes carries over; and
//! the response cache hashes addresses with a random seed.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `http::service::request_through health` | A route that does no work. | – | Valgrind | up to 4% |
//! | `http::service::request_through lead_hit` | A lead from the in-process cache. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | up to 4% |
//! | `http::service::request_through page_hit` | A page from the response cache. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | up to 4% |
//! | `http::service::request_through page_hit_br` | The same page, compressed with Brotli. | – | Valgrind | up to 4% |
//! | `http::service::request_through not_modified` | A request with the page's ETag, answered with 304. | – | Valgrind | up to 4% |
//! | `http::service::request_through not_found` | A route that does not exist. | – | Valgrind | up to 4% |

mod valgrind;

#[expect(clippy::needless_pass_by_value, reason = "a teardown owns the output of its benchmark")]
mod http {
    use std::hint::black_box;

    use axum::Router;
    use axum::body::{Body, Bytes, to_bytes};
    use axum::extract::Request;
    use axum::http::header::{ACCEPT_ENCODING, ETAG, IF_NONE_MATCH};
    use axum::http::{HeaderMap, Response, StatusCode};
    use benchgate_suite::cache::ready;
    use benchgate_suite::queries::Lead;
    use benchgate_suite::service::{Parts, Service, answer};
    use benchgate_suite::sizes;
    use iai_callgrind::{LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
    use tokio::runtime::Runtime;

    const PAGE: &str = "/organisations";

    /// The variables that say where the seeded database is kept; the runner clears the
    /// environment otherwise.
    const VARIABLES: [&str; 2] = ["HOME", "XDG_CACHE_HOME"];

    fn with_variables() -> LibraryBenchmarkConfig {
        LibraryBenchmarkConfig::default().pass_through_envs(VARIABLES).clone()
    }

    /// The same with the allocations of a request.
    fn with_heap() -> LibraryBenchmarkConfig {
        crate::valgrind::with_heap().pass_through_envs(VARIABLES).clone()
    }

    /// A request, and the service that answers it.
    struct Asked {
        runtime: Runtime,
        service: Service,
        router: Router,
        request: Request,
    }

    /// The answer with its body, and everything that must not be dropped while it counts.
    struct Answered {
        status: StatusCode,
        headers: HeaderMap,
        body: Bytes,
        _asked: (Runtime, Service, Router),
    }

    fn request(path: &str) -> Request {
        Request::get(path).body(Body::empty()).expect("a request")
    }

    /// Answers a request that is not measured, and does the housekeeping of the caches, which
    /// would otherwise become due after some time.
    fn warm_up(asked: &Asked, request: Request) -> Response<Body> {
        asked.runtime.block_on(async {
            let response = answer(&asked.router, request).await;
            asked.service.leads().l1().settle().await;
            asked.service.front().responses().settle().await;
            response
        })
    }

    /// A service that has answered the same request before, so that all caches are filled.
    fn asked(path: &str) -> Asked {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let starting = async { Service::new(Parts::embedded().await?).await };
        let service = runtime.block_on(starting).expect("a service");
        let router = service.router();
        let asked = Asked { runtime, service, router, request: request(path) };
        warm_up(&asked, request(path));
        asked
    }

    fn asked_compressed(path: &str) -> Asked {
        let compressed = |mut request: Request| {
            let accepted = "gzip, deflate, br".parse().expect("a header value");
            request.headers_mut().insert(ACCEPT_ENCODING, accepted);
            request
        };
        let asked = asked(path);
        warm_up(&asked, compressed(request(path)));
        Asked { request: compressed(request(path)), ..asked }
    }

    fn asked_again(path: &str) -> Asked {
        let mut asked = asked(path);
        let tag = warm_up(&asked, request(path)).headers()[ETAG].clone();
        asked.request.headers_mut().insert(IF_NONE_MATCH, tag);
        asked
    }

    fn assert_lead(answered: Answered) {
        assert_eq!(answered.status, StatusCode::OK);
        let lead = serde_json::to_vec(&Lead::seeded(6)).expect("JSON");
        assert_eq!(answered.body, lead);
    }

    fn assert_page(answered: Answered) {
        assert_eq!(answered.status, StatusCode::OK);
        assert_eq!(answered.headers["cache-status"], "benchgate; hit");
        let page: serde_json::Value = serde_json::from_slice(&answered.body).expect("JSON");
        assert_eq!(page["next"], sizes::PAGE_ROWS);
    }

    fn assert_compressed(answered: Answered) {
        assert_eq!(answered.status, StatusCode::OK);
        assert_eq!(answered.headers["cache-status"], "benchgate; hit");
        assert_eq!(answered.headers["content-encoding"], "br");
    }

    fn assert_not_modified(answered: Answered) {
        assert_eq!((answered.status, answered.body.len()), (StatusCode::NOT_MODIFIED, 0));
    }

    fn assert_not_found(answered: Answered) {
        assert_eq!(answered.status, StatusCode::NOT_FOUND);
        let problem: serde_json::Value = serde_json::from_slice(&answered.body).expect("JSON");
        assert_eq!(problem["status"], 404);
    }

    fn assert_up(answered: Answered) {
        assert_eq!(
            (answered.status, &*answered.body),
            (StatusCode::OK, &br#"{"status":"up"}"#[..])
        );
    }

    #[library_benchmark(config = with_variables())]
    #[bench::health(args = ("/health"), setup = asked, teardown = assert_up)]
    #[bench::lead_hit(
        args = ("/leads/7"), config = with_heap(), setup = asked, teardown = assert_lead
    )]
    #[bench::page_hit(
        args = (PAGE), config = with_heap(), setup = asked, teardown = assert_page
    )]
    #[bench::page_hit_br(args = (PAGE), setup = asked_compressed, teardown = assert_compressed)]
    #[bench::not_modified(args = (PAGE), setup = asked_again, teardown = assert_not_modified)]
    #[bench::not_found(args = ("/nowhere"), setup = asked, teardown = assert_not_found)]
    fn request_through(asked: Asked) -> Answered {
        let Asked { runtime, service, router, request } = asked;
        let (parts, body) = {
            // Setting a time limit needs a runtime, but nothing waits for it.
            let _entered = runtime.enter();
            ready(answer(black_box(&router), black_box(request))).into_parts()
        };
        let body = ready(to_bytes(body, usize::MAX)).expect("a body");
        let (status, headers) = (parts.status, parts.headers);
        Answered { status, headers, body, _asked: (runtime, service, router) }
    }

    library_benchmark_group!(name = service; benchmarks = request_through);
    main!(library_benchmark_groups = service);

    pub(super) fn run() {
        main();
    }
}

fn main() {
    valgrind::run("http_instructions", http::run);
}
