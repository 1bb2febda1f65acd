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

/// Takes the password of the page out of a request, and returns whether it was there. Browsers send
/// it to all addresses of the gateway, and the app must not see it.
pub(super) fn take_password(state: &State, request: &mut Request) -> bool {
    let admin = state.config.admin.as_ref();
    let is_admin = admin.is_some_and(|admin| knows(admin, request.headers()));
    if is_admin {
        request.headers_mut().remove(header::AUTHORIZATION);
    }
    is_admin
}

/// Answers with the page, to those whom the configuration names.
pub(super) async fn serve(state: &State, is_admin: bool, request: Request) -> Response {
    let Some(page) = state.admin.get().filter(|_| state.config.admin.is_some()) else {
        return forward::serve(state, request).await;
    };
    if !is_admin {
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
