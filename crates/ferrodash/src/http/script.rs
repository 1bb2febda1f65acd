//! Our own script in the page: debounce and the client-side cache.

use std::sync::LazyLock;

use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;

use super::etag::{IMMUTABLE, respond};
use crate::body::Body;

/// The script's path below the app's prefix; the part for its digest may be anything.
pub(super) const PATH: &str = "_ferrodash/{digest}/ferrodash.js";

static SCRIPT: LazyLock<Body> =
    LazyLock::new(|| Body::encode_now(Bytes::from_static(include_bytes!("../../browser/ferrodash.js"))));

/// The script's address below the app's prefix, with its digest.
pub(super) fn url() -> String {
    let digest = SCRIPT.etag(crate::body::Encoding::Identity);
    PATH.replace("{digest}", &digest.trim_matches('"')[..8])
}

pub(super) async fn serve(headers: HeaderMap) -> Response {
    respond(&headers, &SCRIPT, HeaderValue::from_static("text/javascript; charset=utf-8"), IMMUTABLE)
}
