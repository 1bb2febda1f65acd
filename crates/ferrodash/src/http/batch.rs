//! `POST _ferrodash/batch`: many calls in one request, and their answers as each is done.
//!
//! A page that asks for hundreds of calls at once waits for them behind the six connections that browsers open to a
//! server, and pays for each request. Only callbacks whose answers are nothing but a body come here
//! ([`Registered::is_batched`]); what the headers of a request say holds for all of its calls.
//!
//! The body is a JSON array of what `_dash-update-component` takes. The answer is text in lines, one for each call, in
//! the order in which they are done: a JSON array of the call's place in the request, its status and its headers; a tab;
//! the body. Bodies that are not JSON are written as JSON strings, so a line ends where the answer does.

use std::collections::BTreeMap;
use std::io;
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

use super::etag::with_body;
use super::rejection::Rejection;
use super::update::{callback, read, refuse_other_types, respond};
use super::{decode, wire};
use crate::body::{Encoding, Stream};
use crate::callback::{Call, Context, RequestParts};
use crate::state::AppState;

/// Where many calls are sent, below the app's prefix.
pub(super) const PATH: &str = "_ferrodash/batch";

/// As many calls of one request run at a time as the renderer would have under way.
const RUNNING: usize = 12;

/// Answers that are done within this time travel, and are drawn, together. Too short to be seen.
const TOGETHER: Duration = Duration::from_millis(20);

/// The largest body in bytes; it is kept until the last of its calls is answered. Our page sends a third of it at most.
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
    /// Those that wait, the next one last.
    waiting: Vec<(usize, Prepared)>,
    running: JoinSet<Vec<u8>>,
    stream: Stream,
    span: tracing::Span,
    is_stale: bool,
}

type Prepared = Result<Call, Rejection>;

pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    request: Request,
    is_stale: bool,
) -> Result<Response, Rejection> {
    let (parts, body) = request.into_parts();
    refuse_other_types(&parts.headers)?;
    let body = read(body, app.config.max_body.min(LARGEST)).await?;
    let batch: wire::Batch<'_> =
        serde_json::from_slice(&body).map_err(|error| Rejection::Malformed(error.to_string()))?;
    let prepare = |(place, call): (usize, &wire::Call<'_>)| (place, prepare(&app, call, &body));
    let waiting = batch.0.iter().enumerate().map(prepare).rev().collect();
    // What the functions log belongs to the request, as it does for a call alone.
    let span = tracing::Span::current();
    let encoding =
        Encoding::of_stream(parts.headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()));
    let mut request = app.request(parts);
    // A call is the same call however it is sent, also for those that vary by the path.
    request.path = format!("{}_dash-update-component", app.config.routes_prefix);
    let (running, stream) = (JoinSet::new(), Stream::new(encoding));
    let batch = Batch { app, request: Arc::new(request), waiting, running, stream, span, is_stale };
    let body = HttpBody::from_stream(stream::unfold(batch, |mut batch| async {
        let bytes = batch.next().await?;
        Some((bytes, batch))
    }));
    let mut response = with_body(Bytes::new(), encoding, LINES);
    *response.body_mut() = body;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // nginx would otherwise gather the answers and pass them on at the end.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// The call that was sent, if it may be answered beside others.
fn prepare(app: &AppState, call: &wire::Call<'_>, body: &Bytes) -> Prepared {
    let callback = callback(app, call)?;
    match callback.is_batched() {
        true => decode::call(callback, call, body),
        false => Err(Rejection::NotBatched(callback.name().to_owned())),
    }
}

impl Batch {
    /// The next bytes of the answer; `None` after the last ones. What is done meanwhile waits until the page has taken
    /// these, and no more are started until then.
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.fill();
        let Some(first) = self.running.join_next().await else { return self.stream.end() };
        // A task that panicked leaves its call without an answer, which the page takes as a broken connection.
        let mut lines = first.unwrap_or_default();
        let until = Instant::now() + TOGETHER;
        while lines.len() < ENOUGH && Instant::now() < until {
            self.fill();
            let Ok(Some(line)) = timeout_at(until, self.running.join_next()).await else { break };
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
            let work = async move {
                let start = Instant::now();
                let answer = match call {
                    Ok(call) => respond(&app, &Context::new(Arc::new(call), request), Encoding::Identity, start).await,
                    Err(rejection) => Err(rejection),
                };
                let answer = answer.map_err(|rejection| if is_stale { rejection.for_stale_page() } else { rejection });
                line(place, answer.into_response()).await
            };
            self.running.spawn(work.instrument(self.span.clone()));
        }
    }
}

/// The line of an answer.
async fn line(place: usize, response: Response) -> Vec<u8> {
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let told = TOLD.iter().map(|name| (*name, joined(&parts.headers, name)));
    let told: BTreeMap<&str, String> = told.filter(|(_, value)| !value.is_empty()).collect();
    let head = (place, parts.status.as_u16(), told);
    let mut line = serde_json::to_vec(&head).expect("numbers and texts are JSON");
    line.push(b'\t');
    match is_json(&parts.headers) {
        // JSON that a function made itself may have lines; there they are only space.
        true => line.extend(body.iter().map(|byte| if *byte == b'\n' { b' ' } else { *byte })),
        false => line.extend(serde_json::to_vec(&String::from_utf8_lossy(&body)).expect("a text is JSON")),
    }
    line.push(b'\n');
    line
}

/// A header that may be there several times, as one (RFC 9110, section 5.3).
fn joined(headers: &HeaderMap, name: &str) -> String {
    headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(", ")
}

fn is_json(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes() == b"application/json")
}
