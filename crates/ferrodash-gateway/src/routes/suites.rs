//! The bundles of components: kept in memory with their compressed forms, and the renderer with its
//! repairs.
//!
//! A bundle is asked for without cookies, so what is kept is for everybody. One that the app does
//! not show to everybody is passed on.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_serve::send::{IMMUTABLE, respond};
use ferrodash_wire::Body;

use super::forward;
use crate::state::State;
use crate::suites::Bundle;

/// The name of the renderer's bundle, up to its fingerprint.
const RENDERER: &str = "/dash/dash-renderer/build/dash_renderer.";

/// The query of the repaired renderer. Browsers may have the app's own under the same address.
pub(super) const REPAIRED: &str = "fd=";

/// Answers with a bundle.
pub(super) async fn serve(state: &State, request: Request) -> Response {
    let address = request.uri().to_string();
    let address = request
        .uri()
        .path_and_query()
        .map_or(address, ToString::to_string);
    match bundle(state, &address).await {
        Some(bundle) => {
            let content_type = bundle.content_type.clone();
            respond(request.headers(), &bundle.body, content_type, IMMUTABLE)
        }
        None => forward::serve(state, request).await,
    }
}

/// Asks for a bundle, so that it is compressed before somebody comes.
pub(super) async fn warm(state: &State, address: &str) {
    bundle(state, address).await;
}

/// Returns the address of the repaired renderer for the one in a page. `None` if it is one that
/// cannot be repaired.
pub(super) async fn repaired(state: &State, address: &str) -> Option<String> {
    let repaired = format!("{address}?{REPAIRED}1");
    if state.suites.is_unknown(address) {
        return None;
    }
    let bundle = bundle(state, &repaired).await?;
    let digest = bundle.body.etag(ferrodash_wire::Encoding::Identity);
    let digest = digest.trim_matches('"');
    Some(format!("{address}?{REPAIRED}{}", &digest[..8]))
}

/// Returns a bundle that is kept, or asks the app for it.
async fn bundle(state: &State, address: &str) -> Option<Arc<Bundle>> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let is_repaired = query.starts_with(REPAIRED) && path.contains(RENDERER);
    // All addresses of the repaired renderer are one.
    let name = if is_repaired {
        format!("{path}?{REPAIRED}")
    } else {
        address.to_owned()
    };
    if let Some(bundle) = state.suites.get(&name) {
        return Some(bundle);
    }
    let source = if is_repaired { path } else { address };
    let reply = state
        .upstreams
        .ask(
            Method::GET,
            source.parse().ok()?,
            HeaderMap::new(),
            Bytes::new(),
            None,
        )
        .await
        .ok()?;
    let is_public = reply.status == StatusCode::OK
        && !reply.headers.contains_key(header::SET_COOKIE)
        && !reply.headers.contains_key(header::CONTENT_ENCODING)
        && is_kept_by_browsers(&reply.headers);
    if !is_public {
        return None;
    }
    let content_type = reply.headers.get(header::CONTENT_TYPE)?.clone();
    let text = reply.body;
    // Off the threads for requests: bundles are large.
    let body = tokio::task::spawn_blocking(move || {
        let text = if is_repaired {
            Bytes::from(ferrodash_browser::repair_renderer(&text)?)
        } else {
            text
        };
        Some(Body::encode_small(text))
    });
    let Some(body) = body.await.ok()? else {
        if state.suites.set_unknown(path) {
            tracing::info!(
                renderer = path,
                "the renderer is not one that can be repaired; it is passed on as it is"
            );
        }
        return None;
    };
    let bundle = Arc::new(Bundle { body, content_type });
    state.suites.keep(&name, &bundle);
    Some(bundle)
}

/// Returns whether the app lets browsers keep an answer for a day or more, as Dash does for bundles
/// with a fingerprint.
fn is_kept_by_browsers(headers: &HeaderMap) -> bool {
    let values = headers.get_all(header::CACHE_CONTROL).iter();
    let mut directives = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    directives.any(|directive| {
        let seconds = directive.trim().strip_prefix("max-age=");
        seconds.and_then(|seconds| seconds.parse::<u64>().ok()) >= Some(86_400)
    })
}
