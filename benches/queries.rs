//! Pooled queries on SQLite and PostgreSQL. Acquiring a connection and using it are measured
//! separately: a query has its connection already, except where the table says otherwise.
//!
//! | benchmark | measures | other metrics | needs | noise |
//! |---|---|---|---|---|
//! | `queries/{sqlite,postgres}_acquire` | Taking a connection from a pool of 5 and returning it. | – | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_acquire_32_callers` | 32 callers together take 128 connections from that pool and send one query on each. | `pool_efficiency`, `acquire.p99` | PostgreSQL for `postgres_…` | high |
//! | `queries/{sqlite,postgres}_point` | One lead of 50,000, found by an index with a prepared statement. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_point_unprepared` | The same with a statement that is not kept prepared. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_range` | The properties of a town within a range of prices, by an index. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_range_unindexed` | The same from a table without that index. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_join` | A lead with its property and its organisation. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_aggregate` | The prices of 200 towns, from 20,000 rows. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_organisations_join` | A page of 20 organisations with their users, in one query with a join. | `queries`, `repeated_queries`, `growing_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_organisations_in_batch` | The same page in two queries: the organisations, then all their users. | `queries`, `repeated_queries`, `growing_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_organisations_n_plus_1` | The counter-example: the same page with one query for each organisation. | `queries`, `repeated_queries`, `growing_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_audit_logs_join` | A page of 20 audit logs with their users, in one query. | `queries`, `repeated_queries`, `growing_queries` | PostgreSQL for `postgres_…` | middle; PostgreSQL high |
//! | `queries/{sqlite,postgres}_insert_100` | Inserting 100 rows with one statement. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | high |
//! | `queries/{sqlite,postgres}_transaction` | An insert, an update, a select and a commit. | `queries`, `repeated_queries` | PostgreSQL for `postgres_…` | high |
//! | `queries/postgres_connect` | Opening a new connection. | – | PostgreSQL | high |
//!
//! How well other pools serve other numbers of callers is recorded without a time.
//!
//! | also recorded | what it is | metrics | needs |
//! |---|---|---|---|
//! | `queries/{sqlite,postgres}_pool/{1,20,50}_of_{1,8,32,100}`, `queries/{sqlite,postgres}_pool/5_of_{1,8,100}` | 500 connections, taken from a pool of 1, 5, 20 or 50 by 1, 8, 32 or 100 callers. `20_of_8` is a pool of 20 under 8 callers. | `pool_efficiency`, `acquire.p99` | PostgreSQL for `postgres_…` |

use std::cell::{Cell, OnceCell, RefCell};
use std::time::{Duration, Instant};

use benchgate_record as record;
use benchgate_suite::queries::{
    AuditLog, Connection, Database, Form, Kind, Lead, OrganisationUsers, Page, Pool, Pressure,
    Property, Queries, TownPrices, connect_anew, count_queries, growing, record_growing, town,
};
use benchgate_suite::services::Postgres;
use benchgate_suite::{SuiteError, sizes};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;

type Group<'a> = BenchmarkGroup<'a, WallTime>;

/// The benchmarks of one database, which is opened for the first that runs.
struct Bench {
    kind: Kind,
    server: Option<Postgres>,
    runtime: Runtime,
    opened: OnceCell<Database>,
    held: OnceCell<RefCell<Connection>>,
    turn: Cell<u32>,
}

impl Bench {
    fn new(server: Option<Postgres>) -> Self {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let kind = if server.is_some() { Kind::Postgres } else { Kind::Sqlite };
        let (opened, held) = (OnceCell::new(), OnceCell::new());
        Self { kind, server, runtime, opened, held, turn: Cell::new(0) }
    }

    fn name(&self, what: &str) -> String {
        format!("{}_{what}", self.kind.id())
    }

    fn open(&self, connections: u32) -> Database {
        let database = self.runtime.block_on(async {
            match &self.server {
                Some(server) => Database::postgres(server, connections).await,
                None => Database::sqlite(connections).await,
            }
        });
        database.expect("a database")
    }

    fn database(&self) -> &Database {
        self.opened.get_or_init(|| {
            if let Some(server) = &self.server {
                // Once one of its benchmarks runs, it has been measured.
                server.record().expect("recorded");
            }
            self.open(sizes::POOL_CONNECTIONS)
        })
    }

