//! `GET _dash-dependencies`: the list of callbacks for the renderer.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use ferrodash_serve::send::{JSON, NO_CACHE, respond, respond_once};

use crate::render::render_dependencies;
use crate::state::AppState;

/// Answers with the list that was rendered when the app was built, or with a new one once callbacks
/// were added.
pub(super) async fn serve(State(app): State<Arc<AppState>>, headers: HeaderMap) -> Response {
    let added = app.registry.added();
    if added.is_empty() {
        return respond(&headers, &app.dependencies, JSON, NO_CACHE);
    }
    respond_once(
        &headers,
        render_dependencies(&app.registry).into(),
        JSON,
        NO_CACHE,
    )
    .await
}
