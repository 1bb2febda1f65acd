//! What several routes read of a request.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::HeaderMap;

/// Returns the other end of a request's connection.
pub(super) fn peer(request: &Request<Body>) -> Option<IpAddr> {
    let ConnectInfo(address) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(address.ip())
}

/// Removes what asks for a part, or only for what has changed: what is read here must be whole.
pub(super) fn ask_for_all(headers: &mut HeaderMap) {
    for name in ["if-none-match", "if-modified-since", "range", "if-range"] {
        headers.remove(name);
    }
}
