//! `GET _dash-component-suites/…`: the bundles of the component suites.
//!
//! Bundles are static data with two compressed forms each, so nothing is compressed or copied here.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_serve::send::{IMMUTABLE, NO_CACHE, accepts, unless_known, with_body};
use ferrodash_wire::Encoding;

use super::rejection::Rejection;
use crate::render::Served;
use crate::state::AppState;

/// Answers with a bundle.
pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    // Any fingerprint is answered, as bundles ask for their parts with those of their own build,
    // and open pages with those of an older one; kept for ever is only what is asked for by its
    // digest.
    let (file, is_own) = find(&app, &path)?;
    let cache_control = if is_own { IMMUTABLE } else { NO_CACHE };
    Ok(send(file, &headers, cache_control))
}

/// Answers with Dash's own icon, which the page names unless the assets have one.
pub(super) async fn favicon(
    State(app): State<Arc<AppState>>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let (file, _) = find(&app, "dash/favicon.ico")?;
    Ok(send(file, &headers, NO_CACHE))
}

/// Returns the file of a path, and whether it may be stored for ever under that.
fn find<'a>(app: &'a AppState, path: &str) -> Result<(&'a Served, bool), Rejection> {
    app.suites.find(path).map_err(Rejection::NotFound)
}

/// Sends a file in the form that the sender accepts, with a validator of its own.
fn send(file: &Served, headers: &HeaderMap, cache_control: HeaderValue) -> Response {
    let (bundle, encoding) = (file.bundle, accepts(headers).best());
    let suffix = encoding
        .name()
        .map_or_else(String::new, |name| format!("-{name}"));
    let etag = format!("\"{}{suffix}\"", &bundle.sha256[..32]);
    unless_known(headers, etag, cache_control, || {
        let bytes = match encoding {
            Encoding::Identity => file.content(),
            Encoding::Gzip => Bytes::from_static(bundle.gzip),
            Encoding::Brotli => Bytes::from_static(bundle.brotli),
        };
        with_body(bytes, encoding, content_type(bundle.path))
    })
}

/// Returns the content type by the ending of the name; a name without one is that of a licence.
fn content_type(path: &str) -> HeaderValue {
    let name = path.rsplit('/').next().unwrap_or(path);
    HeaderValue::from_static(match name.rsplit_once('.').map(|(_, ending)| ending) {
        None => "text/plain; charset=utf-8",
        // Where the table below has older names than the registry of media types.
        Some("mjs") => "text/javascript; charset=utf-8",
        Some("map") => "application/json",
        Some("woff") => "font/woff",
        Some("otf") => "font/otf",
        Some(ending) => match mime_guess::from_ext(ending).first_raw() {
            Some("text/javascript") => "text/javascript; charset=utf-8",
            Some("text/css") => "text/css; charset=utf-8",
            Some("text/markdown") => "text/markdown; charset=utf-8",
            Some("text/html") => "text/html; charset=utf-8",
            Some("text/plain") => "text/plain; charset=utf-8",
            other => other.unwrap_or("application/octet-stream"),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn e35_files_have_their_content_types() {
        for (path, expected) in [
            ("a/suite.js", "text/javascript; charset=utf-8"),
            ("module.mjs", "text/javascript; charset=utf-8"),
            ("look.css", "text/css; charset=utf-8"),
            ("README.md", "text/markdown; charset=utf-8"),
            ("LICENSE.txt", "text/plain; charset=utf-8"),
            ("licences.v1/LICENSE", "text/plain; charset=utf-8"),
            ("suite.js.map", "application/json"),
            ("data.json", "application/json"),
            ("part.wasm", "application/wasm"),
            ("icon.svg", "image/svg+xml"),
            ("icon.png", "image/png"),
            ("photo.jpeg", "image/jpeg"),
            ("moving.gif", "image/gif"),
            ("small.webp", "image/webp"),
            ("favicon.ico", "image/x-icon"),
            ("text.woff", "font/woff"),
            ("text.woff2", "font/woff2"),
            ("text.ttf", "font/ttf"),
            ("text.otf", "font/otf"),
            ("what.unknown1", "application/octet-stream"),
        ] {
            assert_eq!(content_type(path), expected, "{path}");
        }
    }
}
