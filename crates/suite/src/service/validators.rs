//! Validators: the `ETag` of a response, and 304 if the client already has it.

use axum::body::{Body, Bytes};
use axum::http::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH,
};
use axum::http::{Response, StatusCode};
use xxhash_rust::xxh3::xxh3_128;

/// The entity tag of a body. It is a strong tag, because it is computed from the bytes that
/// are sent, after compression.
pub(super) fn tag_of(body: &[u8]) -> HeaderValue {
    let tag = format!("\"{:032x}\"", xxh3_128(body));
    // Hexadecimal digits in quotes are a valid header value.
    HeaderValue::try_from(tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""))
}

/// The tags that the client has, kept until there is a response.
pub(super) fn condition(request: &HeaderMap) -> Vec<HeaderValue> {
    request.get_all(IF_NONE_MATCH).iter().cloned().collect()
}

/// Whether the client has the response with this tag, by weak comparison (RFC 9110,
/// 13.1.2).
fn client_has(condition: &[HeaderValue], tag: &HeaderValue) -> bool {
    let Ok(tag) = tag.to_str() else { return false };
    let tag = tag.trim_start_matches("W/");
    // No tag of this service contains a comma.
    condition
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|given| given == "*" || given.trim_start_matches("W/") == tag)
}

/// Turns the response into a 304 if the client already has it: without a body, and
/// without the headers that describe one.
pub(super) fn unless_client_has(
    condition: &[HeaderValue],
    mut response: Response<Body>,
) -> Response<Body> {
    let known = response.status() == StatusCode::OK
        && response.headers().get(ETAG).is_some_and(|tag| client_has(condition, tag));
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        *response.body_mut() = Body::empty();
        for name in [CONTENT_LENGTH, CONTENT_TYPE, CONTENT_ENCODING] {
            response.headers_mut().remove(name);
        }
    }
    response
}

/// Adds the entity tag of the body.
pub(super) fn tag(headers: &mut HeaderMap, body: &Bytes) {
    if !headers.contains_key(ETAG) {
        headers.insert(ETAG, tag_of(body));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(given: &[&'static str], tag: &'static str) -> bool {
        let mut headers = HeaderMap::new();
        for value in given {
            headers.append(IF_NONE_MATCH, HeaderValue::from_static(value));
        }
        client_has(&condition(&headers), &HeaderValue::from_static(tag))
    }

    #[test]
    fn a_tag_depends_on_the_bytes() {
        assert_eq!(tag_of(b""), "\"99aa06d3014798d86001c324468d497f\"");
        assert_ne!(tag_of(b"a"), tag_of(b"b"));
    }

    #[test]
    fn any_of_the_clients_tags_may_match() {
        assert!(has(&["\"a\""], "\"a\""));
        assert!(has(&["W/\"a\""], "\"a\""));
        assert!(has(&["\"b\", \"a\""], "\"a\""));
        assert!(has(&["\"b\"", "\"a\""], "\"a\""));
        assert!(has(&["*"], "\"a\""));
        assert!(!has(&[], "\"a\""));
        assert!(!has(&["\"b\""], "\"a\""));
        assert!(!has(&["a"], "\"a\""));
        assert!(!has(&["\"A\""], "\"a\""));
    }
}
