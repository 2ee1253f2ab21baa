//! The answers of the service.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use benchgate_suite::http::{Client, Protocol, Reply, Server};
use benchgate_suite::inference::{Backend, LeadFields, Scorer, features, features_of};
use benchgate_suite::queries::{
    AuditLog, Database, Lead, OrganisationUsers, Queries, count_queries, growing,
};
use benchgate_suite::service::{Parts, answer};
use benchgate_suite::services::{Postgres, Redis};
use benchgate_suite::sizes;
use benchgate_suite::upstream::{Fault, Faults, FaultyUpstream, valuation};
use hyper::StatusCode;
use serde_json::{Value, json};

use super::{EMBEDDED, assert_problem, get, header, json, post};

fn value(of: impl serde::Serialize) -> Value {
    serde_json::to_value(of).unwrap()
}

#[tokio::test]
async fn a_lead_comes_from_the_database_once_and_then_from_the_process() {
    let server = Server::embedded().unwrap();
    for tier in ["leads-l1; fwd=miss; stored", "leads-l1; hit"] {
        let reply = get(&server, "/leads/4711", &[]).await;
        assert_eq!(json(&reply), value(Lead::seeded(4710)));
        assert_eq!(header(&reply, "content-type"), "application/json");
        assert_eq!(header(&reply, "cache-status"), tier);
    }
}

#[tokio::test]
async fn unknown_leads_are_not_found() {
    let outside = sizes::LEADS + 1;
    for unknown in [0, outside, u32::MAX] {
        let reply = get(&EMBEDDED, &format!("/leads/{unknown}"), &[]).await;
        assert_problem(&reply, StatusCode::NOT_FOUND, &format!("there is no lead {unknown}"));
        let reply = get(&EMBEDDED, &format!("/score/{unknown}"), &[]).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
    }
    for hostile in
        ["-1", "4294967296", "1e3", "1%00", "1;DROP%20TABLE%20leads", "%27", "%F0%9F%92%A9"]
    {
        for route in ["leads", "score", "valuations"] {
            let reply = get(&EMBEDDED, &format!("/{route}/{hostile}"), &[]).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{hostile}");
            assert_eq!(header(&reply, "content-type"), "application/problem+json");
        }
    }
    for elsewhere in ["/leads/", "/leads/1/2", "/leads/%2e%2e%2fhealth", "//leads/1"] {
        let reply = get(&EMBEDDED, elsewhere, &[]).await;
        assert!(reply.status.is_client_error(), "{elsewhere}: {}", reply.status);
    }
}

#[tokio::test]
async fn organisations_come_with_their_users_in_pages_and_forms() {
    let expected: Vec<OrganisationUsers> = (3..8).map(OrganisationUsers::seeded).collect();
    for form in ["", "&form=join", "&form=in-batch", "&form=n-plus-one"] {
        let reply = get(&EMBEDDED, &format!("/organisations?after=3&rows=5{form}"), &[]).await;
        let listed = json(&reply);
        assert_eq!(listed["items"], value(&expected), "{form}");
        assert_eq!(listed["next"], 8);
        let n_plus_one = form.ends_with("one");
        let control = if n_plus_one { "private, no-cache" } else { "public, max-age=30" };
        assert_eq!(header(&reply, "cache-control"), control);
    }
    // The bad example is never answered from the cache.
    let again = get(&EMBEDDED, "/organisations?after=3&rows=5&form=n-plus-one", &[]).await;
    assert_eq!(header(&again, "cache-status"), "benchgate; fwd=miss");

    let last = format!("/organisations?after={}&rows=5", sizes::ORGANISATIONS - 2);
    let last = json(&get(&EMBEDDED, &last, &[]).await);
    assert_eq!(last["items"].as_array().unwrap().len(), 2);
    assert_eq!(last["next"], Value::Null);
    let page = json(&get(&EMBEDDED, "/organisations", &[]).await);
    assert_eq!(page["items"].as_array().unwrap().len(), sizes::PAGE_ROWS as usize);
}

