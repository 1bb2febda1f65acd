//! The health endpoint.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::state::AppState;

/// The app answers as long as it runs; a cache tier that fails makes it slower, so it is named and the status stays 200.
pub(super) async fn serve(State(app): State<Arc<AppState>>) -> Response {
    let failing = app.cache.failing_tiers();
    let text = match failing.is_empty() {
        true => "OK".to_owned(),
        false => format!("degraded: {} does not answer", failing.join(", ")),
    };
    ([(header::CACHE_CONTROL, "no-store")], text).into_response()
}
