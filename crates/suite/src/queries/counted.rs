//! Counts the queries of an operation, from sqlx's tracing events.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::{Event, Instrument as _, Metadata, Subscriber};
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::{LookupSpan, Registry};

use super::{QueryError, normalise};
use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};

/// The target of the spans whose queries are counted.
const REQUEST: &str = "benchgate::request";

/// The target of sqlx's events, one for each query.
const QUERY: &str = "sqlx::query";

/// The number of operations being counted in this process.
static COUNTING: AtomicUsize = AtomicUsize::new(0);

/// The statements of one operation, as sqlx reports them.
#[derive(Default)]
struct Statements(Mutex<Vec<String>>);

/// Counts queries by the span of the request that sends them.
///
/// While nothing is counted, the filter stops sqlx from creating its events.
#[derive(Clone, Copy, Debug, Default)]
struct QueryLayer;

/// A layer that counts queries, for a subscriber that has other layers too. The
/// subscriber must be based on a [`Registry`].
pub fn query_layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // All spans are enabled: a request's span may contain others, and on SQLite's
    // threads only the innermost span is known, from which the request's is found.
    let ours = |metadata: &Metadata<'_>| metadata.is_span() || metadata.target() == QUERY;
    let filter = dynamic_filter_fn(move |metadata, _: &Context<'_, S>| {
        ours(metadata) && COUNTING.load(Ordering::Relaxed) > 0
    });
    QueryLayer.with_filter(filter.with_max_level_hint(LevelFilter::DEBUG))
}

/// Installs the counting layer as this process's subscriber, for programs that do
/// not use tracing otherwise. Later calls do nothing.
///
/// It must be the subscriber of the whole process: `SQLite` runs on its own threads.
pub fn count_queries() -> Result<(), QueryError> {
    static INSTALLED: Mutex<bool> = Mutex::new(false);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*installed {
        let subscriber = Registry::default().with(query_layer());
        tracing::subscriber::set_global_default(subscriber)
            .map_err(|_| QueryError::OtherSubscriber)?;
        *installed = true;
    }
    Ok(())
}

impl<S> Layer<S> for QueryLayer
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if attributes.metadata().target() == REQUEST
            && let Some(span) = context.span(id)
        {
            span.extensions_mut().insert(Statements::default());
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if event.metadata().target() != QUERY {
            return;
        }
        let Some(scope) = context.event_scope(event) else { return };
        for span in scope {
            if let Some(Statements(all)) = span.extensions().get() {
                let mut fields = Fields::default();
                event.record(&mut fields);
                all.lock().unwrap_or_else(PoisonError::into_inner).push(fields.statement());
                // The innermost request sent the query.
                return;
            }
        }
    }
}

/// The fields of sqlx's event that hold the statement.
#[derive(Default)]
struct Fields {
    summary: String,
    statement: String,
}

impl Fields {
    /// The whole statement. The summary holds its first four words; a shorter
    /// statement is only there.
    fn statement(self) -> String {
        if self.statement.trim().is_empty() { self.summary } else { self.statement }
    }

    fn set(&mut self, field: &Field, text: impl FnOnce() -> String) {
        match field.name() {
            "summary" => self.summary = text(),
            "db.statement" => self.statement = text(),
            _ => {}
        }
    }
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, || value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, || format!("{value:?}"));
    }
}

/// How often an operation sent each statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queries {
    /// How often each normalised statement was sent.
    pub statements: BTreeMap<String, u64>,
}

impl Queries {
    /// Runs an operation and counts the queries that it sends, including those of
    /// tasks that carry its span. Needs [`count_queries`], or [`query_layer`] in the
    /// process's own subscriber.
    pub async fn of<F: Future>(operation: F) -> Result<(F::Output, Self), QueryError> {
        let _counting = Counting::begin();
        let span = tracing::info_span!(target: REQUEST, "request");
        let output = operation.instrument(span.clone()).await;
        let statements = span
            .with_subscriber(|(id, dispatch)| {
                let registry = dispatch.downcast_ref::<Registry>()?;
                registry.span(id)?.extensions_mut().remove::<Statements>()
            })
            .flatten()
            .ok_or(QueryError::NotCounted)?;
        let all = statements.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((output, all.into_iter().collect()))
    }

    /// The number of queries.
    pub fn total(&self) -> u64 {
        self.statements.values().sum()
    }

    /// The number of queries that repeat an earlier statement, whatever their values.
    pub fn repeated(&self) -> u64 {
        self.statements.values().map(|times| times - 1).sum()
    }

    /// Records `queries` and `repeated_queries` for the benchmark `id`.
    pub fn record(&self, id: &str) -> Result<(), RecordError> {
        record_count(id, "queries", self.total())?;
        record_count(id, "repeated_queries", self.repeated())
    }
}

fn record_count(id: &str, name: &str, count: u64) -> Result<(), RecordError> {
    record::value(id, &Metric::counted(name, Unit::Count), count as f64)
}

/// Records the number of [`growing`] statements for the benchmark `id`, as
/// `growing_queries`. It should be 0.
pub fn record_growing(id: &str, found: &[Growing]) -> Result<(), RecordError> {
    record_count(id, "growing_queries", found.len() as u64)
}

impl FromIterator<String> for Queries {
    fn from_iter<I: IntoIterator<Item = String>>(statements: I) -> Self {
        let mut queries = Self::default();
        for statement in statements {
            *queries.statements.entry(normalise(&statement)).or_default() += 1;
        }
        queries
    }
}

/// Enables the filter while it exists.
struct Counting;

impl Counting {
    fn begin() -> Self {
        COUNTING.fetch_add(1, Ordering::Relaxed);
        Self
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        COUNTING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A statement that is sent more often for more rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Growing {
    /// The normalised statement.
    pub statement: String,
    /// How often it is sent for one row.
    pub for_one: u64,
    /// How often it is sent for many rows.
    pub for_many: u64,
}

impl fmt::Display for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statement, for_one, for_many } = self;
        write!(f, "sent {for_one} times for one row and {for_many} times for many: {statement}")
    }
}

/// Finds statements that are sent more often for many rows than for one row: most
/// likely one query per row. A repeated statement alone does not show that.
///
/// List statements in `allowed`, with any values, if they may grow.
pub fn growing(for_one: &Queries, for_many: &Queries, allowed: &[&str]) -> Vec<Growing> {
    let allowed: Vec<String> = allowed.iter().map(|statement| normalise(statement)).collect();
    let times = |statement| for_one.statements.get(statement).copied().unwrap_or(0);
    for_many
        .statements
        .iter()
        // A statement that is sent once for many rows, and never for one row, is
        // another plan and not a query per row.
        .filter(|(statement, many)| **many > times(*statement).max(1))
        .filter(|(statement, _)| !allowed.contains(statement))
        .map(|(statement, many)| Growing {
            statement: statement.clone(),
            for_one: times(statement),
            for_many: *many,
        })
        .collect()
}
