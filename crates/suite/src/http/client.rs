//! A client with one connection that is kept between requests.

use std::net::SocketAddr;

use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::{http1, http2};
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::http::uri::{Authority, PathAndQuery, Scheme};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::sync::Mutex;

use super::HttpError;
use super::error::failed;
use crate::sizes;

/// The protocol of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Protocol {
    /// HTTP/1.1.
    Http1,
    /// HTTP/2 without TLS, with prior knowledge.
    H2,
}

#[derive(Debug)]
enum Connection {
    Http1(Mutex<http1::SendRequest<Full<Bytes>>>),
    H2(http2::SendRequest<Full<Bytes>>),
}

/// A client with one connection that is kept between requests.
///
/// It does not pool connections: a pooling client sometimes opens another connection
/// because the previous request has not returned its own yet.
#[derive(Debug)]
pub struct Client {
    connection: Connection,
    authority: Authority,
}

/// A request that is created once and sent many times, with the expected status.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
    expected: StatusCode,
}

impl Call {
    /// Sets a header, replacing an existing one.
    #[must_use]
    pub fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sets the method.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        Self { method, ..self }
    }

    /// Makes it a POST with a JSON body.
    #[must_use]
    pub fn json(self, body: impl Into<Bytes>) -> Self {
        let posted = self.method(Method::POST);
        let posted = posted.with(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Self { body: body.into(), ..posted }
    }

    /// Sets the expected status, which is 200 otherwise.
    #[must_use]
    pub fn expecting(self, expected: StatusCode) -> Self {
        Self { expected, ..self }
    }

    fn request(&self) -> Request<Full<Bytes>> {
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = self.headers.clone();
        request
    }
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, as it was sent: compressed if it was.
    pub body: Bytes,
}

impl Reply {
    /// The sum of the body's bytes.
    pub fn checksum(&self) -> u64 {
        self.body.iter().map(|byte| u64::from(*byte)).sum()
    }
}

impl Client {
    /// Connects to the server at `address`. The connection belongs to the current
    /// runtime.
    pub async fn connect(address: SocketAddr, protocol: Protocol) -> Result<Self, HttpError> {
        let authority =
            address.to_string().parse().map_err(failed("create the address of a request"))?;
        let stream = TcpStream::connect(address).await.map_err(failed("connect"))?;
        Self::on(stream, authority, protocol).await
    }

    /// Uses an open connection to the server called `authority`.
    pub async fn on(
        stream: TcpStream,
        authority: Authority,
        protocol: Protocol,
    ) -> Result<Self, HttpError> {
        stream.set_nodelay(true).map_err(failed("connect"))?;
        let stream = TokioIo::new(stream);
        // The request under way reports why a connection ended.
        let connection = match protocol {
            Protocol::Http1 => {
                let made = http1::handshake(stream).await;
                let (sender, connection) = made.map_err(failed("connect"))?;
                tokio::spawn(connection);
                Connection::Http1(Mutex::new(sender))
            }
            Protocol::H2 => {
                let made = http2::handshake(TokioExecutor::new(), stream).await;
                let (sender, connection) = made.map_err(failed("connect"))?;
                tokio::spawn(connection);
                Connection::H2(sender)
            }
        };
        Ok(Self { connection, authority })
    }

    /// Creates a GET request for a path and query.
    pub fn get(&self, path: &str) -> Result<Call, HttpError> {
        let path: PathAndQuery = path.parse().map_err(failed("create the address of a request"))?;
        let mut headers = HeaderMap::new();
        let mut uri = hyper::http::uri::Parts::default();
        uri.path_and_query = Some(path);
        match self.connection {
            Connection::Http1(_) => {
                let host = HeaderValue::try_from(self.authority.as_str());
                headers.insert(HOST, host.map_err(failed("create a header of a request"))?);
            }
            // h2 has no Host header; the address holds the host.
            Connection::H2(_) => {
                uri.scheme = Some(Scheme::HTTP);
                uri.authority = Some(self.authority.clone());
            }
        }
        let uri = Uri::from_parts(uri).map_err(failed("create the address of a request"))?;
        let (method, expected) = (Method::GET, StatusCode::OK);
        Ok(Call { method, uri, headers, body: Bytes::new(), expected })
    }

    /// Sends a request and reads the whole answer, within [`sizes::HTTP_TIMEOUT`]. On h2,
    /// several requests can be under way at once; on HTTP/1.1, they wait for each other.
    pub async fn send(&self, call: &Call) -> Result<Reply, HttpError> {
        tokio::time::timeout(sizes::HTTP_TIMEOUT, self.sent(call.request()))
            .await
            .map_err(failed("finish the round trip in time"))?
    }

    async fn sent(&self, request: Request<Full<Bytes>>) -> Result<Reply, HttpError> {
        let sending = failed("send the request");
        match &self.connection {
            Connection::Http1(sender) => {
                let mut sender = sender.lock().await;
                sender.ready().await.map_err(failed("reuse the connection"))?;
                // Locked until the body is read: the next request has to wait for that anyway.
                read(sender.send_request(request).await.map_err(sending)?).await
            }
            Connection::H2(sender) => {
                let mut sender = sender.clone();
                sender.ready().await.map_err(failed("reuse the connection"))?;
                read(sender.send_request(request).await.map_err(sending)?).await
            }
        }
    }

    /// Sends a request, checks the status and returns the checksum of the body.
    pub async fn checksum_of(&self, call: &Call) -> Result<u64, HttpError> {
        let reply = self.send(call).await?;
        if reply.status != call.expected {
            let (uri, status) = (call.uri.to_string(), reply.status.as_u16());
            return Err(HttpError::Status { uri, status });
        }
        Ok(reply.checksum())
    }
}

async fn read(response: Response<Incoming>) -> Result<Reply, HttpError> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(failed("read the reply"))?.to_bytes();
    Ok(Reply { status: parts.status, headers: parts.headers, body })
}
