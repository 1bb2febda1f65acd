//! Pages of the app, with what is added to them.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_serve::script;

use super::forward::unanswered;
use super::lists::send;
use super::request::{ask_for_all, peer};
use super::suites;
use crate::dash::{Page, can_wait};
use crate::reply::Reply;
use crate::state::State;

/// Pages are not longer, in bytes.
const LONGEST: u64 = 8 << 20;

/// Returns whether a request may be one for a page: browsers say that they want HTML.
pub(super) fn may_be_page(request: &Request) -> bool {
    let accept = request.headers().get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    request.method() == Method::GET
        && accept.is_none_or(|accept| accept.contains("text/html") || accept.contains("*/*"))
        && !crate::upstream::is_upgrade(request)
        && !request.headers().contains_key(header::RANGE)
}

/// Passes a request on, and adds to the answer if it is a page of Dash.
pub(super) async fn serve(state: &State, request: Request) -> Response {
    let peer = peer(&request);
    let (mut parts, body) = request.into_parts();
    let headers = parts.headers.clone();
    let wants_html = headers
        .get(header::ACCEPT)
        .is_some_and(|value| value.to_str().is_ok_and(|it| it.contains("text/html")));
    if wants_html {
        ask_for_all(&mut parts.headers);
        parts.headers.remove(header::ACCEPT_ENCODING);
    }
    let request = Request::from_parts(parts, body);
    let response = match state.upstreams.forward(request, peer).await {
        Ok(response) => response,
        Err(reason) => return unanswered(&reason),
    };
    if !is_html(&response) {
        return response;
    }
    let reply = match read(state, response).await {
        Ok(reply) => reply,
        Err(response) => return response,
    };
    match changed(state, &headers, &reply, peer).await {
        Some(page) => {
            let body = Bytes::from(page);
            send(&headers, Reply { body, ..reply }).await
        }
        None => reply.into_response(),
    }
}

fn is_html(response: &Response) -> bool {
    let content_type = response.headers().get(header::CONTENT_TYPE);
    response.status() == StatusCode::OK
        && content_type.is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
        && !response.headers().contains_key(header::CONTENT_ENCODING)
}

/// Reads a page. What is too long is not one.
async fn read(state: &State, response: Response) -> Result<Reply, Response> {
    let length = axum::body::HttpBody::size_hint(response.body()).exact();
    if length.is_none_or(|length| length > LONGEST) {
        return Err(response);
    }
    let read = state.upstreams.read(response).await;
    read.map_err(|reason| unanswered(&reason))
}

/// Returns the page with what is added to it. `None` if it is not one of Dash.
async fn changed(
    state: &State,
    headers: &HeaderMap,
    reply: &Reply,
    peer: Option<std::net::IpAddr>,
) -> Option<String> {
    let html = std::str::from_utf8(&reply.body).ok()?;
    if !html.contains("_dash-config") {
        return None;
    }
    let Some(page) = Page::read(html) else {
        tracing::warn!("a page of the app is not understood, and is passed on as it is");
        return None;
    };
    state.suites.set_version(page.config.version.as_deref());
    let prefix = &page.config.prefix;
    let site = state
        .sites
        .refresh(&state.upstreams, prefix, headers, peer)
        .await;
    let mut settings = site
        .as_ref()
        .and_then(|site| site.settings_of(&page.config));
    if settings.is_some() && !allows_script(&reply.headers, page.nonce()) {
        tracing::warn!(
            prefix,
            "the page's Content-Security-Policy forbids scripts of its own server; nothing is \
             debounced, batched or kept by browsers"
        );
        settings = None;
    }
    if let Some(site) = &site {
        let can_wait = page.config.version.as_deref().is_none_or(can_wait);
        if !can_wait && site.app.callbacks.values().any(|callback| callback.waits()) {
            tracing::warn!(
                prefix,
                "inputs that wait need Dash 2.17.1 or newer; nothing is debounced, batched or kept \
                 by browsers"
            );
            settings = None;
        }
        site.set_scripted(settings.is_some());
    }
    let settings = settings.map(|(json, own)| (json, script::url(own)));
    let renderer = match page.renderer() {
        Some(renderer) => suites::repaired(state, renderer).await,
        None => None,
    };
    Some(page.write(settings.as_ref(), renderer.as_deref()))
}

/// Returns whether a page's policy lets it load our script, which is of its own server.
fn allows_script(headers: &HeaderMap, nonce: Option<&str>) -> bool {
    let policies = headers.get_all(header::CONTENT_SECURITY_POLICY).iter();
    let mut policies = policies.filter_map(|value| value.to_str().ok());
    policies.all(|policy| {
        let directive = |name: &str| {
            policy
                .split(';')
                .map(str::trim)
                .find_map(|it| it.strip_prefix(name).filter(|rest| rest.starts_with(' ')))
        };
        let Some(sources) = directive("script-src-elem")
            .or_else(|| directive("script-src"))
            .or_else(|| directive("default-src"))
        else {
            return true;
        };
        let has = |source: &str| sources.split(' ').any(|it| it.eq_ignore_ascii_case(source));
        let by_nonce = nonce.is_some_and(|nonce| has(&format!("'nonce-{nonce}'")));
        by_nonce || ((has("'self'") || has("*")) && !has("'strict-dynamic'"))
    })
}

/// Asks for the first page and its bundles, so that they are compressed before somebody comes.
pub(crate) async fn warm(state: std::sync::Arc<State>) {
    let Some(reply) = first_page(&state).await else {
        return;
    };
    let Ok(html) = std::str::from_utf8(&reply.body) else {
        return;
    };
    let Some(page) = Page::read(html) else {
        return;
    };
    state.suites.set_version(page.config.version.as_deref());
    if let Some(renderer) = page.renderer() {
        suites::repaired(&state, renderer).await;
    }
    for address in page.suites() {
        suites::warm(&state, address).await;
    }
}

/// Looks at the first page, which names the version of Dash. Returns whether the app answers.
pub(crate) async fn look(state: &State) -> bool {
    let Some(reply) = first_page(state).await else {
        return false;
    };
    let html = std::str::from_utf8(&reply.body).ok();
    if let Some(page) = html.and_then(Page::read) {
        state.suites.set_version(page.config.version.as_deref());
    }
    true
}

async fn first_page(state: &State) -> Option<Reply> {
    let uri = state.config.prefix.parse().ok()?;
    let asked = state
        .upstreams
        .ask(Method::GET, uri, HeaderMap::new(), Bytes::new(), None);
    asked.await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_decides_whether_the_script_can_be_loaded() {
        for (policy, nonce, allowed) in [
            ("img-src *", None, true),
            ("default-src 'self'", None, true),
            (
                "script-src 'self' 'sha256-abc'; default-src 'none'",
                None,
                true,
            ),
            ("default-src 'none'", None, false),
            ("script-src https://cdn.example", None, false),
            ("script-src 'strict-dynamic' 'self'", None, false),
            ("script-src 'nonce-n1' 'strict-dynamic'", Some("n1"), true),
            ("script-src 'nonce-n1'", Some("n2"), false),
        ] {
            let mut headers = HeaderMap::new();
            let value = policy.parse().unwrap();
            headers.insert(header::CONTENT_SECURITY_POLICY, value);
            assert_eq!(allows_script(&headers, nonce), allowed, "{policy}");
        }
        assert!(allows_script(&HeaderMap::new(), None));
    }
}
