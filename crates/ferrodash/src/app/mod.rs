//! The app: a builder of everything.
//!
//! What it is given is checked as a whole in `build.rs`. Pages, plugins and settings about security
//! are in files of their own.

mod admin;
mod build;
mod pages;
mod plugins;
mod security;

use std::panic::Location;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{HeaderMap, HeaderName};
use ferrodash_cache::Cache;
use ferrodash_components::Suite;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

pub use build::BuiltApp;
pub use plugins::Plugin;
pub use security::Algorithm;

use crate::callback::{Callback, Context, Failure, Identity, IntoAnswer, error_handler};
use crate::config::Config;
use crate::error::Mistake;
use crate::layout::{IntoLayout, Layout};
use crate::pages::Settings as PageSettings;
use crate::render::RENDERER_HOOKS;
use crate::serve::Server;

/// A Dash app: a layout, callbacks, a cache, and settings.
#[must_use = "an app serves once it is run, or built and its router served"]
pub struct App {
    layout: Layout,
    callbacks: Vec<Callback>,
    cache: Cache,
    config: Config,
    pages: PageSettings,
    location: &'static Location<'static>,
    warm_ups: Vec<WarmUp>,
    /// The path of the admin page, and which requests may see it.
    admin: Option<(String, Guard)>,
    mistakes: Vec<Mistake>,
}

impl App {
    /// An app with a layout: components, or a function that makes them, once of the app's pages
    /// ([`PageRegistry`](crate::PageRegistry)) or for each request.
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
            pages: PageSettings::default(),
            location: Location::caller(),
            warm_ups: Vec::new(),
            admin: None,
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

    /// No callback is called when the page is loaded, unless it says so: see
    /// [`initial_call`](crate::CallbackBuilder::initial_call). By default callbacks are called.
    pub fn prevent_initial_callbacks(mut self, prevent: bool) -> Self {
        self.config.prevent_initial_callbacks = prevent;
        self
    }

    /// What is done when a callback's function returns an error or panics, if the callback has no
    /// handler of its own: the handler returns what becomes of the outputs, usually
    /// [`NoUpdate`](crate::NoUpdate), which is taken for all of them.
    ///
    /// ```
    /// use ferrodash::{NoUpdate, prelude::*};
    /// # let app = App::new(html::Div::new(()).id("errors"));
    /// let app = app.on_error(|failure, context| {
    ///     context.set_props("errors", "children", failure.to_string());
    ///     NoUpdate
    /// });
    /// # let _ = app;
    /// ```
    pub fn on_error<M, R: IntoAnswer<M>>(
        mut self,
        handle: impl Fn(&Failure, &Context) -> R + Send + Sync + 'static,
    ) -> Self {
        self.config.on_error = Some(error_handler(handle));
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
    pub fn meta_tag<'a>(
        mut self,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        self.config.meta_tags.push(owned(attributes));
        self
    }

    /// Adds a script by its address, before those of the components.
    pub fn external_script(self, src: &str) -> Self {
        self.external_script_tag([("src", src)])
    }

