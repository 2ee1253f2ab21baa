//! What the benchmarks of one database share.

#![expect(
    clippy::missing_panics_doc,
    reason = "a fixture panics if a body returns another checksum than it has to: that is its use"
)]

use std::cell::{Cell, OnceCell, RefCell, RefMut};
use std::time::{Duration, Instant};

use benchgate_record::{self as record, Latencies, RecordError};
use tokio::runtime::Runtime;

use super::bodies::{List, Read, Write};
use super::{
    Connection, Database, Kind, Page, Pool, Pressure, Queries, QueryError, connect_once,
    count_queries, growing, record_growing,
};
use crate::bench::runtime;
use crate::services::Postgres;
use crate::sizes;

/// A database and a runtime for benchmarks. The database is opened when the first
/// benchmark needs it.
///
/// Its methods panic when the database fails or gives wrong rows: a benchmark cannot go
/// on then.
#[derive(Debug)]
pub struct Fixture {
    kind: Kind,
    server: Option<Postgres>,
    runtime: Runtime,
    database: OnceCell<Database>,
    reader: OnceCell<RefCell<Connection>>,
    position: Cell<u32>,
}

impl Fixture {
    /// For `SQLite`.
    pub fn sqlite() -> Self {
        Self::new(Kind::Sqlite, None)
    }

    /// For a `PostgreSQL` server.
    pub fn postgres(server: Postgres) -> Self {
        Self::new(Kind::Postgres, Some(server))
    }

    fn new(kind: Kind, server: Option<Postgres>) -> Self {
        let (database, reader) = (OnceCell::new(), OnceCell::new());
        Self { kind, server, runtime: runtime(1), database, reader, position: Cell::new(0) }
    }

    /// The name of a benchmark, with the database: `sqlite_point` for `point`.
    pub fn name(&self, benchmark: &str) -> String {
        format!("{}_{benchmark}", self.kind.id())
    }

    fn id(&self, benchmark: &str) -> String {
        format!("queries/{}", self.name(benchmark))
    }

    /// The runtime, polled by the calling thread alone.
    pub fn runtime(&self) -> &Runtime {
        &self.runtime
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

    /// The database, with [`sizes::POOL_CONNECTIONS`] connections.
    pub fn database(&self) -> &Database {
        self.database.get_or_init(|| {
            if let Some(server) = &self.server {
                // The server counts as measured once one of its benchmarks runs.
                server.record().expect("recorded");
            }
            self.open(sizes::POOL_CONNECTIONS)
        })
    }

    /// The connection that all benchmarks of reads share, so that acquiring is not timed.
    pub fn reader(&self) -> RefMut<'_, Connection> {
        let reader = self.reader.get_or_init(|| {
            let acquire = self.database().reader().acquire();
            RefCell::new(self.runtime.block_on(acquire).expect("a connection"))
        });
        reader.borrow_mut()
    }

    /// Returns the shared connection, so that the following benchmarks find all connections
    /// idle.
    pub fn release_reader(&mut self) {
        if let (Some(database), Some(reader)) = (self.database.get(), self.reader.take()) {
            self.release(database.reader(), reader.into_inner());
        }
    }

    /// Returns a connection and waits until it is idle: returning it is the work of the pool
    /// on the runtime.
    fn release(&self, pool: &Pool, connection: Connection) {
        self.runtime.block_on(async {
            let idle = pool.idle();
            drop(connection);
            while pool.idle() == idle {
                tokio::time::sleep(Duration::from_micros(100)).await;
            }
        });
    }

    /// Opens a connection without a pool, queries it and closes it. The checksum is 1.
    pub async fn connect_once(&self) -> u64 {
        connect_once(self.server.as_ref().expect("a server")).await.expect("a connection")
    }

    /// A number below `count`, another one each time, in no particular order.
    fn next_number(&self, count: u32) -> u32 {
        // Knuth's multiplicative hash (The Art of Computer Programming, 6.4).
        self.position.set(self.position.get().wrapping_add(2_654_435_761));
        // The lower bits of such a sequence repeat soon.
        (self.position.get() >> 8) % count
    }

    /// Checks that a read gives the seeded rows, and records its queries and its latencies.
    pub fn check(&self, read: &impl Read, connection: &mut Connection) {
        let name = read.name();
        for number in [0, read.numbers() / 2, read.numbers() - 1] {
            let rows = self.runtime.block_on(read.read(connection, number)).expect("rows");
            assert!(rows == read.expected(number), "{name}: {number}");
        }
        if record::wanted() {
            let queries = self.count(read.read(connection, 0));
            queries.record(&self.id(&name)).expect("recorded");
            let mut latencies = Latencies::new();
            for _ in 0..read.latencies() {
                let number = self.next_number(read.numbers());
                let start = Instant::now();
                self.runtime.block_on(read.read(connection, number)).expect("rows");
                latencies.record(start.elapsed());
            }
            record::latencies(&self.id(&name), &latencies).expect("recorded");
        }
    }

