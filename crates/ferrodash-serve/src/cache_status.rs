//! Headers that say what the cache did for an answer, and how long the answer took.
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

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use ferrodash_cache::Status;

/// The header about the cache (RFC 9211).
pub const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The header about times (W3C Server Timing).
pub const SERVER_TIMING: HeaderName = HeaderName::from_static("server-timing");

/// Adds headers about what the cache did (RFC 9211) and how long it took.
///
/// `status` is `None` for a callback without a cache. A stale answer also has `Age`, and `late` is
/// by how much it is past its timeout.
pub fn describe(
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
