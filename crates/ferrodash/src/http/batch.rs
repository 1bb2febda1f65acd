//! `POST _ferrodash/batch`: many calls in one request, and their answers as each is done.
//!
//! A page that makes hundreds of calls at once waits for them behind the six connections that
//! browsers open to a server, and pays for each request. Only callbacks whose answers are nothing
//! but a body come here ([`Registered::is_batched`]); what the headers of a request say holds for
//! all of its calls.
//!
//! The body is a JSON array of what `_dash-update-component` takes. The answer is text in lines, one
//! for each call, in the order in which they are done ([`ferrodash_wire::line()`]), and blank lines.
//!
//! [`Registered::is_batched`]: crate::callback::Registered::is_batched

use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ferrodash_serve::send::{accepts, with_body};
use ferrodash_wire::{Accepts, KEEP, LineBody, Stream};
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument;

use super::intake::{callback, parse, parse_json, receive};
use super::rejection::Rejection;
use super::respond::respond;
use super::{decode, repeats};
use crate::callback::{Call, Context, RequestParts};
use crate::limits;
use crate::state::AppState;

/// The path to which many calls are sent, below the app's prefix.
pub(super) const PATH: &str = "_ferrodash/batch";

/// The number of calls of one request that run at a time. Those that wait for a data source are no
/// load, and what they load at the same time is one request to it.
const RUNNING: usize = 64;

/// The time within which answers that are done are sent, and drawn, together. It is too short to be
/// seen.
const TOGETHER: Duration = Duration::from_millis(20);

/// The size of the largest body, in bytes; it is kept until the last of its calls is answered. Our
/// page sends a third of it at most.
const LARGEST: usize = 4 << 20;

/// The time after which a blank line is sent while no call is done. Proxies close connections on
/// which nothing comes: nginx after a minute by default.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A line without an answer. It also follows each piece of the answer, as some versions of Safari
/// keep a piece back until the next one comes.
const BLANK: &[u8] = b"\n";

/// The number of bytes that are sent without waiting for more answers.
const ENOUGH: usize = 64 * 1024;

/// The content type of the answer: a line is a value.
const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// The headers of an answer that a page looks at.
const TOLD: [&str; 4] = ["content-type", "cache-status", "server-timing", KEEP];

/// The calls of one request, while they are answered.
///
/// Dropping it, as when the page leaves, aborts the calls that run and discards those that wait.
struct Batch {
    app: Arc<AppState>,
    /// The parts of the request, which all calls share.
    request: Arc<RequestParts>,
    client: Option<IpAddr>,
    /// The texts of those that wait, the next one last. Each is read when its turn comes.
    waiting: Vec<(usize, Bytes)>,
    /// The calls that run; each task returns its line.
    running: JoinSet<Vec<u8>>,
    /// The encoder of the answer.
    stream: Stream,
    /// The span of the request, in which the tasks log.
    span: tracing::Span,
    /// True if the page is of another build.
    is_stale: bool,
}

