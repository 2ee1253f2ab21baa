use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use super::*;
use crate::doctor::Status;

/// Answers each connection to a listener with these bytes, once it was asked.
fn answering(answer: &'static [u8]) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let _ = stream.read(&mut [0; 512]);
            let _ = stream.write_all(answer);
        }
    });
    port
}

/// The check of that name, of such a set-up.
fn check(services: &Services, name: &str) -> (Status, String) {
    let found = super::services(services).into_iter().find(|one| one.name == name);
    let found = found.expect("a check");
    (found.status, found.found)
}

fn redis(url: &str) -> (Status, String) {
    check(&Services { redis_url: Some(url.to_owned()), ..Services::default() }, "redis")
}

#[test]
fn a_server_that_a_url_names_is_asked_and_its_password_not_shown() {
    for answer in [&b"+PONG\r\n"[..], b"-NOAUTH Authentication required.\r\n"] {
        let port = answering(answer);
        let found = redis(&format!("redis://:secret@127.0.0.1:{port}/0"));
        assert_eq!(found, (Status::Ok, format!("127.0.0.1:{port} answers")));
    }
    let port = answering(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let found = redis(&format!("redis://:secret@127.0.0.1:{port}"));
    let start = format!("127.0.0.1:{port} (REDIS_URL) does not answer as expected: ");
    assert_eq!(found, (Status::Problem, format!("{start}something else answers there")));

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let (status, text) = redis(&format!("redis://:secret@127.0.0.1:{port}"));
    assert_eq!(status, Status::Problem);
    assert!(text.starts_with(&format!("127.0.0.1:{port} (REDIS_URL)")), "{text}");
    for url in ["http://:secret@host", "secret", "redis://:secret@", "unix:secret.sock"] {
        let (status, text) = redis(url);
        assert_eq!(status, Status::Problem);
        assert!(text.starts_with("REDIS_URL cannot be used: "), "{text}");
        assert!(!text.contains("secret"), "{text}");
    }
}

#[test]
fn a_socket_is_a_place_too() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("redis.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 64]);
            let _ = stream.write_all(b"+PONG\r\n");
        }
    });
    let shown = path.display();
    for url in [
        format!("unix://{shown}"),
        format!("redis+unix://{shown}?pass=secret"),
        format!("unix:{shown}"),
    ] {
        assert_eq!(redis(&url), (Status::Ok, format!("{shown} answers")), "{url}");
    }
}

#[test]
fn databases_are_asked_before_anybody_signs_in() {
    let (port, other) = (answering(b"S"), answering(b"+PONG\r\n"));
    let of = |port: u16| Services {
        database_url: Some(format!("postgres://me:secret@127.0.0.1:{port}/db?sslmode=require")),
        replica_url: Some(format!("postgresql://127.0.0.1:{other}/db")),
        ..Services::default()
    };
    let answers = (Status::Ok, format!("127.0.0.1:{port} answers"));
    assert_eq!(check(&of(port), "postgresql"), answers);
    let (status, text) = check(&of(port), "postgresql-replica");
    assert_eq!(status, Status::Problem);
    assert!(text.contains("(DATABASE_REPLICA_URL)"), "{text}");
    let place =
        |url: &str| postgres(&address::parts(url).expect("a URL")).map(|one| one.to_string());
    for (url, want) in [
        ("postgres:///db?host=/run/pg", Ok("/run/pg/.s.PGSQL.5432")),
        ("postgres://u@%2Frun%2Fpg/db?port=6000", Ok("/run/pg/.s.PGSQL.6000")),
        ("postgres:///db?host=db.example&port=1", Ok("db.example:1")),
        ("postgres:///db", Err("it names no host")),
        ("postgres:///db?host=/run&port=x", Err("its port is not a number")),
        ("postgres://host:x/db", Err("it names no host and port")),
    ] {
        assert_eq!(place(url), want.map(str::to_owned), "{url}");
    }
}

#[test]
fn a_target_has_to_answer_with_200() {
    let of =
        |url: String| check(&Services { target_url: Some(url), ..Services::default() }, "target");
    let good = answering(b"HTTP/1.1 200 OK\r\n\r\n");
    assert_eq!(
        of(format!("http://127.0.0.1:{good}/a?b")),
        (Status::Ok, format!("127.0.0.1:{good} answers"))
    );
    let gone = answering(b"HTTP/1.1 404 Not Found\r\n\r\n");
    let (status, text) = of(format!("http://127.0.0.1:{gone}"));
    assert_eq!(status, Status::Problem);
    assert!(text.ends_with("it answers GET with status 404, not with 200"), "{text}");
    for url in ["https://example.org/", "http://me:secret@127.0.0.1/", "http://h/\u{b}"] {
        let (status, text) = of(url.to_owned());
        assert!(status == Status::Problem && !text.contains("secret"), "{text}");
        assert!(text.starts_with("TARGET_URL cannot be used: "), "{text}");
    }
}

#[test]
fn a_model_has_to_be_a_file_with_something_in_it() {
    let home = tempfile::tempdir().expect("a directory");
    let path = home.path().join("model.onnx");
    let of = || {
        let services = Services { model: Some(path.clone()), ..Services::default() };
        check(&services, "model").0
    };
    assert_eq!(of(), Status::Problem, "it is not there");
    std::fs::write(&path, "").expect("written");
    assert_eq!(of(), Status::Problem, "it is empty");
    std::fs::write(&path, "onnx").expect("written");
    assert_eq!(of(), Status::Ok);
    let directory = Services { model: Some(home.path().to_owned()), ..Services::default() };
    assert_eq!(check(&directory, "model").0, Status::Problem);
}

#[test]
fn programs_and_libraries_are_looked_for_where_they_are_put() {
    let root = tempfile::tempdir().expect("a directory");
    let put = |path: &str| {
        let path = root.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        std::fs::write(&path, "").expect("written");
        path
    };
    let home = root.path().join("home").display().to_string();
    let variable = |name: &str| match name {
        "HOME" => Some(home.clone()),
        "PATH" => Some(format!(":relative:{home}/bin")),
        "REDIS_URL" => Some(String::new()),
        _ => None,
    };
    let statuses = || -> Vec<Status> {
        let all = services(&Services::find(root.path(), variable));
        all.into_iter()
            .filter(|check| ["redis", "postgresql", "onnxruntime"].contains(&check.name.as_str()))
            .map(|check| check.status)
            .collect()
    };
    assert!(!Services::named(variable), "an empty variable names nothing");
    assert_eq!(statuses(), [Status::Warning; 3]);
    put("home/bin/redis-server");
    put("usr/lib/postgresql/15/bin/postgres");
    let library = put("home/.local/share/benchgate/onnxruntime-1.24.1/libonnxruntime.so");
    assert_eq!(statuses(), [Status::Ok; 3]);
    std::fs::remove_file(&library).expect("removed");
    let named = |name: &str| match name {
        "ORT_DYLIB_PATH" => Some(library.display().to_string()),
        other => variable(other),
    };
    assert!(Services::named(named));
    let (status, _) = check(&Services::find(root.path(), named), "onnxruntime");
    assert_eq!(status, Status::Problem);
}
