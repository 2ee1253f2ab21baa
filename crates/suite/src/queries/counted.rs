//! Counts the queries of an operation, by what sqlx says about each.

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

use super::normalise;
use crate::SuiteError;
use benchgate_record::{self as record, RecordError};
use benchgate_record::{Metric, Unit};

/// The target of the spans in which queries are counted.
const REQUEST: &str = "benchgate::request";

/// Of the events that sqlx sends, one for each query.
const QUERY: &str = "sqlx::query";

/// Operations that are being counted in this process.
static COUNTING: AtomicUsize = AtomicUsize::new(0);

/// The statements of one operation, as sqlx has told them.
#[derive(Default)]
struct Statements(Mutex<Vec<String>>);

/// Counts queries by the span of the request that they are sent in.
///
/// While nothing is counted, sqlx does not even put its events together.
#[derive(Clone, Copy, Debug, Default)]
struct QueryLayer;

/// A layer that counts queries, for a subscriber of other layers too. It is to
/// stand on a [`Registry`].
pub fn query_layer<S>() -> impl Layer<S>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    // All spans: within the request's there may be others, and on the threads that
    // `SQLite` works on only the innermost is known, from which the way leads up.
    let ours = |metadata: &Metadata<'_>| metadata.is_span() || metadata.target() == QUERY;
    let filter = dynamic_filter_fn(move |metadata, _: &Context<'_, S>| {
        ours(metadata) && COUNTING.load(Ordering::Relaxed) > 0
    });
    QueryLayer.with_filter(filter.with_max_level_hint(LevelFilter::DEBUG))
}

/// Makes the counting layer this process's subscriber, where there is none: for
/// programs that have no other use for tracing. Where it is there already,
/// nothing happens.
///
/// It must be the whole process's: `SQLite` works on threads of its own.
pub fn count_queries() -> Result<(), SuiteError> {
    static INSTALLED: Mutex<bool> = Mutex::new(false);
    let mut installed = INSTALLED.lock().unwrap_or_else(PoisonError::into_inner);
    if !*installed {
        let subscriber = Registry::default().with(query_layer());
        tracing::subscriber::set_global_default(subscriber)
            .map_err(|_| SuiteError::OtherSubscriber)?;
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
                let mut said = Said::default();
                event.record(&mut said);
                all.lock().unwrap_or_else(PoisonError::into_inner).push(said.statement());
                // The innermost request is the one that asked.
                return;
            }
        }
    }
}

/// What an event of sqlx says about the statement.
#[derive(Default)]
struct Said {
    summary: String,
    statement: String,
}

impl Said {
    /// Statements of up to four words stand in the summary alone; of all others
    /// it has the first four.
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

impl Visit for Said {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.set(field, || value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.set(field, || format!("{value:?}"));
    }
}

/// How often an operation has sent which statement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Queries {
    /// Normalised statements, and how often each was sent.
    pub statements: BTreeMap<String, u64>,
}

impl Queries {
    /// Runs an operation, and counts the queries that it sends, also from tasks
    /// that carry its span. Needs [`count_queries`], or [`query_layer`] in the
    /// process's own subscriber.
    pub async fn of<F: Future>(operation: F) -> Result<(F::Output, Self), SuiteError> {
        let _counting = Counting::begin();
        let span = tracing::info_span!(target: REQUEST, "request");
        let output = operation.instrument(span.clone()).await;
        let statements = span
            .with_subscriber(|(id, dispatch)| {
                let registry = dispatch.downcast_ref::<Registry>()?;
                registry.span(id)?.extensions_mut().remove::<Statements>()
            })
            .flatten()
            .ok_or(SuiteError::NotCounted)?;
        let all = statements.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok((output, all.into_iter().collect()))
    }

    /// All queries.
    pub fn total(&self) -> u64 {
        self.statements.values().sum()
    }

    /// Those that repeat an earlier one with, at most, other values.
    pub fn repeated(&self) -> u64 {
        self.statements.values().map(|times| times - 1).sum()
    }

    /// Records how many there are for the benchmark of this id: `queries` and
    /// `repeated_queries`.
    pub fn record(&self, id: &str) -> Result<(), RecordError> {
        record_count(id, "queries", self.total())?;
        record_count(id, "repeated_queries", self.repeated())
    }
}

fn record_count(id: &str, name: &str, count: u64) -> Result<(), RecordError> {
    record::value(id, &Metric::counted(name, Unit::Count), count as f64)
}

/// Records what was found by [`growing`] for the benchmark of this id, as
/// `growing_queries`: 0 is right.
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

/// The filter lets events through while there is one.
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
    /// The statement, normalised.
    pub statement: String,
    /// How often it is sent for one row.
    pub for_one: u64,
    /// How often for many.
    pub for_many: u64,
}

impl fmt::Display for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { statement, for_one, for_many } = self;
        write!(f, "sent {for_one} times for one row and {for_many} times for more: {statement}")
    }
}

/// What is sent more often for many rows than for one: a query a row, most
/// likely. A repeated statement alone is no sign of that.
///
/// Where it is meant to be so, the statement stands in `allowed`, with whatever
/// values.
pub fn growing(for_one: &Queries, for_many: &Queries, allowed: &[&str]) -> Vec<Growing> {
    let allowed: Vec<String> = allowed.iter().map(|statement| normalise(statement)).collect();
    let times = |statement| for_one.statements.get(statement).copied().unwrap_or(0);
    for_many
        .statements
        .iter()
        // What is not sent at all for one row, but once for many, is another way
        // of doing it, and not a query a row.
        .filter(|(statement, many)| **many > times(*statement).max(1))
        .filter(|(statement, _)| !allowed.contains(statement))
        .map(|(statement, many)| Growing {
            statement: statement.clone(),
            for_one: times(statement),
            for_many: *many,
        })
        .collect()
}
