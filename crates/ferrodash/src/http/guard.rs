//! The checks around a call: the CSRF token, and pages of another build.
//!
//! A page of another build is answered where that is possible, and learns the build that answered,
//! so that it can offer its user a reload. If it asks for what this build does not have, it is
//! refused with 410, which is no fault of the app.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};

use ferrodash_serve::send::NO_STORE;
use ferrodash_wire::KEEP;

use super::rejection::Rejection;
use super::{batch, client, csrf, update};
use crate::state::AppState;

/// In a request the build of the page, in an answer that of the server when it is another one.
const BUILD: &str = "x-ferrodash-build";

/// `POST _dash-update-component`, see `update.rs`.
pub(super) async fn update(State(app): State<Arc<AppState>>, request: Request) -> Response {
    let is_stale = is_stale(&app, request.headers());
    let answer = match csrf::check(&app.config, request.headers()) {
        Ok(()) => update::serve(State(app.clone()), request).await,
        Err(rejection) => Err(rejection),
    };
    if is_stale {
        let answer = answer.map_err(Rejection::for_stale_page);
        tell(&app, answer.into_response())
    } else {
        answer.into_response()
    }
}

/// `POST _ferrodash/batch`, see `batch.rs`.
pub(super) async fn batch(State(app): State<Arc<AppState>>, request: Request) -> Response {
    let is_stale = is_stale(&app, request.headers());
    let answer = match csrf::check(&app.config, request.headers()) {
        Ok(()) => batch::serve(State(app.clone()), request, is_stale).await,
        Err(rejection) => Err(rejection),
    };
    if is_stale {
        // What is wrong with all of it may be wrong with one call only, so the page asks again for
        // each.
        tell(&app, answer.into_response())
    } else {
        answer.into_response()
    }
}

/// `GET _ferrodash/call/<token>`, see `client.rs`, which refuses requests of other sites itself.
pub(super) async fn client(
    State(app): State<Arc<AppState>>,
    path: Path<String>,
    parameters: Query<client::Parameters>,
    request: Request,
) -> Response {
    let is_stale = parameters.b != app.build_id;
    match client::serve(State(app.clone()), path, parameters, request).await {
        Ok(response) if is_stale => tell(&app, response),
        // An address of another build need not say anything here. The page asks again by POST,
        // which may be answered.
        Err(rejection) if is_stale && rejection.comes_with_age() => {
            Rejection::NotFound("such call in this build".into()).into_response()
        }
        answer => answer.into_response(),
    }
}

/// Returns whether the page is of another build. Clients other than our page do not send the
/// header, and do not get it.
pub(super) fn is_stale(app: &AppState, headers: &HeaderMap) -> bool {
    headers
        .get(BUILD)
        .is_some_and(|build| build.as_bytes() != app.build_id.as_bytes())
}

/// Names the build of this server in the answer, which must then not be stored: it belongs to
/// another build than its address.
fn tell(app: &AppState, mut response: Response) -> Response {
    let headers: &mut HeaderMap = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    headers.remove(KEEP);
    headers.insert(
        BUILD,
        HeaderValue::try_from(&app.build_id).expect("a build is hex"),
    );
    response
}
