//! `GET _ferrodash/changes` and `GET _ferrodash/events`: what was invalidated, for pages that keep
//! answers. What they learn is in `news.rs` of `ferrodash-serve`.

use std::sync::Arc;

use axum::extract::{Query, Request, State};
use axum::response::Response;
use ferrodash_serve::{Stopping, limits};
use serde::Deserialize;

use super::client::refuse_other_sites;
use super::guard::is_stale;
use super::rejection::Rejection;
use crate::state::AppState;

/// The paths of the two routes below the app's prefix.
pub(super) const CHANGES: &str = "_ferrodash/changes";
pub(super) const EVENTS: &str = "_ferrodash/events";

/// The query of both routes.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// The last moment that the page knows, in the form in which it got it.
    #[serde(default)]
    since: String,
    /// The build of the page, which events cannot have in a header.
    b: Option<String>,
}

/// Answers with what has changed since the page last knew, and with the names of the scopes.
///
/// # Errors
/// [`Rejection::Busy`] if the store does not answer: the page then keeps nothing.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Rejection> {
    let (parts, _) = request.into_parts();
    let _place = app.limits.admit(limits::client(&parts))?;
    refuse_other_sites(&parts.headers)?;
    let is_stale = is_stale(&app, &parts.headers);
    let request = app.request(parts);
    let scopes = app.scopes.names(&request);
    let news = &app.news;
    let changes = news.changes(&parameters.since, &request.headers, is_stale, scopes);
    Ok(changes.await?)
}

/// Answers with an event for each change, until the page leaves or the server is to stop.
///
/// # Errors
/// [`Rejection::Busy`] if the server is to stop, if too many pages listen, or if the store does not
/// answer. The page then asks by itself.
pub(super) async fn events(
    State(app): State<Arc<AppState>>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Rejection> {
    let (parts, _) = request.into_parts();
    refuse_other_sites(&parts.headers)?;
    let stopping = parts.extensions.get::<Stopping>().cloned();
    let is_stale = parameters.b.is_some_and(|build| build != app.build_id);
    let client = limits::client(&parts);
    let events = app
        .news
        .events(&parameters.since, is_stale, client, stopping);
    Ok(events.await?)
}
