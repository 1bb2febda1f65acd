//! The page of an app: where it says what, and what is added to it.
//!
//! The page is that of the app, with our script before the renderer starts, and with links that
//! have the browser ask for the layout and the callbacks at once. A page in which one of the places
//! is not found stays as it is.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::Value;

/// Where the renderer's bundle is, below a prefix.
const RENDERER: &str = "_dash-component-suites/dash/dash-renderer/build/dash_renderer.";

/// A page of a Dash app.
pub(crate) struct Page<'a> {
    html: &'a str,
    pub(crate) config: PageConfig,
    /// Where the element is that starts the renderer.
    start: usize,
    /// The attribute of that element by which a policy allows it.
    nonce: Option<&'a str>,
    /// The address of the renderer's bundle, in the page.
    renderer: Option<&'a str>,
}

/// What a page says about its app.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PageConfig {
    /// The path that the addresses of the app begin with.
    pub(crate) prefix: String,
    /// The packages of its components.
    pub(crate) namespaces: Vec<String>,
    /// The version of Dash, if the page says it.
    pub(crate) version: Option<String>,
}

#[derive(Deserialize)]
struct DashConfig {
    requests_pathname_prefix: Option<String>,
    url_base_pathname: Option<String>,
    dash_version: Option<String>,
    #[serde(default)]
    children_props: serde_json::Map<String, Value>,
}

impl<'a> Page<'a> {
    /// Finds the places in a page. `None` if it is not one of Dash, or not understood.
    pub(crate) fn read(html: &'a str) -> Option<Self> {
        let config = element(html, "_dash-config")?;
        let config: DashConfig = serde_json::from_str(config.content).ok()?;
        let start = element(html, "_dash-renderer")?;
        let renderer = address(html);
        let prefix = config
            .requests_pathname_prefix
            .or(config.url_base_pathname)
            .unwrap_or_else(|| "/".to_owned());
        if !prefix.starts_with('/') || !prefix.ends_with('/') {
            return None;
        }
        let version = config.dash_version.or_else(|| version_of(renderer?));
        Some(Self {
            html,
            config: PageConfig {
                prefix,
                namespaces: config.children_props.keys().cloned().collect(),
                version,
            },
            start: start.place,
            nonce: start.attribute("nonce"),
            renderer,
        })
    }

    /// Returns the address of the renderer's bundle, in the page.
    pub(crate) fn renderer(&self) -> Option<&'a str> {
        self.renderer
    }

    /// Returns the nonce by which a policy allows the page's scripts.
    pub(crate) fn nonce(&self) -> Option<&'a str> {
        self.nonce
    }

    /// Writes the page. `settings` are those of the script at an address, `renderer` is another
    /// address for the renderer's bundle.
    pub(crate) fn write(
        &self,
        settings: Option<&(String, String)>,
        renderer: Option<&str>,
    ) -> String {
        let mut page = String::with_capacity(self.html.len() + 4096);
        page.push_str(&self.html[..self.start]);
        if let Some((json, script)) = settings {
            let nonce = self.nonce.map(|nonce| format!(" nonce=\"{nonce}\""));
            let nonce = nonce.unwrap_or_default();
            let _ = write!(
                page,
                "<script id=\"_ferrodash-config\" type=\"application/json\">{json}</script>\
                 <script src=\"{prefix}{script}\"{nonce}></script>\n            ",
                prefix = self.config.prefix,
            );
        }
        page.push_str(&self.html[self.start..]);
        if let (Some(old), Some(new)) = (self.renderer, renderer) {
            page = page.replacen(old, new, 1);
        }
        let preloads = ["_dash-layout", "_dash-dependencies"].map(|name| {
            let prefix = &self.config.prefix;
            format!(
                "<link rel=\"preload\" as=\"fetch\" crossorigin=\"anonymous\" \
                 href=\"{prefix}{name}\">"
            )
        });
        if let Some(end) = page.find("</head>") {
            page.insert_str(end, &preloads.concat());
        }
        page
    }

    /// Returns the addresses of the bundles of components in the page, below the prefix.
    pub(crate) fn suites(&self) -> Vec<&'a str> {
        let mut addresses = Vec::new();
        for part in self.html.split("<script src=\"").skip(1) {
            let address = part.split('"').next().unwrap_or_default();
            if address.starts_with(&format!("{}_dash-component-suites/", self.config.prefix)) {
                addresses.push(address);
            }
        }
        addresses
    }
}