    /// A connection that all benchmarks of reads share, so that acquiring is no
    /// part of them.
    fn held(&self) -> &RefCell<Connection> {
        self.held.get_or_init(|| {
            let acquire = self.database().reader().acquire();
            RefCell::new(self.runtime.block_on(acquire).expect("a connection"))
        })
    }

    /// A number below `count`, another one each time, in no order.
    fn next(&self, count: u32) -> u32 {
        self.turn.set(self.turn.get().wrapping_add(2_654_435_761));
        // The upper half: the lower bits of such a sequence repeat soon.
        (self.turn.get() >> 8) % count
    }

    /// Times a query on the held connection. `right` says whether the rows for a
    /// number are those that were seeded; it is asked before, and not timed.
    fn read<T>(
        &self,
        group: &mut Group<'_>,
        what: &str,
        numbers: u32,
        query: &impl AsyncFn(&mut Connection, u32) -> Result<T, SuiteError>,
        right: impl Fn(u32, T) -> bool,
    ) {
        let checked = OnceCell::new();
        let name = self.name(what);
        group.bench_function(&name, |bencher| {
            let mut connection = self.held().borrow_mut();
            checked.get_or_init(|| {
                for number in [0, numbers / 2, numbers - 1] {
                    let found = self.runtime.block_on(query(&mut connection, number));
                    assert!(right(number, found.expect("rows")), "{name}: {number}");
                }
                if record::wanted() {
                    let queries = self.count(query(&mut connection, 0));
                    queries.record(&format!("queries/{name}")).expect("recorded");
                }
            });
            bencher.iter(|| {
                let number = self.next(numbers);
                self.runtime.block_on(query(&mut connection, number)).expect("rows")
            });
        });
    }

    fn count<T>(&self, operation: impl Future<Output = Result<T, SuiteError>>) -> Queries {
        count_queries().expect("no other subscriber");
        let (done, queries) = self.runtime.block_on(Queries::of(operation)).expect("counted");
        done.expect("rows");
        queries
    }

    fn shapes(&self, group: &mut Group<'_>) {
        for (what, prepared) in [("point", true), ("point_unprepared", false)] {
            self.read(
                group,
                what,
                sizes::LEADS,
                &async |connection, number| {
                    let (created_at, scored_at) = Lead::times(number);
                    connection.point(created_at, scored_at, prepared).await
                },
                |number, found| {
                    found.is_some_and(|found| {
                        let seeded = Lead::seeded(number);
                        (found.id, found.score, found.email)
                            == (seeded.id, seeded.score, seeded.email)
                    })
                },
            );
        }
        let prices = (200_000, 200_000 + sizes::PRICE_SPAN);
        let towns = 200;
        for (what, indexed) in [("range", true), ("range_unindexed", false)] {
            self.read(
                group,
                what,
                towns,
                &async |connection, number| {
                    connection.range(&town(i64::from(number)), prices, indexed).await
                },
                |number, found| {
                    let town = town(i64::from(number));
                    let mut seeded: Vec<Property> = (0..sizes::PROPERTIES)
                        .map(Property::seeded)
                        .filter(|found| found.location == town)
                        .filter(|found| (prices.0..=prices.1).contains(&found.price))
                        .collect();
                    seeded.sort_by_key(|found| (found.price, found.id));
                    found == seeded
                },
            );
        }
        self.read(
            group,
            "join",
            sizes::LEADS,
            &async |connection, number| connection.lead(i64::from(number) + 1).await,
            |number, found| found == Some(Lead::seeded(number)),
        );
        self.read(
            group,
            "aggregate",
            1,
            &async |connection, _| connection.prices().await,
            |_, found: Vec<TownPrices>| {
                let all = (0..sizes::PROPERTIES).map(|number| Property::seeded(number).price);
                let sum: i64 = found.iter().map(|town| town.sum).sum();
                let count: i64 = found.iter().map(|town| town.count).sum();
                (sum, count) == (all.sum(), i64::from(sizes::PROPERTIES))
            },
        );
    }

