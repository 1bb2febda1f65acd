//! `GET _ferrodash/call/<token>`: a call whose answer the browser keeps in its own HTTP cache.
//!
//! Only for callbacks that were declared `cache(client)`. The address has everything that the answer depends on, the
//! build of the app too, so that a new build never finds an old answer.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::etag::{JSON, empty, private, respond};
use super::rejection::Rejection;
use super::update::{describe, run, triggers};
use crate::body::Body;
use crate::callback::Context;
use crate::callback::call::Content;
use crate::state::AppState;

/// Where these calls live, below the app's prefix.
pub(super) const PATH: &str = "_ferrodash/call/";

#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// The build of the page that asks.
    b: String,
    /// The arguments, a JSON array.
    r#in: String,
    /// Indices of arguments that are unset, separated by commas.
    #[serde(default)]
    u: String,
    /// What triggered the call, a JSON array of `id.property`, for callbacks that vary by it.
    t: Option<String>,
}

pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    Path(token): Path<String>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Rejection> {
    let start = Instant::now();
    let (parts, _) = request.into_parts();
    refuse_other_sites(&parts.headers)?;
    let callback = app.registry.by_token(&token).filter(|callback| callback.is_cached_by_clients());
    let callback = callback.ok_or_else(|| Rejection::UnknownCallback(token))?;
    let values = values(&parameters)?;
    if values.len() != callback.wire.sources.len() {
        return Err(Rejection::Mismatch { callback: callback.name().to_owned(), what: "arguments" });
    }
    let arguments = callback.arguments(values.into_iter());
    let changed: Vec<String> = match &parameters.t {
        Some(text) => serde_json::from_str(text).map_err(|error| Rejection::Malformed(error.to_string()))?,
        None => Vec::new(),
    };
    let triggers = triggers(callback, changed.iter().map(String::as_str));
    let request = Arc::new(app.request(&parts.uri, parts.headers));
    let answered = run(&app, callback, arguments, Context::new(triggers, request.clone())).await?;
    let cache_control = private(answered.fresh.filter(|_| parameters.b == app.build_id));
    let (status, age, late) = (answered.status, answered.age, answered.late);
    let mut response = match answered.content {
        Content::Nothing => empty(StatusCode::NO_CONTENT),
        Content::Encoded(body) => respond(&request.headers, &body, JSON, cache_control.clone()),
        Content::Plain(body) => respond(&request.headers, &Body::encode(body).await, JSON, cache_control.clone()),
    };
    response.headers_mut().insert(header::CACHE_CONTROL, cache_control);
    describe(response.headers_mut(), status, (age, late), start.elapsed());
    Ok(response)
}

/// A page of another site cannot read the answer, and has no reason to cause it.
fn refuse_other_sites(headers: &HeaderMap) -> Result<(), Rejection> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Rejection::CrossSite),
    }
}

fn values(parameters: &Parameters) -> Result<Vec<Option<Bytes>>, Rejection> {
    let malformed = |error: serde_json::Error| Rejection::Malformed(error.to_string());
    let texts: Vec<&RawValue> = serde_json::from_str(&parameters.r#in).map_err(malformed)?;
    let unset: Vec<usize> = parameters.u.split(',').filter_map(|index| index.parse().ok()).collect();
    let value = |(index, text): (usize, &&RawValue)| {
        (!unset.contains(&index)).then(|| Bytes::copy_from_slice(text.get().as_bytes()))
    };
    Ok(texts.iter().enumerate().map(value).collect())
}
