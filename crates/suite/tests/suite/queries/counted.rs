//! Queries, counted and normalised.

use benchgate_suite::queries::{
    Connection, Database, Form, Page, Queries, QueryError, count_queries, growing, normalise,
};
use benchgate_suite::sizes;

#[test]
fn statements_lose_their_values() {
    for (statement, normalised) in [
        ("SELECT 1", "select ?"),
        ("select  a\n\tfrom T", "select a from t"),
        ("SELECT a FROM t WHERE b = 'it''s' AND c = $1;", "select a from t where b = ? and c = ?"),
        ("SELECT a FROM t WHERE b IN (1, 2, 3)", "select a from t where b in (?)"),
        ("SELECT a FROM t WHERE b IN ($1)", "select a from t where b in (?)"),
        ("SELECT a FROM t WHERE b = -1.5e3", "select a from t where b = ?"),
        ("SELECT a -1, -2 FROM t LIMIT -1", "select a - ? from t limit ?"),
        ("SELECT (a) - 1 FROM t", "select (a) - ? from t"),
        ("INSERT INTO t (a, b) VALUES (?1, ?2), (?3, ?4)", "insert into t (a, b) values (?)"),
        ("INSERT INTO t (a) VALUES (1)", "insert into t (a) values (?)"),
        ("SELECT o.id /* x */ FROM \"Odd one\" o -- why", "select o.id from \"Odd one\" o"),
        ("PRAGMA foreign_keys", "pragma foreign_keys"),
        ("COMMIT", "commit"),
        ("", ""),
        // Not a statement: the text is kept.
        ("SELECT 'open  \n string", "SELECT 'open string"),
    ] {
        assert_eq!(normalise(statement), normalised, "{statement}");
        assert_eq!(normalise(&normalise(statement)), normalised, "again: {statement}");
    }
}

#[test]
fn other_columns_are_other_statements() {
    assert_ne!(normalise("SELECT a FROM t WHERE b = 1"), normalise("SELECT a FROM t WHERE c = 1"));
    assert_ne!(normalise("SELECT a FROM t"), normalise("SELECT a FROM u"));
}

proptest::proptest! {
    #[test]
    fn normalising_never_panics(text in "[-'\"$?(),;a-zA-Z0-9 \n/*.]{0,60}") {
        let _ = normalise(&text);
    }
}

/// The queries of a page of organisations with `rows` rows.
async fn organisations(database: &Database, form: Form, rows: u32) -> Queries {
    let page = Page { after: None, rows };
    let (found, queries) = Queries::of(database.organisations(page, form)).await.unwrap();
    assert_eq!(found.unwrap().len(), rows as usize);
    queries
}

/// The queries of a page of audit logs, each of another user.
async fn audit_logs(database: &Database, form: Form, rows: u32) -> Queries {
    let page = Page { after: None, rows };
    let (found, queries) = Queries::of(database.audit_logs(page, form)).await.unwrap();
    assert_eq!(found.unwrap().len(), rows as usize);
    queries
}

#[tokio::test]
async fn queries_of_sqlite_are_counted() {
    queries_are_counted(&super::sqlite().await).await;
}

