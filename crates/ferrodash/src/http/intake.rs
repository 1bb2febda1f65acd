//! The reading of calls: content type, limits, body, and the callback that is called.
//!
//! Everything here happens before a function can run, with sizes and times that a client cannot
//! exceed.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::request::Parts;
use bytes::Bytes;
use ferrodash_serve::body::{self, is_json};
use ferrodash_serve::limits::{Place, client};
use ferrodash_serve::off_thread::{self, LARGE};

use super::decode;
use super::rejection::Rejection;
use crate::callback::{Call, Registered, shortened};
use crate::state::AppState;

/// Reads a request of up to `limit` bytes, with its client's place among the calls in progress.
///
/// The place is taken before the body is read, so that one client cannot have many bodies read at a
/// time.
///
/// # Errors
/// If it is not JSON, if the client has no place left, and the errors of
/// [`body::read`].
pub(super) async fn receive(
    app: &AppState,
    request: Request,
    limit: usize,
) -> Result<(Parts, Bytes, Place), Rejection> {
    let (parts, body) = request.into_parts();
    if !is_json(&parts.headers) {
        return Err(Rejection::NotJson);
    }
    let place = app.limits.admit_client(client(&parts))?;
    let body = body::read(&parts.headers, body, limit).await?;
    Ok((parts, body, place))
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
