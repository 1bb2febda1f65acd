//! `GET _ferrodash/<digest>/ferrodash.js`: our own script.

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use ferrodash_browser::Script;

use super::send::{IMMUTABLE, NO_CACHE, respond};
use crate::render::script::body;

/// The script with all parts, which suits every page.
const ALL: Script = Script {
    waits: true,
    cache: true,
};

/// Answers with the script. It may be stored for ever only under its own digest. A page of another
/// build may ask this one for its script, and gets one with all parts.
pub(super) async fn serve(Path(asked): Path<String>, headers: HeaderMap) -> Response {
    let (script, cache_control) = match Script::by_digest(&asked) {
        Some(script) => (script, IMMUTABLE),
        None => (ALL, NO_CACHE),
    };
    respond(
        &headers,
        body(script),
        HeaderValue::from_static("text/javascript; charset=utf-8"),
        cache_control,
    )
}
