//! The query workload: what the databases hold, how often they are asked, and
//! what they refuse.

use benchgate::suite::queries::{AuditLog, Database, Form, Lead, OrganisationUsers, Page, Store};
use benchgate::suite::sizes;

/// A database out of the store that all tests share.
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
async fn every_row_is_the_one_that_was_seeded() {
    every_row(&sqlite().await).await;
}

async fn every_row(database: &Database) {
    let mut connection = database.reader().acquire().await.unwrap();
    // A prime's distance: all sorts of rows, the first and the last among them.
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
async fn all_forms_of_a_list_give_the_same() {
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
async fn a_database_is_seeded_once_and_copied() {
    let directory = tempfile::tempdir().unwrap();
    let store = Store::at(directory.path().join("cache"));
    let first = Database::sqlite_in(&store, 1).await.unwrap();
    let names = || -> Vec<String> {
        let mut names: Vec<String> = std::fs::read_dir(store.directory())
            .unwrap()
            .map(|found| found.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    let [copy, lock, seeded] = <[String; 3]>::try_from(names()).unwrap();
    assert!(copy.starts_with("copy-") && seeded.starts_with("sqlite-"), "{copy}, {seeded}");
    assert_eq!(lock, "lock");
    let file = store.directory().join(&seeded).join("queries.db");
    let made = file.metadata().unwrap().modified().unwrap();
    let second = Database::sqlite_in(&store, 1).await.unwrap();
    assert_eq!(file.metadata().unwrap().modified().unwrap(), made);
    assert_eq!(names().len(), 4);
    for database in [first, second] {
        database.close().await;
    }
    assert_eq!(names(), ["lock".to_owned(), seeded]);
}
