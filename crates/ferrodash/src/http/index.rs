//! The page that the browser loads: rendered once. What says something of the app's page for a path
//! is filled in for each request.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, LazyLock};

use axum::extract::State;
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::Response;
use regex_lite::Regex;
use serde::Serialize;

use super::dependencies::gate_name;
use super::etag::{NO_CACHE, empty, respond, respond_once};
use super::wire::{ClientCallback, RendererConfig, ScriptBatch, ScriptConfig, ScriptGate};
use super::{Assets, Suites, csrf, script};
use crate::body::Body;
use crate::callback::{Clientside, Registered, Registry, Source, Vary};
use crate::config::{Attributes, Config};
use crate::pages::{Head, PageRegistry, Visit};
use crate::state::AppState;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// The page, as far as it can be rendered when the app is built.
pub(crate) enum Index {
    /// The same for all paths.
    Fixed(Body),
    /// Pieces around what the app's page for a path has of its own.
    OfPages(Vec<Piece>),
}

/// A piece of the page.
pub(crate) enum Piece {
    Text(String),
    Title,
    Metas,
}

pub(super) async fn serve(
    State(app): State<Arc<AppState>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    if let Some(target) = app.pages.redirect(&app.config.routes_prefix, uri.path()) {
        return redirect(StatusCode::MOVED_PERMANENTLY, target);
    }
    let mut response = match &app.index {
        Index::Fixed(body) => respond(&headers, body, HTML, NO_CACHE),
        Index::OfPages(pieces) => {
            let visit = Visit {
                origin: &origin(&uri, &headers),
                path: uri.path(),
                query: uri.query(),
                routes_prefix: &app.config.routes_prefix,
            };
            let page = assemble(pieces, &Head::new(&app.pages, &visit));
            respond_once(&headers, page.into(), HTML, NO_CACHE).await
        }
    };
    csrf::give(&app.config, &uri, &headers, response.headers_mut());
    response
}

/// The path of the app without its last slash: to where the browser finds the app, with the query
/// as it came.
pub(super) async fn to_prefix(State(app): State<Arc<AppState>>, uri: Uri) -> Response {
    let query = uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    redirect(
        StatusCode::PERMANENT_REDIRECT,
        &format!("{}{query}", app.config.requests_prefix),
    )
}

fn redirect(status: StatusCode, target: &str) -> Response {
    let mut response = empty(status);
    if let Ok(target) = HeaderValue::from_bytes(target.as_bytes()) {
        response.headers_mut().insert(header::LOCATION, target);
    }
    response
}

/// Scheme and host as the browser has them. A proxy that ends TLS says so.
fn origin(uri: &Uri, headers: &HeaderMap) -> String {
    let text = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST)
        .or_else(|| uri.authority().map(Authority::as_str))
        .unwrap_or("localhost");
    format!(
        "http{}://{host}",
        if csrf::is_https(uri, headers) {
            "s"
        } else {
            ""
        }
    )
}

fn assemble(pieces: &[Piece], head: &Head) -> String {
    let mut page = String::with_capacity(8192);
    for piece in pieces {
        match piece {
            Piece::Text(text) => page.push_str(text),
            Piece::Title => page.push_str(&escape(&head.title)),
            Piece::Metas => {
                for attributes in &head.metas {
                    page.push_str(&tag(
                        "meta",
                        attributes
                            .iter()
                            .map(|(name, value)| (*name, value.as_str())),
                    ));
                    page.push('\n');
                }
            }
        }
    }
    page
}

const TEMPLATE: &str = "<!DOCTYPE html>
<html lang=\"en\">
<head>
{%metas%}
<title>{%title%}</title>
{%favicon%}
{%css%}
</head>
<body>
{%app_entry%}
<footer>
{%config%}
{%scripts%}
{%renderer%}
</footer>
</body>
</html>
";

/// Markers that a template must have, or the page would not start.
const NEEDED: [&str; 4] = ["{%app_entry%}", "{%config%}", "{%scripts%}", "{%renderer%}"];

const APP_ENTRY: &str =
    "<div id=\"react-entry-point\"><div class=\"_dash-loading\">Loading...</div></div>";

/// The functions that the renderer calls if a page has them.
pub(crate) const RENDERER_HOOKS: [&str; 6] = [
    "layout_pre",
    "layout_post",
    "request_pre",
    "request_post",
    "callback_resolved",
    "request_refresh_jwt",
];

