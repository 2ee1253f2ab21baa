//! The user's own service, at `TARGET_URL`.

use hyper::Uri;
use hyper::http::uri::{Authority, Scheme};
use tokio::net::TcpStream;

use super::error::failed;
use super::{Call, Client, HttpError, Protocol};
use crate::services::Unavailable;
use crate::sizes;

/// The address of a service to measure. Only GET requests are sent to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    authority: Authority,
    host: String,
    port: u16,
    path: String,
}

fn unavailable(reason: impl Into<String>) -> Unavailable {
    Unavailable { reason: reason.into() }
}

impl Target {
    /// The service at `TARGET_URL`.
    pub fn find() -> Result<Self, Unavailable> {
        match std::env::var("TARGET_URL") {
            Ok(url) if !url.is_empty() => Self::at(&url),
            _ => Err(unavailable(
                "TARGET_URL is not set; set it to http://HOST:PORT/PATH to measure your own \
                 service",
            )),
        }
    }

    /// The service at a URL.
    pub fn at(url: &str) -> Result<Self, Unavailable> {
        let refused = |why: &str| {
            unavailable(format!(
                "TARGET_URL cannot be used: {why}; set it to http://HOST:PORT/PATH"
            ))
        };
        let uri: Uri = url.parse().map_err(|_| refused("it is not a URL"))?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            // TLS would be part of the measurement, in this process too.
            return Err(refused("only plain http can be measured, behind the TLS proxy"));
        }
        let authority = uri.authority().ok_or_else(|| refused("it has no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused("it holds a user or password, which are never sent"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(refused("it has no host"));
        }
        Ok(Self {
            host,
            port: authority.port_u16().unwrap_or(80),
            authority: authority.clone(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }

    /// Connects, and returns the connection with the call to measure. The call is tried
    /// twice: the service must answer with 200 and keep the connection.
    pub async fn connect(&self) -> Result<(Client, Call), Unavailable> {
        self.try_connect().await.map_err(|error| {
            unavailable(format!(
                "the service at TARGET_URL does not answer as it must: {error}; start it, set \
                 an address that answers GET with 200 and keeps the connection, or unset \
                 TARGET_URL"
            ))
        })
    }

    async fn try_connect(&self) -> Result<(Client, Call), HttpError> {
        let connecting = TcpStream::connect((self.host.as_str(), self.port));
        let stream = tokio::time::timeout(sizes::HTTP_TIMEOUT, connecting)
            .await
            .map_err(failed("connect in time"))?
            .map_err(failed("connect"))?;
        let client = Client::on(stream, self.authority.clone(), Protocol::Http1).await?;
        let call = client.get(&self.path)?;
        client.checksum_of(&call).await?;
        client.checksum_of(&call).await?;
        Ok((client, call))
    }
}