/// Reads the calls of a request and answers with a stream of lines.
///
/// `is_stale` says that the page is of another build; refusals then say so.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    request: Request,
    is_stale: bool,
) -> Result<Response, Rejection> {
    // While its calls are read, a request counts as one of them; then each counts for itself.
    let (parts, body, place) = receive(&app, request, app.config.max_body.min(LARGEST)).await?;
    let client = limits::client(&parts);
    let waiting = parse(body, calls).await?;
    drop(place);
    // What the functions log belongs to the request, as it does for a call alone.
    let span = tracing::Span::current();
    let encoding = accepts(&parts.headers).of_stream();
    let mut request = app.request(parts);
    // A call is the same call however it is sent, also for those that vary by the path.
    request.path = format!("{}_dash-update-component", app.config.routes_prefix);
    app.catch_up(&request.headers).await;
    let (running, stream) = (JoinSet::new(), Stream::new(encoding));
    let batch = Batch {
        app,
        request: Arc::new(request),
        client,
        waiting,
        running,
        stream,
        span,
        is_stale,
    };
    let body = HttpBody::from_stream(stream::unfold(batch, |mut batch| async {
        let bytes = batch.next().await?;
        Some((bytes, batch))
    }));
    let mut response = with_body(Bytes::new(), encoding, LINES);
    *response.body_mut() = body;
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would otherwise gather the answers and pass them on at the end.
    response
        .headers_mut()
        .insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// Returns the texts of the calls with their places in the request, the first one last, as calls
/// are taken from the end.
fn calls(body: &Bytes) -> Result<Vec<(usize, Bytes)>, Rejection> {
    let batch: ferrodash_wire::Batch<'_> = parse_json(body)?;
    let texts = batch
        .0
        .iter()
        .map(|call| body.slice_ref(call.get().as_bytes()));
    Ok(texts
        .enumerate()
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect())
}

/// Reads the call in a text, if it may be answered beside others.
fn prepare(app: &AppState, text: &Bytes) -> Result<Call, Rejection> {
    let sent: ferrodash_wire::Call<'_> = parse_json(text)?;
    let callback = callback(app, &sent)?;
    if callback.is_batched() {
        decode::call(callback, &sent, text)
    } else {
        Err(Rejection::NotBatched(callback.name().to_owned()))
    }
}

impl Batch {
    /// Returns the next bytes of the answer; `None` after the last ones.
    ///
    /// Calls that end meanwhile wait until the page has taken these bytes, and no more are started
    /// until then: a page that reads slowly does not fill the memory of the server.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.fill();
        let first = match timeout(KEEP_ALIVE, self.running.join_next()).await {
            Ok(Some(first)) => first,
            Ok(None) => return self.stream.end(),
            Err(_) => return Some(self.stream.write(BLANK.to_vec()).await),
        };
        // A task that panicked leaves its call without an answer, which the page takes as a broken
        // connection. The panic hook has reported it.
        let mut lines = first.unwrap_or_default();
        let until = Instant::now() + TOGETHER;
        while lines.len() < ENOUGH && Instant::now() < until {
            self.fill();
            let Ok(Some(line)) = timeout_at(until, self.running.join_next()).await else {
                break;
            };
            lines.extend(line.unwrap_or_default());
        }
        self.fill();
        lines.extend(BLANK);
        Some(self.stream.write(lines).await)
    }

    /// Starts calls until as many run as may, each in a task of its own, so that one that computes
    /// does not delay the others.
    fn fill(&mut self) {
        let mut works = Vec::new();
        while self.running.len() + works.len() < RUNNING
            && let Some((place, call)) = self.waiting.pop()
        {
            let (app, request, is_stale) = (self.app.clone(), self.request.clone(), self.is_stale);
            let client = self.client;
            let work = async move {
                let start = Instant::now();
                // The place is taken when the call starts, not when the request comes: calls that
                // wait are no load.
                let answer = match app.limits.admit(client) {
                    Ok(_place) => answer(&app, client, (place, call), request, start).await,
                    Err(busy) => Err(busy.into()),
                };
                let answer = answer.map_err(|rejection| {
                    if is_stale {
                        rejection.for_stale_page()
                    } else {
                        rejection
                    }
                });
                let mut response = answer.into_response();
                if is_stale {
                    // The page would keep it under an address of its own build.
                    response.headers_mut().remove(KEEP);
                }
                line(place, response).await
            };
            works.push(self.request.loads().run(work));
        }
        // All are there before the first one runs, so that they load together.
        for work in works {
            self.running.spawn(work.instrument(self.span.clone()));
        }
    }
}

/// Reads one call and answers it.
async fn answer(
    app: &Arc<AppState>,
    client: Option<IpAddr>,
    (place, text): (usize, Bytes),
    request: Arc<RequestParts>,
    start: Instant,
) -> Result<Response, Rejection> {
    app.count(client, &request)?;
    let shared = app.clone();
    let call = parse(text, move |text| prepare(&shared, text)).await?;
    let context = Context::new(Arc::new(call), request);
    repeats::refuse(app, &context, place).await?;
    respond(app, &context, Accepts::NOTHING, start).await
}

/// Writes the line of an answer.
async fn line(place: usize, response: Response) -> Vec<u8> {
    let (parts, body) = response.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    let told = TOLD
        .iter()
        .map(|name| (*name, joined(&parts.headers, name)));
    let told: BTreeMap<&str, String> = told.filter(|(_, value)| !value.is_empty()).collect();
    let body = if is_json(&parts.headers) {
        LineBody::Json(&body)
    } else {
        LineBody::Text(&body)
    };
    ferrodash_wire::line(place, parts.status.as_u16(), &told, body)
}

/// Returns a header that may be there several times, as one (RFC 9110, section 5.3).
fn joined(headers: &HeaderMap, name: &str) -> String {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(", ")
}

/// Returns whether a body is JSON, so that it can be part of a line as it is.
fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes() == b"application/json")
}