    /// Pages of lists with what belongs to their rows, and how many queries that
    /// takes for one row and for many.
    fn lists(&self, group: &mut Group<'_>) {
        let page = |number: u32| Page { after: Some(i64::from(number)), ..Page::FIRST };
        for form in Form::ALL {
            let what = format!("organisations_{}", form.id());
            self.read(
                group,
                &what,
                sizes::ORGANISATIONS - sizes::PAGE_ROWS + 1,
                &async |connection, number| connection.organisations(page(number), form).await,
                |number, found| {
                    let numbers = number..number + sizes::PAGE_ROWS;
                    found.into_iter().eq(numbers.map(OrganisationUsers::seeded))
                },
            );
            self.growth(&what, &async |connection, page| {
                connection.organisations(page, form).await.map(|found| found.len())
            });
        }
        self.read(
            group,
            "audit_logs_join",
            sizes::AUDIT_LOGS - sizes::PAGE_ROWS + 1,
            &async |connection, number| {
                let page = page(number + sizes::PAGE_ROWS + 1);
                connection.audit_logs(page, Form::Join).await
            },
            |number, found| {
                let numbers = (number..number + sizes::PAGE_ROWS).rev();
                found.into_iter().eq(numbers.map(AuditLog::seeded))
            },
        );
        self.growth("audit_logs_join", &async |connection, page| {
            connection.audit_logs(page, Form::Join).await.map(|found| found.len())
        });
    }

    /// Records the statements that are sent more often for more rows, where the
    /// benchmark has run.
    fn growth(
        &self,
        what: &str,
        list: &impl AsyncFn(&mut Connection, Page) -> Result<usize, SuiteError>,
    ) {
        let Some(connection) = self.held.get().filter(|_| record::wanted()) else { return };
        let mut connection = connection.borrow_mut();
        let mut queries = |rows| self.count(list(&mut connection, Page { after: None, rows }));
        let found = growing(&queries(1), &queries(sizes::COUNTED_ROWS), &[]);
        record_growing(&format!("queries/{}", self.name(what)), &found).expect("recorded");
    }

    /// Rows are deleted again, outside of what is timed.
    fn writes(&self, group: &mut Group<'_>) {
        let rows = sizes::INSERT_ROWS;
        self.write(
            group,
            &format!("insert_{rows}"),
            rows,
            &async |connection, process, turn| {
                let first = i64::from(turn) * i64::from(rows);
                connection.insert(process, first, rows).await
            },
            |_| u64::from(rows),
        );
        self.write(
            group,
            "transaction",
            1,
            &async |connection, process, turn| {
                connection.transaction(process, i64::from(turn)).await
            },
            // A score of thousandths, and 1 more.
            |turn| u64::from(turn % 1000) + 1000,
        );
    }

    fn write(
        &self,
        group: &mut Group<'_>,
        what: &str,
        rows: u32,
        body: &impl AsyncFn(&mut Connection, i64, u32) -> Result<u64, SuiteError>,
        right: impl Fn(u32) -> u64,
    ) {
        const BATCH: u64 = 20;
        let held = OnceCell::new();
        let name = self.name(what);
        group.throughput(Throughput::Elements(u64::from(rows)));
        group.bench_function(&name, |bencher| {
            let process = self.database().process();
            let connection: &RefCell<Connection> = held.get_or_init(|| {
                let acquire = self.database().writer().acquire();
                let mut connection = self.runtime.block_on(acquire).expect("a connection");
                if record::wanted() {
                    let queries = self.count(body(&mut connection, process, 0));
                    queries.record(&format!("queries/{name}")).expect("recorded");
                    let delete = connection.delete_written(process);
                    self.runtime.block_on(delete).expect("rows deleted");
                }
                RefCell::new(connection)
            });
            let mut connection = connection.borrow_mut();
            bencher.iter_custom(|iterations| {
                let mut timed = Duration::ZERO;
                let mut left = iterations;
                while left > 0 {
                    let count = u32::try_from(left.min(BATCH)).expect("a small batch");
                    let mut sum = 0;
                    let start = Instant::now();
                    for turn in 0..count {
                        let written = self.runtime.block_on(body(&mut connection, process, turn));
                        sum += written.expect("written");
                    }
                    timed += start.elapsed();
                    assert_eq!(sum, (0..count).map(&right).sum::<u64>(), "{name}");
                    let deleted = self.runtime.block_on(connection.delete_written(process));
                    assert_eq!(deleted.expect("rows deleted"), u64::from(count * rows), "{name}");
                    left -= u64::from(count);
                }
                timed
            });
        });
        if let Some(database) = self.opened.get() {
            self.give_back(database.writer(), held);
        }
    }

