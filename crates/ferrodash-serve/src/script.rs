//! The browser script of `ferrodash-browser`: its address, its bytes with their compressed forms,
//! and its route.

use std::sync::OnceLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_browser::Script;
use ferrodash_wire::Body;

use crate::send::{IMMUTABLE, NO_CACHE, respond};

/// The route of the script below the prefix of an app.
pub const PATH: &str = "_ferrodash/{digest}/ferrodash.js";

/// The scripts. Each is compressed once for each process, when it is first needed.
static BODIES: [OnceLock<Body>; Script::EACH.len()] = [const { OnceLock::new() }; _];

/// Returns a script with its compressed forms.
fn body(script: Script) -> &'static Body {
    BODIES[script.index()]
        .get_or_init(|| Body::encode_now(Bytes::from_static(script.text().as_bytes())))
}

/// Returns the address of a script below the prefix of an app, with its digest.
pub fn url(script: Script) -> String {
    PATH.replace("{digest}", script.digest())
}

/// Answers with the script of a Ferrodash app. It may be stored for ever only under its own digest.
/// A page of another build may ask this one for its script, and gets one with all parts.
pub async fn serve_script(Path(asked): Path<String>, headers: HeaderMap) -> Response {
    send_script(&asked, &headers, false)
}

/// Answers with the script of a digest, or with one that has all parts: that of a page whose app is
/// another server's, if `guest`.
pub fn send_script(asked: &str, headers: &HeaderMap, guest: bool) -> Response {
    let all = Script {
        waits: true,
        cache: true,
        guest,
    };
    let (script, cache_control) = match Script::by_digest(asked) {
        Some(script) => (script, IMMUTABLE),
        None => (all, NO_CACHE),
    };
    respond(
        headers,
        body(script),
        HeaderValue::from_static("text/javascript; charset=utf-8"),
        cache_control,
    )
}
