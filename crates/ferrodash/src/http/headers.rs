//! Headers that every answer has.

use axum::Router;
use axum::http::{HeaderValue, header};
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
