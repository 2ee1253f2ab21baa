//! Whether the service lives, and how its parts do.
//!
//! `/health` asks no part: who restarts a process by it must not do so because a
//! database is down. `/health/detailed` asks each of them, and answers 503 where
//! one is down that the service cannot do without. Redis and an upstream it can do
//! without: where one of these is down, the answer is 200 and `degraded`.

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
    /// Where it was asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency_ms: Option<f64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Health {
    status: Status,
    parts: BTreeMap<&'static str, Part>,
}

/// The process answers.
pub(super) async fn live() -> Json<Live> {
    Json(Live { status: Status::Up })
}

/// Each part is asked, all at once.
pub(super) async fn detailed(State(service): State<Service>) -> (StatusCode, Json<Health>) {
    let database = async {
        let mut connection = service.database().reader().acquire().await?;
        connection.lead(1).await?;
        Ok(())
    };
    let inference = async {
        let width = service.batcher().width();
        service.batcher().score(vec![0.0; width]).await.map(|_| ())
    };
    let redis = async {
        match service.leads().redis() {
            // Lead 0 does not exist: whatever the answer, it is one.
            Some(redis) => Some(part(async { redis.get(0).await.map(|_| ()) }).await),
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
        // Not asked: its breaker knows, and asking would be one more request to a
        // service that may be in trouble.
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

/// How a part does, by what it answers in time.
async fn part(asked: impl Future<Output = Result<(), SuiteError>>) -> Part {
    let start = Instant::now();
    let answer = tokio::time::timeout(sizes::SERVICE_HEALTH_TIMEOUT, asked).await;
    let latency_ms = start.elapsed().as_secs_f64() * 1e3;
    let status = match answer {
        Ok(Ok(())) => Status::Up,
        Ok(Err(error)) => {
            tracing::warn!(%error, "a part is down");
            Status::Down
        }
        Err(_) => Status::Down,
    };
    Part { status, latency_ms: Some(latency_ms) }
}
