//! Connections that change their protocol, such as websockets: bytes are passed both ways.

use std::net::IpAddr;

use axum::body::Body;
use axum::http::{HeaderValue, Request, Response, StatusCode, header};
use hyper_util::rt::TokioIo;

use super::headers;
use super::server::{Server, Unanswered, to_server};

/// The time in which the app must answer a request for another protocol.
const ANSWER: std::time::Duration = std::time::Duration::from_secs(30);

/// Returns whether a request asks for a websocket. Other protocols are not passed on: what follows
/// in them, such as HTTP/2, would go past everything that is decided here.
pub(crate) fn is_upgrade(request: &Request<Body>) -> bool {
    let connection = request.headers().get_all(header::CONNECTION).iter();
    let mut names = connection
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let protocol = request.headers().get(header::UPGRADE);
    protocol.is_some_and(|name| name.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && names.any(|name| name.trim().eq_ignore_ascii_case("upgrade"))
}

/// Passes the request on. If the app accepts the protocol, a task passes bytes both ways until
/// either side closes.
pub(super) async fn open(
    server: &Server,
    mut request: Request<Body>,
    peer: Option<IpAddr>,
) -> Result<Response<Body>, Unanswered> {
    let client = hyper::upgrade::on(&mut request);
    let (mut parts, body) = request.into_parts();
    let protocol = parts.headers.get(header::UPGRADE).cloned();
    headers::prepare(&mut parts.headers, peer);
    add_upgrade(&mut parts.headers, protocol);
    let request = to_server(&parts.method, &parts.uri, &parts.headers, body);
    let answer = tokio::time::timeout(ANSWER, server.client.request(request)).await;
    let mut response = match answer {
        Ok(Ok(response)) => response,
        Ok(Err(error)) => return Err(Unanswered::Broken(error.to_string())),
        Err(_) => return Err(Unanswered::TooSlow(ANSWER)),
    };
    let is_accepted = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    let protocol = response.headers().get(header::UPGRADE).cloned();
    headers::remove_hop_by_hop(response.headers_mut());
    if !is_accepted {
        return Ok(response.map(Body::new));
    }
    let app = hyper::upgrade::on(&mut response);
    tokio::spawn(async move {
        if let (Ok(client), Ok(app)) = tokio::join!(client, app) {
            let (mut client, mut app) = (TokioIo::new(client), TokioIo::new(app));
            // Either side may break off at any time.
            let _ = tokio::io::copy_bidirectional(&mut client, &mut app).await;
        }
    });
    add_upgrade(response.headers_mut(), protocol);
    Ok(response.map(|_| Body::empty()))
}

fn add_upgrade(headers: &mut axum::http::HeaderMap, protocol: Option<HeaderValue>) {
    if let Some(protocol) = protocol {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}
