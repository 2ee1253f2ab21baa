//! The program `benchgate-service`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

use super::raw;

fn service(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_benchgate-service"));
    command.args(arguments);
    for variable in ["REDIS_URL", "DATABASE_URL", "ORT_DYLIB_PATH", "RUST_LOG"] {
        command.env_remove(variable);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A running service, with the address that it prints.
struct Serving {
    child: Child,
    address: SocketAddr,
}

impl Serving {
    fn start(arguments: &[&str]) -> Self {
        Self::start_with(Stdio::piped(), arguments)
    }

    fn start_with(stderr: Stdio, arguments: &[&str]) -> Self {
        let all = [&["--listen", "127.0.0.1:0", "--backend", "tract"], arguments].concat();
        let mut child = service(&all).stderr(stderr).spawn().expect("it starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("http://").and_then(|rest| rest.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("`{line}` is not an address")) }
    }

    fn signal(&self, name: &str) {
        let number = self.child.id().to_string();
        let killed = Command::new("kill").args(["-s", name, &number]).status().expect("kill");
        assert!(killed.success());
    }

    /// Waits for the end; returns the exit code and the log.
    fn ended(mut self) -> (Option<i32>, String) {
        let mut log = String::new();
        self.child.stderr.take().expect("piped").read_to_string(&mut log).expect("a log");
        (self.child.wait().expect("it ends").code(), log)
    }
}

#[test]
fn the_service_serves_until_a_signal_and_succeeds() {
    for signal in ["TERM", "INT"] {
        let serving = Serving::start(&["--log", "debug"]);
        let request = b"GET /leads/7 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        let answer = raw(serving.address, request);
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
        assert!(answer.contains(r#"{"id":7,"#), "{answer}");
        // An idle connection does not delay the end.
        let mut idle = TcpStream::connect(serving.address).unwrap();
        idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        idle.read_exact(&mut [0; 15]).unwrap();
        serving.signal(signal);
        let (code, log) = serving.ended();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("every request under way was answered"), "{log}");
        assert!(log.contains("status=200"), "{log}");
    }
}

/// The log has no reader any more, as after `benchgate-service 2>&1 | head`.
#[test]
fn a_service_with_a_closed_stderr_serves_and_ends_as_usual() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut serving = Serving::start_with(writer.into(), &["--log", "debug"]);
    for path in ["/leads/7", "/health/detailed"] {
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        let answer = raw(serving.address, request.as_bytes());
        assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    }
    serving.signal("TERM");
    assert_eq!(serving.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn an_address_in_use_is_an_error() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = service(&["--listen", &address]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with(&format!("error: cannot listen on {address}: ")), "{stderr}");
    assert!(stderr.trim_end().ends_with("; choose another address with --listen"), "{stderr}");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_configured_redis_that_does_not_answer_is_an_error() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = service(&["--listen", "127.0.0.1:0"])
        .env("REDIS_URL", format!("redis://:hunter2@{unused}"))
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.contains("the server at REDIS_URL does not answer"), "{stderr}");
    assert!(!stderr.contains("hunter2"), "{stderr}");
}

#[test]
fn an_invalid_upstream_or_limit_is_refused() {
    for (arguments, code) in [
        (&["--upstream", "ftp://x"][..], 1),
        (&["--timeout", "soon"], 2),
        (&["--pool", "0"], 2),
        (&["--listen", "localhost"], 2),
        (&["--log", "everything=much"], 2),
    ] {
        let all = [&["--listen", "127.0.0.1:0", "--backend", "tract"], arguments].concat();
        let arguments = if arguments[0] == "--listen" { arguments } else { &all };
        let output = service(arguments).output().unwrap();
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {output:?}");
    }
}
