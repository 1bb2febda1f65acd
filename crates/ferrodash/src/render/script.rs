//! Our own script in the page: debounce and the client-side cache.

use std::sync::LazyLock;

use bytes::Bytes;

use crate::body::{Body, Encoding};

/// The script's path below the app's prefix; the part for its digest may be anything.
pub(crate) const PATH: &str = "_ferrodash/{digest}/ferrodash.js";

pub(crate) static SCRIPT: LazyLock<Body> = LazyLock::new(|| {
    Body::encode_now(Bytes::from_static(include_bytes!(
        "../../browser/ferrodash.js"
    )))
});

/// The script's address below the app's prefix, with its digest.
pub(super) fn url() -> String {
    PATH.replace("{digest}", &digest())
}

pub(crate) fn digest() -> String {
    SCRIPT.etag(Encoding::Identity).trim_matches('"')[..8].to_owned()
}
