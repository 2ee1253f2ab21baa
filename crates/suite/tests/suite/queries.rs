//! The query workload: the content of the databases, counted queries, and errors.

mod counted;
mod postgres;
mod store;

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Duration;

use benchgate_suite::queries::{
    AuditLog, Database, Fetched, Form, Lead, OrganisationUsers, Page, Pressure, Property,
    ScoredLead, TownPrices, town,
};
use benchgate_suite::sizes;

/// Set in a process that a test starts to run itself again.
const INSIDE: &str = "BENCHGATE_TEST_INSIDE";

/// A command that runs only `test` of this test program, without the user's servers.
fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", &format!("queries::{test}"), "--include-ignored"]).env(INSIDE, "1");
    command.env_remove("DATABASE_URL").env_remove("DATABASE_REPLICA_URL");
    command
}

/// Sends a line to the test that started this process.
fn tell(text: &str) {
    use std::io::Write as _;
    // After the beginning of a line that the test harness has printed.
    let mut out = std::io::stdout().lock();
    writeln!(out, "\n{text}").unwrap();
}

fn inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

/// A database from the store that all tests share.
async fn sqlite() -> Database {
    Database::sqlite(2).await.unwrap()
}

#[tokio::test]
async fn a_lead_comes_with_its_property_and_organisation() {
    let database = sqlite().await;
    let lead = database.lead(4321).await.unwrap().unwrap();
    assert_eq!(
        serde_json::to_value(&lead).unwrap(),
        serde_json::json!({
            "id": 4321, "created_at": 1_700_259_200, "scored_at": 1_700_259_200, "score": 0.08,
            "stage": "new", "name": "Lead 4320", "email": "lead4320@example.com",
            "property": {"id": 10_081, "location": "Town 120", "price": 968_320, "bedrooms": 1},
            "organisation": {"id": 81, "name": "Organisation 80", "plan": "enterprise"},
        })
    );
    assert_eq!(database.lead(0).await.unwrap(), None);
    assert_eq!(database.lead(i64::from(sizes::LEADS) + 1).await.unwrap(), None);
}

#[tokio::test]
async fn sqlite_holds_every_row_that_was_seeded() {
    every_row(&sqlite().await).await;
}

async fn every_row(database: &Database) {
    let mut connection = database.reader().acquire().await.unwrap();
    // A prime distance, so that all kinds of rows are checked, and the last row.
    for number in (0..sizes::LEADS).step_by(997).chain([sizes::LEADS - 1]) {
        let lead = connection.lead(i64::from(number) + 1).await.unwrap();
        assert_eq!(lead, Some(Lead::seeded(number)));
    }
    let all = Page { after: None, rows: u32::MAX };
    let organisations = connection.organisations(all, Form::Join).await.unwrap();
    let seeded: Vec<_> = (0..sizes::ORGANISATIONS).map(OrganisationUsers::seeded).collect();
    assert!(organisations == seeded);
    assert_eq!(organisations[499].users[9].email, "user4999@example.com");
    let logs = connection.audit_logs(all, Form::Join).await.unwrap();
    let seeded: Vec<_> = (0..sizes::AUDIT_LOGS).rev().map(AuditLog::seeded).collect();
    assert!(logs == seeded);
}

#[tokio::test]
async fn sqlite_gives_a_list_in_all_its_forms() {
    all_forms(&sqlite().await).await;
}

async fn all_forms(database: &Database) {
    let pages = [
        Page::FIRST,
        Page { after: Some(490), rows: 20 },
        Page { after: Some(i64::from(sizes::ORGANISATIONS)), rows: 20 },
        Page { after: None, rows: 0 },
    ];
    for (page, count) in pages.into_iter().zip([20, 10, 0, 0]) {
        for form in Form::ALL {
            let found = database.organisations(page, form).await.unwrap();
            let first = u32::try_from(page.after.unwrap_or(0)).unwrap();
            let seeded: Vec<_> = (first..first + count).map(OrganisationUsers::seeded).collect();
            assert_eq!(found, seeded, "{form:?} of {page:?}");
        }
    }
    let pages = [Page::FIRST, Page { after: Some(4), rows: 20 }, Page { after: Some(1), rows: 20 }];
    let last = sizes::AUDIT_LOGS;
    for (page, numbers) in pages.into_iter().zip([last - 20..last, 0..3, 0..0]) {
        for form in Form::ALL {
            let found = database.audit_logs(page, form).await.unwrap();
            let seeded: Vec<_> = numbers.clone().rev().map(AuditLog::seeded).collect();
            assert_eq!(found, seeded, "{form:?} of {page:?}");
        }
    }
}

