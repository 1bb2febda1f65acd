//! `GET _dash-layout`: the layout, rendered before or made for this request.
//!
//! The renderer requests it once, when the page is loaded, together with the list of callbacks.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use ferrodash_serve::send::{JSON, NO_CACHE, accepts, respond, with_body};
use ferrodash_wire::compress_once;

use super::rejection::Rejection;
use crate::layout::LayoutRequest;
use crate::state::AppState;

/// Answers with the layout.
///
/// A fixed one has a validator, so that a reload of the page costs a 304. One that is made for a
/// request may hold what is only for its user, so it must not be stored by anybody.
///
/// # Errors
/// [`Rejection::Layout`], if the app's function panics or returns what is not JSON.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    if let Some(layout) = &app.fixed_layout {
        return Ok(respond(&headers, layout, JSON, NO_CACHE));
    }
    // The headers are given away below, so they are looked at before.
    let accepts = accepts(&headers);
    let json = app.layout.render(&LayoutRequest {
        headers,
        pages: app.pages.clone(),
    });
    let json = json.map_err(|reason| Rejection::Layout {
        reason,
        show: app.config.debug,
    })?;
    let (encoding, bytes) = compress_once(json.into(), accepts).await;
    let mut response = with_body(bytes, encoding, JSON);
    // Made for this request, so for nobody else.
    response.headers_mut().insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static("private, no-store"),
    );
    Ok(response)
}
