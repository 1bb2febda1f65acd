//! `GET _dash-component-suites/…`: the bundles of the component suites.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use ferrodash_components::{Bundle, Suite};
use regex::Regex;

use super::etag::{IMMUTABLE, NO_CACHE, accepts, empty, matches, with_body};
use super::rejection::Rejection;
use crate::body::Encoding;
use crate::state::AppState;

/// The bundles by their paths, and the addresses that go into the page.
pub(crate) struct Suites {
    bundles: HashMap<String, &'static Bundle>,
    pub(crate) scripts: Vec<Script>,
    pub(crate) styles: Vec<String>,
}

/// A script of the page.
pub(crate) struct Script {
    /// Its address below the app's prefix.
    pub(crate) url: String,
    /// Whether it is the renderer, which comes before the components and after all that they need.
    pub(crate) is_renderer: bool,
    /// Whether it is what the renderer and the components stand on: React.
    pub(crate) is_base: bool,
}

/// How many digits of its digest stand in a bundle's address.
const STAMP: usize = 8;

/// The fingerprint in a file's name, between its first part and the others: `v`, a version, `m`, hex digits.
static FINGERPRINT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^([^.]+)\.v[A-Za-z0-9_-]+m([0-9a-fA-F]+)(\..+)$").expect("a valid expression"));

impl Suites {
    pub(crate) fn new(suites: &[&'static Suite]) -> Self {
        let mut all = Self { bundles: HashMap::new(), scripts: Vec::new(), styles: Vec::new() };
        for suite in suites {
            for bundle in suite.bundles {
                all.bundles.insert(suite.url_path(bundle.path), bundle);
            }
            let url = |path: &&str| {
                let bundle = suite.bundles.iter().find(|bundle| bundle.path == *path)?;
                let path = fingerprint(&suite.url_path(path), suite.version, &bundle.sha256[..STAMP]);
                Some(format!("_dash-component-suites/{path}"))
            };
            all.scripts.extend(suite.scripts.iter().filter_map(|path| {
                let is_renderer = path.contains("dash_renderer");
                Some(Script { url: url(path)?, is_renderer, is_base: suite.namespace.is_empty() && !is_renderer })
            }));
            all.styles.extend(suite.styles.iter().filter_map(url));
        }
        all
    }
}

pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    Path(path): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Rejection> {
    let (plain, stamp) = strip_fingerprint(&path);
    let bundle = app.suites.bundles.get(&plain).ok_or_else(|| Rejection::NotFound(plain.clone()))?;
    // Any fingerprint is answered, as bundles ask for their parts with those of their own build; kept for ever is only
    // what is asked for by its digest.
    let is_own = stamp.is_some_and(|stamp| bundle.sha256.starts_with(&stamp) && stamp.len() == STAMP);
    Ok(send(bundle, &headers, if is_own { IMMUTABLE } else { NO_CACHE }))
}

/// Dash's own icon, unless the assets have one.
pub(super) async fn favicon(State(app): State<Arc<AppState>>, headers: HeaderMap) -> Result<Response, Rejection> {
    let bundle = app.suites.bundles.get("dash/favicon.ico").ok_or_else(|| Rejection::NotFound("favicon".into()))?;
    Ok(send(bundle, &headers, NO_CACHE))
}

fn send(bundle: &'static Bundle, headers: &HeaderMap, cache_control: HeaderValue) -> Response {
    let encoding = accepts(headers).best();
    let bytes = match encoding {
        Encoding::Identity => bundle.identity,
        Encoding::Gzip => bundle.gzip,
        Encoding::Brotli => bundle.brotli,
    };
    let suffix = encoding.name().map_or_else(String::new, |name| format!("-{name}"));
    let etag = format!("\"{}{suffix}\"", &bundle.sha256[..32]);
    let mut response = match matches(headers, &etag) {
        true => empty(StatusCode::NOT_MODIFIED),
        false => with_body(Bytes::from_static(bytes), encoding, content_type(bundle.path)),
    };
    let headers = response.headers_mut();
    headers.insert(header::ETAG, HeaderValue::try_from(etag).expect("hex in quotes is a header value"));
    headers.insert(header::CACHE_CONTROL, cache_control);
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    response
}

fn content_type(path: &str) -> HeaderValue {
    HeaderValue::from_static(match path.rsplit('.').next() {
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("map" | "json") => "application/json",
        Some("ico") => "image/x-icon",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        Some("txt") | None => "text/plain; charset=utf-8",
        Some(_) if path.ends_with("LICENSE") => "text/plain; charset=utf-8",
        Some(_) => "application/octet-stream",
    })
}

/// Puts a fingerprint after the first part of a file's name.
fn fingerprint(path: &str, version: &str, stamp: &str) -> String {
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
    let (name, rest) = file.split_once('.').unwrap_or((file, ""));
    let version: String =
        version.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }).collect();
    let folder = if folder.is_empty() { String::new() } else { format!("{folder}/") };
    format!("{folder}{name}.v{version}m{stamp}.{rest}")
}

/// The path without its fingerprint, and the stamp of that if there was one.
fn strip_fingerprint(path: &str) -> (String, Option<String>) {
    let (folder, file) = path.rsplit_once('/').map_or(("", path), |(folder, file)| (folder, file));
    match FINGERPRINT.captures(file) {
        Some(parts) => {
            let slash = if folder.is_empty() { "" } else { "/" };
            (format!("{folder}{slash}{}{}", &parts[1], &parts[3]), Some(parts[2].to_owned()))
        }
        None => (path.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors are names that reference Dash 4.4.1 puts into its page.
    #[test]
    fn fingerprints_are_those_of_dash() {
        for (path, expected) in [
            ("deps/react-dom@18.3.1.min.js", "deps/react-dom@18.v4_4_1m1795350843.3.1.min.js"),
            ("dcc/dash_core_components.js", "dcc/dash_core_components.v4_4_1m1795350843.js"),
        ] {
            assert_eq!(fingerprint(path, "4.4.1", "1795350843"), expected);
            assert_eq!(strip_fingerprint(expected), (path.to_owned(), Some("1795350843".to_owned())));
        }
    }

    #[test]
    fn names_without_a_fingerprint_stay() {
        for path in ["dash/dcc/async-graph.js", "plotly/package_data/plotly.min.js", "a.vx.js", "react@18.3.1.min.js"] {
            assert_eq!(strip_fingerprint(path), (path.to_owned(), None));
        }
    }

    #[test]
    fn every_bundle_unpacks_to_the_same_bytes_in_all_forms() {
        use std::io::Read;
        for suite in [&ferrodash_components::renderer::SUITE, &ferrodash_components::dcc::SUITE] {
            for bundle in suite.bundles {
                let mut gzip = Vec::new();
                flate2::read::GzDecoder::new(bundle.gzip).read_to_end(&mut gzip).expect(bundle.path);
                let mut brotli = Vec::new();
                brotli::BrotliDecompress(&mut &*bundle.brotli, &mut brotli).expect(bundle.path);
                assert!(gzip == bundle.identity && brotli == bundle.identity, "{}", bundle.path);
            }
        }
    }
}