#[tokio::test]
async fn sqlite_answers_points_ranges_and_sums() {
    shapes(&sqlite().await).await;
}

async fn shapes(database: &Database) {
    let mut connection = database.reader().acquire().await.unwrap();
    let (created_at, scored_at) = Lead::times(12);
    assert_eq!((created_at, scored_at), (1_700_000_720, 1_700_000_732));
    for prepared in [true, false] {
        let found = connection.point(created_at, scored_at, prepared).await.unwrap();
        let email = "lead12@example.com".to_owned();
        assert_eq!(found, Some(ScoredLead { id: 13, score: 0.028, email }));
        assert_eq!(connection.point(created_at, scored_at + 1, prepared).await.unwrap(), None);
    }

    let prices = (200_000, 290_000);
    let mut expected: Vec<Property> = (0..sizes::PROPERTIES)
        .map(Property::seeded)
        .filter(|found| found.location == town(7) && (prices.0..=prices.1).contains(&found.price))
        .collect();
    expected.sort_by_key(|found| (found.price, found.id));
    assert!(expected.len() > 3, "{}", expected.len());
    for indexed in [true, false] {
        assert_eq!(connection.range(&town(7), prices, indexed).await.unwrap(), expected);
    }

    let mut towns: BTreeMap<String, TownPrices> = BTreeMap::new();
    for Property { location, price, .. } in (0..sizes::PROPERTIES).map(Property::seeded) {
        let empty = TownPrices { location, count: 0, sum: 0, least: price, most: price };
        let town = towns.entry(empty.location.clone()).or_insert(empty);
        town.count += 1;
        town.sum += price;
        (town.least, town.most) = (town.least.min(price), town.most.max(price));
    }
    assert_eq!(towns.len(), 200);
    let found = connection.prices().await.unwrap();
    assert!(found == towns.into_values().collect::<Vec<_>>());
}

#[tokio::test]
async fn sqlite_uses_the_index_if_there_is_one() {
    let database = sqlite().await;
    let mut connection = database.reader().acquire().await.unwrap();
    assert_eq!(
        connection.point_plan().await.unwrap(),
        ["SEARCH leads USING INDEX idx_leads_created_scored (created_at=? AND scored_at=?)"]
    );
    assert_eq!(
        connection.range_plan(true).await.unwrap(),
        [
            "SEARCH properties USING INDEX idx_properties_location_price (location=? AND price>? AND price<?)"
        ]
    );
    assert_eq!(connection.range_plan(false).await.unwrap()[0], "SCAN properties_unindexed");
}

#[tokio::test]
async fn rows_written_to_sqlite_are_found_and_deleted() {
    writes(&sqlite().await).await;
}

async fn writes(database: &Database) {
    let process = database.process();
    let mut connection = database.writer().acquire().await.unwrap();
    assert_eq!(connection.insert(process, 1000, 100).await.unwrap(), 100);
    // 0.007, and 1 more.
    assert_eq!(connection.transaction(process, 7).await.unwrap(), 1007);
    assert_eq!(connection.written(process).await.unwrap(), (101, 104_957));
    // A row of another process.
    assert_eq!(connection.insert(process + 1, 0, 1).await.unwrap(), 1);
    assert_eq!(connection.delete_written(process).await.unwrap(), 101);
    assert_eq!(connection.written(process).await.unwrap(), (0, 0));
    assert_eq!(connection.delete_written(process + 1).await.unwrap(), 1);
    // A failed transaction leaves nothing behind.
    assert_eq!(connection.insert(process, 7, 1).await.unwrap(), 1);
    assert!(connection.transaction(process, 7).await.is_err());
    assert_eq!(connection.written(process).await.unwrap(), (1, 7));
    assert_eq!(connection.delete_written(process).await.unwrap(), 1);
}

