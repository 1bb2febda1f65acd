//! The head of the page that the browser loads, for search engines and social media: what it says
//! about the page of its path.
//!
//! `crate::render` writes the tags; here are only their contents.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ferrodash_serve::log::OneLine;

use super::page::PageText;
use super::registry::PageRegistry;
use super::variables::Variables;
use crate::paths::{encode, strip};

/// The address that a browser asks for.
pub(crate) struct Visit<'a> {
    /// Scheme and host, without a slash at the end.
    pub(crate) origin: &'a str,
    /// The path as the router has it, with the prefix.
    pub(crate) path: &'a str,
    pub(crate) query: Option<&'a str>,
    pub(crate) routes_prefix: &'a str,
}

/// The title and the `<meta>` tags of a path.
pub(crate) struct Head {
    pub(crate) title: String,
    /// Two attributes for each tag.
    pub(crate) metas: Vec<[(&'static str, String); 2]>,
}

impl Head {
    /// Makes the head for a visit, with the tags in Dash's order.
    ///
    /// A path that no page has gets the app's title, and empty descriptions.
    pub(crate) fn new(pages: &PageRegistry, visit: &Visit<'_>) -> Self {
        let path = strip(visit.routes_prefix, visit.path).unwrap_or_default();
        let (page, variables) = pages.find(path).unzip();
        let variables = variables.unwrap_or_default();
        let title = page.map_or_else(|| pages.title.clone(), |page| text(&page.title, &variables));
        let description = page.map_or_else(String::new, |page| text(&page.description, &variables));
        let address = |image: &str| {
            let parts: Vec<_> = image.split('/').map(encode).collect();
            parts.join("/")
        };
        let from_assets = || match pages.paths().get_asset_url(&address(page?.image()?)) {
            path if path.starts_with('/') => Some(format!("{}{path}", visit.origin)),
            url => Some(url),
        };
        // An address that was given whole wins over a file of the assets folder.
        let image = page
            .and_then(|page| page.image_url().map(str::to_owned))
            .or_else(from_assets);
        let image = image.unwrap_or_default();
        let below = visit
            .path
            .strip_prefix(visit.routes_prefix.trim_end_matches('/'))
            .unwrap_or_default();
        let query = visit
            .query
            .map_or_else(String::new, |query| format!("?{query}"));
        let url = format!(
            "{}{}{query}",
            visit.origin,
            pages.paths().get_relative_path(below)
        );
        let property = |name: &str, content: &str| {
            [
                ("property", name.to_owned()),
                ("content", content.to_owned()),
            ]
        };
        let metas = vec![
            [
                ("name", "description".to_owned()),
                ("content", description.clone()),
            ],
            property("twitter:card", "summary_large_image"),
            property("twitter:url", &url),
            property("twitter:title", &title),
            property("twitter:description", &description),
            property("twitter:image", &image),
            property("og:title", &title),
            property("og:type", "website"),
            property("og:description", &description),
            property("og:image", &image),
        ];
        Self { title, metas }
    }
}

/// Returns the text, or nothing if its function panics: the page itself can still be shown.
fn text(text: &PageText, variables: &Variables) -> String {
    catch_unwind(AssertUnwindSafe(|| text.of(variables))).unwrap_or_else(|_| {
        tracing::error!(
            variables = %OneLine(variables),
            "the function of a page's title or description panicked"
        );
        String::new()
    })
}
