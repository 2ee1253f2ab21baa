//! The upstream's valuations of properties.

use std::collections::BTreeMap;
use std::ops::Range;

use hyper::body::Bytes;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::error::shared;
use super::{BatchConfig, BatchError, Batcher, Client, UpstreamError};

/// The value of a property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Valuation {
    /// The property.
    pub property: u64,
    /// Its price, in whole euros.
    pub euros: u64,
}

impl Valuation {
    /// The checksum of a valuation.
    pub fn checksum(&self) -> u64 {
        self.property.wrapping_mul(31).wrapping_add(self.euros)
    }
}

/// The upstream's valuation of a known property.
pub const fn valuation(property: u64) -> Valuation {
    Valuation { property, euros: 150_000 + property.wrapping_mul(7919) % 850_000 }
}

/// The upstream's valuations. A clone is another handle to the same client.
#[derive(Clone, Debug)]
pub struct Valuations {
    client: Client,
    batcher: Batcher<u64, Valuation, UpstreamError>,
}

impl Valuations {
    /// Requests valuations through a client. Batches are handled on the current runtime.
    ///
    /// # Panics
    ///
    /// If there is no current runtime.
    pub fn new(client: Client, batches: BatchConfig) -> Self {
        let lookup = {
            let client = client.clone();
            move |properties: Vec<u64>| {
                let client = client.clone();
                async move { many(&client, &properties).await }
            }
        };
        Self { client, batcher: Batcher::new(batches, lookup) }
    }

    /// The client.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Values one property with its own request; `None` for an unknown property.
    pub async fn one(&self, property: u64) -> Result<Option<Valuation>, UpstreamError> {
        let path = format!("/valuations/{property}");
        match self.client.get(&path).await {
            Ok(answer) => read(&path, &answer).map(Some),
            Err(UpstreamError::Status { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Values many properties with one request, skipping unknown ones.
    pub async fn many(
        &self,
        properties: &[u64],
    ) -> Result<BTreeMap<u64, Valuation>, UpstreamError> {
        many(&self.client, properties).await
    }

    /// Values one property, joined with concurrent lookups into a batch.
    pub async fn batched(&self, property: u64) -> Result<Option<Valuation>, UpstreamError> {
        self.batcher.get(property).await.map_err(|error| match error {
            BatchError::Lookup(error) => error,
            BatchError::Lost => UpstreamError::Lost,
        })
    }

    /// Values one property with its own request, and returns the checksum, or 0 for an
    /// unknown property.
    pub async fn checksum_of(&self, property: u64) -> Result<u64, UpstreamError> {
        Ok(self.one(property).await?.map_or(0, |valuation| valuation.checksum()))
    }

    /// Values each property on behalf of its own concurrent caller, with separate requests
    /// or [`batched`](Self::batched). Returns the sum of checksums.
    ///
    /// # Panics
    ///
    /// If a task panics.
    pub async fn crowd(&self, properties: Range<u64>, batched: bool) -> Result<u64, UpstreamError> {
        let mut callers = JoinSet::new();
        for property in properties {
            let this = self.clone();
            callers.spawn(async move {
                if batched { this.batched(property).await } else { this.one(property).await }
            });
        }
        callers.join_all().await.into_iter().try_fold(0_u64, |sum, found| {
            Ok(sum.wrapping_add(found?.map_or(0, |valuation| valuation.checksum())))
        })
    }

    /// Orders an appraisal. The request is never retried.
    pub async fn order(&self, property: u64) -> Result<(), UpstreamError> {
        self.client.post(&format!("/orders/{property}"), Bytes::new()).await.map(drop)
    }
}

async fn many(
    client: &Client,
    properties: &[u64],
) -> Result<BTreeMap<u64, Valuation>, UpstreamError> {
    if properties.is_empty() {
        return Ok(BTreeMap::new());
    }
    let ids: Vec<String> = properties.iter().map(u64::to_string).collect();
    let path = format!("/valuations?ids={}", ids.join(","));
    let found: Vec<Valuation> = read(&path, &client.get(&path).await?)?;
    Ok(found.into_iter().map(|valuation| (valuation.property, valuation)).collect())
}

fn read<'a, T: Deserialize<'a>>(path: &str, answer: &'a [u8]) -> Result<T, UpstreamError> {
    serde_json::from_slice(answer)
        .map_err(|source| UpstreamError::Answer { uri: path.to_owned(), source: shared(source) })
}
