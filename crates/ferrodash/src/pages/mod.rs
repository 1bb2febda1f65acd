//! Apps of several pages: the page of each path, and what else follows from it.
//!
//! The front end knows nothing of pages. They are a callback with the path as its input
//! (`routing.rs`), and what the server adds when the browser loads the app: titles and tags
//! (`meta.rs`), redirects. The registry is made when the app is built and does not change. Routes
//! and rendering are not known here.

mod layout;
mod meta;
mod page;
pub(crate) mod path;
mod registry;
mod request;
pub(crate) mod routing;
mod variables;

pub use layout::{IntoPageContent, IntoPageLayout, NotFound, PageLayout};
pub use page::{IntoPageText, Page, PageOrder, PageText};
pub use registry::{PageRegistry, RegisteredPage};
pub use request::PageRequest;
pub use routing::page_container;
pub use variables::{VariableError, Variables};

pub(crate) use meta::{Head, Visit};

use std::sync::{Arc, LazyLock};

use crate::callback::{Callback, Context};
use crate::config::Config;
use crate::paths::Paths;
use routing::RoutingInput;

/// The settings of an app about its pages, as they were given.
pub(crate) struct Settings {
    pub(crate) pages: Vec<Page>,
    /// The inputs and states that the layouts of all pages get, by name.
    pub(crate) inputs: Vec<(String, RoutingInput)>,
    /// The description of pages that have none of their own.
    pub(crate) description: Option<String>,
    /// True if the HTML that the browser loads has tags about the page of its path.
    pub(crate) has_metas: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pages: Vec::new(),
            inputs: Vec::new(),
            description: None,
            has_metas: true,
        }
    }
}

impl Settings {
    /// Returns the registry with the pages in their order, and the callbacks that show them. An app
    /// without pages has none.
    pub(crate) fn register(self, config: &Config) -> (PageRegistry, Vec<Callback>) {
        let has_metas = self.has_metas && !self.pages.is_empty();
        let pages = PageRegistry::new(self.pages, config, self.description.as_deref(), has_metas);
        let callbacks = if pages.is_empty() {
            Vec::new()
        } else {
            routing::callbacks(self.inputs).into()
        };
        (pages, callbacks)
    }
}

/// Lists pages, each in the module that a path names: `pages![home, reports::weekly]` calls
/// `home::page()` and `reports::weekly::page()`.
///
/// The name of the module replaces the path and name of a page that has none: `/home`,
/// `/reports/weekly`. Of a path such as `crate::pages::home` only the part after `pages` counts.
///
/// ```
/// use ferrodash::prelude::*;
///
/// mod reports {
///     pub mod weekly {
///         use ferrodash::prelude::*;
///         pub fn page() -> Page {
///             Page::new(html::H1::new("This week"))
///         }
///     }
/// }
///
/// let app = App::with_pages(pages![reports::weekly]).build().expect("it has no mistakes");
/// let page = app.page_registry().get("reports::weekly").expect("it is there");
/// assert_eq!((page.path(), page.name()), ("/reports/weekly", "Weekly"));
/// ```
#[macro_export]
macro_rules! pages {
    ($($($module:ident)::+),* $(,)?) => {
        [$($($module)::+::page().in_module(::std::stringify!($($module)::+))),*]
    };
}

impl Context {
    /// Returns the pages of the app, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        // A context without an app, as in unit tests, has no pages.
        static NONE: LazyLock<PageRegistry> = LazyLock::new(PageRegistry::default);
        match self.request().services.get::<Arc<PageRegistry>>() {
            Some(pages) => pages,
            None => &NONE,
        }
    }

    /// Returns the addresses below the app's prefix.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    ///
    /// #[callback(output("picture", "src"), input("year", "value"))]
    /// async fn picture(year: u32, context: Context) -> String {
    ///     context.paths().get_asset_url(&format!("{year}.png"))
    /// }
    /// # let _ = callbacks![picture];
    /// ```
    pub fn paths(&self) -> &Paths {
        self.page_registry().paths()
    }
}

impl PageRequest {
    /// Returns all pages of the app, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        self.context().page_registry()
    }
}

impl PageRegistry {
    /// Returns whether all that pages can show is known when the app is built.
    pub(crate) fn is_fixed(&self) -> bool {
        self.iter().all(|page| page.layout.fixed().is_some())
    }
}
