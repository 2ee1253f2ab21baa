//! The routes and handlers of the service.

use axum::body::{Body, Bytes};
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use tower::ServiceExt as _;

use super::leads::Scorable;
use super::problem::Problem;
use super::response_cache::CACHE_STATUS;
use super::{Service, health};
use crate::cache::{Level, Payload};
use crate::inference::{LeadFields, features_of};
use crate::queries::{Connection, Form, Page};
use crate::sizes;
use crate::upstream::UpstreamError;

/// For responses that all clients may share, with their lifetime.
const SHARED: HeaderValue = HeaderValue::from_static("public, max-age=30");
/// For responses that must not be cached.
const UNSHARED: HeaderValue = HeaderValue::from_static("private, no-cache");

impl Service {
    /// The routes of the service, with the middleware in front.
    pub fn router(&self) -> Router {
        let bind = |routes: Router<Self>| routes.with_state(self.clone());
        let front = self.front();
        front.dress(bind(cached()), bind(uncached()), bind(operating()))
    }
}

/// Sends a request to routes without a socket, and returns the response.
pub async fn answer(router: &Router, request: Request) -> Response<Body> {
    match router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The cacheable routes.
fn cached() -> Router<Service> {
    Router::new().route("/organisations", get(organisations))
}

/// The uncacheable routes.
fn uncached() -> Router<Service> {
    Router::new()
        .route("/leads/{id}", get(lead))
        .route("/audit-logs", get(audit_logs))
        .route("/score", post(score))
        .route("/score/{lead}", get(score_lead))
        .route("/valuations/{property}", get(valuation))
}

/// The operational routes.
fn operating() -> Router<Service> {
    Router::new()
        .route("/health", get(health::live))
        .route("/health/detailed", get(health::detailed))
        .route("/metrics", get(metrics))
}

/// A payload as a body, without copying it.
fn body(payload: Payload) -> Body {
    Body::from(Bytes::from_owner(payload))
}

/// Where a lead was found (RFC 9211).
fn tier(level: Level) -> HeaderValue {
    HeaderValue::from_static(match level {
        Level::L1 => "leads-l1; hit",
        Level::L2 => "leads-l2; hit",
        Level::Source => "leads-l1; fwd=miss; stored",
    })
}

async fn lead(
    State(service): State<Service>,
    id: Result<Path<u32>, PathRejection>,
) -> Result<Response<Body>, Problem> {
    let Path(id) = id?;
    let found = service.leads().lookup(id).await?;
    let mut response = body(found.payload).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, UNSHARED);
    headers.insert(CACHE_STATUS, tier(found.level));
    Ok(response)
}

/// The query of a list: which page, and how it is fetched.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ListQuery {
    /// The last id of the previous page.
    after: Option<u32>,
    /// The maximum number of rows.
    rows: Option<u32>,
    #[serde(default)]
    form: FormName,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum FormName {
    #[default]
    Join,
    InBatch,
    NPlusOne,
}

impl ListQuery {
    fn page(&self) -> Result<Page, Problem> {
        let rows = self.rows.unwrap_or(sizes::PAGE_ROWS);
        if rows == 0 || rows > sizes::SERVICE_PAGE_ROWS_MAX {
            let most = sizes::SERVICE_PAGE_ROWS_MAX;
            return Err(Problem::new(StatusCode::BAD_REQUEST, format!("rows: 1 to {most}")));
        }
        Ok(Page { after: self.after.map(i64::from), rows })
    }
}

impl From<FormName> for Form {
    fn from(name: FormName) -> Self {
        match name {
            FormName::Join => Self::Join,
            FormName::InBatch => Self::InBatch,
            FormName::NPlusOne => Self::NPlusOne,
        }
    }
}

#[derive(Serialize)]
struct Listed<T> {
    items: Vec<T>,
    /// The `after` of the next page; `None` on the last page.
    next: Option<i64>,
}

impl<T> Listed<T> {
    fn new(items: Vec<T>, page: Page, id: impl Fn(&T) -> i64) -> Self {
        let full = items.len() == page.rows as usize;
        let next = items.last().filter(|_| full).map(id);
        Self { items, next }
    }
}

