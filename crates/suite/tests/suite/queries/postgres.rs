//! `PostgreSQL`: the same rows and answers, and refused databases.

use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use benchgate_suite::queries::{Connection, Database, QueryError, schema};
use benchgate_suite::services::{Postgres, Redis};
use sqlx::{ConnectOptions as _, Executor as _, Row as _};

/// A private, seeded server that ends with the test.
async fn private() -> (Postgres, Database) {
    let server = Postgres::start().unwrap();
    let database = Database::postgres(&server, 2).await.unwrap();
    (server, database)
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn postgres_answers_as_sqlite_does() {
    let (server, database) = private().await;
    assert!(server.version().starts_with(|first: char| first.is_ascii_digit()));
    super::every_row(&database).await;
    super::all_forms(&database).await;
    super::shapes(&database).await;
    super::writes(&database).await;
    super::counted::queries_are_counted(&database).await;
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn postgres_uses_the_index_if_there_is_one() {
    let (_server, database) = private().await;
    let mut connection = database.reader().acquire().await.unwrap();
    let plan = connection.point_plan().await.unwrap();
    assert_eq!(plan[0], "Index Scan using idx_leads_created_scored on leads");
    let plan = connection.range_plan(true).await.unwrap().join("\n");
    assert!(plan.contains("idx_properties_location_price"), "{plan}");
    let plan = connection.range_plan(false).await.unwrap().join("\n");
    assert!(plan.contains("Seq Scan on properties_unindexed"), "{plan}");
}

/// A database without benchgate's schema on a private server, like a user's database.
async fn others(server: &Postgres, name: &str) -> String {
    let mut connection = server.primary().connect().await.unwrap();
    connection.execute(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).await.unwrap();
    server.url().unwrap().replace("/postgres?", &format!("/{name}?"))
}

/// Runs a test again in a process with these variables, and checks that it succeeds.
fn with_variables(test: &str, variables: &[(&str, &str)]) {
    let output = super::again(test).envs(variables.iter().copied()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn a_users_database_is_seeded_once_by_concurrent_processes() {
    if super::inside() {
        let server = Postgres::find().unwrap();
        let (one, two) =
            tokio::join!(Database::postgres(&server, 1), Database::postgres(&server, 1));
        super::every_row(&one.unwrap()).await;
        super::writes(&two.unwrap()).await;
        return;
    }
    let server = Postgres::start().unwrap();
    let url = others(&server, "seeded").await;
    let variables = [("DATABASE_URL", url.as_str())];
    let test = "postgres::a_users_database_is_seeded_once_by_concurrent_processes";
    with_variables(test, &variables);
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let schema = schema::postgres_schema();
    assert!(schema.starts_with("benchgate_"), "{schema}");
    let made = "SELECT count(*)::bigint, max(xmin::text) FROM pg_namespace \
                WHERE nspname NOT LIKE 'pg_%' AND nspname NOT IN ('public', 'information_schema')";
    let before = connection.fetch_one(made).await.unwrap();
    assert_eq!(before.get::<i64, _>(0), 1);
    // Nothing outside the schema.
    let public = "SELECT count(*)::bigint FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(connection.fetch_one(public).await.unwrap().get::<i64, _>(0), 0);
    // The second time, the schema is reused and old rows of killed processes are deleted.
    let old = format!("INSERT INTO {schema}.written_leads VALUES (1, 2, 3, 4, 'old')");
    connection.execute(sqlx::AssertSqlSafe(old)).await.unwrap();
    with_variables(test, &variables);
    let after = connection.fetch_one(made).await.unwrap();
    assert_eq!(after.get::<String, _>(1), before.get::<String, _>(1));
    let left = format!("SELECT count(*)::bigint FROM {schema}.written_leads");
    let left = connection.fetch_one(sqlx::AssertSqlSafe(left)).await.unwrap();
    assert_eq!(left.get::<i64, _>(0), 0);
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn a_schema_of_that_name_without_the_marker_is_not_changed() {
    let schema = schema::postgres_schema();
    if super::inside() {
        let server = Postgres::find().unwrap();
        let error = Database::postgres(&server, 1).await.unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "PostgreSQL: there is a schema `{schema}` without benchgate's marker; nothing \
                 was written; rename or drop it, or set DATABASE_URL to another database"
            )
        );
        return;
    }
    let server = Postgres::start().unwrap();
    let url = others(&server, "taken").await;
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let test = "postgres::a_schema_of_that_name_without_the_marker_is_not_changed";
    // With an empty marker, and without a marker.
    for more in ["CREATE TABLE benchgate_seed (content TEXT)", "SELECT 1"] {
        let statements = format!(
            "DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}; \
             SET search_path TO {schema}; CREATE TABLE theirs (id INT); {more}"
        );
        connection.execute(sqlx::AssertSqlSafe(statements)).await.unwrap();
        let tables = "SELECT string_agg(tablename, ',' ORDER BY tablename) FROM pg_tables \
                      WHERE schemaname = current_schema()";
        let before: String = connection.fetch_one(tables).await.unwrap().get(0);
        with_variables(test, &[("DATABASE_URL", &url)]);
        let after: String = connection.fetch_one(tables).await.unwrap().get(0);
        assert_eq!(after, before);
    }
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn a_schema_with_other_rows_is_refused() {
    let (server, database) = private().await;
    let Connection::Postgres(mut connection) = database.writer().acquire().await.unwrap() else {
        panic!("no PostgreSQL");
    };
    sqlx::query("UPDATE benchgate_seed SET content = 'other'")
        .execute(&mut *connection)
        .await
        .unwrap();
    let error = Database::postgres(&server, 1).await.unwrap_err();
    assert!(matches!(error, QueryError::OtherContent { .. }), "{error}");
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn a_killed_process_leaves_no_seeded_rows() {
    const MARK: &str = "seeding";
    if super::inside() {
        let server = Postgres::find().unwrap();
        Database::postgres(&server, 1).await.unwrap();
        return;
    }
    let server = Postgres::start().unwrap();
    let url = others(&server, MARK).await;
    let options: sqlx::postgres::PgConnectOptions = url.parse().unwrap();
    let mut connection = options.connect().await.unwrap();
    let test = "postgres::a_killed_process_leaves_no_seeded_rows";
    let mut child = super::again(test)
        .env("DATABASE_URL", &url)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    // It is killed while it runs the statement that creates everything.
    let seeding = "SELECT count(*)::bigint FROM pg_stat_activity WHERE pid <> pg_backend_pid() \
                   AND datname = current_database() AND state = 'active' \
                   AND query LIKE 'CREATE SCHEMA%'";
    let deadline = Instant::now() + Duration::from_mins(1);
    while connection.fetch_one(seeding).await.unwrap().get::<i64, _>(0) == 0 {
        assert!(Instant::now() < deadline, "no seeding was seen");
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    // The server ends the statement, finds the client gone, and rolls back.
    let there = format!(
        "SELECT (SELECT count(*) FROM pg_stat_activity WHERE datname = current_database())::int8, \
                (SELECT count(*) FROM pg_namespace WHERE nspname = '{}')::int8",
        schema::postgres_schema()
    );
    loop {
        let row = connection.fetch_one(sqlx::AssertSqlSafe(there.clone())).await.unwrap();
        if row.get::<i64, _>(0) == 1 {
            assert_eq!(row.get::<i64, _>(1), 0);
            break;
        }
        assert!(Instant::now() < deadline, "the seeding continues");
        std::thread::sleep(Duration::from_millis(5));
    }
    // The next process seeds it completely.
    with_variables(test, &[("DATABASE_URL", &url)]);
    let rows = format!("SELECT count(*)::bigint FROM {}.audit_logs", schema::postgres_schema());
    let rows = connection.fetch_one(sqlx::AssertSqlSafe(rows)).await.unwrap();
    assert_eq!(rows.get::<i64, _>(0), 40_000);
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn reads_go_to_the_configured_replica() {
    if super::inside() {
        let server = Postgres::find().unwrap();
        let both = Database::postgres(&server, 1).await.unwrap();
        let name = both.lead(1).await.unwrap().unwrap().name;
        assert_eq!(name, "of the replica");
        let process = both.process();
        both.writer().acquire().await.unwrap().insert(process, 0, 10).await.unwrap();
        let count = async |connection: Result<Connection, QueryError>| {
            connection.unwrap().written(process).await.unwrap().0
        };
        assert_eq!(count(both.reader().acquire().await).await, 0);
        assert_eq!(count(both.writer().acquire().await).await, 10);
        return;
    }
    let (primary, _) = private().await;
    let (replica, database) = private().await;
    super::rename_lead(&database, "of the replica").await;
    with_variables(
        "postgres::reads_go_to_the_configured_replica",
        &[
            ("DATABASE_URL", &primary.url().unwrap()),
            ("DATABASE_REPLICA_URL", &replica.url().unwrap()),
        ],
    );
}

#[tokio::test]
#[ignore = "needs postgres and redis-server: scripts/test installs them"]
async fn the_script_starts_servers_and_a_replica_for_a_command() {
    if super::inside() {
        Redis::find().unwrap().record().unwrap();
        let server = Postgres::find().unwrap();
        server.record().unwrap();
        let both = Database::postgres(&server, 1).await.unwrap();
        let process = both.process();
        both.writer().acquire().await.unwrap().insert(process, 0, 10).await.unwrap();
        let deadline = Instant::now() + Duration::from_mins(1);
        let mut reader = both.reader().acquire().await.unwrap();
        while reader.written(process).await.unwrap().0 < 10 {
            assert!(Instant::now() < deadline, "the replica did not follow");
            std::thread::sleep(Duration::from_millis(1));
        }
        let refused = reader.insert(process, 10, 1).await.unwrap_err();
        let refused = std::error::Error::source(&refused).unwrap().to_string();
        assert!(refused.contains("read-only transaction"), "{refused}");
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../scripts/services");
    // The user that PostgreSQL runs as must be able to enter it.
    let open = std::fs::Permissions::from_mode(0o755);
    let temporary = tempfile::Builder::new().permissions(open).tempdir().unwrap();
    let run = |options: &[&str], command: &Command| {
        let mut script = Command::new(script);
        script.args(options).arg(command.get_program()).args(command.get_args());
        script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let output = script.env("TMPDIR", temporary.path()).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        let mut addresses = stderr.lines().filter_map(|line| line.rsplit_once(" on 127.0.0.1:"));
        let count = addresses.clone().count();
        let gone = addresses.all(|(_, port)| {
            TcpStream::connect(("127.0.0.1", port.parse::<u16>().unwrap())).is_err()
        });
        assert!(gone, "a server is still running: {stderr}");
        assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0, "{stderr}");
        (output, count)
    };
    let recorded = tempfile::NamedTempFile::new().unwrap();
    let mut inside =
        super::again("postgres::the_script_starts_servers_and_a_replica_for_a_command");
    inside.env(benchgate_record::VARIABLE, recorded.path());
    let (output, servers) = run(&[], &inside);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
    assert_eq!(servers, 3);
    let recorded = std::fs::read_to_string(recorded.path()).unwrap();
    let versions = recorded.lines().map(|line| line.rsplit_once(" by URL").map(|(_, rest)| rest));
    assert_eq!(
        versions.collect::<Vec<_>>(),
        [Some("\"}}"), Some(" with a replica\"}}")],
        "{recorded}"
    );

    let mut failing = Command::new("sh");
    failing.args(["-c", "[ -n \"$DATABASE_URL\" ] && [ -z \"$DATABASE_REPLICA_URL\" ] && exit 7"]);
    let (output, servers) = run(&["--no-replica"], &failing);
    assert_eq!((output.status.code(), servers), (Some(7), 2), "the command's own exit code");
}

/// The reason for a missing server, in a process with these variables.
fn reason(test: &str, variables: &[(&str, &str)]) -> String {
    let output = super::again(test).arg("--nocapture").envs(variables.iter().copied()).output();
    let stdout = String::from_utf8(output.unwrap().stdout).unwrap();
    stdout.lines().find_map(|line| line.strip_prefix("reason:")).expect(&stdout).to_owned()
}

fn tell_reason() {
    super::tell(&format!("reason:{}", Postgres::find().unwrap_err()));
}

#[test]
fn a_database_that_does_not_answer_is_an_error_without_the_password() {
    if super::inside() {
        return tell_reason();
    }
    let test = "postgres::a_database_that_does_not_answer_is_an_error_without_the_password";
    // Bound and closed again, so that nothing listens there.
    let address = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("postgres://me:hunter2@{address}/mine");
    let found = reason(test, &[("DATABASE_URL", &url)]);
    assert!(found.starts_with("the server at DATABASE_URL does not answer: "), "{found}");
    for url in [
        "sqlite://hunter2.db",
        "postgres://me:hunter2@host:port/mine",
        "postgres://me:hunter2@[/mine",
        "postgres://me:hunter2@localhost/mine?sslmode=hunter2-or-so",
    ] {
        let found = reason(test, &[("DATABASE_URL", url)]);
        assert!(found.starts_with("DATABASE_URL cannot be used: "), "{found}");
        assert!(!found.contains("me:") && !found.contains("@host"), "{found}");
    }
    let found = reason(test, &[("DATABASE_REPLICA_URL", &url)]);
    assert!(found.starts_with("DATABASE_REPLICA_URL is set, but DATABASE_URL is not"), "{found}");
}

/// The server accepts connections but never answers.
#[test]
fn a_silent_database_is_given_up() {
    if super::inside() {
        return tell_reason();
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://me:hunter2@{}/mine", listener.local_addr().unwrap());
    let test = "postgres::a_silent_database_is_given_up";
    let found = reason(test, &[("DATABASE_URL", &url)]);
    assert!(found.starts_with("the server at DATABASE_URL does not answer: "), "{found}");
    assert!(!found.contains("hunter2"), "{found}");
}

#[tokio::test]
#[ignore = "needs postgres: scripts/test installs it"]
async fn a_wrong_password_is_not_repeated() {
    if super::inside() {
        return tell_reason();
    }
    let server = Postgres::start().unwrap();
    let mut connection = server.primary().connect().await.unwrap();
    connection.execute("CREATE ROLE me LOGIN PASSWORD 'right'").await.unwrap();
    // From now on the role `me` is asked for its password.
    let file: String =
        connection.fetch_one("SELECT current_setting('hba_file')").await.unwrap().get(0);
    let trusted = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, format!("local all me scram-sha-256\n{trusted}")).unwrap();
    connection.execute("SELECT pg_reload_conf()").await.unwrap();
    let url = |password: &str| {
        let url = server.url().unwrap();
        url.replace("postgres://benchgate@", &format!("postgres://me:{password}@"))
    };
    let right: sqlx::postgres::PgConnectOptions = url("right").parse().unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    // Until the file has been reloaded, any password is accepted.
    let wrong: sqlx::postgres::PgConnectOptions = url("hunter2").parse().unwrap();
    while wrong.connect().await.is_ok() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(5));
    }
    right.connect().await.unwrap();
    let test = "postgres::a_wrong_password_is_not_repeated";
    let found = reason(test, &[("DATABASE_URL", &url("hunter2"))]);
    assert!(found.contains("password authentication failed for user \"me\""), "{found}");
    assert!(!found.contains("hunter2"), "{found}");
}

#[test]
#[ignore = "needs postgres: scripts/test installs it"]
fn a_private_server_does_not_run_as_root_and_ends_with_its_process() {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::MetadataExt as _;
    use std::process::Stdio;

    if super::inside() {
        let server = Postgres::start().unwrap();
        let socket = server.primary().get_socket().unwrap();
        super::tell(&format!("socket:{}", socket.display()));
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).unwrap();
        drop(server);
        std::process::exit(0);
    }
    for killed in [false, true] {
        let mut child = super::again(
            "postgres::a_private_server_does_not_run_as_root_and_ends_with_its_process",
        )
        .arg("--nocapture")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let directory =
            lines.find_map(|line| line.strip_prefix("socket:").map(str::to_owned)).unwrap();
        let directory = Path::new(&directory);
        let pid = std::fs::read_to_string(directory.join("data/postmaster.pid")).unwrap();
        let process = Path::new("/proc").join(pid.lines().next().unwrap());
        assert_ne!(process.metadata().unwrap().uid(), 0);
        assert_eq!(directory.metadata().unwrap().mode() & 0o777, 0o700);
        if killed {
            // SIGKILL: the process cannot clean up.
            child.kill().unwrap();
        } else {
            drop(child.stdin.take());
        }
        assert_eq!(child.wait().unwrap().success(), !killed);
        let deadline = Instant::now() + Duration::from_secs(30);
        while directory.exists() || process.exists() {
            assert!(Instant::now() < deadline, "{} is still there", directory.display());
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