    /// Giving it back is the pool's work on the runtime; the next benchmark is to
    /// find all connections idle.
    fn give_back(&self, pool: &Pool, held: OnceCell<RefCell<Connection>>) {
        if let Some(connection) = held.into_inner() {
            self.runtime.block_on(async {
                let before = pool.idle();
                drop(connection);
                while pool.idle() == before {
                    tokio::time::sleep(Duration::from_micros(100)).await;
                }
            });
        }
    }

    fn pool(&self, group: &mut Group<'_>) {
        group.throughput(Throughput::Elements(1));
        group.bench_function(self.name("acquire"), |bencher| {
            let pool = self.database().reader();
            assert_eq!(pool.size(), sizes::POOL_CONNECTIONS, "all connections are open");
            bencher
                .to_async(&self.runtime)
                .iter(|| async { drop(pool.acquire().await.expect("a connection")) });
        });

        let (callers, acquires) = (sizes::POOL_CALLERS, sizes::POOL_ACQUIRES);
        let name = self.name(&format!("acquire_{callers}_callers"));
        let recorded = OnceCell::new();
        group.throughput(Throughput::Elements(u64::from(acquires)));
        group.bench_function(&name, |bencher| {
            recorded.get_or_init(|| {
                if record::wanted() {
                    self.pressures(&name).expect("recorded");
                }
            });
            let pool = self.database().reader();
            let press = || async {
                Pressure::of(pool, callers, acquires).await.expect("connections").acquires.len()
            };
            assert_eq!(self.runtime.block_on(press()), acquires as usize);
            bencher.to_async(&self.runtime).iter(press);
        });
    }

    /// Each size of pool under each number of callers.
    fn pressures(&self, name: &str) -> Result<(), record::RecordError> {
        for connections in sizes::PRESSURE_POOLS {
            let database = self.open(connections);
            for callers in sizes::PRESSURE_CALLERS {
                let press = Pressure::of(database.reader(), callers, sizes::PRESSURE_ACQUIRES);
                let pressure = self.runtime.block_on(press).expect("connections");
                let measured = (sizes::POOL_CONNECTIONS, sizes::POOL_CALLERS);
                if (connections, callers) == measured {
                    pressure.record(&format!("queries/{name}"))?;
                } else {
                    let pool = self.name("pool");
                    pressure.record(&format!("queries/{pool}/{connections}_of_{callers}"))?;
                }
            }
            self.runtime.block_on(database.close());
        }
        Ok(())
    }

    fn all(mut self, group: &mut Group<'_>) {
        self.pool(group);
        group.throughput(Throughput::Elements(1));
        self.shapes(group);
        self.lists(group);
        let held = std::mem::take(&mut self.held);
        if let Some(database) = self.opened.get() {
            self.give_back(database.reader(), held);
        }
        self.writes(group);
    }
}

fn sqlite(criterion: &mut Criterion) {
    Bench::new(None).all(&mut criterion.benchmark_group("queries"));
}

/// A process that runs one benchmark alone, and not one of these, needs no server:
/// to start one would take longer than the benchmark.
fn is_asked_for() -> bool {
    let exact = std::env::args().any(|argument| argument == "--exact");
    !exact || std::env::args().any(|argument| argument.starts_with("queries/postgres_"))
}

fn postgres(criterion: &mut Criterion) {
    if !is_asked_for() {
        return;
    }
    let server = match Postgres::find() {
        Ok(server) => server,
        Err(unavailable) => {
            record::not_run("queries/postgres_*", &unavailable.reason).expect("recorded");
            return;
        }
    };
    let bench = Bench::new(Some(server));
    let mut group = criterion.benchmark_group("queries");
    group.bench_function("postgres_connect", |bencher| {
        // Seeded, and recorded as measured.
        bench.database();
        let server = bench.server.as_ref().expect("a server");
        let connect = || async { connect_anew(server).await.expect("a connection") };
        assert_eq!(bench.runtime.block_on(connect()), 1);
        bencher.to_async(&bench.runtime).iter(connect);
    });
    bench.all(&mut group);
}

fn times() -> Criterion {
    Criterion::default()
        .warm_up_time(sizes::CLOCK_WARM_UP)
        .measurement_time(sizes::CLOCK_TIME)
        .sample_size(sizes::CLOCK_SAMPLES)
}

criterion_group! {
    name = benches;
    config = times();
    targets = sqlite, postgres
}
criterion_main!(benches);
