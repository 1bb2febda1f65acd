//! One server of the app.

use std::error::Error as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, Response, StatusCode, Uri};
use ferrodash_serve::sync::lock;
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use tokio::time::{Instant, timeout};

use super::headers;
use super::link::Connector;
use crate::config::Upstream;

/// How long an idle connection is kept. gunicorn closes its own after two seconds.
const IDLE: Duration = Duration::from_millis(1500);

/// How long a server is not asked after it could not be connected to, unless all are so.
const PAUSE: Duration = Duration::from_secs(1);

/// One server.
pub(super) struct Server {
    address: Upstream,
    pub(super) client: Client<Connector, Body>,
    /// The requests that it has not answered yet.
    open: AtomicUsize,
    /// Until when it is asked only if no other can be.
    paused: Mutex<Option<Instant>>,
}

/// The state of a server, for reports.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerReport {
    /// Its address.
    pub address: String,
    /// The requests that it has not answered yet.
    pub open: usize,
    /// Whether it could be connected to when it was last tried.
    pub is_up: bool,
}

/// The reason why there is no answer of the app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Unanswered {
    /// No server could be connected to.
    Unreachable(String),
    /// The connection ended before the answer.
    Broken(String),
    /// The answer took too long.
    TooSlow(Duration),
    /// The answer is too long to be read.
    TooLong,
}

impl Unanswered {
    /// The status for the visitor. It is never 400 or 401, which the renderer hides.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::TooSlow(_) => StatusCode::GATEWAY_TIMEOUT,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}

impl Unanswered {
    /// Returns the text for the visitor, which says nothing about the servers of the app.
    pub(crate) fn text(&self) -> String {
        let text = match self {
            Self::TooSlow(_) => "the app did not answer in time",
            _ => "the app cannot be reached at the moment",
        };
        format!("{text}; try again\n")
    }
}

impl std::fmt::Display for Unanswered {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unreachable(reason) => write!(f, "the app cannot be reached: {reason}"),
            Self::Broken(reason) => write!(f, "the app closed the connection: {reason}"),
            Self::TooSlow(time) => write!(f, "the app did not answer within {time:?}"),
            Self::TooLong => f.write_str("the answer of the app is too long"),
        }
    }
}

impl Server {
    /// Creates a server, which is not connected to yet.
    pub(super) fn new(address: &Upstream) -> Self {
        Self {
            address: address.clone(),
            client: Client::builder(TokioExecutor::new())
                .pool_timer(TokioTimer::new())
                .pool_idle_timeout(IDLE)
                .build(Connector(address.clone())),
            open: AtomicUsize::new(0),
            paused: Mutex::new(None),
        }
    }

    pub(super) fn report(&self) -> ServerReport {
        ServerReport {
            address: self.address.to_string(),
            open: self.open.load(Ordering::Relaxed),
            is_up: !self.is_paused(),
        }
    }

    /// Returns what decides between servers: the smallest is asked.
    pub(super) fn load(&self) -> (bool, usize) {
        (self.is_paused(), self.open.load(Ordering::Relaxed))
    }

    fn is_paused(&self) -> bool {
        lock(&self.paused).is_some_and(|until| Instant::now() < until)
    }

    /// Sends a request, and returns the answer when its head is there.
    pub(super) async fn send(
        &self,
        request: Request<Body>,
        within: Duration,
    ) -> Result<Response<Body>, Unanswered> {
        self.open.fetch_add(1, Ordering::Relaxed);
        let _open = scopeguard::guard((), |()| {
            self.open.fetch_sub(1, Ordering::Relaxed);
        });
        let error = match timeout(within, self.client.request(request)).await {
            Ok(Ok(response)) => {
                *lock(&self.paused) = None;
                let (mut parts, body) = response.into_parts();
                headers::remove_hop_by_hop(&mut parts.headers);
                return Ok(Response::from_parts(parts, Body::new(body)));
            }
            Ok(Err(error)) => error,
            Err(_) => return Err(Unanswered::TooSlow(within)),
        };
        let reason = error.source().map_or_else(|| error.to_string(), root);
        if error.is_connect() {
            *lock(&self.paused) = Some(Instant::now() + PAUSE);
            return Err(Unanswered::Unreachable(format!(
                "{}: {reason}",
                self.address
            )));
        }
        Err(Unanswered::Broken(reason))
    }
}

/// Returns the text of the innermost cause.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    error.source().map_or_else(|| error.to_string(), root)
}

/// Makes the request to a server. Its address is that of the connection, so the URI has the host
/// only because clients need one.
pub(super) fn to_server(
    method: &Method,
    uri: &Uri,
    headers: &HeaderMap,
    body: Body,
) -> Request<Body> {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::new(body);
    *request.method_mut() = method.clone();
    *request.uri_mut() = Uri::builder()
        .scheme("http")
        .authority("app")
        .path_and_query(path)
        .build()
        .expect("it was that of a request");
    *request.headers_mut() = headers.clone();
    request
}
