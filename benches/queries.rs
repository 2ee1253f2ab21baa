//! Pooled queries: acquiring a connection and using it, measured apart.

use std::cell::{Cell, OnceCell, RefCell};

use benchgate::suite::queries::Leads;
use benchgate::suite::sizes;
use criterion::{Criterion, criterion_group, criterion_main};

fn sqlite(criterion: &mut Criterion) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let seeded = OnceCell::new();
    let leads = || -> &Leads {
        seeded.get_or_init(|| {
            runtime.block_on(Leads::seeded(sizes::LEADS)).expect("a seeded database")
        })
    };
    let mut group = criterion.benchmark_group("queries");

    let held = OnceCell::new();
    let turn = Cell::new(0_u32);
    group.bench_function("sqlite_point_select", |bencher| {
        let leads = leads();
        let connection = held.get_or_init(|| {
            runtime.block_on(async {
                let mut connection = leads.connection().await.expect("a connection");
                for number in 0..sizes::LEADS {
                    let sum = leads.point_select(&mut connection, number).await.expect("a row");
                    let email = format!("lead{number}@example.com");
                    assert_eq!(sum, u64::from(number + 1) * 100 + email.len() as u64);
                }
                RefCell::new(connection)
            })
        });
        let mut connection = connection.borrow_mut();
        bencher.iter(|| {
            turn.set(turn.get().wrapping_add(2_654_435_761));
            runtime.block_on(leads.point_select(&mut connection, turn.get())).expect("a row")
        });
    });
    if let Some(connection) = held.into_inner() {
        // Giving it back is the pool's work on the runtime; the next benchmark
        // is to find all connections idle.
        runtime.block_on(async { drop(connection) });
    }

    group.bench_function("sqlite_acquire", |bencher| {
        let leads = leads();
        let size = runtime.block_on(leads.acquire()).expect("a connection");
        assert_eq!(size, u64::from(sizes::POOL_CONNECTIONS), "all connections are open");
        bencher.to_async(&runtime).iter(|| async { leads.acquire().await.expect("a connection") });
    });
}

criterion_group!(benches, sqlite);
criterion_main!(benches);
