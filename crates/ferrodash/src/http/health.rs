//! The health, ready and metrics endpoints. None of their answers is stored, and none counts as a
//! call.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use ferrodash_serve::Stopping;

use crate::state::AppState;

/// Answers the health endpoint.
///
/// The app answers as long as it runs. A cache tier that fails makes it slower, so the text names
/// it and the status stays 200.
pub(super) async fn serve(State(app): State<Arc<AppState>>) -> Response {
    let trouble = app.cache.trouble();
    let text = trouble.map_or_else(|| "OK".to_owned(), |trouble| format!("degraded: {trouble}"));
    ([(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// Answers the ready endpoint: 503 until the warm-up has ended, and again once the server is to
/// stop.
pub(super) async fn ready(
    State(app): State<Arc<AppState>>,
    stopping: Option<Extension<Stopping>>,
) -> Response {
    let (status, text) = if stopping.is_some_and(|stopping| stopping.has_begun()) {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if app.ready.load(Ordering::Acquire) {
        (StatusCode::OK, "OK")
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, "warming up")
    };
    (status, [(header::CACHE_CONTROL, "no-store")], text).into_response()
}

/// Answers with the counters of the cache and of batchers, in the text format of Prometheus.
pub(super) async fn metrics(State(app): State<Arc<AppState>>) -> Response {
    let mut text = app.cache.prometheus();
    text.push_str(&ferrodash_batch::prometheus());
    (
        [
            (header::CACHE_CONTROL, "no-store"),
            (header::CONTENT_TYPE, "text/plain; version=0.0.4"),
        ],
        text,
    )
        .into_response()
}
