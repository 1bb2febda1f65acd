//! The pages of an app in their order, with everything that follows from the app.
//!
//! It is made once, when the app is built, and is shared by all requests. Paths here are without
//! the app's prefix unless they say otherwise.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::panic::Location;
use std::path::Path;

use ferrodash_components::dcc;
use serde_json::Value;

use super::layout::PageLayout;
use super::page::{Page, PageOrder, PageText};
use super::path::{
    Template, last, module_of_path, name_of_module, path_of_module, path_of_template,
};
use super::variables::Variables;
use crate::config::Config;
use crate::paths::{Paths, strip};

/// Endings of files that can be a page's picture, as in Dash.
const PICTURES: [&str; 8] = ["apng", "avif", "gif", "jpeg", "jpg", "png", "svg", "webp"];

/// The pages of an app, in their order: Dash's `page_registry`.
///
/// A layout gets it as the argument of its function, which is called once, when the app is built;
/// callbacks get it from [`Context::page_registry`](crate::Context::page_registry).
///
/// ```
/// use ferrodash::prelude::*;
///
/// fn layout(pages: &PageRegistry) -> html::Div {
///     html::Div::new((html::Nav::new(pages.iter().map(RegisteredPage::link)), page_container()))
/// }
///
/// let home = Page::new(html::H1::new("Welcome")).path("/");
/// let sales = Page::new(html::H1::new("Sales")).path("/sales");
/// let app = App::new(layout).pages([home, sales]);
/// # app.build().expect("it has no mistakes");
/// ```
#[derive(Debug, Default)]
pub struct PageRegistry {
    pages: Vec<RegisteredPage>,
    paths: Paths,
    /// Old paths without slashes at their ends, and the addresses that they lead to.
    redirects: HashMap<String, String>,
    /// The app's title, for paths that no page has.
    pub(super) title: String,
    /// True if the HTML that the browser loads has tags about the page of its path.
    pub(crate) has_metas: bool,
}

/// A page of an app, with everything that follows from other pages and the app's settings.
///
/// Paths and names that were not given in the [`Page`](crate::Page) are filled in.
pub struct RegisteredPage {
    pub(crate) layout: PageLayout,
    /// The path with variables, ready to be matched.
    pub(crate) template: Option<Template>,
    pub(super) title: PageText,
    pub(super) description: PageText,
    pub(crate) location: &'static Location<'static>,
    module: String,
    path: String,
    relative_path: String,
    path_template: Option<String>,
    name: String,
    image: Option<String>,
    image_url: Option<String>,
    order: Option<PageOrder>,
    redirect_from: Vec<String>,
    data: std::collections::BTreeMap<String, Value>,
    /// Mistakes that were noted when the page was described.
    pub(crate) unreadable: Vec<String>,
}

impl RegisteredPage {
    /// Fills in what the description leaves out, from the module, the path and the app.
    fn new(
        page: Page,
        config: &Config,
        description: Option<&str>,
        paths: &Paths,
        pictures: &[String],
    ) -> Self {
        let known = page.path.as_deref().or(page.path_template.as_deref());
        let module = page
            .module
            .or_else(|| known.map(module_of_path))
            .unwrap_or_default();
        let path = page.path.unwrap_or_else(|| match &page.path_template {
            Some(template) => path_of_template(template),
            None => path_of_module(&module),
        });
        let name = page.name.unwrap_or_else(|| name_of_module(&module));
        // A title that the app was given wins over the name of the page, the default title does
        // not.
        let given_title = (config.title != Config::default().title).then_some(&config.title);
        Self {
            layout: page.layout,
            template: page.path_template.as_deref().map(Template::new),
            title: page
                .title
                .unwrap_or_else(|| PageText::fixed(given_title.unwrap_or(&name))),
            description: page
                .description
                .unwrap_or_else(|| PageText::fixed(description.unwrap_or_default())),
            location: page.location,
            relative_path: paths.get_relative_path(&path),
            image: page.image.or_else(|| picture(&module, pictures)),
            image_url: page.image_url,
            order: page.order,
            redirect_from: page.redirect_from,
            path_template: page.path_template,
            data: page.data,
            unreadable: page.unreadable,
            module,
            path,
            name,
        }
    }

    /// Returns the name of its module, with dots as in Dash: `reports.weekly`.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// Returns its path, without the app's prefix.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns its path with the app's prefix, for links.
    pub fn relative_path(&self) -> &str {
        &self.relative_path
    }

    /// Returns a link to it with its name as the text.
    pub fn link(&self) -> dcc::Link {
        dcc::Link::new(self.name.clone(), self.relative_path.clone())
    }

    /// Returns its path with variables, if it has some.
    pub fn path_template(&self) -> Option<&str> {
        self.path_template.as_deref()
    }

    /// Returns the text of links to it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns its title; `None` if a function makes it.
    pub fn title(&self) -> Option<&str> {
        self.title.as_fixed()
    }

    /// Returns its description; `None` if a function makes it.
    pub fn description(&self) -> Option<&str> {
        self.description.as_fixed()
    }

    /// Returns the file of the assets folder that is its picture, if there is one.
    pub fn image(&self) -> Option<&str> {
        self.image.as_deref()
    }

    /// Returns the whole address of its picture, if it was given.
    pub fn image_url(&self) -> Option<&str> {
        self.image_url.as_deref()
    }

    /// Returns the order that it was given.
    pub fn order(&self) -> Option<&PageOrder> {
        self.order.as_ref()
    }

