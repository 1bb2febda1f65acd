//! Headers that every answer has, and corrections of what the routes of plugins say about their
//! bodies.

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::Response;
use tower_http::set_header::SetResponseHeaderLayer;

use crate::config::Config;

/// The policy for what browsers send to other sites about the page that a link or a picture is on:
/// its origin, and nothing over plain HTTP. Servers of map tiles refuse requests without it.
const REFERRER_POLICY: HeaderValue = HeaderValue::from_static("strict-origin-when-cross-origin");

/// Adds headers about security to all answers of an app. A header that a route sets itself is not
/// changed, so an app or a plugin can choose a stricter policy.
pub(crate) fn secure(router: Router, config: &Config) -> Router {
    let nosniff = HeaderValue::from_static("nosniff");
    let router = router.layer((
        SetResponseHeaderLayer::if_not_present(header::X_CONTENT_TYPE_OPTIONS, nosniff),
        SetResponseHeaderLayer::if_not_present(header::REFERRER_POLICY, REFERRER_POLICY),
    ));
    if !config.forbid_framing {
        return router;
    }
    // Policies add up, so one that a route or a layer sends beside it holds as well.
    let policy = HeaderValue::from_static("frame-ancestors 'none'");
    router.layer((
        SetResponseHeaderLayer::appending(header::CONTENT_SECURITY_POLICY, policy),
        SetResponseHeaderLayer::overriding(
            header::X_FRAME_OPTIONS,
            HeaderValue::from_static("DENY"),
        ),
    ))
}

/// Corrects the answers of a plugin's routes: removes headers about the connection, and lengths
/// that are not those of the bodies.
///
/// An answer that a plugin passes on from elsewhere may have both, and the next answer on the
/// connection would be lost.
pub(crate) fn framed(router: Router) -> Router {
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
