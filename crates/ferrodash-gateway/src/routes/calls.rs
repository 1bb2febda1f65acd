//! Calls of callbacks: `POST _dash-update-component`.
//!
//! A call of a callback for which nothing is declared is passed on, and its answer is compressed.
//! Others are read: inputs that waited are put back, and answers may be kept.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_cache::{Entry, Status};
use ferrodash_serve::body::{self, Begun, Reading, Unread, is_json};
use ferrodash_serve::cache_status::describe;
use ferrodash_serve::send::{JSON, NO_STORE, accepts, with_body};
use ferrodash_wire::{Accepts, Encoding, KEEP, Keep, compress_once};
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::forward::{self, unanswered};
use super::request::peer;
use crate::ask::{Ask, busy};
use crate::cached::{Outcome, SharedAnswer, Wish};
use crate::call::{self, Call};
use crate::counters::{Answered, Visitor};
use crate::dash::{Callback, KeptAnswers, Site};
use crate::identity::{Asker, identity, values};
use crate::reply::Reply;
use crate::state::State;

/// In a request the version of the page, in an answer that of the gateway when it is another one.
pub(super) const BUILD: HeaderName = HeaderName::from_static("x-ferrodash-build");

/// The header by which a page learns that a cookie was set.
const COOKIES: HeaderName = HeaderName::from_static("x-ferrodash-cookies");

/// The parts of a query by which Dash names a background callback.
const BACKGROUND: [&str; 4] = ["cacheKey", "job", "oldJob", "cancelJob"];

/// The longest answer of a call that is compressed, in bytes. Longer ones are passed on.
const COMPRESSED: u64 = 16 << 20;

/// The longest call that is read although it is too long to be kept, in bytes.
const LONGEST: usize = 64 << 20;

/// A call as it came.
pub(super) struct Incoming {
    pub(super) prefix: String,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) peer: Option<IpAddr>,
}

/// Answers a call.
pub(super) async fn serve(state: &Arc<State>, prefix: &str, request: Request) -> Response {
    if !is_json(request.headers()) || is_background(request.uri()) {
        return forward::serve(state, request).await;
    }
    let peer = peer(&request);
    let (parts, body) = request.into_parts();
    // A long body is counted until the call is answered.
    let (body, _held) = match body::begin(body, state.config.max_keyed).await {
        Ok(Begun::Whole(body)) => (body, None),
        Ok(Begun::Start(start, rest)) => {
            let is_read = is_read(state, prefix, &parts.headers, peer, &start).await;
            let body = again(start, rest);
            if !is_read {
                return large(state, Request::from_parts(parts, body)).await;
            }
            match long(&parts.headers, body).await {
                Ok((body, held)) => (body, Some(held)),
                Err(reason) => return unread(reason),
            }
        }
        Err(reason) => return unread(reason),
    };
    let accepts = accepts(&parts.headers);
    let call = Incoming {
        prefix: prefix.to_owned(),
        uri: parts.uri,
        headers: parts.headers,
        body,
        peer,
    };
    answer(state, call, accepts).await
}

/// Reads a long call, and counts it among the bodies in memory.
async fn long(headers: &HeaderMap, body: Body) -> Result<(Bytes, Reading), Unread> {
    let body = body::read(headers, body, LONGEST).await?;
    let held = body::hold(&body)?;
    Ok((body, held))
}

fn is_background(uri: &Uri) -> bool {
    let query = uri.query().unwrap_or_default();
    let names = query.split('&').map(|pair| pair.split('=').next());
    names.flatten().any(|name| BACKGROUND.contains(&name))
}

/// Returns a body that begins with what was read of it.
fn again(start: Bytes, rest: Body) -> Body {
    let start = stream::iter([Ok(start)]);
    Body::from_stream(start.chain(rest.into_data_stream()))
}

/// The answer to a call, or to several of them, that cannot be read.
pub(super) fn unread(reason: Unread) -> Response {
    let (status, text) = match reason {
        Unread::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "the request is too long\n"),
        Unread::Incomplete => (StatusCode::BAD_REQUEST, "the request broke off\n"),
        Unread::TooSlow => (StatusCode::REQUEST_TIMEOUT, "the request came too slowly\n"),
        Unread::Busy => return busy().into_response(),
    };
    Reply::text(status, text.to_owned()).into_response()
}

/// Returns whether a long call is read to its end: its inputs have to be put back, or it
/// invalidates something.
async fn is_read(
    state: &State,
    prefix: &str,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
    start: &[u8],
) -> bool {
    let site = state
        .sites
        .known(&state.upstreams, prefix, headers, peer)
        .await;
    let (Some(site), Some(output)) = (site, call::first_output(start)) else {
        return false;
    };
    let callback = site.app.callbacks.get(&output);
    callback.is_some_and(|callback| callback.waits() || !callback.invalidates.is_empty())
}

/// Passes a long call on, when it is its turn.
async fn large(state: &State, request: Request) -> Response {
    let Ok(turn) = state.upstreams.limits.turn().await else {
        return busy().into_response();
    };
    let response = forward::serve(state, request).await;
    drop(turn);
    response
}

