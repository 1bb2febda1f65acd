//! `POST _dash-update-component`: a call, and its answer.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use ferrodash_serve::limits;
use ferrodash_serve::send::accepts;
use tokio::time::Instant;

use super::intake::{self, receive};
use super::rejection::Rejection;
use super::repeats;
use super::respond::respond;
use crate::callback::Context;
use crate::state::AppState;

/// Reads a call and answers it.
///
/// The client's place is held while its body is read, the app's only once the call can run.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    request: Request,
) -> Result<Response, Rejection> {
    let start = Instant::now();
    let (parts, body, _client) = receive(&app, request, app.config.max_body).await?;
    let _place = app.limits.admit_call()?;
    let call = intake::call(&app, body).await?;
    let accepts = accepts(&parts.headers);
    let client = limits::client(&parts);
    let request = app.request(parts);
    app.count(client, &request)?;
    app.news.catch_up(&request.headers).await;
    let context = Context::new(Arc::new(call), Arc::new(request));
    repeats::refuse(&app, &context, 0).await?;
    respond(&app, &context, accepts, start).await
}
