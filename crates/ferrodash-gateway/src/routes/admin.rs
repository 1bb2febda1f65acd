//! The admin page, and its guard.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use tower::ServiceExt;

use super::forward;
use crate::config::Admin;
use crate::reply::Reply;
use crate::state::State;

/// Returns whether an address below `/_ferrodash/` is one of the page.
pub(super) fn is_of_page(name: &str) -> bool {
    name.is_empty()
        || name == "_favicon.ico"
        || ["_dash-", "_ferrodash/"]
            .iter()
            .any(|start| name.starts_with(start))
}

/// Answers with the page, to those whom the configuration names.
pub(super) async fn serve(state: &State, request: Request) -> Response {
    let (Some(page), Some(admin)) = (state.admin.get(), &state.config.admin) else {
        return forward::serve(state, request).await;
    };
    if !knows(admin, request.headers()) {
        let text = "the admin page needs a name and a password\n".to_owned();
        let mut response = Reply::text(StatusCode::UNAUTHORIZED, text).into_response();
        let realm = HeaderValue::from_static("Basic realm=\"Ferrodash\", charset=\"UTF-8\"");
        response
            .headers_mut()
            .insert(header::WWW_AUTHENTICATE, realm);
        return response;
    }
    match page.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// Returns whether a request has the name and the password (RFC 7617).
fn knows(admin: &Admin, headers: &HeaderMap) -> bool {
    let sent = headers.get(header::AUTHORIZATION);
    let sent = sent.and_then(|value| value.to_str().ok()?.strip_prefix("Basic "));
    let Some(sent) = sent.and_then(|sent| BASE64_STANDARD.decode(sent.trim()).ok()) else {
        return false;
    };
    let known = format!("{}:{}", admin.user, admin.password);
    // Digests are compared, so the time says nothing about the password.
    blake3::hash(&sent) == blake3::hash(known.as_bytes())
}
