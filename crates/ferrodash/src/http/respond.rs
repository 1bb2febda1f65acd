//! The response of a call: its body, and headers that say what the cache and the function did.
//!
//! `Cache-Status` follows RFC 9211:
//!
//! ```text
//! ferrodash; hit; detail=memory         from a tier
//! ferrodash; hit; ttl=-30; detail=redis stale for 30 seconds
//! ferrodash; fwd=miss; stored           the function ran, its answer is stored
//! ferrodash; fwd=miss; collapsed        joined the run of an equal call
//! ferrodash; fwd=request                the cache was left aside for this call
//! ferrodash; fwd=bypass                 the callback has no cache
//! ```
//!
//! `Server-Timing` has the time of the whole call, and is what Dash's developer tools show.

use std::fmt::Write as _;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use ferrodash_cache::Status;
use ferrodash_wire::{Accepts, compress_once};
use tokio::time::Instant;

use super::keep;
use super::rejection::Rejection;
use super::send::{JSON, NO_STORE, empty, with_body};
use crate::callback::run::answer::{Answered, Content, answer};
use crate::callback::{CallError, Context, Effects, Header, Timing};
use crate::state::AppState;

const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");
const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Answers a call with a response of its own, also if it came in a batch, where its parts become a
/// line.
///
/// `start` is when the call was received. `accepts` is nothing for calls of a batch, whose answer
/// is compressed as a whole.
pub(super) async fn respond(
    app: &AppState,
    context: &Context,
    accepts: Accepts,
    start: Instant,
) -> Result<Response, Rejection> {
    let answered = run(app, context).await?;
    refuse_headers_in_batch(app, context)?;
    let (status, age, late) = (answered.status, answered.age, answered.late);
    let mut response = match answered.content {
        Content::Nothing => empty(StatusCode::NO_CONTENT),
        Content::Encoded(body) => {
            let (encoding, bytes) = body.choose(accepts);
            with_body(bytes, encoding, JSON)
        }
        // Made for this call only, so at most one compressed form is worth its time.
        Content::Plain(body) => {
            let (encoding, bytes) = compress_once(body, accepts).await;
            with_body(bytes, encoding, JSON)
        }
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    keep::tell(headers, app, context, answered.kept.as_ref());
    describe(headers, status, (age, late), start.elapsed());
    add_effects(headers, context.effects());
    keep::tell_of_cookies(headers, app);
    Ok(response)
}

/// Answers a call; a failure names the callback.
pub(super) async fn run(app: &AppState, context: &Context) -> Result<Answered, Rejection> {
    answer(&app.cache, context)
        .await
        .map_err(|error| failed(app, context, error))
}

/// The refusal of a call that failed.
fn failed(app: &AppState, context: &Context, error: CallError) -> Rejection {
    Rejection::Failed {
        callback: context.call().callback.name().to_owned(),
        error,
        show: app.config.debug,
    }
}

/// Fails a call that set headers although its callback is declared `batch`, also if it came alone:
/// whether it travels with others depends on what else the page requests.
fn refuse_headers_in_batch(app: &AppState, context: &Context) -> Result<(), Rejection> {
    let callback = &context.call().callback;
    match callback
        .callback
        .spec
        .batch
        .then(|| context.effects().first_header())
        .flatten()
    {
        None => Ok(()),
        Some(name) => Err(failed(
            app,
            context,
            CallError::EffectInBatch(format!("the header {name}")),
        )),
    }
}

/// Adds the cookies, headers and timings that the function set. They are taken, so a second call
/// adds nothing.
///
/// Headers of the function come after those of the server and can replace them, but for the ones
/// that [`Context::set_header`](crate::Context::set_header) refuses.
pub(super) fn add_effects(headers: &mut HeaderMap, effects: &Effects) {
    for Header {
        name,
        value,
        append,
    } in effects.take_headers()
    {
        if append {
            headers.append(name, value);
        } else {
            headers.insert(name, value);
        }
    }
    for Timing {
        name,
        duration,
        description,
    } in effects.take_timings()
    {
        // The front end splits at commas, and quotes would end the text.
        let clean = |text: &str| text.replace([',', '"', '\\', ';'], " ");
        let milliseconds = duration.as_secs_f64() * 1e3;
        let text = format!(
            "{};desc=\"{}\";dur={milliseconds:.3}",
            clean(&name).replace(' ', "_"),
            clean(&description)
        );
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.append(SERVER_TIMING, value);
        }
    }
}

/// Adds headers about what the cache did (RFC 9211) and how long it took.
///
/// `status` is `None` for a callback without a cache. A stale answer also has `Age`, and `late` is
/// by how much it is past its timeout.
pub(super) fn describe(
    headers: &mut HeaderMap,
    status: Option<Status>,
    (age, late): (Duration, Duration),
    elapsed: Duration,
) {
    let (cache_status, what) = match status {
        None => (
            HeaderValue::from_static("ferrodash; fwd=bypass"),
            "uncached",
        ),
        Some(Status::Hit { tier }) => (hit(tier), "hit"),
        Some(Status::Stale { tier }) => {
            headers.insert(header::AGE, HeaderValue::from(age.as_secs()));
            (stale(tier, late), "stale")
        }
        Some(Status::Bypass) => (HeaderValue::from_static("ferrodash; fwd=request"), "bypass"),
        Some(Status::Collapsed) => (
            HeaderValue::from_static("ferrodash; fwd=miss; collapsed"),
            "collapsed",
        ),
        Some(Status::Miss { stored: true }) => (
            HeaderValue::from_static("ferrodash; fwd=miss; stored"),
            "miss",
        ),
        // A miss whose answer is not stored, and outcomes that the cache may get later.
        Some(_) => (HeaderValue::from_static("ferrodash; fwd=miss"), "miss"),
    };
    headers.insert(CACHE_STATUS, cache_status);
    headers.insert(SERVER_TIMING, timing(what, elapsed));
}

/// The time that a call took, in milliseconds.
fn timing(what: &str, elapsed: Duration) -> HeaderValue {
    let (milliseconds, rest) = (elapsed.as_millis(), elapsed.subsec_micros() % 1000);
    let mut text = String::with_capacity(48);
    // Writing whole numbers takes a tenth of the time that a fraction takes.
    let _ = write!(
        text,
        "ferrodash;desc=\"{what}\";dur={milliseconds}.{rest:03}"
    );
    HeaderValue::try_from(text).expect("names and digits are a header value")
}

/// The status of a stale hit: its time to live is negative.
fn stale(tier: &'static str, late: Duration) -> HeaderValue {
    HeaderValue::try_from(format!(
        "ferrodash; hit; ttl=-{}; detail={tier}",
        late.as_secs()
    ))
    .unwrap_or_else(|_| HeaderValue::from_static("ferrodash; hit"))
}

/// The status of a hit in a tier; that of memory, the usual one, is a constant.
fn hit(tier: &'static str) -> HeaderValue {
    match tier {
        "memory" => HeaderValue::from_static("ferrodash; hit; detail=memory"),
        tier => HeaderValue::try_from(format!("ferrodash; hit; detail={tier}"))
            .unwrap_or_else(|_| HeaderValue::from_static("ferrodash; hit")),
    }
}
