//! The reading of calls: content type, limits, body, and the callback that is called.
//!
//! Everything here happens before a function can run, with sizes and times that a client cannot
//! exceed.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::Request;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::{Bytes, BytesMut};
use ferrodash_serve::off_thread::{self, LARGE};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use super::decode;
use super::rejection::Rejection;
use crate::callback::{Call, Registered, shortened};
use crate::limits::{Place, client};
use crate::state::AppState;

/// The time in which the first bytes of a body must come, and the longest pause between bytes. The
/// figures are those of Apache's `RequestReadTimeout body=20,MinRate=500`.
const GRACE: Duration = Duration::from_secs(20);
/// The number of bytes that must come in each second after that.
const SLOWEST: u64 = 500;

/// Reads a request of up to `limit` bytes, with its client's place among the calls in progress.
///
/// The place is taken before the body is read, so that one client cannot have many bodies read at a
/// time.
///
/// # Errors
/// If it is not JSON, if the client has no place left, and the errors of [`read`].
pub(super) async fn receive(
    app: &AppState,
    request: Request,
    limit: usize,
) -> Result<(Parts, Bytes, Place), Rejection> {
    let (parts, body) = request.into_parts();
    refuse_other_types(&parts.headers)?;
    let place = app.limits.admit_client(client(&parts))?;
    let body = read(&parts.headers, body, limit).await?;
    Ok((parts, body, place))
}

/// Refuses other content types than JSON. A page of another site cannot send JSON without a CORS
/// preflight, so nothing else may change anything.
fn refuse_other_types(headers: &HeaderMap) -> Result<(), Rejection> {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let essence = content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    if essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
    {
        Ok(())
    } else {
        Err(Rejection::NotJson)
    }
}

/// Reads a body of up to `limit` bytes.
///
/// # Errors
/// If the body is larger, also if only its `Content-Length` says so; if it breaks off; if it comes
/// too slowly; if the bodies of all requests together take too much memory.
async fn read(headers: &HeaderMap, mut body: HttpBody, limit: usize) -> Result<Bytes, Rejection> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Rejection::TooLarge(limit));
    }
    // Room for all of a small body; a large one may have been announced only.
    let room = announced
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or_default()
        .min(LARGE);
    let mut read = BytesMut::with_capacity(room);
    let (start, mut reading) = (Instant::now(), Reading::default());
    loop {
        // In all, and since the last bytes: a client that has sent much must not pause for as long
        // as all of it could take.
        let in_all = start + GRACE + Duration::from_secs(read.len() as u64 / SLOWEST);
        let until = in_all.min(Instant::now() + GRACE);
        let frame = match timeout_at(until, body.frame()).await {
            Ok(Some(frame)) => frame.map_err(|_| Rejection::Incomplete)?,
            Ok(None) => return Ok(read.freeze()),
            Err(_) => return Err(Rejection::TooSlow),
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if read.len() + data.len() > limit {
            return Err(Rejection::TooLarge(limit));
        }
        reading.add(data.len())?;
        read.extend_from_slice(&data);
    }
}

/// The number of bytes of bodies that may be read at a time, of all requests together.
const MOST_READING: usize = 1 << 30;

/// The number of bytes of bodies that are being read, of all apps in the process.
static READING: AtomicUsize = AtomicUsize::new(0);

/// The number of bytes of one body, while it is read.
#[derive(Default)]
struct Reading(usize);

impl Reading {
    /// Counts bytes that were read.
    ///
    /// # Errors
    /// [`Rejection::Busy`], if the bodies of all requests together are too large.
    fn add(&mut self, bytes: usize) -> Result<(), Rejection> {
        self.0 += bytes;
        // Only the sum matters, so no order with other memory is needed.
        let all = READING.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all > MOST_READING {
            Err(Rejection::Busy("this app"))
        } else {
            Ok(())
        }
    }
}

/// Frees the bytes, also when reading fails or its request is cancelled.
impl Drop for Reading {
    fn drop(&mut self) {
        READING.fetch_sub(self.0, Ordering::Relaxed);
    }
}

/// Reads the call in a body, which must be one of a callback of this app.
pub(super) async fn call(app: &Arc<AppState>, body: Bytes) -> Result<Call, Rejection> {
    let app = app.clone();
    parse(body, move |body| {
        let sent: ferrodash_wire::Call<'_> = parse_json(body)?;
        decode::call(callback(&app, &sent)?, &sent, body)
    })
    .await
}

/// Parses a body here, or, if it is large, on a thread for blocking work, so that other requests of
/// this thread are not delayed.
///
/// # Errors
/// Those of `work`; [`Rejection::Incomplete`], if the runtime ends meanwhile.
pub(super) async fn parse<T: Send + 'static>(
    body: Bytes,
    work: impl FnOnce(&Bytes) -> Result<T, Rejection> + Send + 'static,
) -> Result<T, Rejection> {
    if body.len() < LARGE {
        return work(&body);
    }
    // The task ends early only with the runtime.
    off_thread::run(move || work(&body))
        .await
        .unwrap_or(Err(Rejection::Incomplete))
}

/// Parses JSON of a shape that is an object or a list.
///
/// # Errors
/// [`Rejection::Malformed`] with the reader's reason and its place in the text.
pub(super) fn parse_json<'a, T: serde::Deserialize<'a>>(body: &'a [u8]) -> Result<T, Rejection> {
    // serde's own text would repeat all of a text that was sent.
    if body.trim_ascii_start().first() == Some(&b'"') {
        return Err(Rejection::Malformed("it is a text".into()));
    }
    serde_json::from_slice(body).map_err(|error| Rejection::Malformed(error.to_string()))
}

/// Returns the callback that a call is for, by the `output` that it names.
///
/// # Errors
/// [`Rejection::Malformed`] if it names none, [`Rejection::UnknownCallback`] if no callback has
/// that name.
pub(super) fn callback(
    app: &AppState,
    call: &ferrodash_wire::Call<'_>,
) -> Result<Arc<Registered>, Rejection> {
    let output = call
        .output
        .as_deref()
        .ok_or_else(|| Rejection::Malformed("it has no \"output\"".into()))?;
    app.registry
        .by_output(output)
        .ok_or_else(|| Rejection::UnknownCallback(shortened(output.as_bytes())))
}
