//! `GET _ferrodash/changes` and `GET _ferrodash/events`: what was invalidated, for pages that keep
//! answers.
//!
//! A page asks once when it is loaded, and again after it may have missed something. In between,
//! one page of each browser listens to the events (Server-Sent Events, WHATWG HTML section 9.2) and
//! passes them on to the others.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use ferrodash_cache::Stamp;
use ferrodash_wire::{Encoding, PageChanges};
use futures_util::future::{Either, pending, select};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::timeout;

use super::client::refuse_other_sites;
use super::rejection::Rejection;
use super::send::{JSON, with_body};
use crate::limits;
use crate::serve::Stopping;
use crate::state::AppState;

/// The paths of the two routes below the app's prefix.
pub(super) const CHANGES: &str = "_ferrodash/changes";
pub(super) const EVENTS: &str = "_ferrodash/events";

/// The time for which a page waits for a store that does not answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// The interval at which a comment is sent while nothing changes, for proxies that close idle
/// connections.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The query of both routes.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// The last moment that the page knows, in the form in which it got it.
    #[serde(default)]
    since: String,
}

/// Answers with what has changed since the page last knew, and with the names of the scopes.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Rejection> {
    let (parts, _) = request.into_parts();
    let _place = app.limits.admit(limits::client(&parts))?;
    refuse_other_sites(&parts.headers)?;
    let mut moments = app.cache.follow_changes();
    wait_for_store(&mut moments).await;
    let fresh = is_hard_reload(&parts.headers);
    let request = app.request(parts);
    let changes = PageChanges {
        scopes: Some(app.scopes.names(&request)),
        fresh,
        ..app.changes_since(read_moment(&parameters.since))
    };
    Ok(not_stored(with_body(
        changes.to_json().into(),
        Encoding::Identity,
        JSON,
    )))
}

/// Answers with an event for what has changed since the page last knew, and one for each change
/// from then on, until the page leaves or the server is to stop.
pub(super) async fn events(
    State(app): State<Arc<AppState>>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Rejection> {
    let (parts, _) = request.into_parts();
    refuse_other_sites(&parts.headers)?;
    let follower = Follower {
        moments: app.cache.follow_changes(),
        stopping: parts.extensions.get::<Stopping>().cloned(),
        seen: read_moment(&parameters.since),
        app,
        is_first: true,
    };
    let events = stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let alive = KeepAlive::new().interval(KEEP_ALIVE);
    let mut response = Sse::new(events).keep_alive(alive).into_response();
    // nginx would otherwise gather the events and pass them on when it has enough.
    let headers = response.headers_mut();
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(not_stored(response))
}

/// A page that listens.
struct Follower {
    app: Arc<AppState>,
    moments: watch::Receiver<Stamp>,
    stopping: Option<Stopping>,
    seen: Option<Stamp>,
    is_first: bool,
}

impl Follower {
    /// Waits for the next event. Returns `None` when the server is to stop.
    async fn next(&mut self) -> Option<Event> {
        if self.is_first {
            // At once, so that the page knows that events come through.
            wait_for_store(&mut self.moments).await;
            self.is_first = false;
        } else {
            let changed = self.moments.changed();
            let stopped = async {
                match &mut self.stopping {
                    Some(stopping) => stopping.begun().await,
                    None => pending().await,
                }
            };
            match select(pin!(changed), pin!(stopped)).await {
                Either::Left((Ok(()), _)) => {}
                _ => return None,
            }
        }
        self.moments.mark_unchanged();
        let changes = self.app.changes_since(self.seen);
        self.seen = read_moment(&changes.seen);
        Some(Event::default().data(changes.to_json()))
    }
}

impl AppState {
    /// Returns what has changed since a moment, with the names that pages know.
    fn changes_since(&self, seen: Option<Stamp>) -> PageChanges {
        let changes = self.cache.changes_since(seen.unwrap_or_default());
        let name = |selector| self.scopes.selector(&selector);
        PageChanges {
            seen: format!("{:x}.{}", changes.now.era, changes.now.sequence),
            changed: changes
                .selectors
                .map(|all| all.into_iter().map(name).collect()),
            scopes: None,
            fresh: false,
        }
    }
}

/// Waits until the moment of the store is known, or for a while.
async fn wait_for_store(moments: &mut watch::Receiver<Stamp>) {
    let known = moments.wait_for(|moment| moment.era != 0);
    let _ = timeout(PATIENCE, known).await;
}

/// Reads a moment as it was sent to the page.
fn read_moment(text: &str) -> Option<Stamp> {
    let (era, sequence) = text.split_once('.')?;
    Some(Stamp {
        era: u64::from_str_radix(era, 16).ok()?,
        sequence: sequence.parse().ok()?,
    })
}

/// Returns whether the user has reloaded the page without caches, as browsers say in each request
/// of such a load.
fn is_hard_reload(headers: &HeaderMap) -> bool {
    let value = headers.get(header::CACHE_CONTROL);
    value.is_some_and(|value| value.as_bytes() == b"no-cache")
}

fn not_stored(mut response: Response) -> Response {
    let value = HeaderValue::from_static("no-store");
    response.headers_mut().insert(header::CACHE_CONTROL, value);
    response
}
