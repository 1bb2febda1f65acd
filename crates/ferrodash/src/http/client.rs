//! `GET _ferrodash/call/<token>`: a call whose answer the page keeps, and compares later.
//!
//! Only for callbacks that were declared `cache(client)`. The address has everything that the
//! answer depends on, the build of the app too, so that a new build never finds an old answer. Its
//! cache entry on the server is that of a POST of the same call.

use std::sync::Arc;

use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_serve::cache_status::describe;
use ferrodash_serve::limits;
use ferrodash_serve::send::{JSON, NO_STORE, empty, respond, respond_once};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::decode;
use super::decode::mismatch;
use super::dependency::each_text;
use super::intake::parse_json;
use super::keep;
use super::rejection::Rejection;
use super::respond::{add_effects, run};
use crate::callback::run::answer::Content;
use crate::callback::{Call, Context, Registered, Trigger};
use crate::state::AppState;

/// The path of these calls, below the app's prefix.
pub(super) const PATH: &str = "_ferrodash/call/";

/// The query of the address.
#[derive(Debug, Deserialize)]
pub(super) struct Parameters {
    /// The build of the page that asks.
    pub(super) b: String,
    /// The arguments, a JSON array.
    #[serde(default)]
    r#in: String,
    /// The call as in a POST, for callbacks with wildcards: outputs, inputs and states, instead of
    /// `in`.
    call: Option<String>,
    /// Indices of arguments that are unset, separated by commas.
    #[serde(default)]
    u: String,
    /// The triggers of the call, a JSON array of `id.property`, for callbacks that vary by them.
    t: Option<String>,
}

/// Answers the call, with a validator, and with how long the page may keep it: not at all if the
/// page is of another build, or if the answer is not cached.
///
/// # Errors
/// [`Rejection::UnknownCallback`] for a token that no callback with `cache(client)` has,
/// [`Rejection::CrossSite`], a call that is not as declared, and the failure of the function.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    Path(token): Path<String>,
    Query(parameters): Query<Parameters>,
    request: Request,
) -> Result<Response, Rejection> {
    let start = Instant::now();
    let (parts, _) = request.into_parts();
    let client = limits::client(&parts);
    let _place = app.limits.admit(client)?;
    refuse_other_sites(&parts.headers)?;
    let callback = app
        .registry
        .by_token(&token)
        .filter(|callback| callback.is_cached_by_clients());
    let callback = callback.ok_or_else(|| Rejection::UnknownCallback(token))?;
    let call = call(callback, &parameters)?;
    let request = Arc::new(app.request(parts));
    app.count(client, &request)?;
    app.news.catch_up(&request.headers).await;
    let context = Context::new(Arc::new(call), request.clone());
    let answered = run(&app, &context).await?;
    let (status, age, late) = (answered.status, answered.age, answered.late);
    let mut response = match answered.content {
        Content::Nothing => empty(StatusCode::NO_CONTENT),
        Content::Encoded(body) => respond(&request.headers, &body, JSON, NO_STORE),
        Content::Plain(body) => respond_once(&request.headers, body, JSON, NO_STORE).await,
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, NO_STORE);
    // An answer of this build does not belong to the address of another one.
    let kept = answered.kept.filter(|_| parameters.b == app.build_id);
    keep::tell(headers, &app, &context, kept.as_ref());
    describe(headers, status, (age, late), start.elapsed());
    add_effects(headers, context.effects());
    Ok(response)
}

/// Refuses a request that another site caused, as browsers say with `Sec-Fetch-Site`. Such a page
/// cannot read the answer, and has no reason to make the function run.
pub(super) fn refuse_other_sites(headers: &HeaderMap) -> Result<(), Rejection> {
    match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
        None | Some(b"same-origin" | b"none") => Ok(()),
        Some(_) => Err(Rejection::CrossSite),
    }
}

/// Returns the call that an address stands for.
///
/// Callbacks with wildcards are sent in the form of a POST; all others only as a list of values,
/// which is shorter.
fn call(callback: &Arc<Registered>, parameters: &Parameters) -> Result<Call, Rejection> {
    let changed: Option<&RawValue> = parameters
        .t
        .as_ref()
        .map(|text| parse_json(text.as_bytes()))
        .transpose()?;
    if let Some(text) = &parameters.call {
        let body = Bytes::copy_from_slice(text.as_bytes());
        let sent: ferrodash_wire::Call<'_> = parse_json(&body)?;
        return decode::call(
            callback.clone(),
            &ferrodash_wire::Call { changed, ..sent },
            &body,
        );
    }
    let (values, inputs) = (
        values(callback, parameters)?,
        &callback.callback.spec.inputs,
    );
    let mut triggers = Vec::new();
    let read = each_text(changed, |changed| {
        if let Some((indices, id)) = callback.triggers(changed) {
            let index = indices[0]; // Without wildcards there is one.
            let value = Some(values[index].clone());
            triggers.push(Trigger::new(id, inputs[index].property.name.clone(), value));
        }
    });
    read.map_err(|error| mismatch(callback, "triggers", &error))?;
    Ok(Call {
        values,
        ids: None,
        triggers,
        callback: callback.clone(),
    })
}

/// Reads the arguments of a callback without wildcards; there must be as many as it declares. What
/// only triggers it is not among them, and counts as unset.
fn values(callback: &Registered, parameters: &Parameters) -> Result<Vec<Bytes>, Rejection> {
    if callback.has_patterns {
        return Err(mismatch(
            callback,
            "arguments",
            &"ids with wildcards are sent as a call",
        ));
    }
    let texts: Vec<&RawValue> = parse_json(parameters.r#in.as_bytes())?;
    let spec = &callback.callback.spec;
    let declared = callback.wire.arguments(spec).count();
    if texts.len() != declared {
        let reason = format!("{} were sent, {declared} are declared", texts.len());
        return Err(mismatch(callback, "arguments", &reason));
    }
    let unset: Vec<usize> = parameters
        .u
        .split(',')
        .filter_map(|index| index.parse().ok())
        .collect();
    let mut sent = texts.iter().enumerate();
    let value = |index: usize| {
        let text = if spec.is_argument(index) {
            sent.next()
        } else {
            None
        };
        match text {
            Some((place, text)) if !unset.contains(&place) => {
                Bytes::copy_from_slice(text.get().as_bytes())
            }
            _ => callback.unset(index).clone(),
        }
    };
    Ok((0..callback.wire.sources.len()).map(value).collect())
}
