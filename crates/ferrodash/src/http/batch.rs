//! `POST _ferrodash/batch`: many calls in one request, and their answers as each is done.
//!
//! A page that makes hundreds of calls at once waits for them behind the six connections that
//! browsers open to a server, and pays for each request. Only callbacks whose answers are nothing
//! but a body come here ([`Registered::is_batched`]); what the headers of a request say holds for
//! all of its calls.
//!
//! The body is a JSON array of what `_dash-update-component` takes. The answer is text in lines,
//! one for each call, in the order in which they are done ([`ferrodash_wire::line()`]), and blank
//! lines.
//!
//! [`Registered::is_batched`]: crate::callback::Registered::is_batched

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use ferrodash_serve::limits;
use ferrodash_serve::lines::{Calls, line, lines};
use ferrodash_serve::send::accepts;
use ferrodash_wire::{Accepts, KEEP};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::Instrument;

use super::intake::{callback, parse, parse_json, receive};
use super::rejection::Rejection;
use super::respond::respond;
use super::{decode, repeats};
use crate::callback::{Call, Context, RequestParts};
use crate::state::AppState;

/// The path to which many calls are sent, below the app's prefix.
pub(super) const PATH: &str = "_ferrodash/batch";

/// The number of calls of one request that run at a time. Those that wait for a data source are no
/// load, and what they load at the same time is one request to it.
const RUNNING: usize = 64;

/// The size of the largest body, in bytes; it is kept until the last of its calls is answered. Our
/// page sends a third of it at most.
const LARGEST: usize = 4 << 20;

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
    app.news.catch_up(&request.headers).await;
    let batch = Batch {
        app,
        request: Arc::new(request),
        client,
        waiting,
        span,
        is_stale,
    };
    Ok(lines(encoding, batch))
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

impl Calls for Batch {
    /// Starts calls until as many run as may, each in a task of its own, so that one that computes
    /// does not delay the others.
    fn start(&mut self, running: &mut JoinSet<Vec<u8>>) {
        let mut works = Vec::new();
        while running.len() + works.len() < RUNNING
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
                line(place, response, &TOLD).await
            };
            works.push(self.request.loads().run(work));
        }
        // All are there before the first one runs, so that they load together.
        for work in works {
            running.spawn(work.instrument(self.span.clone()));
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
