//! The browser script: its address, and its bytes with their compressed forms.

use std::sync::LazyLock;

use bytes::Bytes;
pub(crate) use ferrodash_browser::digest;
use ferrodash_browser::script;

use ferrodash_wire::Body;

/// The script's path below the app's prefix; the part for its digest may be anything.
pub(crate) const PATH: &str = "_ferrodash/{digest}/ferrodash.js";

pub(crate) static SCRIPT: LazyLock<Body> =
    LazyLock::new(|| Body::encode_now(Bytes::from_static(script().as_bytes())));

/// The script's address below the app's prefix, with its digest.
pub(super) fn url() -> String {
    PATH.replace("{digest}", digest())
}
