//! The page that the browser loads.
//!
//! It is rendered once, when the app is built. If the app has pages with titles and tags of their
//! own, these are filled in for each request; the rest is text that was rendered before.

use ferrodash_browser::Script as OwnScript;
use ferrodash_serve::script;
use ferrodash_wire::Body;

use super::assets::Assets;
use super::html::{data_block, element, escape, is_attribute_name, lines, pairs, tag};
use super::inline::{functions_of, start};
use super::settings::{renderer_config, script_config};
use super::suites::{Script, Suites};
use crate::build::Checked;
use crate::config::{Attributes, Config};
use crate::pages::Head;

/// The page, as far as it can be rendered when the app is built.
pub(crate) enum Index {
    /// The same for all paths.
    Fixed(Body),
    /// Pieces around what the app's page for a path has of its own.
    OfPages(Vec<Piece>),
}

/// A piece of the page: text, or a place that is filled in for each request.
pub(crate) enum Piece {
    /// Text that is the same for all paths.
    Text(String),
    /// The title of the path's page.
    Title,
    /// The tags about the path's page.
    Metas,
}

/// Returns the page for one path.
pub(crate) fn assemble(pieces: &[Piece], head: &Head) -> String {
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

/// The template of an app that has none of its own, as Dash has it.
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

/// The element that the renderer draws into, and its content until then.
const APP_ENTRY: &str =
    "<div id=\"react-entry-point\"><div class=\"_dash-loading\">Loading...</div></div>";

/// Renders the page.
///
/// `build_id` is the build that the page sends with its calls. Without pages, or without their
/// tags, the whole page is one body with compressed forms.
///
/// # Errors
/// A text about the template or the tags, for the list of mistakes.
pub(super) fn render(
    app: &Checked,
    suites: &Suites,
    assets: &Assets,
    build_id: &str,
) -> Result<Index, String> {
    let config = &app.config;
    let template = template(config)?;
    check_names_of_attributes(config)?;
    let settings = data_block("_dash-config", &renderer_config(config, suites));
    let own_settings = script_config(config, &app.registry, build_id);
    let settings = settings + "\n" + &data_block("_ferrodash-config", &own_settings);
    let renderer = format!(
        "<script id=\"_dash-renderer\" type=\"application/javascript\">{}</script>",
        start(config, &app.registry)
    );
    let functions = functions_of(&app.registry).into_iter();
    let functions = functions.map(|script| format!("\n<script>{script}</script>"));
    let script = OwnScript::of(&own_settings);
    let scripts = scripts(config, suites, assets, script) + &functions.collect::<String>();
    let pieces = fill(
        &template,
        &[
            ("{%metas%}", &metas(config)),
            ("{%title%}", &escape(&config.title)),
            ("{%favicon%}", &favicon(config, assets)),
            ("{%css%}", &styles(config, suites, assets)),
            ("{%app_entry%}", APP_ENTRY),
            ("{%config%}", &settings),
            ("{%scripts%}", &scripts),
            ("{%renderer%}", &renderer),
        ],
        app.pages.has_metas,
    );
    Ok(match pieces.as_slice() {
        [Piece::Text(page)] => Index::Fixed(Body::encode_now(page.clone().into())),
        _ => Index::OfPages(pieces),
    })
}

/// Returns the template as plugins change it, if it has all markers that the page needs.
///
/// # Errors
/// The mistake, with the first marker that is missing.
fn template(config: &Config) -> Result<String, String> {
    let template = config.index_string.as_deref().unwrap_or(TEMPLATE);
    let plugins = config.plugins.iter();
    let template = plugins.fold(template.to_owned(), |it, plugin| plugin.index(it));
    match NEEDED.iter().find(|marker| !template.contains(*marker)) {
        None => Ok(template),
        Some(missing) => Err(format!(
            "index_string lacks {missing}; without it the page does not start"
        )),
    }
}

/// Checks the names of all attributes that the app gives; they cannot be escaped.
fn check_names_of_attributes(config: &Config) -> Result<(), String> {
    let tags = config
        .meta_tags
        .iter()
        .chain(&config.external_scripts)
        .chain(&config.external_stylesheets);
    match tags.flatten().find(|(name, _)| !is_attribute_name(name)) {
        None => Ok(()),
        Some((name, _)) => Err(format!(
            "{name:?} is not the name of an attribute; use letters, digits and hyphens"
        )),
    }
}

/// The tag of the icon: that of the assets, or else Dash's own.
fn favicon(config: &Config, assets: &Assets) -> String {
    let default = || format!("{}_favicon.ico", config.requests_prefix);
    let url = assets.favicon.clone().unwrap_or_else(default);
    let icon = [("rel", "icon"), ("type", "image/x-icon"), ("href", &url)];
    tag("link", icon.into_iter())
}

/// Replaces markers in one pass, so that what is filled in is never searched for markers. Of an app
/// with pages, the title and the first metas are left open.
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

/// The `<meta>` tags: Dash's defaults, but for those that the app gives itself, then those of the
/// app.
///
/// A default is left out if a tag of the app has an attribute of its name (`charset`), or that name
/// as its `name` (`viewport`).
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

/// The tags of style sheets. Later ones override earlier ones, so those of the assets come last.
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

/// The tags of scripts, whose order matters.
///
/// React comes first, then what others bring, then assets, the renderer, the components, and at
/// last our own script, which must be there before the renderer starts and after it made its
/// globals.
fn scripts(config: &Config, suites: &Suites, assets: &Assets, own: OwnScript) -> String {
    let local = |url: &String| {
        element(
            "script",
            [("src", format!("{}{url}", config.requests_prefix).as_str())],
        )
    };
    let part = |wanted: fn(&Script) -> bool| {
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
    let ours = std::iter::once(local(&script::url(own)));
    lines(
        base.chain(external)
            .chain(own_assets)
            .chain(renderer)
            .chain(components)
            .chain(ours),
    )
}
