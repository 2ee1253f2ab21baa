//! A service of the user's own.

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
async fn one_that_does_not_is_a_reason() {
    // Bound and closed again: nobody listens there.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, why) in [
        (format!("http://{nobody}/"), "HTTP: cannot connect: Connection refused"),
        (format!("http://{}/nowhere", EMBEDDED.address()), "HTTP: /nowhere answered 404"),
    ] {
        let error = Target::at(&url).unwrap().connect().await.unwrap_err().to_string();
        let said = format!("the service that TARGET_URL names does not answer as it must: {why}");
        assert!(error.starts_with(&said), "{error}");
        assert!(error.ends_with("or unset TARGET_URL"), "{error}");
    }
}

#[test]
fn what_names_no_service_is_refused_and_no_password_told() {
    for (url, why) in [
        ("", "it is no URL"),
        ("localhost", "only plain http is measured, behind whatever ends TLS"),
        ("/leads", "only plain http is measured, behind whatever ends TLS"),
        ("https://localhost/", "only plain http is measured, behind whatever ends TLS"),
        ("http://me:hunter2@localhost/", "it holds a password, and nothing is sent with one"),
        ("http://", "it is no URL"),
        ("http://a b/", "it is no URL"),
    ] {
        let error = Target::at(url).unwrap_err().to_string();
        let said = format!("TARGET_URL cannot be used: {why}; set it to http://HOST:PORT/PATH");
        assert_eq!(error, said, "{url}");
    }
    let known = raw(EMBEDDED.address(), b"GET /health HTTP/1.0\r\n\r\n");
    assert!(known.starts_with("HTTP/1.0 200 "), "{known}");
}
