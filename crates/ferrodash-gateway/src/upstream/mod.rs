//! The servers of the app: which one gets a request, how many calls run at a time, and what a
//! visitor gets if none of them answers.

mod headers;
mod limits;
mod link;
mod server;
mod tunnel;

use std::net::IpAddr;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, Uri};
use bytes::Bytes;
use http_body_util::BodyExt;
use tokio::time::timeout;

pub(crate) use headers::{make_anonymous, prepare};
pub(crate) use limits::{Busy, Limits};
pub use server::ServerReport;
pub(crate) use server::Unanswered;
pub(crate) use tunnel::is_upgrade;

use crate::config::Config;
use crate::reply::Reply;
use server::{Server, to_server};

/// The longest answer to a call, in bytes.
const LONGEST: usize = 256 << 20;

/// The servers of the app.
pub(crate) struct Upstreams {
    servers: Vec<Server>,
    timeout: Duration,
    pub(crate) limits: Limits,
}

impl Upstreams {
    pub(crate) fn new(config: &Config) -> Self {
        let servers = config.upstreams.iter().map(Server::new);
        Self {
            servers: servers.collect(),
            timeout: config.timeout,
            limits: Limits::new(config.running, config.waiting),
        }
    }

    /// Returns the states of the servers.
    pub(crate) fn report(&self) -> Vec<ServerReport> {
        self.servers.iter().map(Server::report).collect()
    }

    /// Passes a request on as it is, and its answer back, while both are being sent.
    ///
    /// # Errors
    /// If no server answers. A request whose body was not begun is tried on each server.
    pub(crate) async fn forward(
        &self,
        request: Request<Body>,
        peer: Option<IpAddr>,
    ) -> Result<Response<Body>, Unanswered> {
        if is_upgrade(&request) {
            return tunnel::open(self.choose(), request, peer).await;
        }
        let (mut parts, body) = request.into_parts();
        prepare(&mut parts.headers, peer);
        if hyper::body::Body::is_end_stream(&body) {
            return self
                .send(&parts.method, &parts.uri, &parts.headers, Bytes::new())
                .await;
        }
        let server = self.choose();
        let request = to_server(&parts.method, &parts.uri, &parts.headers, body);
        server.send(request, self.timeout).await
    }

    /// Calls the app, and returns its answer when its head is there.
    ///
    /// # Errors
    /// If no server answers, or not in time.
    pub(crate) async fn call(
        &self,
        uri: Uri,
        mut headers: HeaderMap,
        body: Bytes,
        peer: Option<IpAddr>,
    ) -> Result<Response<Body>, Unanswered> {
        prepare(&mut headers, peer);
        headers.remove(axum::http::header::ACCEPT_ENCODING);
        self.send(&Method::POST, &uri, &headers, body).await
    }

    /// Asks the app, and reads all of its answer.
    ///
    /// # Errors
    /// If no server answers, or not in time.
    pub(crate) async fn ask(
        &self,
        method: Method,
        uri: Uri,
        mut headers: HeaderMap,
        body: Bytes,
        peer: Option<IpAddr>,
    ) -> Result<Reply, Unanswered> {
        prepare(&mut headers, peer);
        self.ask_prepared(method, uri, headers, body).await
    }

    /// Like [`ask`](Self::ask), with headers that were prepared.
    pub(crate) async fn ask_prepared(
        &self,
        method: Method,
        uri: Uri,
        mut headers: HeaderMap,
        body: Bytes,
    ) -> Result<Reply, Unanswered> {
        // What is kept or changed has to be read.
        headers.remove(axum::http::header::ACCEPT_ENCODING);
        let answer = async {
            let response = self.send(&method, &uri, &headers, body).await?;
            read(response).await
        };
        match timeout(self.timeout, answer).await {
            Ok(reply) => reply,
            Err(_) => Err(Unanswered::TooSlow(self.timeout)),
        }
    }

    /// Reads an answer whose head is there.
    ///
    /// # Errors
    /// If it breaks off, or does not end in time.
    pub(crate) async fn read(&self, response: Response<Body>) -> Result<Reply, Unanswered> {
        match timeout(self.timeout, read(response)).await {
            Ok(reply) => reply,
            Err(_) => Err(Unanswered::TooSlow(self.timeout)),
        }
    }

    /// Sends a request to the least busy server, or to the next one if that cannot be connected to.
    async fn send(
        &self,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Body>, Unanswered> {
        let mut tried = Vec::new();
        loop {
            let place = self.choose_beside(&tried);
            let request = to_server(method, uri, headers, Body::from(body.clone()));
            match self.servers[place].send(request, self.timeout).await {
                Err(Unanswered::Unreachable(reason)) => {
                    tried.push(place);
                    if tried.len() == self.servers.len() {
                        return Err(Unanswered::Unreachable(reason));
                    }
                }
                answer => return answer,
            }
        }
    }

    fn choose(&self) -> &Server {
        &self.servers[self.choose_beside(&[])]
    }

    /// Returns the place of the server with the fewest open requests: of those that can be
    /// connected to, if there are any.
    fn choose_beside(&self, tried: &[usize]) -> usize {
        let fresh = self
            .servers
            .iter()
            .enumerate()
            .filter(|(place, _)| !tried.contains(place));
        let chosen = fresh.min_by_key(|(_, server)| server.load());
        chosen.map_or(0, |(place, _)| place)
    }
}

/// Reads all of an answer.
async fn read(response: Response<Body>) -> Result<Reply, Unanswered> {
    let (parts, body) = response.into_parts();
    let body = http_body_util::Limited::new(body, LONGEST);
    match body.collect().await {
        Ok(body) => Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body: body.to_bytes(),
        }),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Unanswered::TooLong),
        Err(error) => Err(Unanswered::Broken(error.to_string())),
    }
}