    /// Returns the other paths that lead to it.
    pub fn redirect_from(&self) -> &[String] {
        &self.redirect_from
    }

    /// Returns a value of the app's own that is kept with it.
    pub fn data(&self, name: &str) -> Option<&Value> {
        self.data.get(name)
    }
}

impl PageRegistry {
    /// Puts pages in order and fills in what follows from the app. Reads the assets folder for
    /// pictures.
    pub(super) fn new(
        pages: Vec<Page>,
        config: &Config,
        description: Option<&str>,
        has_metas: bool,
    ) -> Self {
        let paths = config.paths();
        let pictures = if pages.is_empty() {
            Vec::new()
        } else {
            pictures(&config.assets.folder)
        };
        let register = |page| RegisteredPage::new(page, config, description, &paths, &pictures);
        let mut pages: Vec<RegisteredPage> = pages.into_iter().map(register).collect();
        let none_has_order = pages.iter().all(|page| page.order.is_none());
        let home_first = |page: &RegisteredPage| none_has_order && page.path == "/";
        pages.sort_by(|a, b| {
            home_first(b)
                .cmp(&home_first(a))
                .then_with(|| by_order(a, b))
                .then_with(|| a.module.cmp(&b.module))
        });
        let redirects = pages.iter().flat_map(|page| {
            page.redirect_from.iter().map(|from| {
                (
                    from.trim_matches('/').to_owned(),
                    page.relative_path.clone(),
                )
            })
        });
        let redirects = redirects.collect();
        Self {
            pages,
            paths,
            redirects,
            title: config.title.clone(),
            has_metas,
        }
    }

    /// Iterates over the pages, in their order.
    pub fn iter(&self) -> std::slice::Iter<'_, RegisteredPage> {
        self.pages.iter()
    }

    /// Returns the page of a module, written as `reports.weekly` or `reports::weekly`.
    pub fn get(&self, module: &str) -> Option<&RegisteredPage> {
        let module = super::path::module_name(module);
        self.iter().find(|page| page.module == module)
    }

    /// Returns the addresses below the app's prefix.
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Returns whether the app has no pages.
    pub fn is_empty(&self) -> bool {
        self.pages.is_empty()
    }

    /// Returns the number of pages.
    pub fn len(&self) -> usize {
        self.pages.len()
    }

    /// Returns the page of a path without prefix and without slashes at its ends, and the path's
    /// variables. The first page that fits wins.
    pub(crate) fn find(&self, path: &str) -> Option<(&RegisteredPage, Variables)> {
        self.iter().find_map(|page| {
            if let Some(variables) = page
                .template
                .as_ref()
                .and_then(|template| template.read(path))
            {
                return Some((page, Variables::of_path(variables)));
            }
            (path == page.path.trim_matches('/')).then(|| (page, Variables::default()))
        })
    }

    /// Returns the page for paths that no page has, if the app has its own.
    pub(super) fn not_found(&self) -> Option<&RegisteredPage> {
        self.iter()
            .find(|page| last(&page.module) == "not_found_404")
    }

    /// Returns the address that a path leads to, if it is an old one of a page. `path` is as the
    /// router has it, with the prefix.
    pub(crate) fn redirect(&self, routes_prefix: &str, path: &str) -> Option<&str> {
        if self.redirects.is_empty() {
            return None;
        }
        self.redirects
            .get(strip(routes_prefix, path)?)
            .map(String::as_str)
    }
}

impl<'a> IntoIterator for &'a PageRegistry {
    type Item = &'a RegisteredPage;
    type IntoIter = std::slice::Iter<'a, RegisteredPage>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

/// Orders pages by what they were given: numbers, then texts, then nothing.
fn by_order(a: &RegisteredPage, b: &RegisteredPage) -> Ordering {
    match (&a.order, &b.order) {
        (Some(PageOrder::Number(a)), Some(PageOrder::Number(b))) => a.total_cmp(b),
        (Some(PageOrder::Text(a)), Some(PageOrder::Text(b))) => a.cmp(b),
        (a, b) => rank(a.as_ref()).cmp(&rank(b.as_ref())),
    }
}

/// Returns the rank of a kind of order.
fn rank(order: Option<&PageOrder>) -> u8 {
    match order {
        Some(PageOrder::Number(_)) => 0,
        Some(PageOrder::Text(_)) => 1,
        None => 2,
    }
}

/// Returns the pictures in a folder itself, in the order of their names.
fn pictures(folder: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let files = entries.flatten().filter(|entry| entry.path().is_file());
    let names = files.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let is_picture = |name: &String| {
        let ending = name
            .split_once('.')
            .map(|(_, ending)| ending.to_lowercase());
        ending.is_some_and(|ending| PICTURES.contains(&ending.as_str()))
    };
    let mut names: Vec<String> = names.filter(is_picture).collect();
    names.sort();
    names
}

/// Returns the picture of a page that was given none: the first that is called like its module,
/// else `app`, else `logo`.
fn picture(module: &str, pictures: &[String]) -> Option<String> {
    let page = last(module);
    let dashed = page.replace('_', "-");
    let called = |wanted: &[&str]| {
        let mut named = pictures.iter().filter(|file| {
            file.split('.')
                .next()
                .is_some_and(|name| wanted.contains(&name))
        });
        named.next().cloned()
    };
    called(&[page, &dashed])
        .or_else(|| called(&["app"]))
        .or_else(|| called(&["logo"]))
}

impl std::fmt::Debug for RegisteredPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RegisteredPage")
            .field("module", &self.module)
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