pub(super) async fn queries_are_counted(database: &Database) {
    count_queries().unwrap();
    let many = sizes::COUNTED_ROWS;
    let every = u64::from(many);
    for (form, for_one, for_many, repeated) in
        [(Form::Join, 1, 1, 0), (Form::InBatch, 2, 2, 0), (Form::NPlusOne, 2, 1 + every, every - 1)]
    {
        for (one, more) in [
            (organisations(database, form, 1).await, organisations(database, form, many).await),
            (audit_logs(database, form, 1).await, audit_logs(database, form, many).await),
        ] {
            assert_eq!((one.total(), one.repeated()), (for_one, 0), "{form:?} {one:?}");
            assert_eq!((more.total(), more.repeated()), (for_many, repeated), "{form:?} {more:?}");
            let found = growing(&one, &more, &[]);
            assert_eq!(found.is_empty(), form != Form::NPlusOne, "{found:?}");
        }
    }
    let (one, more) = (
        organisations(database, Form::NPlusOne, 1).await,
        organisations(database, Form::NPlusOne, many).await,
    );
    let found = growing(&one, &more, &[]);
    assert_eq!(
        found.iter().map(ToString::to_string).collect::<Vec<_>>(),
        [
            "sent 1 times for one row and 10 times for many: select id, name, email, role from users \
          where organisation_id = ? order by id"
        ]
    );
    // In the spelling of a programmer.
    let allowed = "select id, name, email, role from users where organisation_id = 7 order by id";
    assert_eq!(growing(&one, &more, &[allowed]), []);
    assert_eq!(growing(&one, &more, &["SELECT 1"]), found);
    // With the sides swapped nothing grows.
    assert_eq!(growing(&more, &one, &[]), []);
}

#[tokio::test]
async fn writes_are_counted() {
    count_queries().unwrap();
    let database = super::sqlite().await;
    let process = database.process();
    let mut connection = database.writer().acquire().await.unwrap();
    let (done, queries) = Queries::of(connection.insert(process, 0, 100)).await.unwrap();
    assert_eq!((done.unwrap(), queries.total()), (100, 1));
    assert_eq!(
        queries.statements.into_keys().collect::<Vec<_>>(),
        ["insert into written_leads (process, number, written_at, score, email) values (?)"]
    );
    let (done, queries) = Queries::of(connection.transaction(process, 200)).await.unwrap();
    assert_eq!(done.unwrap(), 1200);
    assert_eq!(queries.repeated(), 0, "{queries:?}");
    let statements: Vec<String> =
        queries.statements.into_keys().filter(|text| text.contains("written_leads")).collect();
    assert_eq!(statements.len(), 3, "{statements:?}");
}

/// For a statement of up to four words, sqlx does not report `db.statement`.
#[tokio::test]
async fn short_statements_are_counted_by_their_summary() {
    count_queries().unwrap();
    let Connection::Sqlite(mut connection) =
        super::sqlite().await.writer().acquire().await.unwrap()
    else {
        panic!("no SQLite");
    };
    let ask = async {
        for statement in ["SELECT 1", "SELECT 2", "SELECT id FROM users", "SELECT 1, 2, 3, 4, 5"] {
            sqlx::query(statement).fetch_all(&mut *connection).await.unwrap();
        }
    };
    let ((), queries) = Queries::of(ask).await.unwrap();
    let statements: Vec<(&str, u64)> =
        queries.statements.iter().map(|(text, times)| (text.as_str(), *times)).collect();
    assert_eq!(statements, [("select ?", 3), ("select id from users", 1)]);
    assert_eq!((queries.total(), queries.repeated()), (4, 2));
}

#[tokio::test]
async fn concurrent_operations_are_counted_separately() {
    count_queries().unwrap();
    let database = super::sqlite().await;
    let (one, other) = tokio::join!(
        organisations(&database, Form::NPlusOne, 9),
        audit_logs(&database, Form::InBatch, 9)
    );
    assert_eq!((one.total(), other.total()), (10, 2));
}

#[tokio::test]
async fn counting_without_the_layer_is_an_error() {
    if !super::inside() {
        let test = "counted::counting_without_the_layer_is_an_error";
        let output = super::again(test).output().unwrap();
        let stdout = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
        return;
    }
    let result = Queries::of(async {}).await;
    assert!(matches!(result, Err(QueryError::NotCounted)), "{result:?}");
    // The program's own subscriber is not replaced.
    tracing::subscriber::set_global_default(tracing_subscriber::registry()).unwrap();
    let result = count_queries();
    assert!(matches!(result, Err(QueryError::OtherSubscriber)), "{result:?}");
}
