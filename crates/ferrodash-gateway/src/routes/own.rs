//! What the gateway answers itself: its script, calls whose answers pages keep, what was
//! invalidated, and its state.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use ferrodash_serve::send::accepts;
use ferrodash_serve::{Stopping, body, limits, script};
use serde_json::Value;
use serde_json::value::RawValue;

use super::calls::{BUILD, Incoming, answer};
use super::request::{is_cross_site, peer};
use super::{admin, batch, calls, forward};
use crate::call::real_name;
use crate::control;
use crate::dash::{Callback, Site};
use crate::reply::Reply;
use crate::report::prometheus;
use crate::state::State;

/// The longest request for an invalidation, in bytes.
const LONGEST: usize = 1 << 20;

/// Answers a request below `_ferrodash/`.
pub(super) async fn serve(
    state: &Arc<State>,
    prefix: &str,
    name: &str,
    is_admin: bool,
    request: Request,
) -> Response {
    let is_get = request.method() == Method::GET;
    match name {
        "batch" if request.method() == Method::POST => batch::serve(state, prefix, request).await,
        "changes" if is_get => changes(state, prefix, request).await,
        "events" if is_get => events(state, prefix, request).await,
        "health" if is_get && prefix == "/" => health(state),
        "ready" if is_get && prefix == "/" => ready(state, request.extensions().get()),
        "invalidate" if request.method() == Method::POST && prefix == "/" => {
            let (parts, sent) = request.into_parts();
            match body::read(&parts.headers, sent, LONGEST).await {
                Ok(body) => control::by_token(state, &parts.headers, &body).await,
                Err(reason) => calls::unread(reason),
            }
        }
        _ if prefix == "/" && admin::is_of_page(name) => {
            admin::serve(state, is_admin, request).await
        }
        _ => match name.split_once('/') {
            Some(("call", token)) if is_get => kept_call(state, prefix, token, request).await,
            Some(("parked", token)) if is_get => parked(state, token, &request),
            Some((digest, "ferrodash.js")) if is_get => {
                script::send_script(digest, request.headers(), true)
            }
            // It may be one of the app.
            _ => forward::serve(state, request).await,
        },
    }
}

/// Answers with the figures, if the configuration has a path for them.
pub(super) fn metrics(state: &State) -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (content_type, prometheus(state)).into_response()
}

/// Answers `OK`, or what is wrong with a store.
fn health(state: &State) -> Response {
    let trouble = state.answers.cache.trouble();
    let text = trouble.map_or_else(|| "OK".to_owned(), |it| format!("degraded: {it}"));
    Reply::text(StatusCode::OK, text).into_response()
}

/// Answers `OK`, or 503 when the gateway is to stop, or when no server of the app can be reached.
fn ready(state: &State, stopping: Option<&Stopping>) -> Response {
    let mut servers = state.upstreams.report().into_iter();
    let (status, text) = if stopping.is_some_and(Stopping::has_begun) {
        (StatusCode::SERVICE_UNAVAILABLE, "stopping")
    } else if !servers.any(|server| server.is_up) {
        (StatusCode::SERVICE_UNAVAILABLE, "the app cannot be reached")
    } else {
        (StatusCode::OK, "OK")
    };
    Reply::text(status, text.to_owned()).into_response()
}

/// Answers with an answer that was parked.
fn parked(state: &State, token: &str, request: &Request) -> Response {
    let found = if is_cross_site(request.headers()) {
        None
    } else {
        state.parked.take(token, request.headers())
    };
    found.unwrap_or_else(|| {
        let text = "there is no such answer any more\n".to_owned();
        Reply::text(StatusCode::NOT_FOUND, text).into_response()
    })
}

/// Answers with what was invalidated since a moment.
async fn changes(state: &State, prefix: &str, request: Request) -> Response {
    let (headers, query) = (request.headers(), query(request.uri()));
    let Some(site) = state
        .sites
        .newest(prefix)
        .filter(|_| !is_cross_site(headers))
    else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let is_stale = headers
        .get(BUILD)
        .is_some_and(|build| build.as_bytes() != site.build.as_bytes());
    let scopes = site.settings.scopes().iter();
    let scopes = scopes.map(|scope| state.scope_name(scope, headers));
    let since = query.get("since").map_or("", String::as_str);
    let changes = state
        .news
        .changes(since, headers, is_stale, scopes.collect());
    changes.await.unwrap_or_else(|_| unavailable())
}

/// Answers with an event for each invalidation.
async fn events(state: &State, prefix: &str, request: Request) -> Response {
    let query = query(request.uri());
    let (parts, _) = request.into_parts();
    let site = state.sites.newest(prefix);
    let Some(site) = site.filter(|_| !is_cross_site(&parts.headers)) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let is_stale = query.get("b").is_some_and(|build| *build != site.build);
    let since = query.get("since").map_or("", String::as_str);
    let stopping = parts.extensions.get().cloned();
    let events = state
        .news
        .events(since, is_stale, limits::client(&parts), stopping);
    events.await.unwrap_or_else(|_| unavailable())
}

fn unavailable() -> Response {
    let text = "the cache's store does not answer, or too many pages listen\n".to_owned();
    Reply::text(StatusCode::SERVICE_UNAVAILABLE, text).into_response()
}