/// The script that starts the renderer.
fn start(config: &Config) -> String {
    if config.renderer_hooks.is_empty() {
        return "var renderer = new DashRenderer();".to_owned();
    }
    // The renderer calls this one without a look whether it is there.
    let none = ("request_refresh_jwt", "null".to_owned());
    let hooks = [none]
        .into_iter()
        .chain(config.renderer_hooks.iter().cloned());
    let hooks: String = hooks
        .map(|(name, source)| format!("{name}: {}\n,", in_script(&source)))
        .collect();
    format!("var renderer = new DashRenderer({{{hooks}}});")
}

/// The page, or what is wrong with its template or tags.
pub(crate) fn render_index(
    config: &Config,
    registry: &Registry,
    suites: &Suites,
    assets: &Assets,
    pages: &PageRegistry,
    build_id: &str,
) -> Result<Index, String> {
    let template = config
        .index_string
        .as_deref()
        .unwrap_or(TEMPLATE)
        .to_owned();
    let template = &config
        .plugins
        .iter()
        .fold(template, |template, plugin| plugin.index(template));
    if let Some(missing) = NEEDED.iter().find(|marker| !template.contains(*marker)) {
        return Err(format!(
            "index_string lacks {missing}; without it the page does not start"
        ));
    }
    let tags = config
        .meta_tags
        .iter()
        .chain(&config.external_scripts)
        .chain(&config.external_stylesheets);
    if let Some((name, _)) = tags.flatten().find(|(name, _)| !is_attribute_name(name)) {
        return Err(format!(
            "{name:?} is not the name of an attribute; use letters, digits and hyphens"
        ));
    }
    let favicon = assets
        .favicon
        .clone()
        .unwrap_or_else(|| format!("{}_favicon.ico", config.requests_prefix));
    let icon = [
        ("rel", "icon"),
        ("type", "image/x-icon"),
        ("href", &favicon),
    ];
    let settings = data_block("_dash-config", &renderer_config(config, suites))
        + "\n"
        + &data_block(
            "_ferrodash-config",
            &script_config(config, registry, build_id),
        );
    let renderer = format!(
        "<script id=\"_dash-renderer\" type=\"application/javascript\">{}</script>",
        start(config)
    );
    let functions = functions_of(registry)
        .into_iter()
        .map(|script| format!("\n<script>{script}</script>"));
    let scripts = scripts(config, suites, assets) + &functions.collect::<String>();
    let pieces = fill(
        template,
        &[
            ("{%metas%}", &metas(config)),
            ("{%title%}", &escape(&config.title)),
            ("{%favicon%}", &tag("link", icon.iter().copied())),
            ("{%css%}", &styles(config, suites, assets)),
            ("{%app_entry%}", APP_ENTRY),
            ("{%config%}", &settings),
            ("{%scripts%}", &scripts),
            ("{%renderer%}", &renderer),
        ],
        pages.has_metas,
    );
    Ok(match pieces.as_slice() {
        [Piece::Text(page)] => Index::Fixed(Body::encode_now(page.clone().into())),
        _ => Index::OfPages(pieces),
    })
}

/// Replaces markers in one pass, so that what is filled in is never searched for markers. With
/// pages, the title and the first metas are left open.
fn fill(template: &str, parts: &[(&str, &str)], of_pages: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut page = String::with_capacity(template.len() + 4096);
    let mut rest = template;
    while let Some(start) = rest.find("{%") {
        page.push_str(&rest[..start]);
        rest = &rest[start..];
        let Some((marker, content)) = parts.iter().find(|(marker, _)| rest.starts_with(marker))
        else {
            page.push_str("{%");
            rest = &rest[2..];
            continue;
        };
        match *marker {
            "{%title%}" if of_pages => {
                pieces.extend([Piece::Text(std::mem::take(&mut page)), Piece::Title])
            }
            "{%metas%}" if of_pages => {
                pieces.extend([Piece::Text(std::mem::take(&mut page)), Piece::Metas]);
                page.push_str(content);
            }
            _ => page.push_str(content),
        }
        rest = &rest[marker.len()..];
    }
    page.push_str(rest);
    pieces.push(Piece::Text(page));
    pieces
}

