//! `POST _ferrodash/batch`: many calls in one request, and their answers as each is done.
//!
//! A page that asks for hundreds of calls at once waits for them behind the six connections that
//! browsers open to a server, and pays for each request. Only callbacks whose answers are nothing
//! but a body come here ([`Registered::is_batched`]); what the headers of a request say holds for
//! all of its calls.
//!
//! The body is a JSON array of what `_dash-update-component` takes. The answer is text in lines, one
//! for each call, in the order in which they are done ([`ferrodash_wire::line`]).

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
use futures_util::stream;
use http_body_util::BodyExt;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};
use tracing::Instrument;

use super::intake::{callback, parse, parse_json, receive};
use super::rejection::Rejection;
use super::respond::respond;
use super::send::{accepts, with_body};
use super::{decode, repeats};
use crate::callback::{Call, Context, RequestParts};
use crate::limits;
use crate::state::AppState;
use ferrodash_wire::{Accepts, LineBody, Stream};

/// Where many calls are sent, below the app's prefix.
pub(super) const PATH: &str = "_ferrodash/batch";

/// As many calls of one request run at a time as the renderer would have in progress.
const RUNNING: usize = 12;

/// Answers that are done within this time travel, and are drawn, together. Too short to be seen.
const TOGETHER: Duration = Duration::from_millis(20);

/// The largest body in bytes; it is kept until the last of its calls is answered. Our page sends a
/// third of it at most.
const LARGEST: usize = 4 << 20;

/// So many bytes are sent without waiting for more.
const ENOUGH: usize = 64 * 1024;

const LINES: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// The headers of an answer that a page looks at.
const TOLD: [&str; 3] = ["content-type", "cache-status", "server-timing"];

/// Calls of one request.
struct Batch {
    app: Arc<AppState>,
    request: Arc<RequestParts>,
    client: Option<IpAddr>,
    /// The texts of those that wait, the next one last. Each is read when its turn comes.
    waiting: Vec<(usize, Bytes)>,
    running: JoinSet<Vec<u8>>,
    stream: Stream,
    span: tracing::Span,
    is_stale: bool,
}

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

/// The texts of the calls with their places in the request, the first one last.
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

/// The call in a text, if it may be answered beside others.
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
    /// The next bytes of the answer; `None` after the last ones. What is done meanwhile waits until
    /// the page has taken these, and no more are started until then.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.fill();
        let Some(first) = self.running.join_next().await else {
            return self.stream.end();
        };
        // A task that panicked leaves its call without an answer, which the page takes as a broken
        // connection.
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
        Some(self.stream.write(lines).await)
    }

    fn fill(&mut self) {
        while self.running.len() < RUNNING
            && let Some((place, call)) = self.waiting.pop()
        {
            let (app, request, is_stale) = (self.app.clone(), self.request.clone(), self.is_stale);
            let client = self.client;
            let work = async move {
                let start = Instant::now();
                let answer = match app.limits.admit(client) {
                    Ok(_place) => answer(&app, (place, call), request, start).await,
                    Err(busy) => Err(busy.into()),
                };
                let answer = answer.map_err(|rejection| {
                    if is_stale {
                        rejection.for_stale_page()
                    } else {
                        rejection
                    }
                });
                line(place, answer.into_response()).await
            };
            self.running.spawn(work.instrument(self.span.clone()));
        }
    }
}

/// Reads one call and answers it.
async fn answer(
    app: &Arc<AppState>,
    (place, text): (usize, Bytes),
    request: Arc<RequestParts>,
    start: Instant,
) -> Result<Response, Rejection> {
    let shared = app.clone();
    let call = parse(text, move |text| prepare(&shared, text)).await?;
    let context = Context::new(Arc::new(call), request);
    repeats::refuse(app, &context, place).await?;
    respond(app, &context, Accepts::NOTHING, start).await
}

/// The line of an answer.
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

/// A header that may be there several times, as one (RFC 9110, section 5.3).
fn joined(headers: &HeaderMap, name: &str) -> String {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .collect::<Vec<_>>()
        .join(", ")
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes() == b"application/json")
}