/// Answers a call whose body was read.
pub(super) async fn answer(state: &Arc<State>, call: Incoming, accepts: Accepts) -> Response {
    let start = Instant::now();
    let known = state
        .sites
        .known(&state.upstreams, &call.prefix, &call.headers, call.peer)
        .await;
    // What is read borrows from it.
    let body = call.body.clone();
    let read = Call::read(&body);
    let output = read
        .as_ref()
        .and_then(|read| Some(read.output()?.into_owned()));
    let (Some(newest), Some(read), Some(output)) = (known, read, output) else {
        return pass(state, call, None, accepts).await;
    };
    let build = build_of(&call.headers);
    let site = build.and_then(|build| state.sites.version(&call.prefix, build));
    let is_stale = build.is_some_and(|build| !state.sites.is_current(&call.prefix, build));
    // A page of another version sends what that version declared.
    let site = site.unwrap_or_else(|| newest.clone());
    let callback = newest
        .app
        .callbacks
        .get(&output)
        .and_then(|newest| site.app.callbacks.get(&output).or(Some(newest)));
    let response = match callback {
        Some(callback) if callback.is_declared() => {
            let callback = callback.clone();
            declared(state, &site, &callback, (call, read), accepts, start).await
        }
        Some(callback) => pass(state, call, Some(callback), accepts).await,
        None if is_stale => gone(),
        // Its name is what somebody has made up.
        None => pass(state, call, None, accepts).await,
    };
    let response = if is_stale {
        tell(response, &newest)
    } else {
        response
    };
    tell_of_cookies(response, &newest)
}

/// Lets the page know if a cookie was set and answers that it keeps depend on whose it is.
fn tell_of_cookies(mut response: Response, site: &Site) -> Response {
    let headers = response.headers_mut();
    if headers.contains_key(header::SET_COOKIE) && !site.settings.scopes().is_empty() {
        headers.insert(COOKIES, HeaderValue::from_static("set"));
    }
    response
}

fn build_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(BUILD)?.to_str().ok()
}

/// The answer to a page that calls what the app does not have any more.
fn gone() -> Response {
    let text = "the app was changed; reload the page\n".to_owned();
    Reply::text(StatusCode::GONE, text).into_response()
}

/// Names the version of the app in the answer to a page of another one, which may not keep it.
fn tell(mut response: Response, site: &Site) -> Response {
    let headers = response.headers_mut();
    headers.remove(KEEP);
    let build = HeaderValue::try_from(&site.build).expect("a build is hex");
    headers.insert(BUILD, build);
    response
}

