//! The middleware in front of every route: validators, compression, the response cache,
//! security headers, errors.

use std::io::Read as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use axum::Router;
use axum::http::HeaderMap;
use axum::routing::get as route;
use benchgate_suite::http::{Client, Protocol, Reply, Server};
use benchgate_suite::service::Limits;
use hyper::{Method, StatusCode};

use super::{EMBEDDED, assert_problem, client, dressed, get, header, json};

const PAGE: &str = "/organisations?rows=7";

fn inflated(reply: &Reply) -> Vec<u8> {
    let mut plain = Vec::new();
    match header(reply, "content-encoding") {
        "gzip" => {
            flate2::read::GzDecoder::new(&*reply.body).read_to_end(&mut plain).expect("gzip");
        }
        "br" => {
            brotli::Decompressor::new(&*reply.body, 4096).read_to_end(&mut plain).expect("brotli");
        }
        other => panic!("compressed with `{other}`"),
    }
    plain
}

#[tokio::test]
async fn a_response_that_the_client_already_has_is_not_sent() {
    let first = get(&EMBEDDED, "/leads/11", &[]).await;
    let tag = header(&first, "etag");
    assert!(tag.starts_with('"') && tag.len() == 34, "{tag}");
    let again = get(&EMBEDDED, "/leads/11", &[("if-none-match", tag)]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());
    assert_eq!(header(&again, "etag"), tag);
    assert_eq!(header(&again, "content-type"), "");
    // The tag of one lead does not match another lead.
    let other = get(&EMBEDDED, "/leads/12", &[("if-none-match", tag)]).await;
    assert_eq!(other.status, StatusCode::OK);
    assert_ne!(header(&other, "etag"), tag);
}

#[tokio::test]
async fn a_head_is_a_get_without_its_body() {
    let whole = get(&EMBEDDED, "/leads/13", &[]).await;
    for protocol in [Protocol::Http1, Protocol::H2] {
        let client = Client::connect(EMBEDDED.address(), protocol).await.unwrap();
        let head = client.get("/leads/13").unwrap().method(Method::HEAD);
        let head = client.send(&head).await.unwrap();
        assert_eq!(head.status, StatusCode::OK);
        assert!(head.body.is_empty());
        assert_eq!(header(&head, "etag"), header(&whole, "etag"));
        assert_eq!(header(&head, "content-length"), whole.body.len().to_string());
    }
}

#[tokio::test]
async fn a_page_is_compressed_on_request_and_each_encoding_has_its_own_tag() {
    let plain = get(&EMBEDDED, PAGE, &[]).await;
    assert_eq!(header(&plain, "content-encoding"), "");
    assert_eq!(header(&plain, "vary"), "accept-encoding");
    assert!(plain.body.len() > 4000, "{}", plain.body.len());
    let mut tags = vec![header(&plain, "etag").to_owned()];
    for (accepted, encoding) in [("gzip", "gzip"), ("gzip, br", "br"), ("br;q=0.1, gzip", "gzip")] {
        let reply = get(&EMBEDDED, PAGE, &[("accept-encoding", accepted)]).await;
        assert_eq!(header(&reply, "content-encoding"), encoding, "{accepted}");
        assert_eq!(header(&reply, "vary"), "accept-encoding");
        assert_eq!(header(&reply, "content-length"), reply.body.len().to_string());
        assert!(reply.body.len() * 3 < plain.body.len(), "{encoding}: {}", reply.body.len());
        assert_eq!(inflated(&reply), plain.body, "{encoding}");
        tags.push(header(&reply, "etag").to_owned());
    }
    // Plain, gzip, Brotli, and gzip again.
    assert_eq!(tags[1], tags[3]);
    tags.truncate(3);
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 3, "encodings share a tag");
}

#[tokio::test]
async fn only_bodies_of_a_kilobyte_or_more_are_compressed() {
    let body = |length: usize| move || async move { "a".repeat(length) };
    let routes = Router::new().route("/1024", route(body(1024))).route("/1025", route(body(1025)));
    let (server, _) = dressed(Router::new(), routes, Limits::default());
    let accepted = [("accept-encoding", "gzip")];
    let small = get(&server, "/1024", &accepted).await;
    assert_eq!((header(&small, "content-encoding"), small.body.len()), ("", 1024));
    assert_eq!(header(&small, "vary"), "");
    let large = get(&server, "/1025", &accepted).await;
    assert_eq!(header(&large, "content-encoding"), "gzip");
    assert_eq!(inflated(&large), vec![b'a'; 1025]);
}

