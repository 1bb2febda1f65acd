//! `POST` to a callback's `api_endpoint`: its function as an address for other programs.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use futures_util::FutureExt;
use serde_json::value::RawValue;

use super::etag::{JSON, empty};
use super::rejection::Rejection;
use super::update::{add_effects, read, refuse_other_types};
use crate::callback::{Answer, Arguments, Call, CallError, Context, OutputValue, Registered};
use crate::state::AppState;

/// The route of a callback.
pub(super) fn route(callback: Arc<Registered>) -> MethodRouter<Arc<AppState>> {
    post(move |State(app): State<Arc<AppState>>, request: Request| serve(app, callback, request))
}

async fn serve(app: Arc<AppState>, callback: Arc<Registered>, request: Request) -> Result<Response, Rejection> {
    let (parts, body) = request.into_parts();
    refuse_other_types(&parts.headers)?;
    let body = read(body, app.config.max_body).await?;
    let arguments = arguments(&callback, &body)?;
    let call = Call { values: Vec::new(), ids: None, triggers: Vec::new(), callback: callback.clone() };
    let context = Context::new(Arc::new(call), Arc::new(app.request(parts)));
    let failed = |error| match error {
        CallError::Argument { .. } => Rejection::Malformed(format!("{error}")),
        error => Rejection::Failed { callback: callback.name().to_owned(), error, show: app.config.debug },
    };
    let handler = callback.callback.handler().ok_or(CallError::Clientside).map_err(failed)?;
    let call = handler.call(arguments, context.clone());
    let call = match context.desk() {
        Some(desk) => desk.scope(call).boxed(),
        None => call,
    };
    let run = AssertUnwindSafe(app.cache.scope(call));
    let answer = match run.catch_unwind().await {
        Ok(answer) => answer.map_err(failed)?,
        Err(panic) => return Err(failed(CallError::Panic(ferrodash_cache::panic_message(&*panic).into()))),
    };
    let mut response = match write(answer).map_err(failed)? {
        Some(text) => ([(header::CONTENT_TYPE, JSON)], text).into_response(),
        None => empty(StatusCode::NO_CONTENT),
    };
    add_effects(response.headers_mut(), context.effects());
    Ok(response)
}

/// The function's arguments, by their names in a JSON object. One that is missing is what an unset property would be.
fn arguments(callback: &Registered, body: &Bytes) -> Result<Arguments, Rejection> {
    let sent: BTreeMap<String, &RawValue> =
        serde_json::from_slice(body).map_err(|error| Rejection::Malformed(error.to_string()))?;
    let names = callback.callback.spec.api.as_ref().map(|api| &api.names[..]).unwrap_or_default();
    if let Some(unknown) = sent.keys().find(|key| !names.contains(key)) {
        let names = names.join(", ");
        return Err(Rejection::Malformed(format!("{unknown:?} is no argument of this function; there are {names}")));
    }
    let is_flat = callback.callback.spec.parameters.is_none();
    let value = |(index, name): (usize, &String)| match sent.get(name) {
        Some(text) => body.slice_ref(text.get().as_bytes()),
        None if is_flat => callback.unset(index).clone(),
        None => Bytes::from_static(b"null"),
    };
    Ok(Arguments { values: names.iter().enumerate().map(value).collect(), names: names.into() })
}

/// The function's value: one for one output, a list for several, `null` for none; nothing if it prevents the update.
fn write(answer: Answer) -> Result<Option<Vec<u8>>, CallError> {
    let Answer::Outputs(values) = answer else { return Ok(None) };
    let mut values: Vec<_> = values.into_iter().map(OutputValue::into_prop).collect();
    let text = match values.len() {
        1 => values.pop().map_or_else(|| Ok(b"null".to_vec()), |value| serde_json::to_vec(&value)),
        _ => serde_json::to_vec(&values),
    };
    text.map(Some).map_err(|error| CallError::Serialize { output: "its answer".into(), reason: error.to_string() })
}
