//! `_dash-layout` and `_dash-dependencies`: asked as the visitor, sent compressed, and not sent
//! again to a browser that has them.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_serve::send::{NO_CACHE, respond, respond_once};

use super::forward::unanswered;
use super::request::{ask_for_all, peer};
use crate::reply::Reply;
use crate::state::State;

/// Answers with the layout.
pub(super) async fn layout(state: &State, request: Request) -> Response {
    let (headers, reply) = match ask(state, request).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    send(&headers, reply).await
}

/// Answers with the callbacks. Those whose inputs wait are changed.
pub(super) async fn dependencies(state: &State, prefix: &str, request: Request) -> Response {
    let (headers, reply) = match ask(state, request).await {
        Ok(asked) => asked,
        Err(response) => return response,
    };
    if reply.status != StatusCode::OK || !reply.is_json() {
        return reply.into_response();
    }
    let Some(site) = state.sites.learn(prefix, &reply.body) else {
        return send(&headers, reply).await;
    };
    let content_type = content_type(&reply.headers);
    let response = respond(&headers, site.list(), content_type, NO_CACHE);
    with_headers(response, reply.headers)
}

/// Asks the app, as the sender of a request.
async fn ask(state: &State, request: Request) -> Result<(HeaderMap, Reply), Response> {
    let peer = peer(&request);
    let (parts, _) = request.into_parts();
    let mut headers = parts.headers.clone();
    ask_for_all(&mut headers);
    let reply = state
        .upstreams
        .ask(Method::GET, parts.uri, headers, Bytes::new(), peer)
        .await;
    match reply {
        Ok(reply) => Ok((parts.headers, reply)),
        Err(reason) => Err(unanswered(&reason)),
    }
}

/// Sends a text of the app, compressed, or 304 if the browser has it. Everything else is sent as it
/// is.
pub(super) async fn send(headers: &HeaderMap, reply: Reply) -> Response {
    let is_encoded = reply.headers.contains_key(header::CONTENT_ENCODING);
    if reply.status != StatusCode::OK || is_encoded {
        return reply.into_response();
    }
    let content_type = content_type(&reply.headers);
    let response = respond_once(headers, reply.body, content_type, NO_CACHE).await;
    with_headers(response, reply.headers)
}

fn content_type(headers: &HeaderMap) -> HeaderValue {
    let content_type = headers.get(header::CONTENT_TYPE).cloned();
    content_type.unwrap_or_else(|| HeaderValue::from_static("application/octet-stream"))
}

/// Adds the headers of the app's answer, but for those about the form in which it was sent.
fn with_headers(mut response: Response, headers: HeaderMap) -> Response {
    const OF_THE_FORM: [header::HeaderName; 6] = [
        header::CONTENT_LENGTH,
        header::CONTENT_TYPE,
        header::ETAG,
        header::LAST_MODIFIED,
        header::ACCEPT_RANGES,
        header::X_CONTENT_TYPE_OPTIONS,
    ];
    let sent = response.headers_mut();
    if headers.contains_key(header::CACHE_CONTROL) {
        sent.remove(header::CACHE_CONTROL);
    }
    for (name, value) in &headers {
        if !OF_THE_FORM.contains(name) {
            sent.append(name, value.clone());
        }
    }
    response
}