    /// Adds a script with all attributes of its tag, such as `integrity`.
    pub fn external_script_tag<'a>(
        mut self,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        self.config.external_scripts.push(owned(attributes));
        self
    }

    /// Adds a style sheet by its address.
    pub fn external_stylesheet(self, href: &str) -> Self {
        self.external_stylesheet_tag([("rel", "stylesheet"), ("href", href)])
    }

    /// Adds a style sheet with all attributes of its tag.
    pub fn external_stylesheet_tag<'a>(
        mut self,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        self.config.external_stylesheets.push(owned(attributes));
        self
    }

    /// The template of the page, with Dash's markers; at least `{%app_entry%}`, `{%config%}`,
    /// `{%scripts%}` and `{%renderer%}` must be in it.
    pub fn index_string(mut self, template: impl Into<String>) -> Self {
        self.config.index_string = Some(template.into());
        self
    }

    /// The path below which the app lives, such as `/reports/`, both for the browser and for the
    /// router. A request for `/reports` is sent on to it.
    pub fn url_base_pathname(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.requests_pathname_prefix(prefix.clone())
            .routes_pathname_prefix(prefix)
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

    /// The folder whose scripts and style sheets are put into the page; by default `assets`. It
    /// need not exist.
    pub fn assets_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.assets.folder = folder.into();
        self
    }

    /// The path of the assets' addresses; by default `assets`.
    pub fn assets_url_path(mut self, path: impl Into<String>) -> Self {
        self.config.assets.url_path = path.into();
        self
    }

    /// Another server that has the assets, such as `https://cdn.example.com/`: the page fetches
    /// them from there, below [`assets_url_path`](Self::assets_url_path), and `get_asset_url` gives
    /// addresses there. The folder is still looked through for their names.
    pub fn assets_external_path(mut self, url: impl Into<String>) -> Self {
        self.config.assets.external = Some(url.into());
        self
    }

    /// A regular expression for file names in the assets folder that are not put into the page.
    /// They are still served.
    #[track_caller]
    pub fn assets_ignore(mut self, pattern: &str) -> Self {
        self.config.assets.ignore = self.regex("assets_ignore", pattern).map(Arc::new);
        self
    }

    /// Regular expressions for names of folders, at any depth of the assets folder, whose files are
    /// not put into the page. They are still served.
    #[track_caller]
    pub fn assets_path_ignore<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        for pattern in patterns {
            let pattern = self.regex("assets_path_ignore", pattern);
            self.config.assets.ignored_folders.extend(pattern);
        }
        self
    }

    #[track_caller]
    fn regex(&mut self, setting: &str, pattern: &str) -> Option<regex_lite::Regex> {
        match regex_lite::Regex::new(pattern) {
            Ok(regex) => Some(regex),
            Err(error) => {
                let text = format!("{setting}: {pattern:?} is no regular expression: {error}");
                self.mistakes.push(Mistake::at(Location::caller(), text));
                None
            }
        }
    }

    /// Whether the page has buttons for undo and redo, of what the user did and what callbacks set;
    /// by default it has none.
    pub fn show_undo_redo(mut self, show: bool) -> Self {
        self.config.show_undo_redo = show;
        self
    }

    /// A JavaScript function that the renderer calls, Dash's `hooks`: `layout_pre`, `layout_post`,
    /// `request_pre`, `request_post`, `callback_resolved` or `request_refresh_jwt`.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// # let app = App::new(html::Div::new(()));
    /// let app = app.renderer_hook("request_pre", "(call) => console.log('asks for', call.output)");
    /// # app.build().unwrap();
    /// ```
    #[track_caller]
    pub fn renderer_hook(mut self, name: &str, source: impl Into<String>) -> Self {
        match RENDERER_HOOKS.iter().find(|known| **known == name) {
            Some(known) => self.config.renderer_hooks.push((known, source.into())),
            None => {
                let known = RENDERER_HOOKS.join(", ");
                let text = format!("the renderer has no hook {name:?}; there are {known}");
                self.mistakes.push(Mistake::at(Location::caller(), text));
            }
        }
        self
    }

    /// Whether charts have the button "Share chart…", which uploads their data to the cloud of
    /// plotly.js' maker; by default they have not. A graph whose own `config` has `showSendToCloud`
    /// does as that says.
    pub fn show_send_to_cloud(mut self, show: bool) -> Self {
        self.config.show_send_to_cloud = show;
        self
    }

    /// Does not check callbacks against the layout: for components that only exist in the answers
    /// of callbacks.
    pub fn suppress_callback_exceptions(mut self, suppress: bool) -> Self {
        self.config.suppress_callback_exceptions = suppress;
        self
    }

    /// The largest request body that is read, in bytes; by default 32 MiB. A larger one is answered
    /// with 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.config.max_body = bytes;
        self
    }

    /// How many calls may be in progress at a time; by default 1,024. Further ones are answered
    /// with 503 and `Retry-After`. `None` for any number.
    pub fn max_calls(mut self, calls: Option<usize>) -> Self {
        self.config.limits.app = calls;
        self
    }

    /// How many calls one client may have in progress at a time; by default 256, many times what a
    /// browser sends. Further ones are answered with 503 and `Retry-After`. `None` for any number.
    ///
    /// A client is an address, or a network of 64 bits with IPv6. For connections from this machine
    /// or a private network it is the last address in `X-Forwarded-For`: a proxy must set that
    /// header, or all its users are one client. Without [`run`](Self::run) or
    /// [`serve`](crate::serve), addresses are known only if the router is served with axum's
    /// connect info; otherwise there is no limit for each client.
    pub fn max_calls_per_client(mut self, calls: Option<usize>) -> Self {
        self.config.limits.per_client = calls;
        self
    }

    /// How long the function of a callback may take that does not say itself; by default two
    /// minutes. Then its call is cancelled and answered with 504. `None` for any time. Cached
    /// callbacks have [`hard_timeout`](crate::CacheOptions::hard_timeout) instead.
    ///
    /// A function is cancelled where it awaits. One that computes without a pause is not, and
    /// belongs into `tokio::task::spawn_blocking`.
    pub fn call_timeout(mut self, time: Option<Duration>) -> Self {
        self.config.limits.timeout = time;
        self
    }

    /// How [`run`](Self::run) listens and stops.
    pub fn server(mut self, server: Server) -> Self {
        self.config.server = server;
        self
    }

    /// The header in which a proxy gives each request an id, such as `X-Request-ID`, so that a call
    /// that the proxy sends again does not run twice: the second one is answered with 409. By
    /// default there is none.
    ///
    /// Ids are remembered in the app's cache for as long as a call may take and a minute more, so
    /// processes that share a cache know each other's calls. Calls of cached callbacks run again if
    /// need be, as their answers are the same. The proxy must set the header itself, and not pass
    /// on what clients send in it. While the cache cannot be asked, calls run.
    #[track_caller]
    pub fn request_id_header(mut self, name: &str) -> Self {
        match HeaderName::try_from(name) {
            Ok(name) => self.config.request_id = Some(name),
            Err(_) => {
                let text = format!("request_id_header: {name:?} cannot be the name of a header");
                self.mistakes.push(Mistake::at(Location::caller(), text));
            }
        }
        self
    }

    /// Whether calls that a page makes at the same time may travel in one request,
    /// `_ferrodash/batch`; by default they may. To be turned off where something before the app
    /// goes by `_dash-update-component`, such as a proxy's rule, or where functions use what a
    /// layer sets up for the task of their request.
    pub fn batch_calls(mut self, on: bool) -> Self {
        self.config.batch_calls = on;
        self
    }

    /// A path, such as `health`, that answers `OK`, or names the cache tiers that fail. By default
    /// there is none.
    pub fn health_endpoint(mut self, path: impl Into<String>) -> Self {
        self.config.health_endpoint = Some(path.into());
        self
    }

    /// A path, such as `ready`, that answers `OK` once every [`warm_up`](Self::warm_up) has ended,
    /// and 503 before. By default there is none.
    pub fn ready_endpoint(mut self, path: impl Into<String>) -> Self {
        self.config.ready_endpoint = Some(path.into());
        self
    }

    /// A path, such as `metrics`, that answers with the cache's counters in the text format of
    /// Prometheus. By default there is none.
    pub fn metrics_endpoint(mut self, path: impl Into<String>) -> Self {
        self.config.metrics_endpoint = Some(path.into());
        self
    }

    /// Adds work to be done when the app starts, in its cache: usually calls of memoized functions,
    /// so that the first user finds their values. Nothing waits for it, except a request to
    /// [`ready_endpoint`](Self::ready_endpoint).
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// # #[memoize(timeout = "5m")] async fn rows(page: String) -> u32 { page.len() as u32 }
    /// # let app = App::new(html::Div::new(()));
    /// let app = app.warm_up(|| memo::warm(4, ["/a", "/b"].map(|page| rows(page.into()))));
    /// # let _ = app;
    /// ```
    pub fn warm_up<F>(mut self, work: impl FnOnce() -> F + Send + 'static) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        self.warm_ups.push(Box::new(move || work().boxed()));
        self
    }

    /// How the app finds out who makes a request, for `vary = "user"`, `vary = "roles"` and
    /// [`Context::identity`](crate::Context::identity): `None` for nobody. It is called on each
    /// such request and must be quick; a role that it no longer gives is no longer answered with
    /// what was made for it.
    pub fn identity(
        mut self,
        identify: impl Fn(&HeaderMap) -> Option<Identity> + Send + Sync + 'static,
    ) -> Self {
        self.config.identify.user = Some(Arc::new(identify));
        self
    }

    /// The cookie whose value is the session, for `vary = "session"`; by default `session`.
    pub fn session_cookie(mut self, name: &str) -> Self {
        self.config.identify.session_cookie = name.into();
        self
    }

    /// Signs the handles of [`Stored`](crate::Stored) values. All processes behind one address need
    /// the same secret; by default it is random, and handles end with the process.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.config.secret = Some(secret.into());
        self
    }

    /// Mounts a page at `path`, such as `/_cache/`, that lists what is cached and can delete and
    /// refresh it. `guard` says whether a request may see it; who may not, finds nothing there. By
    /// default there is no such page.
    pub fn cache_admin(
        mut self,
        path: impl Into<String>,
        guard: impl Fn(&HeaderMap) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.admin = Some((path.into(), Arc::new(guard)));
        self
    }

    /// Whether a failing callback tells the page why; otherwise only the log does. By default in
    /// debug builds.
    pub fn debug(mut self, debug: bool) -> Self {
        self.config.debug = debug;
        self
    }

    /// What tells this build from others, for the browser's cache; by default a digest of the
    /// program's file.
    pub fn build_id(mut self, id: impl Into<String>) -> Self {
        self.config.build_id = Some(id.into());
        self
    }

    /// Adds a component suite. `html`, `dcc` and `dash_table` are there by default; one that is
    /// there already, as a plugin can have added it, is not added again.
    pub fn suite(mut self, suite: &'static Suite) -> Self {
        if !self
            .config
            .suites
            .iter()
            .any(|known| std::ptr::eq(*known, suite))
        {
            self.config.suites.push(suite);
        }
        self
    }
}

/// Whether a request may see the admin page.
type Guard = Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>;

/// Work to be done when the app starts.
type WarmUp = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

fn owned<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