/// An element of a script.
struct Element<'a> {
    place: usize,
    /// The text of its start tag.
    tag: &'a str,
    content: &'a str,
}

impl<'a> Element<'a> {
    fn attribute(&self, name: &str) -> Option<&'a str> {
        let start = self.tag.find(&format!(" {name}=\""))? + name.len() + 3;
        self.tag[start..].split('"').next()
    }
}

/// Finds the element of a script by its id. It must be the only one.
fn element<'a>(html: &'a str, id: &str) -> Option<Element<'a>> {
    let start = format!("<script id=\"{id}\"");
    let place = html.find(&start)?;
    let rest = &html[place..];
    if rest[1..].contains(&start) {
        return None;
    }
    let (tag, rest) = rest.split_once('>')?;
    let (content, _) = rest.split_once("</script>")?;
    Some(Element {
        place,
        tag,
        content,
    })
}

/// Finds the address of the renderer's minified bundle. Not that of a page whose scripts are
/// checked against digests.
fn address(html: &str) -> Option<&str> {
    let place = html.find(RENDERER)?;
    let start = html[..place].rfind('"')? + 1;
    let address = html[start..].split('"').next()?;
    let tag = html[place..].split('>').next()?;
    let is_usual = address.ends_with(".min.js") && !tag.contains("integrity");
    is_usual.then_some(address)
}

/// The first version of Dash whose renderer lets inputs wait: it has callbacks of the page that have
/// no output.
const WAITS_SINCE: [u32; 3] = [2, 17, 1];

/// Returns whether inputs can wait in pages of a version of Dash. A version that is not understood
/// is taken for a new one.
pub(crate) fn can_wait(version: &str) -> bool {
    let numbers = version.split('.').map_while(|part| part.parse().ok());
    let numbers: Vec<u32> = numbers.collect();
    numbers.is_empty() || numbers[..] >= WAITS_SINCE[..]
}

/// Reads the version in the address of the renderer's bundle, such as
/// `dash_renderer.v3_2_0m1754000000.min.js`.
fn version_of(renderer: &str) -> Option<String> {
    let (_, name) = renderer.split_once("dash_renderer.v")?;
    let (version, _) = name.split_once('m')?;
    let is_version = version
        .chars()
        .all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_version.then(|| version.replace('_', "."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!DOCTYPE html><html><head><title>Dash</title></head><body>
        <footer><script id="_dash-config" type="application/json">{"requests_pathname_prefix":"\u002fa\u002f","children_props":{"dash_html_components":{}}}</script>
            <script src="/a/_dash-component-suites/dash/deps/react@18.v4_4_1m17.min.js"></script>
            <script src="/a/_dash-component-suites/dash/dash-renderer/build/dash_renderer.v4_4_1m17.min.js"></script>
            <script id="_dash-renderer" type="application/javascript" nonce="n1">var renderer = new DashRenderer();</script>
        </footer></body></html>"#;

    #[test]
    fn the_script_is_before_the_renderer_and_the_links_are_in_the_head() {
        let page = Page::read(PAGE).unwrap();
        assert_eq!(page.config.prefix, "/a/");
        assert_eq!(page.config.version.as_deref(), Some("4.4.1"));
        assert_eq!(page.suites().len(), 2);
        let settings = (
            "{\"a\":1}".to_owned(),
            "_ferrodash/0/ferrodash.js".to_owned(),
        );
        let written = page.write(Some(&settings), Some("/a/renderer"));
        let place = |text: &str| written.find(text).unwrap_or_else(|| panic!("{text}"));
        assert!(place("href=\"/a/_dash-layout\"") < place("</head>"));
        assert!(
            place("{\"a\":1}")
                < place("<script src=\"/a/_ferrodash/0/ferrodash.js\" nonce=\"n1\">")
        );
        assert!(place("ferrodash.js") < place("_dash-renderer"));
        assert!(place("\"/a/renderer\"") < place("_ferrodash-config"));
        assert!(!written.contains("dash_renderer.v4"));
    }

    #[test]
    fn what_is_no_page_of_dash_is_not_understood() {
        for html in [
            "<html></html>".to_owned(),
            PAGE.replace("_dash-renderer", "other"),
            PAGE.replace("\"requests", "requests"),
            PAGE.replace("</body>", "<script id=\"_dash-renderer\"></script>"),
            PAGE.replace("\\u002fa\\u002f", "a"),
        ] {
            assert!(Page::read(&html).is_none(), "{html}");
        }
    }
}
