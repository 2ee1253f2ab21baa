//! The user's own service.

use benchgate_suite::http::Target;

use super::{EMBEDDED, raw};

#[tokio::test]
async fn a_target_that_answers_is_measured_on_one_connection() {
    let target = Target::at(&format!("http://{}/leads/3?x=y", EMBEDDED.address())).unwrap();
    let (client, call) = target.connect().await.unwrap();
    let reply = client.send(&call).await.unwrap();
    assert_eq!(super::json(&reply)["id"], 3);
    assert_eq!(client.checksum_of(&call).await.unwrap(), reply.checksum());
}

#[tokio::test]
async fn a_target_that_does_not_answer_is_unavailable() {
    // Bound and closed again, so that nothing listens there.
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, why) in [
        (format!("http://{unused}/"), "HTTP: cannot connect: Connection refused"),
        (format!("http://{}/nowhere", EMBEDDED.address()), "HTTP: /nowhere answered 404"),
    ] {
        let error = Target::at(&url).unwrap().connect().await.unwrap_err().to_string();
        let expected = format!("the service at TARGET_URL does not answer as it must: {why}");
        assert!(error.starts_with(&expected), "{error}");
        assert!(error.ends_with("or unset TARGET_URL"), "{error}");
    }
}

#[test]
fn invalid_addresses_are_refused_without_repeating_passwords() {
    for (url, why) in [
        ("", "it is not a URL"),
        ("localhost", "only plain http can be measured, behind the TLS proxy"),
        ("/leads", "only plain http can be measured, behind the TLS proxy"),
        ("https://localhost/", "only plain http can be measured, behind the TLS proxy"),
        ("http://me:hunter2@localhost/", "it holds a user or password, which are never sent"),
        ("http://", "it is not a URL"),
        ("http://a b/", "it is not a URL"),
    ] {
        let error = Target::at(url).unwrap_err().to_string();
        let expected = format!("TARGET_URL cannot be used: {why}; set it to http://HOST:PORT/PATH");
        assert_eq!(error, expected, "{url}");
    }
    let known = raw(EMBEDDED.address(), b"GET /health HTTP/1.0\r\n\r\n");
    assert!(known.starts_with("HTTP/1.0 200 "), "{known}");
}
