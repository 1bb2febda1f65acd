//! The page that the browser loads, for any path of the app; redirects of pages.
//!
//! It has no cookies but the CSRF token, and says nothing of the user, so that it can be the same
//! for all.

use std::sync::Arc;

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use ferrodash_serve::send::{NO_CACHE, empty, respond, respond_once};

use super::csrf;
use crate::pages::{Head, Visit};
use crate::render::{self, Index};
use crate::state::AppState;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// Answers any path below the prefix: with a redirect for an old path of a page, else with the page
/// of the app.
///
/// A path that no page has is also answered with the page of the app and 200, as in Dash: the page
/// itself shows what is not found.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Some(target) = app.pages.redirect(&app.config.routes_prefix, uri.path()) {
        return redirect(StatusCode::MOVED_PERMANENTLY, target);
    }
    let mut response = match &app.index {
        Index::Fixed(body) => respond(&headers, body, HTML, NO_CACHE),
        Index::OfPages(pieces) => {
            let visit = Visit {
                origin: &origin(&uri, &headers),
                path: uri.path(),
                query: uri.query(),
                routes_prefix: &app.config.routes_prefix,
            };
            let page = render::assemble(pieces, &Head::new(&app.pages, &visit));
            respond_once(&headers, page.into(), HTML, NO_CACHE).await
        }
    };
    // The cookie is set last, as it also changes how the page may be cached.
    csrf::give(&app.config, &uri, &headers, response.headers_mut());
    response
}

/// Redirects the path of the app without its last slash to where the browser finds the app, with
/// the query as it came.
///
/// The redirect is permanent and keeps the method (308). It leads to the prefix of the browser,
/// which a proxy may have changed.
pub(super) async fn to_prefix(State(app): State<Arc<AppState>>, uri: Uri) -> Response {
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    redirect(
        StatusCode::PERMANENT_REDIRECT,
        &format!("{}{query}", app.config.requests_prefix),
    )
}

/// Answers with a redirect. A target that cannot be a header is left out.
fn redirect(status: StatusCode, target: &str) -> Response {
    let mut response = empty(status);
    if let Ok(target) = HeaderValue::from_bytes(target.as_bytes()) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    response
}

/// Returns scheme and host as the browser has them. A proxy that ends TLS says so.
fn origin(uri: &Uri, headers: &HeaderMap) -> String {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST)
        .or_else(|| uri.authority().map(Authority::as_str))
        .unwrap_or("localhost");
    format!(
        "http{}://{host}",
        if csrf::is_https(uri, headers) {
            "s"
        } else {
            ""
        }
    )
}