/// The requested page and form of a list, and a connection to read it.
async fn list_request(
    service: &Service,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<(Page, Form, Connection), Problem> {
    let Query(query) = query?;
    let page = query.page()?;
    Ok((page, query.form.into(), service.database().reader().acquire().await?))
}

async fn organisations(
    State(service): State<Service>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let (page, form, mut connection) = list_request(&service, query).await?;
    let found = connection.organisations(page, form).await?;
    // The bad example exists to be measured, so it is never answered from a cache.
    let control = if form == Form::NPlusOne { UNSHARED } else { SHARED };
    let listed = Listed::new(found, page, |found| found.organisation.id);
    Ok(([(CACHE_CONTROL, control)], Json(listed)))
}

async fn audit_logs(
    State(service): State<Service>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Problem> {
    let (page, form, mut connection) = list_request(&service, query).await?;
    let found = connection.audit_logs(page, form).await?;
    let listed = Listed::new(found, page, |log| log.id);
    Ok(([(CACHE_CONTROL, UNSHARED)], Json(listed)))
}

/// Features, or a lead to compute them from.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Unscored {
    Features(Vec<f32>),
    Lead(Box<UnscoredLead>),
}

/// The fields of [`LeadFields`]; missing ones are unknown.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct UnscoredLead {
    stage: String,
    source: String,
    location: String,
    email: String,
    budget: i64,
    rooms: u32,
    contacts: u32,
    created_at: i64,
    scored_at: i64,
}

impl UnscoredLead {
    fn fields(&self) -> LeadFields<'_> {
        let Self { stage, source, location, email, .. } = self;
        let Self { budget, rooms, contacts, created_at, scored_at, .. } = *self;
        LeadFields {
            stage,
            source,
            location,
            email,
            budget,
            rooms,
            contacts,
            created_at,
            scored_at,
        }
    }
}

#[derive(Serialize)]
struct Scored {
    score: f32,
}

async fn score(
    State(service): State<Service>,
    unscored: Result<Json<Unscored>, JsonRejection>,
) -> Result<Json<Scored>, Problem> {
    let Json(unscored) = unscored?;
    let features = match &unscored {
        Unscored::Features(features) => features.clone(),
        Unscored::Lead(lead) => features_of(&lead.fields()).to_vec(),
    };
    let width = service.batcher().width();
    if features.len() != width || features.iter().any(|feature| !feature.is_finite()) {
        let detail = format!("features: {width} finite numbers");
        return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, detail));
    }
    scored(&service, features).await
}

async fn scored(service: &Service, features: Vec<f32>) -> Result<Json<Scored>, Problem> {
    let score = service.batcher().score(features).await?;
    Ok(Json(Scored { score }))
}

async fn score_lead(
    State(service): State<Service>,
    id: Result<Path<u32>, PathRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Path(id) = id?;
    let found = service.leads().lookup(id).await?;
    let lead = Scorable::read(id, &found.payload)?;
    let scored = scored(&service, features_of(&lead.fields()).to_vec()).await?;
    Ok(([(CACHE_CONTROL, UNSHARED), (CACHE_STATUS, tier(found.level))], scored))
}

async fn valuation(
    State(service): State<Service>,
    property: Result<Path<u32>, PathRejection>,
) -> Result<impl IntoResponse, Problem> {
    let Path(property) = property?;
    let valuations =
        service.valuations().ok_or_else(|| Problem::not_found("no upstream is configured"))?;
    match valuations.batched(property.into()).await {
        Ok(Some(valuation)) => Ok(([(CACHE_CONTROL, SHARED)], Json(valuation))),
        Ok(None) => Err(Problem::not_found(format!("there is no property {property}"))),
        Err(error) => {
            tracing::warn!(%error, "the upstream gave no answer");
            Err(match error {
                UpstreamError::Open { .. } | UpstreamError::Lost => {
                    Problem::unavailable("the upstream is temporarily not asked")
                }
                UpstreamError::TimedOut { .. } => Problem::timed_out(),
                _ => Problem::new(StatusCode::BAD_GATEWAY, "the upstream gave no answer"),
            })
        }
    }
}

async fn metrics(State(service): State<Service>) -> Result<impl IntoResponse, Problem> {
    let metrics = service.front().metrics();
    let pool = service.database().reader();
    metrics.pool_connections.set(pool.size().into());
    metrics.pool_idle.set(i64::try_from(pool.idle()).unwrap_or(i64::MAX));
    let text = metrics.text().map_err(|error| {
        tracing::error!(%error, "the metrics cannot be encoded");
        Problem::internal()
    })?;
    Ok(([(CONTENT_TYPE, super::metrics::OPEN_METRICS)], text))
}