#[tokio::test]
async fn writes_to_sqlite_are_private_to_the_process() {
    let (mine, yours) = (sqlite().await, sqlite().await);
    let process = mine.process();
    mine.writer().acquire().await.unwrap().insert(process, 0, 10).await.unwrap();
    let count = async |database: &Database| {
        database.reader().acquire().await.unwrap().written(process).await.unwrap().0
    };
    assert_eq!((count(&mine).await, count(&yours).await), (10, 0));
}

#[tokio::test]
async fn reads_go_to_the_replica_and_writes_to_the_primary() {
    let (primary, replica) = (sqlite().await, sqlite().await);
    // Only in the replica, to show where a lead was read.
    rename_lead(&replica, "of the replica").await;
    let both = primary.clone().with_replica(replica.clone());
    split(&both, &primary, &replica).await;
}

async fn rename_lead(database: &Database, name: &str) {
    use benchgate_suite::queries::Connection;
    let statement = "UPDATE leads SET name = $1 WHERE id = 1";
    let done = match database.writer().acquire().await.unwrap() {
        Connection::Sqlite(mut connection) => {
            let done = sqlx::query(statement).bind(name).execute(&mut *connection).await;
            done.unwrap().rows_affected()
        }
        Connection::Postgres(mut connection) => {
            let done = sqlx::query(statement).bind(name).execute(&mut *connection).await;
            done.unwrap().rows_affected()
        }
    };
    assert_eq!(done, 1);
}

/// Checks that `both` reads from the replica and writes to the primary.
async fn split(both: &Database, primary: &Database, replica: &Database) {
    let name = async |database: &Database| database.lead(1).await.unwrap().unwrap().name;
    assert_eq!(name(both).await, "of the replica");
    assert_eq!(name(primary).await, "Lead 0");

    let process = both.process();
    both.writer().acquire().await.unwrap().insert(process, 0, 10).await.unwrap();
    let count = async |database: &Database| {
        database.reader().acquire().await.unwrap().written(process).await.unwrap().0
    };
    assert_eq!((count(primary).await, count(replica).await, count(both).await), (10, 0, 0));
    assert_eq!(both.writer().acquire().await.unwrap().delete_written(process).await.unwrap(), 10);
}

#[tokio::test]
async fn callers_of_a_small_pool_wait_and_those_of_a_large_pool_do_not() {
    let large = Database::sqlite(8).await.unwrap();
    assert_eq!((large.reader().size(), large.reader().idle()), (8, 8));
    let easy = Pressure::of(large.reader(), 1, 50).await.unwrap();
    assert_eq!(easy.acquires.len(), 50);
    // Nearly all acquires, except those of connections that take long to return.
    assert!(easy.efficiency() > 0.5, "{}", easy.at_once);
    // Nine of ten callers have to wait for the only connection.
    let small = Database::sqlite(1).await.unwrap();
    let hard = Pressure::of(small.reader(), 10, 105).await.unwrap();
    assert_eq!(hard.acquires.len(), 105);
    assert!((1..=15).contains(&hard.at_once), "{}", hard.at_once);
    assert!(hard.acquires.is_sorted());
    let p99 = Duration::from_nanos(hard.latencies().quantile(990));
    assert!(p99 >= hard.acquires[103] && p99 <= hard.acquires[103] * 1001 / 1000, "{p99:?}");
}

#[tokio::test]
async fn rows_of_a_database_in_memory_are_those_of_the_tables() {
    let fetched = Fetched::in_memory(500).await.unwrap();
    let seeded: Vec<_> = (0..500).map(AuditLog::seeded).collect();
    assert_eq!(fetched.decode().unwrap(), seeded);
}