/// Answers a call of a callback for which something is declared.
async fn declared(
    state: &Arc<State>,
    site: &Site,
    callback: &Arc<Callback>,
    (call, mut read): (Incoming, Call<'_>),
    accepts: Accepts,
    start: Instant,
) -> Response {
    // What is longer is made into no key.
    let is_keyed = call.body.len() <= state.config.max_keyed;
    let kept = callback.kept.as_ref().filter(|_| is_keyed);
    let with_trigger = kept.is_none_or(|kept| kept.with_trigger);
    if read.restore(callback, with_trigger).is_none() {
        return pass(state, call, Some(callback), accepts).await;
    }
    let ask = Arc::new(Ask {
        upstreams: state.upstreams.clone(),
        cache: state.answers.cache.clone(),
        counters: state.counters.clone(),
        callback: callback.clone(),
        uri: call.uri,
        headers: call.headers,
        body: read.body(&call.body),
        peer: call.peer,
        is_shared: kept.is_some_and(|kept| kept.is_shared),
        arrived: start,
    });
    let Some(kept) = kept else {
        return sent(ask.send().await, accepts).await;
    };
    let (headers, secret) = (&ask.headers, state.config.secret.as_deref());
    state.news.catch_up(headers).await;
    let asker = Asker::of(headers, &ask.uri, kept, secret);
    let key = read.key(&kept.name, kept.with_trigger, &asker);
    if !kept.is_shared && !state.guard_allows(headers, ask.peer).await {
        return sent(ask.send().await, accepts).await;
    }
    match state.answers.get(kept, key, &ask, Wish::of(headers)).await {
        Outcome::Own(reply) => sent(reply, accepts).await,
        Outcome::Shared(answer) => {
            let keep = state.keep(site, callback, kept, &answer, headers);
            shared(answer, kept, keep, accepts, start)
        }
    }
}

/// Sends an answer that is kept.
fn shared(
    answer: SharedAnswer,
    kept: &KeptAnswers,
    keep: Option<Keep>,
    accepts: Accepts,
    start: Instant,
) -> Response {
    let (encoding, bytes) = answer.body.choose(accepts);
    let mut response = with_body(bytes, encoding, JSON);
    let sent = response.headers_mut();
    for (name, value) in &answer.headers {
        sent.append(name, value.clone());
    }
    sent.insert(header::CACHE_CONTROL, NO_STORE);
    let ages = ages(&answer.entry, kept);
    describe(sent, Some(answer.status), ages, start.elapsed());
    if let Some(keep) = keep {
        let value = HeaderValue::try_from(keep.to_json());
        let value = value.expect("names and digits are a header value");
        sent.insert(HeaderName::from_static(KEEP), value);
    }
    response
}

/// Returns how old an answer is, and by how much it is past its timeout.
fn ages(entry: &Entry, kept: &KeptAnswers) -> (Duration, Duration) {
    let age = entry.age();
    (age, age.saturating_sub(kept.policy.timeout))
}

impl State {
    /// Returns whether the app's guard lets the sender of a request have what is kept for it.
    async fn guard_allows(&self, headers: &HeaderMap, peer: Option<IpAddr>) -> bool {
        let Some(guard) = &self.config.guard else {
            return true;
        };
        let Ok(uri) = guard.parse() else {
            return false;
        };
        let mut headers = headers.clone();
        headers.remove(header::CONTENT_TYPE);
        let asked = self
            .upstreams
            .ask(Method::GET, uri, headers, Bytes::new(), peer);
        asked.await.is_ok_and(|reply| reply.status.is_success())
    }

    /// Returns what a page learns with an answer that it may keep.
    fn keep(
        &self,
        site: &Site,
        callback: &Callback,
        kept: &KeptAnswers,
        answer: &SharedAnswer,
        headers: &HeaderMap,
    ) -> Option<Keep> {
        /// More names make a header that proxies refuse.
        const MOST_NAMES: usize = 64;
        let client = kept.client?;
        let (entry, status) = (&answer.entry, answer.status);
        let selectors = &entry.parts().selectors;
        let is_kept = !matches!(status, Status::Miss { stored: false } | Status::Bypass);
        if !is_kept || selectors.len() > MOST_NAMES {
            return None;
        }
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let (age, late) = ages(entry, kept);
        let fresh = entry.remaining().unwrap_or_default();
        let policy = &kept.policy;
        let scope = site.settings.place(callback);
        Some(Keep {
            fresh: millis(fresh.min(client.saturating_sub(age))),
            stale: millis(policy.stale_while_revalidate.saturating_sub(late)),
            error: millis(policy.stale_if_error.saturating_sub(late)),
            on: selectors
                .iter()
                .map(|selector| self.names.selector(selector))
                .collect(),
            scope: scope.map(|place| self.scope_name(&site.settings.scopes()[place], headers)),
        })
    }

    /// Returns the name of a scope for the sender of a request.
    pub(super) fn scope_name(&self, scope: &crate::dash::Scope, headers: &HeaderMap) -> String {
        let secret = self.config.secret.as_deref();
        let who = identity(headers, scope.identity.as_deref(), secret);
        let vary = values(headers, &scope.vary, secret);
        self.names.scope(std::iter::once(Some(who)).chain(vary))
    }
}

/// Passes a call on, when it is its turn, and compresses the answer.
async fn pass(
    state: &State,
    call: Incoming,
    callback: Option<&Arc<Callback>>,
    accepts: Accepts,
) -> Response {
    let arrived = Instant::now();
    let Ok(turn) = state.upstreams.limits.turn().await else {
        return busy().into_response();
    };
    let visitor = Visitor::of(&call.headers, call.peer);
    let start = Instant::now();
    let response = state
        .upstreams
        .call(call.uri, call.headers, call.body.clone(), call.peer)
        .await;
    let response = match response {
        Ok(response) => response,
        Err(reason) => return unanswered(&reason),
    };
    let is_short = axum::body::HttpBody::size_hint(response.body())
        .exact()
        .is_some_and(|length| length <= COMPRESSED);
    if !is_short {
        // It is sent as it comes, for as long as the visitor stays.
        return response;
    }
    let reply = match state.upstreams.read(response).await {
        Ok(reply) => reply,
        Err(reason) => return unanswered(&reason),
    };
    drop(turn);
    if let Some(callback) = callback {
        state.counters.count(&Answered {
            callback,
            body: &call.body,
            visitor,
            reply: &reply,
            arrived,
            took: start.elapsed(),
        });
    }
    sent(reply, accepts).await
}

/// Sends an answer of the app to one caller, compressed if it is JSON, as far as it says.
async fn sent(reply: Reply, accepts: Accepts) -> Response {
    if !(reply.is_json() || reply.has_no_type()) || reply.body.is_empty() {
        return reply.into_response();
    }
    let (encoding, body) = compress_once(reply.body.clone(), accepts).await;
    let mut response = Reply { body, ..reply }.into_response();
    let headers = response.headers_mut();
    if encoding != Encoding::Identity
        && let Some(name) = encoding.name()
    {
        let name = HeaderValue::from_static(name);
        headers.insert(header::CONTENT_ENCODING, name);
        let vary = HeaderValue::from_static("accept-encoding");
        headers.append(header::VARY, vary);
        headers.remove(header::ETAG);
    }
    response
}
