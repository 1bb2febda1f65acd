//! Responses with bodies: encodings, validators, 304, `Cache-Control`.
//!
//! It knows bytes and headers, and nothing of calls.

use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_wire::{Accepts, Body, Encoding, compress_once};

/// `Cache-Control` for what has its digest in its address.
pub const IMMUTABLE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// `Cache-Control` for what browsers ask for each time, with a validator, as it is mostly
/// unchanged.
pub const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");

/// `Cache-Control` for answers. Pages keep some of them by themselves (`keep.rs`): what is in an
/// HTTP cache cannot be invalidated.
pub const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");

/// `Cache-Control` for what only one browser may have, which asks for it each time.
pub const PRIVATE_NO_CACHE: HeaderValue = HeaderValue::from_static("private, no-cache");

/// The content type of answers.
pub const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Returns the encodings that the sender of a request accepts.
pub fn accepts(headers: &HeaderMap) -> Accepts {
    Accepts::of(
        headers
            .get(header::ACCEPT_ENCODING)
            .and_then(|value| value.to_str().ok()),
    )
}

/// Answers with a body and its validator, or with 304 if the sender has it already.
///
/// All forms of the body are made before; the best one that the sender accepts is sent. `Vary`
/// names the encoding, as caches must not mix forms.
pub fn respond(
    headers: &HeaderMap,
    body: &Body,
    content_type: HeaderValue,
    cache_control: HeaderValue,
) -> Response {
    if let Some(etag) = known(headers, body) {
        return not_modified(etag, cache_control);
    }
    let (encoding, bytes) = body.choose(accepts(headers));
    let mut response = with_body(bytes, encoding, content_type);
    validate(response.headers_mut(), body.etag(encoding), cache_control);
    response
}

/// Answers with a body that was made for this request, with its validator, or with 304 if the
/// sender has it already.
///
/// It is compressed after the comparison, as most requests are answered with 304.
pub async fn respond_once(
    headers: &HeaderMap,
    identity: Bytes,
    content_type: HeaderValue,
    cache_control: HeaderValue,
) -> Response {
    let body = Body::plain(identity.clone());
    if let Some(etag) = known(headers, &body) {
        return not_modified(etag, cache_control);
    }
    let (encoding, bytes) = compress_once(identity, accepts(headers)).await;
    let mut response = with_body(bytes, encoding, content_type);
    validate(response.headers_mut(), body.etag(encoding), cache_control);
    response
}

/// Returns the validator of the form that the sender has, in whichever encoding it was sent.
fn known(headers: &HeaderMap, body: &Body) -> Option<String> {
    if !headers.contains_key(header::IF_NONE_MATCH) {
        return None;
    }
    Encoding::ALL
        .map(|encoding| body.etag(encoding))
        .into_iter()
        .find(|etag| matches(headers, etag))
}

/// Answers 304, with the same headers that the full answer would have.
fn not_modified(etag: String, cache_control: HeaderValue) -> Response {
    let mut response = empty(StatusCode::NOT_MODIFIED);
    validate(response.headers_mut(), etag, cache_control);
    response
}

/// Answers with what `make` returns, with this validator; or with 304 if the sender has that form
/// already.
pub fn unless_known(
    headers: &HeaderMap,
    etag: String,
    cache_control: HeaderValue,
    make: impl FnOnce() -> Response,
) -> Response {
    if matches(headers, &etag) {
        return not_modified(etag, cache_control);
    }
    let mut response = make();
    validate(response.headers_mut(), etag, cache_control);
    response
}

/// Adds the headers by which caches tell forms apart.
fn validate(headers: &mut HeaderMap, etag: String, cache_control: HeaderValue) {
    headers.insert(
        header::ETAG,
        HeaderValue::try_from(etag).expect("hex in quotes is a header value"),
    );
    headers.insert(header::CACHE_CONTROL, cache_control);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
}

/// Makes a response with a body in an encoding.
pub fn with_body(bytes: Bytes, encoding: Encoding, content_type: HeaderValue) -> Response {
    let mut response = Response::new(HttpBody::from(bytes));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, content_type);
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    if let Some(name) = encoding.name() {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(name));
    }
    response
}

/// Makes a response without a body.
pub fn empty(status: StatusCode) -> Response {
    let mut response = Response::new(HttpBody::empty());
    *response.status_mut() = status;
    response
}

/// Returns whether `If-None-Match` has the validator (weak comparison: RFC 9110, section 13.1.2).
fn matches(headers: &HeaderMap, etag: &str) -> bool {
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok());
    known
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}
