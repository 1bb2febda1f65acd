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
use ferrodash_serve::send::{IMMUTABLE, NO_CACHE, respond};
use ferrodash_wire::Encoding;

use super::forward;
use crate::state::State;
use crate::suites::{Bundle, Place};

/// The name of the renderer's bundle, up to its fingerprint.
const RENDERER: &str = "/dash/dash-renderer/build/dash_renderer.";

/// The query of the repaired renderer. Browsers may have the app's own under the same address.
const REPAIRED: &str = "fd=";

/// Answers with a bundle.
pub(super) async fn serve(state: &State, request: Request) -> Response {
    let address = request.uri().path_and_query();
    let address = address.map_or("/", |address| address.as_str());
    let place = place(state, address).await;
    match place.as_ref().and_then(|place| place.get()?.as_ref()) {
        Some(bundle) => {
            let content_type = bundle.content_type.clone();
            let control = if bundle.is_immutable {
                IMMUTABLE
            } else {
                NO_CACHE
            };
            respond(request.headers(), &bundle.body(), content_type, control)
        }
        None => forward::serve(state, request).await,
    }
}

/// Asks for a bundle, so that it is compressed before somebody comes.
pub(super) async fn warm(state: &State, address: &str) {
    place(state, address).await;
}

/// Returns the address of the repaired renderer for the one in a page. `None` if it is one that
/// cannot be repaired.
pub(super) async fn repaired(state: &State, address: &str) -> Option<String> {
    let place = place(state, &format!("{address}?{REPAIRED}")).await?;
    let bundle = place.get()?.as_ref()?;
    let digest = bundle.body().etag(Encoding::Identity);
    let digest = digest.trim_matches('"');
    Some(format!("{address}?{REPAIRED}{}", &digest[..8]))
}

/// Returns the place of a bundle, after the app was asked for it. Requests for one bundle ask once.
async fn place(state: &State, address: &str) -> Option<Arc<Place>> {
    let (path, query) = address.split_once('?').unwrap_or((address, ""));
    let is_repaired = query.starts_with(REPAIRED) && path.contains(RENDERER);
    if !query.is_empty() && !is_repaired {
        return None;
    }
    // All addresses of the repaired renderer are one.
    let name = if is_repaired {
        format!("{path}?{REPAIRED}")
    } else {
        address.to_owned()
    };
    let place = state.suites.place(&name);
    let source = if is_repaired { path } else { address };
    let asked = place.get_or_try_init(|| ask(state, source, is_repaired));
    if asked.await.is_err() {
        state.suites.forget(&name);
        return None;
    }
    Some(place)
}

/// The app did not answer, or has no such bundle, which it may have later.
struct Unanswered;

/// Asks the app for a bundle. Returns nothing if it is not one that may be kept.
async fn ask(
    state: &State,
    address: &str,
    is_repaired: bool,
) -> Result<Option<Bundle>, Unanswered> {
    let Ok(uri) = address.parse() else {
        return Ok(None);
    };
    let reply = state
        .upstreams
        .ask(Method::GET, uri, HeaderMap::new(), Bytes::new(), None)
        .await
        .map_err(|_| Unanswered)?;
    if reply.status != StatusCode::OK {
        return Err(Unanswered);
    }
    let is_public = !reply.headers.contains_key(header::SET_COOKIE)
        && !reply.headers.contains_key(header::CONTENT_ENCODING)
        && !reply.headers.contains_key(header::VARY);
    let is_immutable = is_kept_by_browsers(&reply.headers);
    let content_type = reply.headers.get(header::CONTENT_TYPE).cloned();
    let (true, Some(content_type)) = (is_public, content_type) else {
        return Ok(None);
    };
    let mut text = reply.body;
    if is_repaired {
        // Off the threads for requests: the bundle is large.
        let repair = move || ferrodash_browser::repair_renderer(&text);
        let repaired = tokio::task::spawn_blocking(repair).await;
        let Some(repaired) = repaired.map_err(|_| Unanswered)? else {
            tracing::info!(
                renderer = address,
                "the renderer is not one that can be repaired; it is passed on as it is"
            );
            return Ok(None);
        };
        text = repaired.into();
    }
    Ok(state.suites.bundle(text, content_type, is_immutable).await)
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
