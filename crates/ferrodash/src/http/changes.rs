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
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response, Sse};
use ferrodash_cache::{Changes, Stamp};
use ferrodash_serve::Stopping;
use ferrodash_serve::send::{JSON, NO_STORE, with_body};
use ferrodash_wire::{Encoding, PageChanges};
use futures_util::future::{Either, pending, select};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use super::client::refuse_other_sites;
use super::guard::is_stale;
use super::rejection::Rejection;
use crate::limits::{self, CallPlace, Place};
use crate::state::AppState;

/// The paths of the two routes below the app's prefix.
pub(super) const CHANGES: &str = "_ferrodash/changes";
pub(super) const EVENTS: &str = "_ferrodash/events";

/// The time for which a page waits for a store that does not answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// The interval at which an event is sent while nothing changes. The page opens the connection
/// again if it hears nothing for longer, and proxies close connections that are idle.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The changes of this time are one event.
const TOGETHER: Duration = Duration::from_millis(50);

/// The number of names that a page is sent. If there are more, it compares all that it has.
const MOST_NAMES: usize = 1000;

/// The query of both routes.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// The last moment that the page knows, in the form in which it got it.
    #[serde(default)]
    since: String,
    /// The build of the page, which events cannot have in a header.
    b: Option<String>,
}

/// Answers with what has changed since the page last knew, and with the names of the scopes.
///
/// # Errors
/// [`Rejection::Busy`] if the store does not answer: the page then keeps nothing.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Rejection> {
    let (parts, _) = request.into_parts();
    let _place = app.limits.admit(limits::client(&parts))?;
    refuse_other_sites(&parts.headers)?;
    wait_for_store(&mut app.cache.follow_changes()).await?;
    let fresh = is_hard_reload(&parts.headers);
    let is_stale = is_stale(&app, &parts.headers);
    let seen = read_moment(&parameters.since).filter(|_| !is_stale);
    let request = app.request(parts);
    // A page of another build has other names.
    let scopes = (!is_stale).then(|| app.scopes.names(&request));
    let (_, changes) = app.changes_since(seen);
    let changes = PageChanges {
        scopes,
        fresh,
        ..changes
    };
    let body = changes.to_json().into();
    Ok(not_stored(with_body(body, Encoding::Identity, JSON)))
}

/// Answers with an event for what has changed since the page last knew, and one for each change
/// from then on, until the page leaves or the server is to stop.
///
/// # Errors
/// [`Rejection::Busy`] if the server is to stop, if too many pages listen, or if the store does not
/// answer. The page then asks by itself.
pub(super) async fn events(
    State(app): State<Arc<AppState>>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Rejection> {
    let (parts, _) = request.into_parts();
    refuse_other_sites(&parts.headers)?;
    let stopping = parts.extensions.get::<Stopping>().cloned();
    if stopping.as_ref().is_some_and(Stopping::has_begun) {
        return Err(Rejection::Busy("this app"));
    }
    let place = app.followers.admit(limits::client(&parts))?;
    let mut moments = app.cache.follow_changes();
    wait_for_store(&mut moments).await?;
    let is_stale = parameters.b.is_some_and(|build| build != app.build_id);
    let follower = Follower {
        moments,
        stopping,
        seen: read_moment(&parameters.since),
        is_stale,
        is_first: true,
        app,
        _place: place,
    };
    let events = stream::unfold(follower, |mut follower| async {
        let event = follower.next().await?;
        Some((Ok::<_, Infallible>(event), follower))
    });
    let mut response = Sse::new(events).into_response();
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
    /// `true` if the page is of another build, and so does not know the names of this one.
    is_stale: bool,
    is_first: bool,
    /// Its place among the pages that listen.
    _place: (Place, CallPlace),
}

impl Follower {
    /// Waits for the next event. Returns `None` when the server is to stop.
    async fn next(&mut self) -> Option<Event> {
        // The first one comes at once, so that the page knows that events come through.
        if !std::mem::take(&mut self.is_first) {
            self.changed().await?;
        }
        self.moments.mark_unchanged();
        let seen = self.seen.filter(|_| !self.is_stale);
        let (now, changes) = self.app.changes_since(seen);
        self.seen = Some(now);
        Some(Event::default().data(changes.to_json()))
    }

    /// Waits for a change, or until it is time for an event without one. Returns `None` when the
    /// server is to stop.
    async fn changed(&mut self) -> Option<()> {
        let changed = async {
            if let Ok(changed) = timeout(KEEP_ALIVE, self.moments.changed()).await {
                changed.ok()?;
                sleep(TOGETHER).await;
            }
            Some(())
        };
        let stopped = async {
            match &mut self.stopping {
                Some(stopping) => stopping.begun().await,
                None => pending().await,
            }
        };
        match select(pin!(changed), pin!(stopped)).await {
            Either::Left((changed, _)) => changed,
            Either::Right(_) => None,
        }
    }
}

impl AppState {
    /// Returns what has changed since a moment, with the names that pages know.
    fn changes_since(&self, seen: Option<Stamp>) -> (Stamp, PageChanges) {
        let Changes { now, selectors } = self.cache.changes_since(seen.unwrap_or_default());
        let selectors = selectors.filter(|all| all.len() <= MOST_NAMES);
        let name = |selector| self.scopes.selector(&selector);
        let changes = PageChanges {
            seen: format!("{:x}.{}", now.era, now.sequence),
            changed: selectors.map(|all| all.into_iter().map(name).collect()),
            scopes: None,
            fresh: false,
        };
        (now, changes)
    }

    /// Looks at the store, if the page that sends a request knows of a later change than this
    /// process.
    pub(super) async fn catch_up(&self, headers: &HeaderMap) {
        let seen = headers.get("x-ferrodash-seen");
        let seen = seen.and_then(|seen| read_moment(seen.to_str().ok()?));
        if let Some(seen) = seen {
            self.cache.catch_up(seen).await;
        }
    }
}

/// Waits until the moment of the store is known, for a while.
///
/// # Errors
/// If it does not become known.
async fn wait_for_store(moments: &mut watch::Receiver<Stamp>) -> Result<(), Rejection> {
    let known = moments.wait_for(|moment| moment.era != 0);
    match timeout(PATIENCE, known).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(Rejection::Busy("the cache's store")),
    }
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
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, NO_STORE);
    response
}
