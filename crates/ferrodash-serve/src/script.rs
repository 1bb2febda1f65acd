//! The browser script of `ferrodash-browser`: its address, its bytes with their compressed forms, and
//! its route.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_browser::Script;
use ferrodash_wire::Body;

use crate::send::{IMMUTABLE, NO_CACHE, respond};

/// The route of the script below the prefix of an app.
pub const PATH: &str = "_ferrodash/{digest}/ferrodash.js";

/// The script with all parts, which suits every page.
const ALL: Script = Script {
    waits: true,
    cache: true,
};

/// The scripts. Each is compressed once for each process, when it is first needed.
static BODIES: [LazyLock<Body>; 4] = [
    LazyLock::new(|| encode(0)),
    LazyLock::new(|| encode(1)),
    LazyLock::new(|| encode(2)),
    LazyLock::new(|| encode(3)),
];

fn encode(index: usize) -> Body {
    Body::encode_now(Bytes::from_static(Script::EACH[index].text().as_bytes()))
}

/// Returns a script with its compressed forms.
fn body(script: Script) -> &'static Body {
    &BODIES[script.index()]
}

/// Returns the address of a script below the prefix of an app, with its digest.
pub fn url(script: Script) -> String {
    PATH.replace("{digest}", script.digest())
}

/// Answers with the script. It may be stored for ever only under its own digest. A page of another
/// build may ask this one for its script, and gets one with all parts.
pub async fn serve_script(Path(asked): Path<String>, headers: HeaderMap) -> Response {
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
