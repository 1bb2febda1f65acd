//! The reading of requests' bodies, with sizes and times that a client cannot exceed.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body as HttpBody, HttpBody as _};
use axum::http::{HeaderMap, HeaderValue, header};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;
use tokio::time::{Instant, timeout_at};

use crate::off_thread::LARGE;

/// The reason why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unread {
    /// It has more bytes than this limit.
    TooLarge(usize),
    /// It broke off.
    Incomplete,
    /// Its bytes came too slowly.
    TooSlow,
    /// The bodies of all requests together take too much memory.
    Busy,
}

/// The time in which the first bytes of a body must come, and the longest pause between bytes. The
/// figures are those of Apache's `RequestReadTimeout body=20,MinRate=500`.
const GRACE: Duration = Duration::from_secs(20);
/// The number of bytes that must come in each second after that.
const SLOWEST: u64 = 500;

/// What was read of a body.
#[derive(Debug)]
pub enum Begun {
    /// All of it.
    Whole(Bytes),
    /// It is longer than the limit: what was read, and the rest.
    Start(Bytes, HttpBody),
}

/// Returns whether the content type is JSON. A page of another site cannot send JSON without a CORS
/// preflight, so nothing else may change anything.
pub fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(header::CONTENT_TYPE)
        .map(HeaderValue::as_bytes)
        .unwrap_or_default();
    let essence = content_type
        .split(|byte| *byte == b';')
        .next()
        .unwrap_or_default();
    essence
        .trim_ascii()
        .eq_ignore_ascii_case(b"application/json")
}

/// Reads a body of up to `limit` bytes.
///
/// # Errors
/// If the body is larger, also if only its `Content-Length` says so; if it breaks off; if it comes
/// too slowly; if the bodies of all requests together take too much memory.
pub async fn read(headers: &HeaderMap, body: HttpBody, limit: usize) -> Result<Bytes, Unread> {
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(Unread::TooLarge(limit));
    }
    match begin(body, limit).await? {
        Begun::Whole(body) => Ok(body),
        Begun::Start(..) => Err(Unread::TooLarge(limit)),
    }
}

/// Reads a body up to its end, or until it is longer than `limit` bytes.
///
/// # Errors
/// If the body breaks off; if it comes too slowly; if the bodies of all requests together take too
/// much memory.
pub async fn begin(mut body: HttpBody, limit: usize) -> Result<Begun, Unread> {
    // Room for all of a small body; a large one may have been announced only.
    let announced = body.size_hint().exact().unwrap_or_default();
    let room = usize::try_from(announced).unwrap_or(LARGE).min(LARGE);
    let mut read = BytesMut::with_capacity(room);
    let (start, mut reading) = (Instant::now(), Reading::default());
    loop {
        // In all, and since the last bytes: a client that has sent much must not pause for as long
        // as all of it could take.
        let in_all = start + GRACE + Duration::from_secs(read.len() as u64 / SLOWEST);
        let until = in_all.min(Instant::now() + GRACE);
        let frame = match timeout_at(until, body.frame()).await {
            Ok(Some(frame)) => frame.map_err(|_| Unread::Incomplete)?,
            Ok(None) => return Ok(Begun::Whole(read.freeze())),
            Err(_) => return Err(Unread::TooSlow),
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        reading.add(data.len())?;
        read.extend_from_slice(&data);
        if read.len() > limit {
            return Ok(Begun::Start(read.freeze(), body));
        }
    }
}

/// The number of bytes of bodies that may be read at a time, of all requests together.
const MOST_READING: usize = 1 << 30;

/// The number of bytes of bodies that are being read, of all apps in the process.
static READING: AtomicUsize = AtomicUsize::new(0);

/// Counts a body that was read among those that are being read, until the value is dropped. Use
/// it for a body that stays in memory after it was read.
///
/// # Errors
/// [`Unread::Busy`], if the bodies of all requests together are too large.
pub fn hold(body: &Bytes) -> Result<Reading, Unread> {
    let mut reading = Reading::default();
    reading.add(body.len())?;
    Ok(reading)
}

/// The number of bytes of one body, while it is read or held.
#[derive(Debug, Default)]
pub struct Reading(usize);

impl Reading {
    /// Counts bytes that were read.
    ///
    /// # Errors
    /// [`Unread::Busy`], if the bodies of all requests together are too large.
    fn add(&mut self, bytes: usize) -> Result<(), Unread> {
        self.0 += bytes;
        // Only the sum matters, so no order with other memory is needed.
        let all = READING.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if all > MOST_READING {
            Err(Unread::Busy)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_that_are_held_have_a_limit_together() {
        // Memory that is not written to takes no room.
        let body = Bytes::from(vec![0; MOST_READING / 2 + 1]);
        let first = hold(&body).expect("it is half of the limit");
        assert_eq!(hold(&body).map(drop), Err(Unread::Busy));
        drop(first);
        assert_eq!(hold(&body).map(drop), Ok(()));
    }
}
