//! The browser script of `ferrodash-browser`: its address, and its bytes with their compressed
//! forms.

use std::sync::LazyLock;

use bytes::Bytes;
use ferrodash_browser::Script;
use ferrodash_wire::Body;

/// The route of the script below the app's prefix. Any digest is served, see `crate::http`.
pub(crate) const PATH: &str = "_ferrodash/{digest}/ferrodash.js";

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
pub(crate) fn body(script: Script) -> &'static Body {
    &BODIES[script.index()]
}

/// Returns the address of a script below the app's prefix, with its digest.
pub(super) fn url(script: Script) -> String {
    PATH.replace("{digest}", script.digest())
}
