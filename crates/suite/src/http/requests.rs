//! The requests that benchmarks send, with the answers that they must get.

use std::io::Read as _;

use hyper::StatusCode;
use hyper::header::{ACCEPT_ENCODING, HeaderValue, IF_NONE_MATCH};
use serde::Serialize;
use serde_json::json;

use super::{Call, Client, HttpError};
use crate::queries::{AuditLog, Lead, OrganisationUsers};
use crate::{cache, inference, sizes};

/// The path of the cacheable list.
pub(super) const PAGE: &str = "/organisations";
const GZIP: HeaderValue = HeaderValue::from_static("gzip");

/// The score of the first row of features according to numpy; `scripts/models` prints it.
const FIRST_SCORE: f64 = 0.293_679;

/// The requests of a benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requests {
    /// The liveness check.
    Health,
    /// [`sizes::HTTP_LEADS`] leads.
    Leads,
    /// The first page of organisations.
    Page,
    /// The same page, compressed.
    PageGzip,
    /// The same page, which the client already has.
    PageNotModified,
    /// The same page, fetched with one query per row.
    PageNPlusOne,
    /// The latest page of audit logs.
    AuditLogs,
    /// The score of a row of features.
    Score,
    /// The scores of the same leads as [`Leads`](Self::Leads).
    LeadScores,
}

/// The ids of the leads that benchmarks request, in an order that no prefetcher follows.
pub(super) fn lead_ids() -> Vec<u32> {
    cache::order(sizes::LEADS, sizes::HTTP_LEADS).map(|number| number + 1).collect()
}

impl Requests {
    /// Creates the calls for a client. Each is sent once, to check the answer; so leads are in
    /// the process's cache afterwards.
    ///
    /// # Panics
    ///
    /// If an answer is wrong.
    pub async fn calls(self, client: &Client) -> Result<Vec<Call>, HttpError> {
        match self {
            Self::Health => {
                let call = client.get("/health")?;
                check(client, &call, &json!({ "status": "up" })).await?;
                Ok(vec![call])
            }
            Self::Leads => leads(client).await,
            Self::Page => Ok(vec![page(client, "").await?]),
            Self::PageNPlusOne => Ok(vec![page(client, "?form=n-plus-one").await?]),
            Self::PageGzip => gzipped_page(client).await,
            Self::PageNotModified => {
                let call = page(client, "").await?;
                let tag = client.send(&call).await?.headers["etag"].clone();
                Ok(vec![call.with(IF_NONE_MATCH, tag).expecting(StatusCode::NOT_MODIFIED)])
            }
            Self::AuditLogs => audit_logs(client).await,
            Self::Score => score(client).await,
            Self::LeadScores => {
                leads(client).await?;
                lead_ids().iter().map(|id| client.get(&format!("/score/{id}"))).collect()
            }
        }
    }
}

/// Checks that the answer has the checksum of this JSON, which does not depend on the order
/// of its keys.
async fn check(client: &Client, call: &Call, expected: &impl Serialize) -> Result<(), HttpError> {
    let sum = client.checksum_of(call).await?;
    let expected = serde_json::to_vec(expected).expect("JSON");
    assert_eq!(sum, expected.iter().map(|byte| u64::from(*byte)).sum::<u64>(), "{call:?}");
    Ok(())
}

async fn leads(client: &Client) -> Result<Vec<Call>, HttpError> {
    let mut calls = Vec::new();
    for id in lead_ids() {
        let call = client.get(&format!("/leads/{id}"))?;
        check(client, &call, &Lead::seeded(id - 1)).await?;
        calls.push(call);
    }
    Ok(calls)
}

async fn page(client: &Client, query: &str) -> Result<Call, HttpError> {
    let call = client.get(&format!("{PAGE}{query}"))?;
    let rows = sizes::PAGE_ROWS;
    let items: Vec<OrganisationUsers> = (0..rows).map(OrganisationUsers::seeded).collect();
    check(client, &call, &json!({ "items": items, "next": rows })).await?;
    Ok(call)
}

async fn gzipped_page(client: &Client) -> Result<Vec<Call>, HttpError> {
    let plain = page(client, "").await?;
    let compressed = plain.clone().with(ACCEPT_ENCODING, GZIP);
    let (plain, reply) = (client.send(&plain).await?, client.send(&compressed).await?);
    let mut inflated = Vec::new();
    let mut decoder = flate2::read::GzDecoder::new(&*reply.body);
    decoder.read_to_end(&mut inflated).expect("gzip");
    assert_eq!(inflated, plain.body, "the compressed page");
    Ok(vec![compressed])
}

async fn audit_logs(client: &Client) -> Result<Vec<Call>, HttpError> {
    let call = client.get("/audit-logs")?;
    let (all, rows) = (sizes::AUDIT_LOGS, sizes::PAGE_ROWS);
    let items: Vec<AuditLog> = (1..=rows).map(|back| AuditLog::seeded(all - back)).collect();
    check(client, &call, &json!({ "items": items, "next": all - rows + 1 })).await?;
    Ok(vec![call])
}

async fn score(client: &Client) -> Result<Vec<Call>, HttpError> {
    let features = json!({ "features": inference::features(1) });
    let call = client.get("/score")?.json(features.to_string());
    let reply = client.send(&call).await?;
    let reply: serde_json::Value = serde_json::from_slice(&reply.body).expect("JSON");
    let score = reply["score"].as_f64().expect("a score");
    assert!((score - FIRST_SCORE).abs() < 1e-4, "{score}");
    Ok(vec![call])
}
