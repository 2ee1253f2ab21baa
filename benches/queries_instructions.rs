//! Instructions of what a service does with statements and rows apart from waiting for a database,
//! counted by iai-callgrind.
//!
//! None of this depends on time or on a random seed, and all counts except `decode` are the same
//! in every run. The rows of `decode` come from a database, and the allocator finds the heap as
//! the database left it: its count varies by half a percent between runs and by 2% between
//! builds. The queries themselves are not counted: SQLite works on a thread of its own, and the
//! scheduler decides how often the two threads wait for each other.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `queries::rows::decode audit_logs_100` | Decoding 100 rows into audit logs. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | up to 2% |
//! | `queries::rows::serialise organisations_20` | Writing a page of 20 organisations as JSON. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |
//! | `queries::rows::normalised {join,list_of_100}` | Normalising a statement, so that statements that differ only in values are equal. | `heap_bytes`, `heap_blocks`, `heap_peak_bytes` | Valgrind | none |

mod valgrind;

mod queries {
    use std::hint::black_box;

    use benchgate_suite::queries::{AuditLog, Fetched, OrganisationUsers, normalise};
    use benchgate_suite::sizes;
    use iai_callgrind::{library_benchmark, library_benchmark_group, main};

    use super::valgrind::with_heap;

    /// Rows in one measurement.
    const ROWS: u32 = sizes::INSERT_ROWS;

    fn fetched() -> (Fetched, Vec<AuditLog>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let fetched = runtime.expect("a runtime").block_on(Fetched::in_memory(ROWS));
        (fetched.expect("rows"), Vec::new())
    }

    fn assert_seeded((_, logs): (Fetched, Vec<AuditLog>)) {
        assert!(logs.into_iter().eq((0..ROWS).map(AuditLog::seeded)), "each log's own values");
    }

    // Inputs are passed on to the teardown, so that dropping them is not counted.
    #[library_benchmark(config = with_heap())]
    #[bench::audit_logs_100(setup = fetched, teardown = assert_seeded)]
    fn decode((fetched, _): (Fetched, Vec<AuditLog>)) -> (Fetched, Vec<AuditLog>) {
        let logs = black_box(&fetched).decode().unwrap_or_default();
        (fetched, logs)
    }

    type Page = (Vec<OrganisationUsers>, String);

    fn a_page() -> Page {
        ((0..sizes::PAGE_ROWS).map(OrganisationUsers::seeded).collect(), String::new())
    }

    fn assert_json((page, json): Page) {
        let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
        assert_eq!(read.as_array().expect("a list").len(), page.len());
        assert_eq!(read[19]["users"][9]["email"], "user4519@example.com");
    }

    #[library_benchmark(config = with_heap())]
    #[bench::organisations_20(setup = a_page, teardown = assert_json)]
    fn serialise((page, _): Page) -> Page {
        let json = serde_json::to_string(black_box(&page)).unwrap_or_default();
        (page, json)
    }

    type Statement = (String, String);

    fn a_join() -> Statement {
        let text = "SELECT l.id, l.score, p.location, o.name FROM leads l \
                    JOIN properties p ON p.id = l.property_id \
                    JOIN organisations o ON o.id = p.organisation_id \
                    WHERE l.id = $1 AND o.plan = 'team'";
        (text.to_owned(), String::new())
    }

    fn a_list() -> Statement {
        let values: Vec<String> = (1..=ROWS).map(|number| format!("${number}")).collect();
        let text = format!("SELECT id, name FROM users WHERE id IN ({})", values.join(", "));
        (text, String::new())
    }

    fn assert_join((_, normalised): Statement) {
        assert!(normalised.ends_with(" where l.id = ? and o.plan = ?"), "{normalised}");
    }

    fn assert_list((_, normalised): Statement) {
        assert_eq!(normalised, "select id, name from users where id in (?)");
    }

    #[library_benchmark(config = with_heap())]
    #[bench::join(setup = a_join, teardown = assert_join)]
    #[bench::list_of_100(setup = a_list, teardown = assert_list)]
    fn normalised((text, _): Statement) -> Statement {
        let normalised = normalise(black_box(&text));
        (text, normalised)
    }

    library_benchmark_group!(
        name = rows;
        benchmarks = decode, serialise, normalised
    );
    main!(library_benchmark_groups = rows);

    pub(super) fn run() {
        main();
    }
}

fn main() {
    valgrind::run("queries_instructions", queries::run);
}