fn metas(config: &Config) -> String {
    let defaults = [
        (
            "http-equiv",
            vec![("http-equiv", "X-UA-Compatible"), ("content", "IE=edge")],
        ),
        ("charset", vec![("charset", "UTF-8")]),
        (
            "viewport",
            vec![
                ("name", "viewport"),
                ("content", "width=device-width, initial-scale=1"),
            ],
        ),
    ];
    let given = |what: &str| {
        let has = |tag: &Attributes| {
            tag.iter()
                .any(|(name, value)| name == what || (name == "name" && value == what))
        };
        config.meta_tags.iter().any(has)
    };
    let defaults = defaults
        .iter()
        .filter(|(what, _)| !given(what))
        .map(|(_, tag)| tag.clone());
    let own = config.meta_tags.iter().map(|tag| pairs(tag).collect());
    lines(
        defaults
            .chain(own)
            .map(|attributes: Vec<_>| tag("meta", attributes.into_iter())),
    )
}

fn styles(config: &Config, suites: &Suites, assets: &Assets) -> String {
    let external = config
        .external_stylesheets
        .iter()
        .map(|attributes| tag("link", pairs(attributes)));
    let suites = suites
        .styles
        .iter()
        .map(|url| format!("{}{url}", config.requests_prefix));
    let own = suites.chain(assets.styles.iter().cloned());
    let own = own.map(|href| {
        tag(
            "link",
            [("rel", "stylesheet"), ("href", &*href)].into_iter(),
        )
    });
    lines(external.chain(own))
}

/// The order matters: React, then what others bring, then assets, the renderer, the components, and
/// our own script, which must be there before the renderer starts and after it made its globals.
fn scripts(config: &Config, suites: &Suites, assets: &Assets) -> String {
    let local = |url: &String| {
        element(
            "script",
            [("src", format!("{}{url}", config.requests_prefix).as_str())],
        )
    };
    let part = |wanted: fn(&super::suites::Script) -> bool| {
        suites
            .scripts
            .iter()
            .filter(move |script| wanted(script))
            .map(|script| local(&script.url))
    };
    let base = part(|script| script.is_base);
    let external = config.external_scripts.iter().map(|attributes| {
        let attributes: Vec<_> = pairs(attributes).collect();
        element("script", attributes)
    });
    let own_assets = assets
        .scripts
        .iter()
        .map(|url| match url.split('?').next() {
            Some(path) if path.ends_with(".mjs") => {
                element("script", [("type", "module"), ("src", url.as_str())])
            }
            _ => element("script", [("src", url.as_str())]),
        });
    let renderer = part(|script| script.is_renderer);
    let components = part(|script| !script.is_base && !script.is_renderer);
    let ours = std::iter::once(local(&script::url()));
    lines(
        base.chain(external)
            .chain(own_assets)
            .chain(renderer)
            .chain(components)
            .chain(ours),
    )
}

/// The text of each script that stands in the page itself, which a policy for content must allow by
/// its hash.
pub(crate) fn inline_scripts(config: &Config, registry: &Registry) -> Vec<String> {
    let mut scripts = functions_of(registry);
    scripts.push(start(config));
    scripts
}

/// What ends a script's element, or begins a part of it that HTML reads in another way.
static BREAKS_OUT: LazyLock<Regex> =
    LazyLock::new(|| Regex::new("(?i)<(/script|!--)").expect("a valid expression"));

/// A source as it stands in the page. What would break out of the element is written with a
/// backslash, as JavaScript also reads it within texts.
fn in_script(source: &str) -> String {
    // HTML makes one line break of the two characters, before a policy's hash is compared.
    BREAKS_OUT
        .replace_all(&source.replace("\r\n", "\n"), "<\\$1")
        .into_owned()
}

/// The functions of clientside callbacks that are given as source, each where the renderer finds
/// it.
fn functions_of(registry: &Registry) -> Vec<String> {
    let functions = registry
        .iter()
        .filter_map(|callback| callback.callback.clientside());
    let script = |function: &Clientside| {
        let source = in_script(function.source.as_ref()?);
        let (namespace, name) = (&function.namespace, &function.name);
        Some(format!(
            "((window.dash_clientside ||= {{}})[\"{namespace}\"] ||= {{}})[\"{name}\"] = {source}\n;"
        ))
    };
    let mut scripts: Vec<String> = functions.filter_map(script).collect();
    scripts.sort_unstable();
    scripts.dedup();
    scripts
}

