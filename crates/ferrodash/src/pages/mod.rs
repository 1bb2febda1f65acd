//! Apps of several pages: which page a path shows, and what else follows from it.
//!
//! The front end knows nothing of pages. They are a callback with the path as its input, see
//! `routing.rs`, and what the server says of them when the browser loads the app: titles and tags
//! (`meta.rs`), redirects.

mod check;
mod layout;
mod meta;
mod page;
mod path;
mod registry;
mod request;
mod routing;
mod variables;

pub use layout::{IntoPageContent, IntoPageLayout, NotFound, PageLayout};
pub use page::{IntoPageText, Page, PageOrder, PageText};
pub use registry::{PageRegistry, RegisteredPage};
pub use request::PageRequest;
pub use routing::page_container;
pub use variables::{VariableError, Variables};

pub(crate) use meta::{Head, Visit};

use std::sync::{Arc, LazyLock};

use crate::app::{App, BuiltApp};
use crate::callback::{Callback, Context, Input, State};
use crate::config::Config;
use crate::error::Mistake;
use crate::layout::LayoutRequest;
use crate::paths::Paths;
use routing::RoutingInput;

/// What an app says about its pages.
pub(crate) struct Settings {
    pages: Vec<Page>,
    inputs: Vec<(String, RoutingInput)>,
    description: Option<String>,
    has_metas: bool,
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
    /// The pages in their order, and the callbacks that show them. Every mistake is added to
    /// `mistakes`.
    pub(crate) fn register(
        self,
        config: &Config,
        mistakes: &mut Vec<Mistake>,
    ) -> (PageRegistry, Vec<Callback>) {
        let has_metas = self.has_metas && !self.pages.is_empty();
        let pages = PageRegistry::new(self.pages, config, self.description.as_deref(), has_metas);
        let names: Vec<&str> = self.inputs.iter().map(|(name, _)| name.as_str()).collect();
        pages.check(&names, mistakes);
        let callbacks = if pages.is_empty() {
            Vec::new()
        } else {
            routing::callbacks(self.inputs).into()
        };
        (pages, callbacks)
    }
}

/// Pages, each in the module that a path names: `pages![home, reports::weekly]` calls
/// `home::page()` and `reports::weekly::page()`. The name of the module stands in for the path and
/// name of a page that has none: `/home`, `/reports/weekly`. Of a path such as `crate::pages::home`
/// only what follows `pages` counts.
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

impl App {
    /// An app that shows nothing but pages: its layout is
    /// [`page_container`](crate::page_container).
    #[track_caller]
    pub fn with_pages(pages: impl IntoIterator<Item = Page>) -> Self {
        Self::new(page_container()).pages(pages)
    }

    /// Adds pages, usually those of [`pages!`](crate::pages). Their place is
    /// [`page_container`](crate::page_container) in the layout.
    pub fn pages(mut self, pages: impl IntoIterator<Item = Page>) -> Self {
        self.pages.pages.extend(pages);
        self
    }

    /// An input that the layouts of all pages get, see [`PageRequest::input`]: pages are made anew
    /// when it changes. Its component stands in the app's layout.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    ///
    /// async fn home(request: PageRequest) -> Result<html::H1, CallbackError> {
    ///     let language: Option<String> = request.input("language")?;
    ///     Ok(html::H1::new(if language.as_deref() == Some("de") { "Willkommen" } else { "Welcome" }))
    /// }
    ///
    /// let layout = html::Div::new((dcc::Dropdown::new().id("language").options(["en", "de"]), page_container()));
    /// let app = App::new(layout)
    ///     .pages([Page::new(home).path("/")])
    ///     .routing_callback_input("language", Input::new("language", "value"));
    /// # app.build().expect("it has no mistakes");
    /// ```
    pub fn routing_callback_input(
        mut self,
        name: impl Into<String>,
        input: impl Into<Input>,
    ) -> Self {
        self.pages
            .inputs
            .push((name.into(), RoutingInput::Input(input.into())));
        self
    }

    /// The same for a state: its change does not make pages anew.
    pub fn routing_callback_state(
        mut self,
        name: impl Into<String>,
        state: impl Into<State>,
    ) -> Self {
        self.pages
            .inputs
            .push((name.into(), RoutingInput::State(state.into())));
        self
    }

    /// What the app is about, for pages without a description of their own.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.pages.description = Some(description.into());
        self
    }

    /// Whether the page that the browser loads has the title of its path's page and tags about it;
    /// by default it has. Without them it is the same for every path, and is compressed once.
    pub fn include_pages_meta(mut self, include: bool) -> Self {
        self.pages.has_metas = include;
        self
    }
}

impl BuiltApp {
    /// The pages, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        &self.state.pages
    }
}

impl Context {
    /// The pages of the app, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        static NONE: LazyLock<PageRegistry> = LazyLock::new(PageRegistry::default);
        match self.request().services.get::<Arc<PageRegistry>>() {
            Some(pages) => pages,
            None => &NONE,
        }
    }

    /// Addresses below the app's prefix.
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

impl LayoutRequest {
    /// The pages of the app, in their order.
    pub fn page_registry(&self) -> &PageRegistry {
        &self.pages
    }
}

impl PageRequest {
    /// All pages of the app.
    pub fn page_registry(&self) -> &PageRegistry {
        self.context().page_registry()
    }
}

impl PageRegistry {
    /// Whether all that an app can show is known when it is built.
    pub(crate) fn is_fixed(&self) -> bool {
        self.iter().all(|page| page.layout.fixed().is_some())
    }
}
