//! Requests that are passed on as they are: assets, downloads, uploads, websockets, and all that
//! the gateway does not know.

use axum::body::Body;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;

use super::request::peer;
use crate::ask::own;
use crate::state::State;
use crate::upstream::Unanswered;

/// Passes a request on, and its answer back.
pub(super) async fn serve(state: &State, request: Request) -> Response {
    let peer = peer(&request);
    match state.upstreams.forward(request, peer).await {
        Ok(response) => response,
        Err(reason) => unanswered(&reason),
    }
}

/// The answer to a request that the app does not answer.
pub(super) fn unanswered(reason: &Unanswered) -> Response<Body> {
    tracing::warn!(%reason, "a request is not answered");
    let status: StatusCode = reason.status();
    own(status, reason.text()).into_response()
}