fn renderer_config<'a>(config: &'a Config, suites: &Suites) -> RendererConfig<'a> {
    let mut children_props: BTreeMap<&str, BTreeMap<&str, &[&str]>> = BTreeMap::new();
    for suite in config
        .suites
        .iter()
        .filter(|suite| !suite.namespace.is_empty())
    {
        let props = suite
            .components
            .iter()
            .map(|component| (component.name, component.children_props));
        children_props.insert(
            suite.namespace,
            props.filter(|(_, paths)| !paths.is_empty()).collect(),
        );
    }
    RendererConfig {
        requests_pathname_prefix: &config.requests_prefix,
        ui: false,
        props_check: false,
        disable_version_check: true,
        show_undo_redo: config.show_undo_redo,
        suppress_callback_exceptions: true,
        update_title: config.update_title.as_deref(),
        children_props,
        // With it the renderer asks for plotly.js by an address that browsers may not keep.
        serve_locally: suites.plotly.is_none(),
        plotlyjs_url: suites
            .plotly
            .as_ref()
            .map(|url| format!("{}{url}", config.requests_prefix)),
        dash_version: ferrodash_components::renderer::SUITE.version,
        plotly_cloud_installed: true,
        // Checked when the app is built, where types know more; and the carriers of debounced
        // inputs would not pass.
        validate_callbacks: false,
        csrf_token_name: &config.csrf.cookie,
        csrf_header_name: &config.csrf.header,
    }
}

fn script_config<'a>(
    config: &'a Config,
    registry: &'a Registry,
    build: &'a str,
) -> ScriptConfig<'a> {
    let cached = registry
        .iter()
        .filter(|callback| callback.is_cached_by_clients());
    let batched = registry.iter().filter(|callback| callback.is_batched());
    let gates = registry
        .gates()
        .into_iter()
        .enumerate()
        .map(|(index, gate)| ScriptGate {
            name: gate_name(index),
            carrier: gate.carrier,
            wait: millis(gate.wait),
        });
    ScriptConfig {
        prefix: &config.requests_prefix,
        build,
        client: cached
            .map(|callback| {
                (
                    callback.output.as_str(),
                    client_callback(registry, callback),
                )
            })
            .collect(),
        gates: gates.collect(),
        batch: config.batch_calls.then(|| ScriptBatch {
            outputs: batched.map(|callback| callback.output.as_str()).collect(),
            // Of which each is at most three bytes; proxies often take one megabyte.
            characters: config.max_body.min(1 << 20) / 3,
        }),
        reload: config.reload_stale_pages,
        most: config.max_body,
        cloud: config.show_send_to_cloud,
    }
}

fn client_callback<'a>(registry: &'a Registry, callback: &'a Registered) -> ClientCallback<'a> {
    let shared = registry.get(callback.same_function);
    let argument = |source: &Source| match source {
        Source::Input(index) => format!("i{index}"),
        Source::State(index) => format!("s{index}"),
    };
    let outputs = |callback: &Registered| {
        let outputs = callback.callback.spec.outputs.iter();
        outputs
            .map(|output| {
                (
                    output.property.id.to_string(),
                    output.property.name.to_string(),
                )
            })
            .collect::<Vec<_>>()
    };
    let rename = match shared.output == callback.output {
        true => Vec::new(),
        false => outputs(shared)
            .into_iter()
            .zip(outputs(callback))
            .map(|((a, b), (c, d))| [a, b, c, d])
            .collect(),
    };
    ClientCallback {
        token: &shared.token,
        arguments: callback.wire.sources.iter().map(argument).collect(),
        trigger: callback.vary.contains(&Vary::Trigger),
        pattern: callback.has_patterns,
        rename,
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// JSON in the page. `<` is escaped, so that no value ends the element.
fn data_block(id: &str, value: &impl Serialize) -> String {
    let json = serde_json::to_string(value)
        .expect("text and numbers are JSON")
        .replace('<', "\\u003c");
    format!("<script id=\"{id}\" type=\"application/json\">{json}</script>")
}

fn pairs(attributes: &Attributes) -> impl Iterator<Item = (&str, &str)> {
    attributes
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
}

fn tag<'a>(name: &str, attributes: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut tag = format!("<{name}");
    for (name, value) in attributes {
        let _ = write!(tag, " {name}=\"{}\"", escape(value));
    }
    tag.push('>');
    tag
}

fn element<'a>(name: &str, attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    format!("{}</{name}>", tag(name, attributes.into_iter()))
}

fn lines(tags: impl Iterator<Item = String>) -> String {
    tags.collect::<Vec<_>>().join("\n")
}

/// Names, unlike values, cannot be escaped.
fn is_attribute_name(name: &str) -> bool {
    !name.is_empty()
        && !name.contains(|c: char| c.is_whitespace() || c.is_control() || "\"'<>/=".contains(c))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
