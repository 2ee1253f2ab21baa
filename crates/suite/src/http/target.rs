//! A service of the user's own, which `TARGET_URL` names.

use hyper::Uri;
use hyper::http::uri::{Authority, Scheme};
use tokio::net::TcpStream;

use super::{Call, Client, Protocol, failed};
use crate::services::Unavailable;
use crate::{SuiteError, sizes};

/// The address of a service to measure. It is asked by GET, and nothing else.
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
    /// What `TARGET_URL` names.
    pub fn find() -> Result<Self, Unavailable> {
        match std::env::var("TARGET_URL") {
            Ok(url) if !url.is_empty() => Self::at(&url),
            _ => Err(unavailable(
                "TARGET_URL is not set; set it to http://HOST:PORT/PATH to measure a service of \
                 your own",
            )),
        }
    }

    /// What this URL names.
    pub fn at(url: &str) -> Result<Self, Unavailable> {
        let refused = |why: &str| {
            unavailable(format!(
                "TARGET_URL cannot be used: {why}; set it to http://HOST:PORT/PATH"
            ))
        };
        let uri: Uri = url.parse().map_err(|_| refused("it is no URL"))?;
        if uri.scheme() != Some(&Scheme::HTTP) {
            // TLS would be measured with it, in this process too.
            return Err(refused("only plain http is measured, behind whatever ends TLS"));
        }
        let authority = uri.authority().ok_or_else(|| refused("it names no host"))?;
        if authority.as_str().contains('@') {
            return Err(refused("it holds a password, and nothing is sent with one"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        if host.is_empty() {
            return Err(refused("it names no host"));
        }
        Ok(Self {
            host,
            port: authority.port_u16().unwrap_or(80),
            authority: authority.clone(),
            path: uri.path_and_query().map_or("/", |path| path.as_str()).to_owned(),
        })
    }

    /// A connection to it, and the call that is measured on it. Two of these are
    /// tried: it must answer with 200 and keep the connection.
    pub async fn connect(&self) -> Result<(Client, Call), Unavailable> {
        self.tried().await.map_err(|error| {
            unavailable(format!(
                "the service that TARGET_URL names does not answer as it must: {error}; start it, \
                 name an address that GET answers with 200 on a kept connection, or unset \
                 TARGET_URL"
            ))
        })
    }

    async fn tried(&self) -> Result<(Client, Call), SuiteError> {
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
