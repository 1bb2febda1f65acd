//! `GET _ferrodash/<digest>/ferrodash.js`: our own script.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;

use super::send::{IMMUTABLE, NO_CACHE, respond};
use crate::render::script::{SCRIPT, digest};

/// Answers with the script. It may be stored for ever only under its own digest, as a page of
/// another build may ask this one for its script.
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
