//! Pooled queries: acquiring a connection and using it, measured apart.

use std::cell::{Cell, OnceCell, RefCell};

use benchgate::suite::queries::{Database, Lead};
use benchgate::suite::sizes;
use criterion::{Criterion, criterion_group, criterion_main};

fn sqlite(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let opened = OnceCell::new();
    let database = || -> &Database {
        opened.get_or_init(|| {
            runtime.block_on(Database::sqlite(sizes::POOL_CONNECTIONS)).expect("a database")
        })
    };
    let mut group = criterion.benchmark_group("queries");

    let held = OnceCell::new();
    let turn = Cell::new(0_u32);
    group.bench_function("sqlite_join", |bencher| {
        let connection = held.get_or_init(|| {
            let mut connection =
                runtime.block_on(database().reader().acquire()).expect("a connection");
            for number in (0..sizes::LEADS).step_by(997) {
                let lead = runtime.block_on(connection.lead(i64::from(number) + 1));
                assert_eq!(lead.expect("a lead"), Some(Lead::seeded(number)));
            }
            RefCell::new(connection)
        });
        let mut connection = connection.borrow_mut();
        bencher.iter(|| {
            turn.set(turn.get().wrapping_add(2_654_435_761));
            let id = i64::from(turn.get() % sizes::LEADS) + 1;
            runtime.block_on(connection.lead(id)).expect("a lead")
        });
    });
    if let Some(connection) = held.into_inner() {
        // Giving it back is the pool's work on the runtime; the next benchmark
        // is to find all connections idle.
        runtime.block_on(async { drop(connection) });
    }

    group.bench_function("sqlite_acquire", |bencher| {
        let pool = database().reader();
        assert_eq!(pool.size(), sizes::POOL_CONNECTIONS, "all connections are open");
        bencher.to_async(&runtime).iter(|| async { pool.acquire().await.expect("a connection") });
    });
}

criterion_group!(benches, sqlite);
criterion_main!(benches);
