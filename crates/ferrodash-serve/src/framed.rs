//! Corrections of what an answer says about its body.

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;

/// Corrects the answers of routes: removes headers about the connection, and lengths that are not
/// those of the bodies.
///
/// An answer that is passed on from elsewhere may have both, and the next answer on the connection
/// would be lost.
pub fn framed(router: Router) -> Router {
    router.layer(from_fn(correct))
}

/// Passes a request on and corrects the answer.
async fn correct(request: Request, next: Next) -> Response {
    let is_head = request.method() == Method::HEAD;
    let mut response = next.run(request).await;
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return response;
    }
    let length = response.body().size_hint().exact();
    // Such answers have no body, but may name the length of the one that a GET would have (RFC
    // 9110, section 8.6).
    let without_body = is_head
        || matches!(
            response.status(),
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED
        );
    let headers = response.headers_mut();
    headers.remove(header::TRANSFER_ENCODING);
    let lengths: Vec<Option<u64>> = headers
        .get_all(header::CONTENT_LENGTH)
        .iter()
        .map(number)
        .collect();
    let is_right = match lengths[..] {
        [] => true,
        [Some(said)] => without_body || length.is_none_or(|length| length == said),
        _ => false,
    };
    if !is_right {
        headers.remove(header::CONTENT_LENGTH);
    }
    response
}

/// Parses a length, which has digits only.
fn number(value: &HeaderValue) -> Option<u64> {
    let text = value.to_str().ok()?;
    // A sign is no part of a length (RFC 9110, section 8.6).
    text.bytes()
        .all(|byte| byte.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}
