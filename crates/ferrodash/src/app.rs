//! The app: a builder of everything, checked as a whole.

use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use ferrodash_cache::Cache;
use ferrodash_components::Suite;

use crate::callback::Callback;
use crate::config::Config;
use crate::error::{BuildErrors, Mistake, Result};
use crate::layout::{IntoLayout, Layout};
use crate::state::AppState;
use crate::{http, serve::serve};

/// A Dash app: a layout, callbacks, a cache, and settings.
#[must_use = "an app serves once it is run, or built and its router served"]
pub struct App {
    pub(crate) layout: Layout,
    pub(crate) callbacks: Vec<Callback>,
    pub(crate) cache: Cache,
    pub(crate) config: Config,
    pub(crate) location: &'static Location<'static>,
    mistakes: Vec<Mistake>,
}

impl App {
    /// An app with a layout: components, or a function that makes them for each request.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    /// let fixed = App::new(html::H1::new("Hello"));
    /// let greeting = App::new(|request: &ferrodash::LayoutRequest| {
    ///     html::H1::new(format!("Hello {:?}", request.headers.get("user-agent")))
    /// });
    /// ```
    #[track_caller]
    pub fn new<M>(layout: impl IntoLayout<M>) -> Self {
        Self {
            layout: layout.into_layout(),
            callbacks: Vec::new(),
            cache: Cache::default(),
            config: Config::default(),
            location: Location::caller(),
            mistakes: Vec::new(),
        }
    }

    /// Adds a callback.
    pub fn callback(mut self, callback: Callback) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// Adds callbacks, usually those of `callbacks![…]`.
    pub fn callbacks(mut self, callbacks: impl IntoIterator<Item = Callback>) -> Self {
        self.callbacks.extend(callbacks);
        self
    }

    /// Where answers and memoized values are kept; by default at most 128 MiB of memory.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = cache;
        self
    }

    /// The page's title; by default `Ferrodash`.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.config.title = title.into();
        self
    }

    /// The title while callbacks run; by default `Updating...`. `None` leaves the title as it is.
    pub fn update_title(mut self, title: Option<&str>) -> Self {
        self.config.update_title = title.map(str::to_owned);
        self
    }

    /// Adds a `<meta>` tag.
    pub fn meta_tag<'a>(mut self, attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.config.meta_tags.push(owned(attributes));
        self
    }

    /// Adds a script by its address, before those of the components.
    pub fn external_script(self, src: &str) -> Self {
        self.external_script_tag([("src", src)])
    }

    /// Adds a script with all attributes of its tag, such as `integrity`.
    pub fn external_script_tag<'a>(mut self, attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.config.external_scripts.push(owned(attributes));
        self
    }

    /// Adds a style sheet by its address.
    pub fn external_stylesheet(self, href: &str) -> Self {
        self.external_stylesheet_tag([("rel", "stylesheet"), ("href", href)])
    }

    /// Adds a style sheet with all attributes of its tag.
    pub fn external_stylesheet_tag<'a>(mut self, attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.config.external_stylesheets.push(owned(attributes));
        self
    }

    /// The template of the page, with Dash's markers; at least `{%app_entry%}`, `{%config%}`, `{%scripts%}` and
    /// `{%renderer%}` must be in it.
    pub fn index_string(mut self, template: impl Into<String>) -> Self {
        self.config.index_string = Some(template.into());
        self
    }

    /// The path below which the app lives, such as `/reports/`, both for the browser and for the router.
    pub fn url_base_pathname(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.requests_pathname_prefix(prefix.clone()).routes_pathname_prefix(prefix)
    }

    /// The path below which the browser finds the app, when a proxy in front changes paths.
    pub fn requests_pathname_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.config.requests_prefix = prefix.into();
        self
    }

    /// The path below which the router serves the app.
    pub fn routes_pathname_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.config.routes_prefix = prefix.into();
        self
    }

    /// The folder whose scripts and style sheets are put into the page; by default `assets`. It need not exist.
    pub fn assets_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.assets.folder = folder.into();
        self
    }

    /// The path of the assets' addresses; by default `assets`.
    pub fn assets_url_path(mut self, path: impl Into<String>) -> Self {
        self.config.assets.url_path = path.into();
        self
    }

    /// A regular expression for file names in the assets folder that are not put into the page. They are still served.
    #[track_caller]
    pub fn assets_ignore(mut self, pattern: &str) -> Self {
        match regex::Regex::new(pattern) {
            Ok(pattern) => self.config.assets.ignore = Some(Arc::new(pattern)),
            Err(error) => {
                let text = format!("assets_ignore: {pattern:?} is no regular expression: {error}");
                self.mistakes.push(Mistake::at(Location::caller(), text));
            }
        }
        self
    }

    /// Does not check callbacks against the layout: for components that only exist in the answers of callbacks.
    pub fn suppress_callback_exceptions(mut self, suppress: bool) -> Self {
        self.config.suppress_callback_exceptions = suppress;
        self
    }

    /// The largest request body that is read, in bytes; by default 32 MiB. A larger one is answered with 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.config.max_body = bytes;
        self
    }

    /// A path, such as `health`, that answers `OK`, or names the cache tiers that fail. By default there is none.
    pub fn health_endpoint(mut self, path: impl Into<String>) -> Self {
        self.config.health_endpoint = Some(path.into());
        self
    }

    /// Whether a failing callback tells the page why; otherwise only the log does. By default in debug builds.
    pub fn debug(mut self, debug: bool) -> Self {
        self.config.debug = debug;
        self
    }

    /// What tells this build from others, for the browser's cache; by default a digest of the program's file.
    pub fn build_id(mut self, id: impl Into<String>) -> Self {
        self.config.build_id = Some(id.into());
        self
    }

    /// Adds a component suite. `html`, `dcc` and `dash_table` are there by default.
    pub fn suite(mut self, suite: &'static Suite) -> Self {
        self.config.suites.push(suite);
        self
    }

    /// Checks everything and makes what is served.
    ///
    /// # Errors
    /// [`BuildErrors`] with all mistakes and the place of each: duplicate outputs, ids and properties that the fixed
    /// layout does not have, options that contradict each other, paths without slashes, a template without its markers.
    pub fn build(self) -> Result<BuiltApp, BuildErrors> {
        let mut mistakes = self.mistakes.clone();
        let state = AppState::new(self, &mut mistakes);
        match mistakes.is_empty() {
            true => Ok(BuiltApp { state: Arc::new(state) }),
            false => Err(BuildErrors(mistakes)),
        }
    }

    /// Builds the app and serves it on `address` until the process is asked to stop (SIGINT or SIGTERM).
    ///
    /// Its cache becomes the one of memoized functions that run outside any callback. When ready, the address is
    /// printed on standard output.
    ///
    /// # Errors
    /// [`Error::Build`](crate::Error::Build) when the app has mistakes, [`Error::Listen`](crate::Error::Listen) when
    /// the address is not free.
    pub async fn run(self, address: &str) -> Result<()> {
        self.cache.make_default();
        serve(self.build()?.into_router(), address).await
    }
}

/// An app that was checked and is ready to serve.
pub struct BuiltApp {
    state: Arc<AppState>,
}

impl BuiltApp {
    /// The app as an axum router, to be served, layered or mounted into another.
    pub fn into_router(self) -> Router {
        http::router(self.state)
    }
}

impl std::fmt::Debug for BuiltApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuiltApp").field("callbacks", &self.state.registry.iter().count()).finish_non_exhaustive()
    }
}

fn owned<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    attributes.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}
