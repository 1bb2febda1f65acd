//! `POST` to a callback's `api_endpoint`: its function as an address for other programs.
//!
//! It is like a call of the page, but for its arguments, which are a JSON object by name, and for
//! its answer, which is only the function's value.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, post};
use bytes::Bytes;
use ferrodash_serve::limits;
use ferrodash_serve::send::{JSON, empty};
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::intake::{parse, receive};
use super::rejection::Rejection;
use super::repeats;
use super::respond::add_effects;
use crate::callback::run::answer::{limited, run_function};
use crate::callback::{
    Answer, Arguments, Call, CallError, Context, OutputValue, Parameter, Registered, shortened,
};
use crate::state::AppState;

/// Returns the route of a callback.
pub(super) fn route(callback: Arc<Registered>) -> MethodRouter<Arc<AppState>> {
    post(move |State(app): State<Arc<AppState>>, request: Request| serve(app, callback, request))
}

/// Reads the arguments, runs the function within its limits, and answers with its value.
///
/// The answer is `200` with JSON, or `204` if the function prevents the update. Cookies and headers
/// that the function sets are sent.
///
/// # Errors
/// Those of [`receive`], too many calls, arguments that do not fit, and an error, panic or timeout
/// of the function.
async fn serve(
    app: Arc<AppState>,
    callback: Arc<Registered>,
    request: Request,
) -> Result<Response, Rejection> {
    let (parts, body, _client) = receive(&app, request, app.config.max_body).await?;
    let _place = app.limits.admit_call()?;
    let client = limits::client(&parts);
    let sender = app.request(parts);
    app.count(client, &sender)?;
    let known = callback.clone();
    let arguments = parse(body, move |body| arguments(&known, body)).await?;
    // The call has neither ids nor triggers: no component of a page is behind it.
    let call = Call {
        values: Vec::new(),
        ids: None,
        triggers: Vec::new(),
        callback: callback.clone(),
    };
    let context = Context::new(Arc::new(call), Arc::new(sender));
    let failed = |error| {
        let callback = callback.name().to_owned();
        Rejection::Failed {
            callback,
            error,
            show: app.config.debug,
        }
    };
    repeats::refuse(&app, &context, 0).await?;
    let answer = limited(&app.cache, &context, run_function(&context, arguments))
        .await
        .map_err(failed)?;
    let mut response = match write(answer).map_err(failed)? {
        Some(text) => ([(header::CONTENT_TYPE, JSON)], text).into_response(),
        None => empty(StatusCode::NO_CONTENT),
    };
    add_effects(response.headers_mut(), context.effects());
    Ok(response)
}

/// Reads the function's arguments by their names from a JSON object. One that is missing is what an
/// unset property would be.
///
/// # Errors
/// [`Rejection::Malformed`], if the body is not an object, or has a name that is no argument.
fn arguments(callback: &Registered, body: &Bytes) -> Result<Arguments, Rejection> {
    let names = callback
        .callback
        .spec
        .api
        .as_ref()
        .map(|api| &api.names[..])
        .unwrap_or_default();
    let read = Named(names).deserialize(&mut serde_json::Deserializer::from_slice(body));
    let sent = read.map_err(|error| Rejection::Malformed(error.to_string()))?;
    let spec = &callback.callback.spec;
    let parameters = spec.all_parameters();
    let default = |parameter: &Parameter| match parameter {
        Parameter::Input(index) => callback.unset(*index).clone(),
        Parameter::State(index) => callback.unset(spec.inputs.len() + index).clone(),
        // A struct has no default as a whole.
        Parameter::Struct(_) => Bytes::from_static(b"null"),
    };
    let value = |(index, sent): (usize, Option<&RawValue>)| match sent {
        Some(text) => body.slice_ref(text.get().as_bytes()),
        None => default(&parameters[index]),
    };
    Ok(Arguments {
        values: sent.into_iter().enumerate().map(value).collect(),
        names: names.into(),
    })
}

/// Reads the values of these names from an object, and stops at any other name.
struct Named<'n>(&'n [String]);

impl<'de> DeserializeSeed<'de> for Named<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the arguments {}", self.0.join(", "))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.len()];
        while let Some(name) = map.next_key::<Cow<'de, str>>()? {
            let Some(index) = self.0.iter().position(|known| *known == name) else {
                let (name, known) = (shortened(name.as_bytes()), self.0.join(", "));
                return Err(A::Error::custom(format!(
                    "{name:?} is no argument of this function; there are {known}"
                )));
            };
            values[index] = Some(map.next_value()?);
        }
        Ok(values)
    }
}

/// Writes the function's value: one for one output, a list for several or for none. Returns `None`
/// if it prevents the update.
fn write(answer: Answer) -> Result<Option<Vec<u8>>, CallError> {
    let Answer::Outputs(values) = answer else {
        return Ok(None);
    };
    let mut values: Vec<_> = values.into_iter().map(OutputValue::into_prop).collect();
    let text = match values.len() {
        1 => values
            .pop()
            .map_or_else(|| Ok(b"null".to_vec()), |value| serde_json::to_vec(&value)),
        _ => serde_json::to_vec(&values),
    };
    text.map(Some).map_err(|error| CallError::Serialize {
        output: "its answer".into(),
        reason: error.to_string(),
    })
}