#[tokio::test]
async fn a_cached_page_is_sent_in_the_accepted_encoding() {
    let server = Server::embedded().unwrap();
    let status = async |headers: &[(&'static str, &str)]| {
        header(&get(&server, PAGE, headers).await, "cache-status").to_owned()
    };
    assert_eq!(status(&[]).await, "benchgate; fwd=miss; stored");
    assert_eq!(status(&[]).await, "benchgate; hit");
    assert_eq!(status(&[("accept-encoding", "gzip")]).await, "benchgate; fwd=miss; stored");
    assert_eq!(status(&[("accept-encoding", "gzip")]).await, "benchgate; hit");
    // Another spelling of the same encoding.
    assert_eq!(status(&[("accept-encoding", "deflate,GZIP;q=0.3")]).await, "benchgate; hit");
    // A client cannot bypass the cache.
    assert_eq!(status(&[("cache-control", "no-cache")]).await, "benchgate; hit");
    // A request with credentials is not answered from the cache.
    assert_eq!(status(&[("authorization", "Bearer x")]).await, "");

    let hit = get(&server, PAGE, &[]).await;
    assert_eq!(header(&hit, "age"), "0");
    let tag = header(&hit, "etag");
    let known = get(&server, PAGE, &[("if-none-match", tag)]).await;
    assert_eq!(known.status, StatusCode::NOT_MODIFIED);
    let metrics = server.reference().unwrap().front().metrics();
    assert_eq!((metrics.response_hits.get(), metrics.response_misses.get()), (6, 2));

    // Once removed, it is created again.
    server.reference().unwrap().front().responses().forget(PAGE).await;
    assert_eq!(status(&[]).await, "benchgate; fwd=miss; stored");
}

#[tokio::test]
async fn cached_responses_follow_their_vary_and_max_age_headers() {
    let made = Arc::new(AtomicU32::new(0));
    let greet = {
        let made = Arc::clone(&made);
        move |headers: HeaderMap| {
            made.fetch_add(1, Ordering::Relaxed);
            let language = headers.get("accept-language").map(|value| value.as_bytes() == b"de");
            let text = if language == Some(true) { "Guten Tag" } else { "Good day" };
            async move { ([("vary", "Accept-Language"), ("cache-control", "max-age=1")], text) }
        }
    };
    let cookie = || async { ([("set-cookie", "a=b"), ("cache-control", "max-age=9")], "x") };
    let routes = Router::new().route("/greet", route(greet)).route("/cookie", route(cookie));
    let (server, _) = dressed(routes, Router::new(), Limits::default());
    let greeted = async |language: &str| {
        let headers = [("accept-language", language), ("x-other", language)];
        String::from_utf8(get(&server, "/greet", &headers).await.body.to_vec()).unwrap()
    };
    assert_eq!(greeted("de").await, "Guten Tag");
    assert_eq!(greeted("en").await, "Good day");
    assert_eq!(greeted("de").await, "Guten Tag");
    assert_eq!(greeted("en").await, "Good day");
    assert_eq!(made.load(Ordering::Relaxed), 2, "one for each language");
    // Requested until its lifetime of one second is over.
    let start = std::time::Instant::now();
    while made.load(Ordering::Relaxed) == 2 {
        assert_eq!(greeted("de").await, "Guten Tag");
        assert!(start.elapsed().as_secs() < 20, "the response outlives its lifetime");
    }
    for _ in 0..2 {
        let reply = get(&server, "/cookie", &[]).await;
        assert_eq!(header(&reply, "cache-status"), "benchgate; fwd=miss");
    }
}

#[tokio::test]
async fn every_answer_carries_the_security_headers() {
    let tag = header(&get(&EMBEDDED, "/leads/14", &[]).await, "etag").to_owned();
    let answers = [
        get(&EMBEDDED, "/leads/14", &[]).await,
        get(&EMBEDDED, "/leads/14", &[("if-none-match", &tag)]).await,
        get(&EMBEDDED, PAGE, &[]).await,
        get(&EMBEDDED, "/leads/x", &[]).await,
        get(&EMBEDDED, "/nowhere", &[]).await,
        get(&EMBEDDED, "/health", &[]).await,
        get(&EMBEDDED, "/metrics", &[]).await,
    ];
    for answer in answers {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
            ("referrer-policy", "no-referrer"),
            ("cross-origin-resource-policy", "same-origin"),
        ] {
            assert_eq!(header(&answer, name), value, "{name} of {answer:?}");
        }
        assert_ne!(header(&answer, "cache-control"), "");
        assert_eq!(header(&answer, "server"), "");
    }
    let health = get(&EMBEDDED, "/health", &[]).await;
    assert_eq!(header(&health, "cache-control"), "no-store");
}

#[tokio::test]
async fn all_errors_are_problem_details_without_internal_information() {
    let routes = Router::new()
        .route("/panic", route(|| async { panic!("secret: hunter2") as &'static str }))
        .route("/plain", route(|| async { (StatusCode::BAD_GATEWAY, "secret: hunter2") }));
    let (server, _) = dressed(Router::new(), routes, Limits::default());
    let detail = "the service failed; its log says more";
    let panicked = get(&server, "/panic", &[]).await;
    assert_problem(&panicked, StatusCode::INTERNAL_SERVER_ERROR, detail);
    let plain = get(&server, "/plain", &[]).await;
    assert_problem(&plain, StatusCode::BAD_GATEWAY, detail);
    assert!(!format!("{panicked:?}{plain:?}").contains("hunter2"));
    // The service continues after a panic.
    assert_eq!(get(&server, "/nowhere", &[]).await.status, StatusCode::NOT_FOUND);

    let nowhere = get(&EMBEDDED, "/nowhere", &[]).await;
    assert_problem(&nowhere, StatusCode::NOT_FOUND, "there is nothing at this address");
    let client = client(&EMBEDDED).await;
    let delete = client.get("/leads/1").unwrap().method(Method::DELETE);
    let delete = client.send(&delete).await.unwrap();
    let detail = "this address does not accept the method: see Allow";
    assert_problem(&delete, StatusCode::METHOD_NOT_ALLOWED, detail);
    assert_eq!(header(&delete, "allow"), "GET,HEAD");
    assert_eq!(json(&delete)["type"], serde_json::Value::Null);
}