#[tokio::test]
async fn audit_logs_come_with_their_users_the_latest_first() {
    let expected: Vec<AuditLog> =
        (0..4).map(|back| AuditLog::seeded(sizes::AUDIT_LOGS - 1 - back)).collect();
    for form in ["join", "in-batch", "n-plus-one"] {
        let reply = get(&EMBEDDED, &format!("/audit-logs?rows=4&form={form}"), &[]).await;
        assert_eq!(json(&reply)["items"], value(&expected), "{form}");
        assert_eq!(header(&reply, "cache-control"), "private, no-cache");
        assert_eq!(header(&reply, "cache-status"), "");
    }
}

#[tokio::test]
async fn invalid_pages_are_refused() {
    for query in
        ["rows=0", "rows=201", "rows=-1", "after=x", "form=other", "page=2", "rows=1&rows=2"]
    {
        for route in ["organisations", "audit-logs"] {
            let reply = get(&EMBEDDED, &format!("/{route}?{query}"), &[]).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
            assert_eq!(header(&reply, "content-type"), "application/problem+json");
        }
    }
    let rows = get(&EMBEDDED, "/organisations?rows=201", &[]).await;
    assert_problem(&rows, StatusCode::BAD_REQUEST, "rows: 1 to 200");
}

#[track_caller]
fn assert_score(reply: &Reply, expected: f32) {
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.body);
    let score = json(reply)["score"].as_f64().unwrap();
    assert!((score - f64::from(expected)).abs() < 1e-6, "{score} and not {expected}");
}

fn scored(features: &[f32]) -> f32 {
    Scorer::load(&Backend::Tract).unwrap().score(features).unwrap()[0]
}