/// Answers a call whose answer the page keeps: an address in place of a body.
async fn kept_call(state: &Arc<State>, prefix: &str, token: &str, request: Request) -> Response {
    let peer = peer(&request);
    let (parts, _) = request.into_parts();
    let query = query(&parts.uri);
    // The header makes a browser ask first before another site can send it.
    let is_ours = parts.headers.contains_key(BUILD) && !is_cross_site(&parts.headers);
    let build = query.get("b").filter(|_| is_ours);
    let call = build
        .and_then(|build| state.sites.version(prefix, build))
        .and_then(|site| body_of(&site, token, &query));
    let Some(body) = call else {
        // The page asks again with a POST.
        return StatusCode::NOT_FOUND.into_response();
    };
    let mut headers = parts.headers;
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    let accepts = accepts(&headers);
    let uri = format!("{prefix}_dash-update-component");
    let call = Incoming {
        prefix: prefix.to_owned(),
        uri: uri.parse().unwrap_or_else(|_| Uri::from_static("/")),
        headers,
        body: body.into_bytes().into(),
        peer,
    };
    answer(state, call, accepts).await
}

/// Returns the body of the call that an address stands for.
fn body_of(site: &Site, token: &str, query: &HashMap<String, String>) -> Option<String> {
    let callback = site.app.callbacks.values().find(|it| it.token == token)?;
    callback.kept.as_ref()?.client?;
    let changed: Vec<String> = match query.get("t") {
        Some(text) => serde_json::from_str(text).ok()?,
        // With one input, that is what causes calls.
        None => match &callback.inputs[..] {
            [input] if !input.declared.has_wildcard() => vec![input.declared.name()],
            _ => Vec::new(),
        },
    };
    let changed = changed
        .into_iter()
        .map(|name| real_name(&name, callback).unwrap_or(name));
    let changed: Vec<String> = changed.collect();
    let changed = serde_json::to_string(&changed).ok()?;
    let parts = match query.get("call") {
        Some(call) => wildcard_parts(call)?,
        None => plain_parts(callback, query)?,
    };
    let output = serde_json::to_string(&callback.output).ok()?;
    let extra = query
        .get("x")
        .map(|text| extra(text))
        .unwrap_or(Some(String::new()))?;
    Some(format!(
        "{{\"output\":{output},{parts},\"changedPropIds\":{changed}{extra}}}"
    ))
}

/// Returns outputs, inputs and states of a call with wildcards, which the address has as they are.
fn wildcard_parts(call: &str) -> Option<String> {
    let fields: ferrodash_wire::Fields<'_> = serde_json::from_str(call).ok()?;
    let part = |key: &str| Some(format!("\"{key}\":{}", fields.get(key)?.get()));
    let parts = [part("outputs"), part("inputs"), part("state")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (parts.len() >= 2).then(|| parts.join(","))
}

/// Returns outputs, inputs and states of a call, of which the address has the values only.
fn plain_parts(callback: &Callback, query: &HashMap<String, String>) -> Option<String> {
    let values: Vec<&RawValue> = serde_json::from_str(query.get("in")?).ok()?;
    let unset: Vec<usize> = query
        .get("u")
        .map(|places| places.split(',').filter_map(|it| it.parse().ok()).collect())
        .unwrap_or_default();
    if values.len() != callback.inputs.len() + callback.states.len() {
        return None;
    }
    let inputs = callback.inputs.iter().map(|input| &input.declared);
    let items = inputs.chain(&callback.states).zip(values).enumerate();
    let items = items.map(|(place, (property, value))| {
        let (id, name) = (json(&property.id), json(&property.property));
        if unset.contains(&place) {
            format!("{{\"id\":{id},\"property\":{name}}}")
        } else {
            format!(
                "{{\"id\":{id},\"property\":{name},\"value\":{}}}",
                value.get()
            )
        }
    });
    let items: Vec<String> = items.collect();
    let (inputs, states) = items.split_at(callback.inputs.len());
    let outputs = outputs(&callback.output)?;
    let mut parts = format!("\"outputs\":{outputs},\"inputs\":[{}]", inputs.join(","));
    if !states.is_empty() {
        parts.push_str(&format!(",\"state\":[{}]", states.join(",")));
    }
    Some(parts)
}

/// Returns the outputs as a call has them, from the name of a callback: `id.property`, or
/// `..id.property...id.property..`.
fn outputs(name: &str) -> Option<String> {
    let output = |name: &str| {
        let (id, property) = name.rsplit_once('.')?;
        Some(format!(
            "{{\"id\":{},\"property\":{}}}",
            json(id),
            json(property)
        ))
    };
    let several = name.strip_prefix("..").and_then(|it| it.strip_suffix(".."));
    match several {
        Some(names) => {
            let outputs: Vec<String> = names.split("...").map(output).collect::<Option<_>>()?;
            Some(format!("[{}]", outputs.join(",")))
        }
        None => output(name),
    }
}

/// Returns what hooks of the page have added to a call, after the other keys.
fn extra(text: &str) -> Option<String> {
    let fields: ferrodash_wire::Fields<'_> = serde_json::from_str(text).ok()?;
    let fields = fields.0.iter();
    Some(
        fields
            .map(|(key, value)| format!(",{}:{}", json(key), value.get()))
            .collect(),
    )
}

fn json(text: &str) -> Value {
    Value::String(text.to_owned())
}

fn query(uri: &Uri) -> HashMap<String, String> {
    let query = uri.query().unwrap_or_default();
    form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_read_from_the_name() {
        assert_eq!(
            outputs("a.b.children").unwrap(),
            r#"{"id":"a.b","property":"children"}"#
        );
        assert_eq!(
            outputs("..a.x...b.y..").unwrap(),
            r#"[{"id":"a","property":"x"},{"id":"b","property":"y"}]"#
        );
        assert_eq!(outputs("nothing"), None);
    }
}
