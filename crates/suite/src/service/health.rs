//! The health of the service and of its parts.
//!
//! `/health` checks no part: a supervisor must not restart the process because a database
//! is down. `/health/detailed` checks each part. It answers 503 if the database or
//! inference is down, and 200 with `degraded` if Redis or the upstream is down, which the
//! service can do without.

use std::collections::BTreeMap;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;

use super::Service;
use crate::{SuiteError, sizes, upstream};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Up,
    Degraded,
    Down,
}

#[derive(Debug, Serialize)]
pub(super) struct Live {
    status: Status,
}

#[derive(Debug, Serialize)]
struct Part {
    status: Status,
    /// Only of parts that were asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: Status,
    parts: BTreeMap<&'static str, Part>,
}

/// Answers that the process is alive.
pub(super) async fn live() -> Json<Live> {
    Json(Live { status: Status::Up })
}

/// Checks all parts concurrently.
pub(super) async fn detailed(State(service): State<Service>) -> (StatusCode, Json<Health>) {
    let database = async {
        let mut connection = service.database().reader().acquire().await?;
        connection.lead(1).await?;
        Ok(())
    };
    let inference = async {
        let width = service.batcher().width();
        service.batcher().score(vec![0.0; width]).await?;
        Ok(())
    };
    let redis = async {
        match service.leads().redis() {
            // Lead 0 does not exist, but any answer will do.
            Some(redis) => {
                let get = async {
                    redis.get(0).await?;
                    Ok(())
                };
                Some(part(get).await)
            }
            None => None,
        }
    };
    let (database, inference, redis) = tokio::join!(part(database), part(inference), redis);

    let mut status = database.status.max(inference.status);
    let mut parts = BTreeMap::from([("database", database), ("inference", inference)]);
    if let Some(redis) = redis {
        if redis.status == Status::Down {
            status = status.max(Status::Degraded);
        }
        parts.insert("redis", redis);
    }
    if let Some(valuations) = service.valuations() {
        // Not asked, as a service in trouble should not get more requests; the state of
        // its breaker is enough.
        let part = match valuations.client().breaker().state() {
            upstream::State::Closed => Part { status: Status::Up, latency_ms: None },
            _ => Part { status: Status::Degraded, latency_ms: None },
        };
        status = status.max(part.status);
        parts.insert("upstream", part);
    }
    let code = match status {
        Status::Down => StatusCode::SERVICE_UNAVAILABLE,
        Status::Up | Status::Degraded => StatusCode::OK,
    };
    (code, Json(Health { status, parts }))
}

/// The health of a part, from its answer within the time limit.
async fn part(asked: impl Future<Output = Result<(), SuiteError>>) -> Part {
    let start = Instant::now();
    let answer = tokio::time::timeout(sizes::SERVICE_HEALTH_TIMEOUT, asked).await;
    let latency_ms = start.elapsed().as_secs_f64() * 1e3;
    let status = match answer {
        Ok(Ok(())) => Status::Up,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a part of the service is down");
            Status::Down
        }
        Err(_) => Status::Down,
    };
    Part { status, latency_ms: Some(latency_ms) }
}
