//! The address of the browser script, and the answer to requests for it.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_browser::{digest, script};

use super::etag::{IMMUTABLE, NO_CACHE, respond};
use crate::body::Body;

/// The script's path below the app's prefix; the part for its digest may be anything.
pub(super) const PATH: &str = "_ferrodash/{digest}/ferrodash.js";

static SCRIPT: LazyLock<Body> =
    LazyLock::new(|| Body::encode_now(Bytes::from_static(script().as_bytes())));

/// The script's address below the app's prefix, with its digest.
pub(super) fn url() -> String {
    PATH.replace("{digest}", digest())
}

/// Kept for ever only under its own digest: a page of another build may ask this one for its
/// script.
pub(super) async fn serve(Path(asked): Path<String>, headers: HeaderMap) -> Response {
    let cache_control = if asked == digest() {
        IMMUTABLE
    } else {
        NO_CACHE
    };
    respond(
        &headers,
        &SCRIPT,
        HeaderValue::from_static("text/javascript; charset=utf-8"),
        cache_control,
    )
}
