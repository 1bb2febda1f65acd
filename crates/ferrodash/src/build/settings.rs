//! Checks of an app's settings by themselves: prefixes, endpoints, addresses and names.
//!
//! Whether two settings claim the same path is checked in `claims.rs`.

use axum::http::HeaderName;

use crate::config::{Config, Csrf};
use crate::paths;

/// Calls `mistake` for each setting with an invalid value.
pub(super) fn check(config: &Config, mistake: &mut dyn FnMut(String)) {
    check_paths(config, mistake);
    csrf_problem(&config.csrf).into_iter().for_each(mistake);
}

/// Calls `mistake` for paths that no browser sends as they are written, or that the router could
/// not serve.
///
/// A path that needs encoding is not encoded here: it would then differ from what the author reads,
/// and from what a proxy in front is set up for.
fn check_paths(config: &Config, mistake: &mut dyn FnMut(String)) {
    let prefixes = [
        ("requests_pathname_prefix", &config.requests_prefix),
        ("routes_pathname_prefix", &config.routes_prefix),
    ];
    for (name, prefix) in prefixes {
        if !prefix.starts_with('/') || !prefix.ends_with('/') {
            mistake(format!(
                "{name} is {prefix:?}; it must begin and end with a slash"
            ));
        }
        if let Some(problem) = paths::problem(prefix) {
            mistake(format!(
                "{name} is {prefix:?}; it must be a plain path: {problem}"
            ));
        }
    }
    if let Some(url) = &config.assets.external
        && !["https://", "http://", "/"]
            .iter()
            .any(|start| url.starts_with(start) && !url.starts_with("//"))
    {
        mistake(format!(
            "assets_external_path is {url:?}; it must begin with https://, \
             http:// or a slash"
        ));
    }
    let endpoints = [
        ("health_endpoint", &config.health_endpoint),
        ("ready_endpoint", &config.ready_endpoint),
        ("metrics_endpoint", &config.metrics_endpoint),
    ];
    let endpoints = endpoints
        .into_iter()
        .filter_map(|(name, path)| Some((name, path.as_ref()?)));
    for (name, path) in endpoints.chain([("assets_url_path", &config.assets.url_path)]) {
        let path = path.trim_matches('/');
        // Names that begin with an underscore are those of Dash and of this crate.
        if path.is_empty() || path.starts_with('_') {
            mistake(format!(
                "{name} is {path:?}; \
                 it must be a plain path that does not begin with an underscore"
            ));
        } else if let Some(problem) = paths::problem(path) {
            mistake(format!(
                "{name} is {path:?}; it must be a plain path: {problem}"
            ));
        }
    }
}

/// Returns what is wrong with the names of the CSRF cookie and its header.
fn csrf_problem(csrf: &Csrf) -> Option<String> {
    // A cookie's name is of the same characters as a header's (RFC 6265, section 4.1.1), but not in
    // lower case only.
    let is_name = |name: &str| HeaderName::try_from(name).is_ok();
    let names = [
        ("csrf_token_name", &csrf.cookie),
        ("csrf_header_name", &csrf.header),
    ];
    let (setting, name) = names.into_iter().find(|(_, name)| !is_name(name))?;
    Some(format!(
        "{setting} is {name:?}; it must be letters, digits, hyphens and underscores"
    ))
}
