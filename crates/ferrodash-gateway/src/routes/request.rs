//! What several routes read of a request.

use std::net::{IpAddr, SocketAddr};

use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, HeaderValue, header};

/// Returns the other end of a request's connection.
pub(super) fn peer(request: &Request<Body>) -> Option<IpAddr> {
    let ConnectInfo(address) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    Some(address.ip())
}

/// Adds the name of the host to a request that has it in its address only (HTTP/2), or not at all
/// (HTTP/1.0). The app writes it into links.
pub(super) fn name_host(request: &mut Request) {
    if request.headers().contains_key(header::HOST) {
        return;
    }
    let host = request.uri().authority().map(|host| host.as_str());
    let host = HeaderValue::try_from(host.unwrap_or("localhost"));
    if let Ok(host) = host {
        request.headers_mut().insert(header::HOST, host);
    }
}

/// Returns whether another site has caused a request, as browsers say.
pub(super) fn is_cross_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    !matches!(site, None | Some(b"same-origin" | b"none"))
}

/// Removes what asks for a part, or only for what has changed: what is read here must be whole.
pub(super) fn ask_for_all(headers: &mut HeaderMap) {
    for name in ["if-none-match", "if-modified-since", "range", "if-range"] {
        headers.remove(name);
    }
}
