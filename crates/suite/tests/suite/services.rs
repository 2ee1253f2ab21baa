//! The small bodies of the suite, and the lifetime of private servers.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use benchgate_suite::cache::{self, L1, RedisCache};
use benchgate_suite::services::{Redis, find_program};
use benchgate_suite::sizes;

/// Set in a process that a test starts to run itself again.
const INSIDE: &str = "BENCHGATE_TEST_INSIDE";

/// A command that runs only `test` of this test program, with readable output.
fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("services::{test}"), "--include-ignored"]).env(INSIDE, "1");
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    command
}

/// Sends a line to the test that started this process.
fn tell(mark: &str, text: &str) {
    // After the beginning of a line that the test harness has printed.
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{mark}{text}").unwrap();
}

fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

#[tokio::test]
async fn l1_returns_the_inserted_values() {
    let l1 = L1::filled(100).await;
    assert_eq!(l1.lookup(&cache::key(42)).await.as_deref(), Some(&*cache::payload(42)));
    assert_eq!(l1.checksum_of(&cache::key(42)).await, 42 * 31 + 1024);
    assert_eq!(l1.checksum_of(&cache::key(100)).await, 0);
}

#[test]
fn a_payload_is_json_of_the_stated_size() {
    for number in [0, 7, 9_999, u32::MAX] {
        let payload = cache::payload(number);
        assert_eq!(payload.len(), sizes::PAYLOAD_BYTES);
        let json: serde_json::Value = serde_json::from_slice(&payload).unwrap();
        assert_eq!(json["id"], number);
    }
}

#[test]
fn keys_hash_the_same_in_every_process() {
    assert_eq!(cache::key(1234), "lead:00001234:summary");
    assert_eq!(cache::hash("lead:00001234:summary"), 903_969_546_043_562_857);
}

#[test]
fn the_order_of_lookups_stays_within_the_entries() {
    let order: Vec<u32> = cache::order(1000, 4096).collect();
    assert_eq!(order.len(), 4096);
    assert_eq!(&order[..5], [0, 761, 226, 987, 452]);
    assert!(order.iter().all(|number| *number < 1000));
}

#[test]
fn programs_are_found_on_path_and_elsewhere() {
    assert!(find_program("sh", &[]).is_some());
    assert_eq!(find_program("no-such-program", &[]), None);
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("plain-file"), "").unwrap();
    assert_eq!(find_program("plain-file", &[directory.path().to_owned()]), None);
}

#[test]
fn a_server_that_cannot_start_is_reported_at_once() {
    use std::os::unix::fs::PermissionsExt as _;
    const MARK: &str = "reason:";
    if inside() {
        tell(MARK, &Redis::find().unwrap_err().to_string());
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("redis-server");
    std::fs::write(&program, "#!/bin/sh\necho 'Bad directive' >&2\nexit 1\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut path = directory.path().as_os_str().to_owned();
    path.push(":");
    path.push(std::env::var_os("PATH").unwrap());

    let output = again("a_server_that_cannot_start_is_reported_at_once")
        .env("PATH", path)
        .env_remove("REDIS_URL")
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let reason = text.lines().find_map(|line| line.strip_prefix(MARK)).expect(&text);
    assert_eq!(
        reason,
        format!(
            "{} could not be started: it ended at once; its log ends with: Bad directive; check \
             that it runs by hand, or set REDIS_URL",
            program.display()
        )
    );
}

#[test]
fn a_server_that_does_not_answer_is_an_error_without_the_password() {
    const MARK: &str = "reason:";
    if inside() {
        tell(MARK, &Redis::find().unwrap_err().to_string());
        return;
    }
    // Bound and closed again, so that nothing listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let output = again("a_server_that_does_not_answer_is_an_error_without_the_password")
        .env("REDIS_URL", format!("redis://:hunter2@{address}"))
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("the server at REDIS_URL does not answer: "), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[tokio::test]
#[ignore = "needs redis-server: scripts/test installs it"]
async fn redis_holds_the_leads_and_only_until_they_are_removed() {
    let redis = Redis::find().unwrap();
    let count = async || {
        let mut connection =
            redis.client().unwrap().get_multiplexed_async_connection().await.unwrap();
        let keys: Vec<String> =
            redis::cmd("KEYS").arg("benchgate:*").query_async(&mut connection).await.unwrap();
        keys.len()
    };
    let before = count().await;
    // More than one pipeline, and the last one not full.
    let cache = RedisCache::filled(&redis, 1203).await.unwrap();
    // One more key is the owner's marker.
    assert_eq!(count().await, before + 1204);
    for number in [0, 499, 500, 1202] {
        let found = cache.checksum_of(number).await.unwrap();
        assert_eq!(found, u64::from(number) * 31 + 1024);
    }
    assert_eq!(cache.remove().await.unwrap(), 1203);
    assert_eq!(count().await, before);
}

#[test]
#[ignore = "needs redis-server: scripts/test installs it"]
fn a_private_redis_ends_with_the_value_that_holds_it() {
    let (mut child, socket) = holder("a_private_redis_ends_with_the_value_that_holds_it");
    // Its input closed, the holder drops the server and ends by itself.
    drop(child.stdin.take());
    assert!(child.wait().unwrap().success());
    assert!(!socket.parent().unwrap().exists(), "{} is left behind", socket.display());
}

#[test]
#[ignore = "needs redis-server: scripts/test installs it"]
fn a_private_redis_ends_when_its_process_is_killed() {
    let (mut child, socket) = holder("a_private_redis_ends_when_its_process_is_killed");
    // SIGKILL: the process cannot clean up.
    child.kill().unwrap();
    child.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    let directory = socket.parent().unwrap();
    while directory.exists() {
        assert!(Instant::now() < deadline, "{} is still there", directory.display());
        std::thread::sleep(Duration::from_millis(5));
    }
    // The directory is removed last, after the server has ended.
    assert!(!is_served(&socket));
}

/// In the process that a test started: holds a private server until standard input ends.
/// Otherwise: starts that process and waits for the server's socket.
fn holder(test: &str) -> (Child, PathBuf) {
    const MARK: &str = "socket:";
    if inside() {
        let redis = Redis::find().unwrap();
        tell(MARK, &redis.address());
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
        drop(redis);
        std::process::exit(0);
    }
    let mut child = again(test).env_remove("REDIS_URL").spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let socket = lines
        .map(Result::unwrap)
        .find_map(|line| line.strip_prefix(MARK).map(PathBuf::from))
        .expect("the process prints its socket");
    assert!(is_served(&socket), "{} answers", socket.display());
    (child, socket)
}

fn is_served(socket: &Path) -> bool {
    std::os::unix::net::UnixStream::connect(socket).is_ok()
}
