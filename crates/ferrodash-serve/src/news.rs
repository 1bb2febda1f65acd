//! What was invalidated, for pages that keep answers.
//!
//! A page asks once when it is loaded, and again after it may have missed something. In between,
//! one page of each browser listens to the events (Server-Sent Events, WHATWG HTML section 9.2) and
//! passes them on to the others.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::sse::Event;
use axum::response::{IntoResponse, Response, Sse};
use ferrodash_cache::{Cache, Changes, Stamp};
use ferrodash_wire::{Encoding, PageChanges};
use futures_util::future::{Either, pending, select};
use futures_util::stream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};

use crate::Names;
use crate::connection::Stopping;
use crate::limits::{Busy, CallPlace, Limits, Place};
use crate::send::{JSON, NO_STORE, with_body};

/// The number of pages that may listen to events at a time, of all clients and of one. Others ask.
const MOST_FOLLOWERS: usize = 5000;
const MOST_FOLLOWERS_OF_ONE: usize = 500;

/// The time for which a page waits for a store that does not answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// The interval at which an event is sent while nothing changes. The page opens the connection
/// again if it hears nothing for longer, and proxies close connections that are idle.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// The changes of this time are one event.
const TOGETHER: Duration = Duration::from_millis(50);

/// The number of names that a page is sent. If there are more, it compares all that it has.
const MOST_NAMES: usize = 1000;

/// What pages that keep answers learn of what was invalidated.
pub struct News {
    cache: Cache,
    names: Names,
    /// The pages that listen to events.
    followers: Limits,
}

impl News {
    /// Creates the news of a cache.
    pub fn new(cache: Cache, names: Names) -> Self {
        Self {
            cache,
            names,
            followers: Limits::new(Some(MOST_FOLLOWERS), Some(MOST_FOLLOWERS_OF_ONE)),
        }
    }

    /// Answers with what has changed `since` a moment that the page got, and with the names of
    /// `scopes`. A page of another build, which `is_stale`, has other names.
    ///
    /// # Errors
    /// [`Busy`] if the store does not answer: the page then keeps nothing.
    pub async fn changes(
        &self,
        since: &str,
        headers: &HeaderMap,
        is_stale: bool,
        scopes: Vec<String>,
    ) -> Result<Response, Busy> {
        wait_for_store(&mut self.cache.follow_changes()).await?;
        let seen = read_moment(since).filter(|_| !is_stale);
        let (_, changes) = self.changes_since(seen);
        let changes = PageChanges {
            scopes: (!is_stale).then_some(scopes),
            fresh: is_hard_reload(headers),
            ..changes
        };
        let body = changes.to_json().into();
        Ok(not_stored(with_body(body, Encoding::Identity, JSON)))
    }

    /// Answers with an event for what has changed `since` a moment, and one for each change from
    /// then on, until the page leaves or the server is to stop.
    ///
    /// # Errors
    /// [`Busy`] if the server is to stop, if too many pages listen, or if the store does not
    /// answer. The page then asks by itself.
    pub async fn events(
        self: &Arc<Self>,
        since: &str,
        is_stale: bool,
        client: Option<IpAddr>,
        stopping: Option<Stopping>,
    ) -> Result<Response, Busy> {
        if stopping.as_ref().is_some_and(Stopping::has_begun) {
            return Err(Busy("this app"));
        }
        let place = self.followers.admit(client)?;
        let mut moments = self.cache.follow_changes();
        wait_for_store(&mut moments).await?;
        let follower = Follower {
            moments,
            stopping,
            seen: read_moment(since),
            is_stale,
            is_first: true,
            news: self.clone(),
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

    /// Looks at the store, if the page that sends a request knows of a later change than this
    /// process.
    pub async fn catch_up(&self, headers: &HeaderMap) {
        let seen = headers.get("x-ferrodash-seen");
        let seen = seen.and_then(|seen| read_moment(seen.to_str().ok()?));
        if let Some(seen) = seen {
            self.cache.catch_up(seen).await;
        }
    }

    /// Returns what has changed since a moment, with the names that pages know.
    fn changes_since(&self, seen: Option<Stamp>) -> (Stamp, PageChanges) {
        let Changes { now, selectors } = self.cache.changes_since(seen.unwrap_or_default());
        let selectors = selectors.filter(|all| all.len() <= MOST_NAMES);
        let name = |selector| self.names.selector(&selector);
        let changes = PageChanges {
            seen: format!("{:x}.{}", now.era, now.sequence),
            changed: selectors.map(|all| all.into_iter().map(name).collect()),
            scopes: None,
            fresh: false,
        };
        (now, changes)
    }
}

/// A page that listens.
struct Follower {
    news: Arc<News>,
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
        let (now, changes) = self.news.changes_since(seen);
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

/// Waits until the moment of the store is known, for a while.
///
/// # Errors
/// If it does not become known.
async fn wait_for_store(moments: &mut watch::Receiver<Stamp>) -> Result<(), Busy> {
    let known = moments.wait_for(|moment| moment.era != 0);
    match timeout(PATIENCE, known).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(Busy("the cache's store")),
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
