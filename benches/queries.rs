//! Pooled queries on SQLite and PostgreSQL. Acquiring a connection and using it are measured
//! separately: a query has its connection already, except where the table says otherwise.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `queries/{sqlite,postgres}_acquire` | Taking a connection from a pool of 5 and returning it. | – | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_acquire_32_callers` | 32 callers together take 128 connections from that pool and send one query on each. | `pool_efficiency`, `acquire` | PostgreSQL for `postgres_…` | high |
//! | `queries/{sqlite,postgres}_point` | One lead of 50,000, found by an index with a prepared statement. | `latency`, `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_point_unprepared` | The same with a statement that is not kept prepared. | `latency`, `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_range` | The properties of a town within a range of prices, by an index. | `latency`, `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_range_unindexed` | The same from a table without that index. | `latency`, `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_join` | A lead with its property and its organisation. | `latency`, `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_aggregate` | The prices of 200 towns, from 20,000 rows. | `latency`, `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_organisations_join` | A page of 20 organisations with their users, in one query with a join. | `latency`, `queries`, `repeated_queries`, `growing_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_organisations_in_batch` | The same page in two queries: the organisations, then all their users. | `latency`, `queries`, `repeated_queries`, `growing_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_organisations_n_plus_1` | The counter-example: the same page with one query for each organisation. | `latency`, `queries`, `repeated_queries`, `growing_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_audit_logs_join` | A page of 20 audit logs with their users, in one query. | `latency`, `queries`, `repeated_queries`, `growing_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_insert_100` | Inserting 100 rows with one statement. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | high |
//! | `queries/{sqlite,postgres}_transaction` | An insert, an update, a select and a commit. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | high |
//! | `queries/postgres_connect` | Opening a new connection. | – | PostgreSQL | high |
//!
//! The waiting times of other pools with other numbers of callers are recorded without a time.
//!
//! | also recorded | what it is | metrics | needs |
//! |---|---|---|---|
//! | `queries/{sqlite,postgres}_pool/{1,20,50}_of_{1,8,32,100}`, `queries/{sqlite,postgres}_pool/5_of_{1,8,100}` | 1,000 connections, taken from a pool of 1, 5, 20 or 50 by 1, 8, 32 or 100 callers. `20_of_8` is a pool of 20 under 8 callers. | `pool_efficiency`, `acquire` | PostgreSQL for `postgres_…` |

use std::cell::OnceCell;

use benchgate_record as record;
use benchgate_suite::queries::{
    Aggregate, AuditLogs, Fixture, Form, Insert, Join, List, Organisations, Point, Pressure, Range,
    Read, Transaction, Write,
};
use benchgate_suite::services::Postgres;
use benchgate_suite::sizes;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};

mod clock;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

fn pool(fixture: &Fixture, group: &mut Group<'_>) {
    group.throughput(Throughput::Elements(1));
    group.bench_function(fixture.name("acquire"), |bencher| {
        let pool = fixture.database().reader();
        assert_eq!(pool.size(), sizes::POOL_CONNECTIONS, "all connections are open");
        bencher
            .to_async(fixture.runtime())
            .iter(|| async { drop(pool.acquire().await.expect("a connection")) });
    });

    let (callers, acquires) = (sizes::POOL_CALLERS, sizes::POOL_ACQUIRES);
    let benchmark = format!("acquire_{callers}_callers");
    let recorded = OnceCell::new();
    group.throughput(Throughput::Elements(u64::from(acquires)));
    group.bench_function(fixture.name(&benchmark), |bencher| {
        recorded.get_or_init(|| {
            if record::wanted() {
                fixture.record_pressures(&benchmark).expect("recorded");
            }
        });
        let pool = fixture.database().reader();
        let press = || async {
            Pressure::of(pool, callers, acquires).await.expect("connections").acquires.len()
        };
        assert_eq!(fixture.runtime().block_on(press()), acquires as usize);
        bencher.to_async(fixture.runtime()).iter(press);
    });
}

fn read(fixture: &Fixture, group: &mut Group<'_>, read: &impl Read) {
    let checked = OnceCell::new();
    group.bench_function(fixture.name(&read.name()), |bencher| {
        let mut connection = fixture.reader();
        checked.get_or_init(|| fixture.check(read, &mut connection));
        bencher.iter(|| fixture.read(read, &mut connection));
    });
}

fn list(fixture: &Fixture, group: &mut Group<'_>, list: &impl List) {
    read(fixture, group, list);
    fixture.record_growth(list);
}

fn write(fixture: &Fixture, group: &mut Group<'_>, write: &impl Write) {
    let writer = OnceCell::new();
    group.throughput(Throughput::Elements(u64::from(write.rows())));
    group.bench_function(fixture.name(&write.name()), |bencher| {
        let mut connection = writer.get_or_init(|| fixture.writer(write)).borrow_mut();
        bencher.iter_custom(|iterations| fixture.timed_writes(write, &mut connection, iterations));
    });
    fixture.release_writer(writer.into_inner());
}

fn all(fixture: &mut Fixture, group: &mut Group<'_>) {
    pool(fixture, group);
    group.throughput(Throughput::Elements(1));
    for prepared in [true, false] {
        read(fixture, group, &Point { prepared });
    }
    for indexed in [true, false] {
        read(fixture, group, &Range { indexed });
    }
    read(fixture, group, &Join);
    read(fixture, group, &Aggregate);
    for form in Form::ALL {
        list(fixture, group, &Organisations(form));
    }
    list(fixture, group, &AuditLogs(Form::Join));
    fixture.release_reader();
    write(fixture, group, &Insert);
    write(fixture, group, &Transaction);
}

fn sqlite(criterion: &mut Criterion) {
    all(&mut Fixture::sqlite(), &mut criterion.benchmark_group("queries"));
}

/// Whether a benchmark of `PostgreSQL` may be selected. Starting a server takes longer than
/// running a single benchmark of `SQLite`.
fn may_be_selected() -> bool {
    let exact = std::env::args().any(|argument| argument == "--exact");
    !exact || std::env::args().any(|argument| argument.starts_with("queries/postgres_"))
}

fn postgres(criterion: &mut Criterion) {
    if !may_be_selected() {
        return;
    }
    let server = match Postgres::find() {
        Ok(server) => server,
        Err(unavailable) => {
            record::not_run("queries/postgres_*", &unavailable.reason).expect("recorded");
            return;
        }
    };
    let mut fixture = Fixture::postgres(server);
    let mut group = criterion.benchmark_group("queries");
    group.bench_function(fixture.name("connect"), |bencher| {
        // Seeds the database, and records that it was measured.
        fixture.database();
        assert_eq!(fixture.runtime().block_on(fixture.connect_once()), 1);
        bencher.to_async(fixture.runtime()).iter(|| fixture.connect_once());
    });
    all(&mut fixture, &mut group);
}

criterion_group! {
    name = benches;
    config = clock::settings();
    targets = sqlite, postgres
}
criterion_main!(benches);
