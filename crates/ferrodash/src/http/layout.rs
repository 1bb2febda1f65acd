//! `GET _dash-layout`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;

use super::etag::{JSON, NO_CACHE, respond};
use super::rejection::Rejection;
use crate::body::Body;
use crate::layout::LayoutRequest;
use crate::state::AppState;

pub(super) async fn serve(State(app): State<Arc<AppState>>, headers: HeaderMap) -> Result<Response, Rejection> {
    if let Some(layout) = &app.fixed_layout {
        return Ok(respond(&headers, layout, JSON, NO_CACHE));
    }
    let request = LayoutRequest { headers };
    let json = app.layout.render(&request);
    let json = json.map_err(|reason| Rejection::Layout { reason, show: app.config.debug })?;
    Ok(respond(&request.headers, &Body::encode(json.into()).await, JSON, NO_CACHE))
}