#[tokio::test]
async fn features_and_leads_are_scored() {
    let row = features(1);
    let body = json!({ "features": row }).to_string().leak();
    assert_score(&post(&EMBEDDED, "/score", body).await, scored(&row));
    // Numpy's score for that row, which scripts/models prints.
    assert_score(&post(&EMBEDDED, "/score", body).await, 0.293_679);

    let fields = LeadFields {
        stage: "viewing",
        source: "portal",
        location: "Town 7",
        email: "someone@example.com",
        budget: 250_000,
        rooms: 3,
        contacts: 4,
        created_at: 1_700_000_000,
        scored_at: 1_700_100_000,
    };
    let body = r#"{"lead":{"stage":"viewing","source":"portal","location":"Town 7",
        "email":"someone@example.com","budget":250000,"rooms":3,"contacts":4,
        "created_at":1700000000,"scored_at":1700100000}}"#;
    assert_score(&post(&EMBEDDED, "/score", body).await, scored(&features_of(&fields)));
    let nothing = scored(&features_of(&LeadFields::default()));
    assert_score(&post(&EMBEDDED, "/score", r#"{"lead":{}}"#).await, nothing);
}

#[tokio::test]
async fn a_lead_is_scored_by_its_features_from_the_database() {
    let lead = Lead::seeded(41);
    let fields = LeadFields {
        stage: &lead.stage,
        location: &lead.property.location,
        email: &lead.email,
        budget: lead.property.price,
        rooms: u32::try_from(lead.property.bedrooms).unwrap(),
        created_at: lead.created_at,
        scored_at: lead.scored_at,
        ..LeadFields::default()
    };
    let expected = scored(&features_of(&fields));
    for _ in 0..2 {
        assert_score(&get(&EMBEDDED, "/score/42", &[]).await, expected);
    }
    assert_ne!(json(&get(&EMBEDDED, "/score/43", &[]).await)["score"], f64::from(expected));
}

#[tokio::test]
async fn invalid_input_is_not_scored() {
    let width = "features: 32 finite numbers";
    for body in [r#"{"features":[]}"#, r#"{"features":[1,2,3]}"#] {
        let reply = post(&EMBEDDED, "/score", body).await;
        assert_problem(&reply, StatusCode::UNPROCESSABLE_ENTITY, width);
    }
    let infinite = format!(r#"{{"features":[1e39{}]}}"#, ",0".repeat(31)).leak();
    assert!(post(&EMBEDDED, "/score", infinite).await.status.is_client_error());
    for (body, status) in [
        ("", StatusCode::BAD_REQUEST),
        ("{", StatusCode::BAD_REQUEST),
        ("null", StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"features":[],"lead":{}}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"lead":{"rooms":-1}}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"lead":{"admin":true}}"#, StatusCode::UNPROCESSABLE_ENTITY),
        (r#"{"features":["1"]}"#, StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let reply = post(&EMBEDDED, "/score", body).await;
        assert!(
            reply.status == status || reply.status == StatusCode::BAD_REQUEST,
            "{body}: {}",
            reply.status
        );
        assert_eq!(header(&reply, "content-type"), "application/problem+json");
    }
    let client = super::client(&EMBEDDED).await;
    let untyped = client.get("/score").unwrap().method(hyper::Method::POST);
    let untyped = client.send(&untyped).await.unwrap();
    assert_eq!(untyped.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let deep = "[".repeat(60_000).leak();
    assert!(post(&EMBEDDED, "/score", deep).await.status.is_client_error());
}

#[tokio::test]
async fn concurrent_callers_get_their_own_scores() {
    let client = Client::connect(EMBEDDED.address(), Protocol::H2).await.unwrap();
    let rows = features(32);
    let calls: Vec<_> = rows
        .chunks(sizes::FEATURES)
        .map(|row| client.get("/score").unwrap().json(json!({ "features": row }).to_string()))
        .collect();
    let mut replies = BTreeMap::new();
    let client = Arc::new(client);
    let mut running = tokio::task::JoinSet::new();
    for (number, call) in calls.into_iter().enumerate() {
        let client = Arc::clone(&client);
        running.spawn(async move { (number, client.send(&call).await.unwrap()) });
    }
    while let Some(done) = running.join_next().await {
        let (number, reply) = done.unwrap();
        replies.insert(number, reply);
    }
    assert_eq!(replies.len(), 32);
    for (number, reply) in replies {
        assert_score(&reply, scored(&rows[number * 32..][..32]));
    }
}

#[tokio::test]
async fn metrics_are_in_the_open_metrics_format_and_clients_cannot_add_any() {
    let server = Server::embedded().unwrap();
    for path in
        ["/leads/1", "/leads/1", "/leads/2", "/leads/0", "/made/up\"}evil", "/organisations"]
    {
        let path = path.replace('"', "%22").replace('}', "%7D");
        get(&server, &path, &[]).await;
    }
    let reply = get(&server, "/metrics", &[]).await;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(header(&reply, "content-type"), kind);
    let text = String::from_utf8(reply.body.to_vec()).unwrap();
    let samples = samples(&text);
    let answered = |route: &str, status: u16| {
        let labels = format!("method=\"GET\",route=\"{route}\",status=\"{status}\"");
        samples.get(&("benchgate_http_requests_total".to_owned(), labels)).copied()
    };
    assert_eq!(answered("/leads/{id}", 200), Some(3.0));
    assert_eq!(answered("/leads/{id}", 404), Some(1.0));
    assert_eq!(answered("none", 404), Some(1.0));
    assert!(!text.contains("evil"));
    let of = |name: &str, labels: &str| samples[&(format!("benchgate_{name}"), labels.to_owned())];
    assert_eq!(of("lead_lookups_total", "level=\"source\""), 2.0);
    assert_eq!(of("lead_lookups_total", "level=\"l1\""), 1.0);
    assert_eq!(of("response_cache_lookups_total", "outcome=\"miss\""), 1.0);
    assert_eq!(of("http_request_duration_seconds_count", "route=\"/leads/{id}\""), 4.0);
    let least = of("http_request_duration_seconds_bucket", "le=\"0.0001\",route=\"/leads/{id}\"");
    let all = of("http_request_duration_seconds_bucket", "le=\"+Inf\",route=\"/leads/{id}\"");
    assert!(least <= all && all == 4.0);
    assert_eq!(of("pool_connections", ""), f64::from(sizes::SERVICE_POOL));
    // This request itself.
    assert_eq!(of("http_requests_in_flight", ""), 1.0);
}

/// The samples by name and sorted labels. Fails on a malformed line.
fn samples(text: &str) -> BTreeMap<(String, String), f64> {
    let mut samples = BTreeMap::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        if lines.peek().is_none() {
            assert_eq!(line, "# EOF");
            break;
        }
        if let Some(comment) = line.strip_prefix("# ") {
            let kind = comment.split(' ').next().unwrap();
            assert!(["HELP", "TYPE", "UNIT"].contains(&kind), "{line}");
            continue;
        }
        let (sample, value) = line.rsplit_once(' ').expect(line);
        let (name, labels) = match sample.split_once('{') {
            Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
            None => (sample, ""),
        };
        let ok = |c: char| c.is_ascii_alphanumeric() || c == '_';
        assert!(name.chars().all(ok), "{line}");
        let mut labels: Vec<&str> = labels.split(',').collect();
        labels.sort_unstable();
        let before =
            samples.insert((name.to_owned(), labels.join(",")), value.parse().expect(line));
        assert_eq!(before, None, "{line} is a duplicate");
    }
    samples
}

/// The database queries of one request.
fn queries(server: &Server, router: &Router, path: &str) -> Queries {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let counting = Queries::of(answer(router, request));
    let (response, queries) = server.runtime().block_on(counting).unwrap();
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    queries
}

#[test]
fn only_the_bad_example_needs_more_queries_for_a_longer_page() {
    count_queries().unwrap();
    let server = Server::embedded().unwrap();
    let router = server.reference().unwrap().router();
    for list in ["organisations", "audit-logs"] {
        for (form, for_one, for_ten) in [("join", 1, 1), ("in-batch", 2, 2), ("n-plus-one", 2, 11)]
        {
            let one = queries(&server, &router, &format!("/{list}?rows=1&form={form}"));
            let ten = queries(&server, &router, &format!("/{list}?rows=10&form={form}"));
            assert_eq!((one.total(), ten.total()), (for_one, for_ten), "{list} {form}");
            let found = growing(&one, &ten, &[]).len();
            assert_eq!(found, usize::from(form == "n-plus-one"), "{list} {form}");
        }
    }
    for (path, first, again) in [
        ("/leads/21", 1, 0),
        ("/score/22", 1, 0),
        ("/organisations", 1, 0),
        ("/audit-logs", 1, 1),
        ("/health", 0, 0),
    ] {
        assert_eq!(queries(&server, &router, path).total(), first, "{path}");
        assert_eq!(queries(&server, &router, path).total(), again, "{path}");
    }
}

#[tokio::test]
async fn health_reports_each_part() {
    let server = Server::embedded().unwrap();
    let healthy = get(&server, "/health/detailed", &[]).await;
    assert_eq!(healthy.status, StatusCode::OK);
    let health = json(&healthy);
    assert_eq!(health["status"], "up");
    for part in ["database", "inference"] {
        assert_eq!(health["parts"][part]["status"], "up");
        assert!(health["parts"][part]["latency_ms"].as_f64().unwrap() >= 0.0);
    }
    assert_eq!(health["parts"].as_object().unwrap().len(), 2);

    get(&server, "/leads/5", &[]).await;
    server.reference().unwrap().database().close().await;
    let down = get(&server, "/health/detailed", &[]).await;
    assert_eq!(down.status, StatusCode::SERVICE_UNAVAILABLE);
    let parts = &json(&down)["parts"];
    assert_eq!(
        (&parts["database"]["status"], &parts["inference"]["status"]),
        (&json!("down"), &json!("up"))
    );
    let lives = get(&server, "/health", &[]).await;
    assert_eq!((lives.status, json(&lives)), (StatusCode::OK, json!({ "status": "up" })));
    // Cached values are served without the database. Other requests fail, without
    // internal information.
    assert_eq!(get(&server, "/leads/5", &[]).await.status, StatusCode::OK);
    let failed = get(&server, "/leads/6", &[]).await;
    let detail = "the service failed; its log says more";
    assert_problem(&failed, StatusCode::INTERNAL_SERVER_ERROR, detail);
}

#[tokio::test]
async fn an_upstream_is_asked_until_its_breaker_opens() {
    let upstream = FaultyUpstream::start(Faults::none()).unwrap();
    let base = upstream.base();
    let server =
        Server::service(
            async move { Ok(Parts { upstream: Some(base), ..Parts::embedded().await? }) },
        )
        .unwrap();
    let reply = get(&server, "/valuations/7", &[]).await;
    assert_eq!(json(&reply), value(valuation(7)));
    let unknown = get(&server, "/valuations/100000", &[]).await;
    assert_problem(&unknown, StatusCode::NOT_FOUND, "there is no property 100000");
    let health = json(&get(&server, "/health/detailed", &[]).await);
    assert_eq!(health["parts"]["upstream"], json!({ "status": "up" }));

    upstream.set_faults(Faults::cycle([Fault::Unavailable]));
    let mut failed = get(&server, "/valuations/8", &[]).await;
    assert_problem(&failed, StatusCode::BAD_GATEWAY, "the upstream gave no answer");
    for _ in 0..40 {
        if failed.status == StatusCode::SERVICE_UNAVAILABLE {
            break;
        }
        failed = get(&server, "/valuations/8", &[]).await;
    }
    let detail = "the upstream is temporarily not asked";
    assert_problem(&failed, StatusCode::SERVICE_UNAVAILABLE, detail);
    assert_eq!(header(&failed, "retry-after"), "1");
    let asked = upstream.requests();
    get(&server, "/valuations/8", &[]).await;
    assert_eq!(upstream.requests(), asked, "an open breaker sends nothing");
    let degraded = get(&server, "/health/detailed", &[]).await;
    assert_eq!(degraded.status, StatusCode::OK);
    assert_eq!(json(&degraded)["status"], "degraded");

    let without = get(&EMBEDDED, "/valuations/7", &[]).await;
    assert_problem(&without, StatusCode::NOT_FOUND, "no upstream is configured");
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn redis_keeps_leads_and_may_fail() {
    let redis = Redis::find().unwrap();
    let connection = redis.client().unwrap();
    let server =
        Server::service(
            async move { Ok(Parts { redis: Some(redis), ..Parts::embedded().await? }) },
        )
        .unwrap();
    let leads = server.reference().unwrap().leads();
    let mut tiers = Vec::new();
    for forget in [false, true, false] {
        if forget {
            leads.l1().invalidate(&benchgate_suite::cache::key(9)).await;
        }
        let reply = get(&server, "/leads/9", &[]).await;
        assert_eq!(json(&reply), value(Lead::seeded(8)));
        tiers.push(header(&reply, "cache-status").to_owned());
    }
    assert_eq!(tiers, ["leads-l1; fwd=miss; stored", "leads-l2; hit", "leads-l1; hit"]);
    let health = json(&get(&server, "/health/detailed", &[]).await);
    assert_eq!(health["parts"]["redis"]["status"], "up");

    // Redis stops answering.
    let mut control = connection.get_multiplexed_async_connection().await.unwrap();
    let () = redis::cmd("CLIENT")
        .arg(&["PAUSE", "4000", "ALL"])
        .query_async(&mut control)
        .await
        .unwrap();
    let reply = get(&server, "/leads/10", &[]).await;
    assert_eq!(json(&reply), value(Lead::seeded(9)));
    let metrics = server.reference().unwrap().front().metrics();
    assert_eq!(metrics.redis_failures.get(), 1);
    // It is not asked again for a while.
    get(&server, "/leads/11", &[]).await;
    assert_eq!(metrics.redis_failures.get(), 1);
    let degraded = get(&server, "/health/detailed", &[]).await;
    assert_eq!(degraded.status, StatusCode::OK);
    assert_eq!(json(&degraded)["status"], "degraded");
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn postgresql_gives_the_same_answers() {
    let postgres = Arc::new(Postgres::find().unwrap());
    let held = Arc::clone(&postgres);
    let server =
        Server::service(async move { Ok(Parts::of(Database::postgres(&held, 2).await?)) }).unwrap();
    for path in ["/leads/31", "/organisations?rows=3", "/audit-logs?rows=3", "/score/32"] {
        let reply = get(&server, path, &[]).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
        assert_eq!(reply.body, get(&EMBEDDED, path, &[]).await.body, "{path}");
    }
    assert_eq!(json(&get(&server, "/health/detailed", &[]).await)["status"], "up");
    server.stop().unwrap();
    drop(postgres);
}
