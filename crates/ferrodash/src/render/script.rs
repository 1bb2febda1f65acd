//! The browser script of `ferrodash-browser`: its address, and its bytes with their compressed
//! forms.

use std::sync::LazyLock;

use bytes::Bytes;
pub(crate) use ferrodash_browser::digest;
use ferrodash_browser::script;
use ferrodash_wire::Body;

/// The route of the script below the app's prefix. Any digest is served, see `crate::http`.
pub(crate) const PATH: &str = "_ferrodash/{digest}/ferrodash.js";

/// The script. It is compressed once for each process, when it is first needed.
pub(crate) static SCRIPT: LazyLock<Body> =
    LazyLock::new(|| Body::encode_now(Bytes::from_static(script().as_bytes())));

/// Returns the script's address below the app's prefix, with its digest.
pub(super) fn url() -> String {
    PATH.replace("{digest}", digest())
}