    /// The body of a benchmark of a read: reads the rows of the next number.
    pub fn read<R: Read>(&self, read: &R, connection: &mut Connection) -> R::Rows {
        let number = self.next_number(read.numbers());
        self.runtime.block_on(read.read(connection, number)).expect("rows")
    }

    /// Records the statements of a list that are sent more often for more rows, if the
    /// shared connection is open: otherwise its benchmark was not selected.
    pub fn record_growth(&self, list: &impl List) {
        let Some(connection) = self.reader.get().filter(|_| record::wanted()) else { return };
        let mut connection = connection.borrow_mut();
        let mut queries = |rows| self.count(list.page(&mut connection, Page { after: None, rows }));
        let found = growing(&queries(1), &queries(sizes::COUNTED_ROWS), &[]);
        record_growing(&self.id(&list.name()), &found).expect("recorded");
    }

    fn count<T>(&self, operation: impl Future<Output = Result<T, QueryError>>) -> Queries {
        count_queries().expect("no other subscriber");
        let (output, queries) = self.runtime.block_on(Queries::of(operation)).expect("counted");
        output.expect("rows");
        queries
    }

    /// Acquires a connection for the benchmark of a write, and records the queries of the
    /// write.
    pub fn writer(&self, write: &impl Write) -> RefCell<Connection> {
        let (database, process) = (self.database(), self.database().process());
        let acquire = database.writer().acquire();
        let mut connection = self.runtime.block_on(acquire).expect("a connection");
        if record::wanted() {
            let queries = self.count(write.write(&mut connection, process, 0));
            queries.record(&self.id(&write.name())).expect("recorded");
            let delete = connection.delete_written(process);
            self.runtime.block_on(delete).expect("rows deleted");
        }
        RefCell::new(connection)
    }

    /// Returns the connection of [`writer`](Self::writer), if its benchmark has run.
    pub fn release_writer(&self, writer: Option<RefCell<Connection>>) {
        if let (Some(database), Some(writer)) = (self.database.get(), writer) {
            self.release(database.writer(), writer.into_inner());
        }
    }

    /// The body of a benchmark of a write: the time of `iterations` writes. Deleting the rows
    /// and checking the checksums is not timed.
    pub fn timed_writes(
        &self,
        write: &impl Write,
        connection: &mut Connection,
        iterations: u64,
    ) -> Duration {
        const BATCH: u64 = 20;
        let (name, process) = (write.name(), self.database().process());
        let mut timed = Duration::ZERO;
        let mut left = iterations;
        while left > 0 {
            let count = u32::try_from(left.min(BATCH)).expect("a small batch");
            let mut sum = 0;
            let start = Instant::now();
            for iteration in 0..count {
                let written = self.runtime.block_on(write.write(connection, process, iteration));
                sum += written.expect("written");
            }
            timed += start.elapsed();
            assert_eq!(sum, (0..count).map(|at| write.expected(at)).sum::<u64>(), "{name}");
            let deleted = self.runtime.block_on(connection.delete_written(process));
            assert_eq!(deleted.expect("rows deleted"), u64::from(count * write.rows()), "{name}");
            left -= u64::from(count);
        }
        timed
    }

    /// Records how pools of several sizes serve several numbers of callers. `benchmark` is
    /// the one that times [`sizes::POOL_CALLERS`] callers.
    pub fn record_pressures(&self, benchmark: &str) -> Result<(), RecordError> {
        for connections in sizes::PRESSURE_POOLS {
            let database = self.open(connections);
            for callers in sizes::PRESSURE_CALLERS {
                let press = Pressure::of(database.reader(), callers, sizes::PRESSURE_ACQUIRES);
                let pressure = self.runtime.block_on(press).expect("connections");
                let timed = (sizes::POOL_CONNECTIONS, sizes::POOL_CALLERS);
                if (connections, callers) == timed {
                    pressure.record(&self.id(benchmark))?;
                } else {
                    pressure.record(&format!("{}/{connections}_of_{callers}", self.id("pool")))?;
                }
            }
            self.runtime.block_on(database.close());
        }
        Ok(())
    }
}
