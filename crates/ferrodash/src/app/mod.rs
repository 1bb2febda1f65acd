//! The builder of an app.
//!
//! Each method of [`App`] only collects; [`App::build`] in `build.rs` checks the whole. Methods
//! about pages, plugins and security are in files of their own. This is the top floor of the crate:
//! no other module may import it.

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
use ferrodash_serve::Server;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

pub use build::{BuiltApp, serve};
pub use plugins::Plugin;
pub use security::Algorithm;

use crate::callback::{Callback, Context, Failure, Identity, IntoAnswer, error_handler};
use crate::config::Config;
use crate::error::Mistake;
use crate::layout::{IntoLayout, Layout};
use crate::pages::Settings as PageSettings;
use crate::render::RENDERER_HOOKS;

/// A Dash app: a layout, callbacks, a cache, and settings.
///
/// An app is described with [`new`](Self::new) and the methods below, in any order. A setting that
/// is given twice keeps its last value. The methods do not fail: [`build`](Self::build) reports
/// what is wrong, all together and with the lines of the program. [`run`](Self::run) builds the app
/// and serves it; [`build`](Self::build) alone returns an app whose axum router the program serves
/// itself.
///
/// ```no_run
/// use ferrodash::prelude::*;
///
/// #[callback(output("echo", "children"), input("text", "value"))]
/// async fn echo(value: Option<String>) -> String {
///     value.unwrap_or_default().to_uppercase()
/// }
///
/// # async fn start() -> ferrodash::Result<()> {
/// let layout = html::Div::new((dcc::Input::new().id("text"), html::Div::new(()).id("echo")));
/// App::new(layout).callbacks(callbacks![echo]).title("Echo").run("127.0.0.1:8050").await
/// # }
/// ```
///
/// # Several processes
///
/// An app keeps no state of its users, so any number of processes can serve it behind one address.
/// They need the same program, or the same [`build_id`](Self::build_id), and the same
/// [`secret`](Self::secret) if the app uses [`Stored`](crate::Stored). Results are shared between
/// them if the [`cache`](Self::cache) has a tier that all of them reach, such as Redis;
/// [`Stored`](crate::Stored) and [`request_id_header`](Self::request_id_header) depend on such a
/// tier. Limits of calls, and callbacks that are added at run time, are those of one process.
#[must_use = "an app serves once it is run, or built and its router served"]
pub struct App {
    layout: Layout,
    callbacks: Vec<Callback>,
    cache: Cache,
    config: Config,
    pages: PageSettings,
    /// The call of [`App::new`], for mistakes that have no place of their own.
    location: &'static Location<'static>,
    warm_ups: Vec<WarmUp>,
    /// The path of the admin page, and which requests may see it.
    admin: Option<(String, Guard)>,
    /// Mistakes that the builder has noted itself.
    mistakes: Vec<Mistake>,
}

impl App {
    /// Creates an app with a layout: components, or a function that makes them.
    ///
    /// A function of a [`PageRegistry`](crate::PageRegistry) is called once, when the app is built.
    /// A function of a [`LayoutRequest`](crate::LayoutRequest) is called for each load of the page,
    /// on the thread of the request, so it must be quick; if it panics, the page gets a 500. Ids
    /// and properties of callbacks are checked against the layout only if it is the same for all
    /// requests.
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

    /// Adds a callback, made by the `#[callback]` attribute or by [`Callback::builder`].
    ///
    /// Two callbacks that write one property, or trigger each other in a circle, are a mistake.
    pub fn callback(mut self, callback: Callback) -> Self {
        self.callbacks.push(callback);
        self
    }

    /// Adds callbacks in their order, usually those of `callbacks![…]`.
    pub fn callbacks(mut self, callbacks: impl IntoIterator<Item = Callback>) -> Self {
        self.callbacks.extend(callbacks);
        self
    }

    /// Sets whether callbacks are left out when the page is loaded; by default they are called.
    ///
    /// A callback that says so itself is called all the same, see
    /// [`initial_call`](crate::CallbackBuilder::initial_call).
    pub fn prevent_initial_callbacks(mut self, prevent: bool) -> Self {
        self.config.prevent_initial_callbacks = prevent;
        self
    }

    /// Sets the handler for callbacks whose function returns an error, panics or takes too long,
    /// and that have no handler of their own.
    ///
    /// The handler returns what becomes of the outputs, usually [`NoUpdate`](crate::NoUpdate),
    /// which stands for all of them. It can also return an error. It is called on the task of the
    /// call and cannot await. If a callback's own handler fails, this one is called with that
    /// failure. If this one fails or panics, the call is answered with 500, as it is without any
    /// handler.
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

    /// Sets the cache for answers of callbacks and results of memoized functions; by default one in
    /// memory, of at most 128 MiB.
    ///
    /// A [`Cache`] can be cloned and given to several apps, which then share its entries.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = cache;
        self
    }

    /// Sets the page's title; by default `Ferrodash`. Pages of a multi-page app that have no title
    /// of their own use it.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.config.title = title.into();
        self
    }

    /// Sets the title that is shown while callbacks run; by default `Updating...`. `None` leaves
    /// the title as it is.
    pub fn update_title(mut self, title: Option<&str>) -> Self {
        self.config.update_title = title.map(str::to_owned);
        self
    }

    /// Adds a `<meta>` tag with these attributes, in their order.
    ///
    /// Values are escaped. A name that cannot be an attribute's is a mistake. A tag for `viewport`,
    /// `charset` or `http-equiv` replaces the page's default one.
    pub fn meta_tag<'a>(
        mut self,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        self.config.meta_tags.push(owned(attributes));
        self
    }

    /// Adds a script by its address. Such scripts are loaded in the order of these calls, after
    /// React and before the assets and the components.
    pub fn external_script(self, src: &str) -> Self {
        self.external_script_tag([("src", src)])
    }

    /// Adds a script with all attributes of its tag, such as `integrity`. Values are escaped; a
    /// name that cannot be an attribute's is a mistake.
    pub fn external_script_tag<'a>(
        mut self,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        self.config.external_scripts.push(owned(attributes));
        self
    }

    /// Adds a style sheet by its address. Such sheets come before those of the components and of
    /// the assets, which can override them.
    pub fn external_stylesheet(self, href: &str) -> Self {
        self.external_stylesheet_tag([("rel", "stylesheet"), ("href", href)])
    }

    /// Adds a style sheet with all attributes of its `<link>` tag. Values are escaped; a name that
    /// cannot be an attribute's is a mistake.
    pub fn external_stylesheet_tag<'a>(
        mut self,
        attributes: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        self.config.external_stylesheets.push(owned(attributes));
        self
    }

    /// Sets the template of the page, with Dash's markers: `{%metas%}`, `{%title%}`, `{%favicon%}`,
    /// `{%css%}`, `{%app_entry%}`, `{%config%}`, `{%scripts%}` and `{%renderer%}`.
    ///
    /// A template without one of the last four is a mistake, as the page would not start. Text
    /// around the markers is sent as it is, without escaping.
    pub fn index_string(mut self, template: impl Into<String>) -> Self {
        self.config.index_string = Some(template.into());
        self
    }

    /// Sets the path below which the app is found, such as `/reports/`, both for the browser and
    /// for the router; by default `/`.
    ///
    /// It must begin and end with a slash. A request for `/reports` is redirected to `/reports/`.
    pub fn url_base_pathname(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.requests_pathname_prefix(prefix.clone())
            .routes_pathname_prefix(prefix)
    }

    /// Sets the path below which the browser finds the app, where a proxy in front changes paths;
    /// by default `/`. It must begin and end with a slash.
    pub fn requests_pathname_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.config.requests_prefix = prefix.into();
        self
    }

    /// Sets the path below which the router serves the app; by default `/`. It must begin and end
    /// with a slash.
    pub fn routes_pathname_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.config.routes_prefix = prefix.into();
        self
    }

    /// Sets the folder whose scripts and style sheets are put into the page; by default `assets`.
    ///
    /// A relative path begins at the directory in which the program runs. The folder need not
    /// exist. It is looked through once, when the app is built; files that are added later are
    /// served, but not put into the page. Files and folders whose names begin with a dot, and links
    /// that lead out of the folder, are neither served nor put into the page.
    pub fn assets_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.config.assets.folder = folder.into();
        self
    }

    /// Sets the path of the assets' addresses below the app's prefix; by default `assets`. An empty
    /// one, and one that begins with an underscore, is a mistake.
    pub fn assets_url_path(mut self, path: impl Into<String>) -> Self {
        self.config.assets.url_path = path.into();
        self
    }

    /// Names another server that has the assets, such as `https://cdn.example.com/`.
    ///
    /// The page fetches them from there, below [`assets_url_path`](Self::assets_url_path), and
    /// `get_asset_url` returns addresses there. The folder is still looked through for the names of
    /// the files. The address must begin with `https://`, `http://` or a slash.
    pub fn assets_external_path(mut self, url: impl Into<String>) -> Self {
        self.config.assets.external = Some(url.into());
        self
    }

    /// Sets a regular expression for file names in the assets folder that are not put into the
    /// page; it may match any part of a name. The files are still served.
    ///
    /// A text that is not a regular expression is a mistake.
    #[track_caller]
    pub fn assets_ignore(mut self, pattern: &str) -> Self {
        self.config.assets.ignore = self.regex("assets_ignore", pattern).map(Arc::new);
        self
    }

    /// Adds regular expressions for names of folders, at any depth of the assets folder, whose
    /// files are not put into the page. They are still served.
    ///
    /// A text that is not a regular expression is a mistake.
    #[track_caller]
    pub fn assets_path_ignore<'a>(mut self, patterns: impl IntoIterator<Item = &'a str>) -> Self {
        for pattern in patterns {
            let pattern = self.regex("assets_path_ignore", pattern);
            self.config.assets.ignored_folders.extend(pattern);
        }
        self
    }

    /// Compiles an expression, or notes a mistake at the line of the setting's caller.
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

    /// Sets whether the page has buttons that undo and redo what the user did and what callbacks
    /// set; by default it has none.
    pub fn show_undo_redo(mut self, show: bool) -> Self {
        self.config.show_undo_redo = show;
        self
    }

    /// Adds a JavaScript function that the renderer calls, Dash's `hooks`: `layout_pre`,
    /// `layout_post`, `request_pre`, `request_post`, `callback_resolved` or `request_refresh_jwt`.
    ///
    /// `source` is an expression that is put into the page as it is. Another name is a mistake.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// # let app = App::new(html::Div::new(()));
    /// let log = "(call) => console.log('asks for', call.output)";
    /// let app = app.renderer_hook("request_pre", log);
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

    /// Sets whether charts have the button "Share chart…", which uploads their data to the cloud of
    /// plotly.js' maker; by default they have not. A graph whose own `config` has `showSendToCloud`
    /// overrides this.
    pub fn show_send_to_cloud(mut self, show: bool) -> Self {
        self.config.show_send_to_cloud = show;
        self
    }

    /// Sets whether callbacks are left unchecked against the layout; by default they are checked.
    ///
    /// It is meant for apps with components that only exist in the answers of callbacks. Then a
    /// misspelled id is found in the browser only.
    pub fn suppress_callback_exceptions(mut self, suppress: bool) -> Self {
        self.config.suppress_callback_exceptions = suppress;
        self
    }

    /// Sets the size of the largest request body that is read, in bytes; by default 32 MiB. A
    /// larger one is answered with 413.
    ///
    /// Requests that carry several calls ([`batch_calls`](Self::batch_calls)) are limited to 4 MiB
    /// in any case.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.config.max_body = bytes;
        self
    }

    /// Sets how many calls may be in progress at a time, of all clients together; by default 1,024.
    /// `None` removes the limit.
    ///
    /// Further calls do not wait: they are answered with 503 and `Retry-After`. A call counts from
    /// when its body has been read until its answer is made.
    pub fn max_calls(mut self, calls: Option<usize>) -> Self {
        self.config.limits.app = calls;
        self
    }

    /// Sets how many calls one client may have in progress at a time; by default 256, many times
    /// what a browser sends. Further ones are answered with 503 and `Retry-After`. `None` removes
    /// the limit.
    ///
    /// A client is an address, or with IPv6 a network of 64 bits. For connections from this machine
    /// or a private network it is the last address in `X-Forwarded-For`: a proxy must set that
    /// header, or all its users are one client. Without [`run`](Self::run) or
    /// [`serve`](crate::serve()), addresses are known only if the router is served with axum's
    /// connect info; otherwise there is no limit for each client.
    pub fn max_calls_per_client(mut self, calls: Option<usize>) -> Self {
        self.config.limits.per_client = calls;
        self
    }

    /// Sets how many calls a session may make in a time, such as 100 in ten seconds; by default any
    /// number.
    ///
    /// A session that was quiet may make all of them at once, and then one more after each even
    /// part of the time. Further calls are answered with 429 and `Retry-After`, and our page makes
    /// them again, up to three times. A page makes a call for each of its callbacks when it is
    /// loaded, so allow several times that number. Calls that the browser answers by itself do not
    /// count, and neither do events.
    ///
    /// A session is the value of the cookie of [`session_cookie`](Self::session_cookie) together
    /// with the address of the client, as for [`max_calls_per_client`](Self::max_calls_per_client).
    /// Each process counts for itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use ferrodash::prelude::*;
    /// let app = App::new(html::Div::new(())).rate_limit(100, Duration::from_secs(10));
    /// # let _ = app;
    /// ```
    pub fn rate_limit(mut self, calls: u32, time: Duration) -> Self {
        self.config.limits.rate = Some((calls, time));
        self
    }

    /// Sets how long the function of a callback may take that does not say itself; by default two
    /// minutes. `None` removes the limit.
    ///
    /// After that time the call is cancelled, its future is dropped, and it is answered with 504.
    /// Cached callbacks have [`hard_timeout`](crate::CacheOptions::hard_timeout) instead.
    ///
    /// A function is cancelled where it awaits. A function that computes without a pause is not
    /// cancelled; run such work with `tokio::task::spawn_blocking`.
    pub fn call_timeout(mut self, time: Option<Duration>) -> Self {
        self.config.limits.timeout = time;
        self
    }

    /// Sets how [`run`](Self::run) listens and stops. It has no effect on the router of
    /// [`build`](Self::build).
    pub fn server(mut self, server: Server) -> Self {
        self.config.server = server;
        self
    }

    /// Names the header in which a proxy sends an id of each request, such as `X-Request-ID`. By
    /// default there is none.
    ///
    /// If the proxy sends a call again, its function does not run twice: the second call is
    /// answered with 409. Ids are remembered in the app's cache for as long as a call may take and
    /// a minute more, so processes that share a cache know each other's calls. Calls of cached
    /// callbacks may run again, as their answers are the same.
    ///
    /// The proxy must set the header itself, and must not forward what clients send in it. While
    /// the cache cannot be reached, calls run.
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

    /// Sets whether calls that a page makes at the same time may travel in one request,
    /// `_ferrodash/batch`; by default they may.
    ///
    /// Turn it off if something in front of the app depends on the address
    /// `_dash-update-component`, such as a rule of a proxy, or if functions use what a layer sets
    /// up for the task of their request.
    pub fn batch_calls(mut self, on: bool) -> Self {
        self.config.batch_calls = on;
        self
    }

    /// Sets whether pages listen to events about what was invalidated, so that they show new values
    /// within a second; by default they do, if there are callbacks with `cache(client)`.
    ///
    /// The events come over one connection for each browser, `_ferrodash/events`. Without them, and
    /// where a proxy does not let them through, pages ask every five seconds while they are shown.
    pub fn push_changes(mut self, on: bool) -> Self {
        self.config.push_changes = on;
        self
    }

    /// Sets whether callbacks that only a `dcc.Interval` triggers are called while the page is
    /// hidden; by default they are not. When the page is shown again, each interval ticks once.
    ///
    /// Turn it on if such a callback does something that is not seen in the page, such as a sound.
    pub fn tick_when_hidden(mut self, on: bool) -> Self {
        self.config.tick_when_hidden = on;
        self
    }

    /// Sets a path below the app's prefix, such as `health`, that answers `OK`, or names the cache
    /// tiers that fail. By default there is none.
    ///
    /// The status is 200 in both cases: an app whose cache fails is slower, but answers.
    pub fn health_endpoint(mut self, path: impl Into<String>) -> Self {
        self.config.health_endpoint = Some(path.into());
        self
    }

    /// Sets a path below the app's prefix, such as `ready`, that answers `OK` once every
    /// [`warm_up`](Self::warm_up) has ended, and 503 before. By default there is none.
    ///
    /// While the server of [`run`](Self::run) or [`serve`](crate::serve()) stops, it answers 503
    /// again.
    pub fn ready_endpoint(mut self, path: impl Into<String>) -> Self {
        self.config.ready_endpoint = Some(path.into());
        self
    }

    /// Sets a path below the app's prefix, such as `metrics`, that answers with the counters of
    /// the cache and of named batchers in the text format of Prometheus. By default there is none.
    pub fn metrics_endpoint(mut self, path: impl Into<String>) -> Self {
        self.config.metrics_endpoint = Some(path.into());
        self
    }

    /// Adds work that is done when the app starts, in its cache: usually calls of memoized
    /// functions, so that the first user finds their values.
    ///
    /// The parts run one after the other in the order of these calls. Nothing waits for them,
    /// except [`ready_endpoint`](Self::ready_endpoint). A part that panics is logged, and the next
    /// one runs.
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

    /// Sets the function that says who makes a request, for `vary = "user"`, `vary = "roles"` and
    /// [`Context::identity`](crate::Context::identity); `None` stands for nobody.
    ///
    /// The function gets the headers of the request. It is called at most once for a request, at
    /// the first use of its result, on the thread of the request; it must be quick and cannot
    /// await. A role that it no longer returns no longer gets answers that were made for it.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    /// // A proxy in front has checked the user, and sets this header itself.
    /// let app = App::new(html::Div::new(())).identity(|headers| {
    ///     let user = headers.get("x-user")?.to_str().ok()?;
    ///     Some(Identity::new(user))
    /// });
    /// # app.build().unwrap();
    /// ```
    pub fn identity(
        mut self,
        identify: impl Fn(&HeaderMap) -> Option<Identity> + Send + Sync + 'static,
    ) -> Self {
        self.config.identify.user = Some(Arc::new(identify));
        self
    }

    /// Names the cookie whose value is the session, for `vary = "session"` and
    /// [`Context::session`](crate::Context::session); by default `session`.
    pub fn session_cookie(mut self, name: &str) -> Self {
        self.config.identify.session_cookie = name.into();
        self
    }

    /// Sets the secret that signs the handles of [`Stored`](crate::Stored) values.
    ///
    /// All processes behind one address need the same secret. By default it is random for each
    /// process, and handles end with the process.
    pub fn secret(mut self, secret: impl Into<String>) -> Self {
        self.config.secret = Some(secret.into());
        self
    }

    /// Mounts a page at `path`, such as `/_cache/`, that lists what is cached and can delete and
    /// refresh it. By default there is no such page.
    ///
    /// `guard` gets the headers of each request to the page and says whether it may see it; others
    /// are answered with 404. It is called on the thread of the request, so it must be quick. The
    /// path is taken as it is, without the app's prefix.
    pub fn cache_admin(
        mut self,
        path: impl Into<String>,
        guard: impl Fn(&HeaderMap) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.admin = Some((path.into(), Arc::new(guard)));
        self
    }

    /// Sets whether a failing callback shows its error in the page; otherwise only the log has it.
    /// By default it does in debug builds.
    pub fn debug(mut self, debug: bool) -> Self {
        self.config.debug = debug;
        self
    }

    /// Sets what tells this build from others, for caches and for pages that were loaded before; by
    /// default a digest of the program's file.
    ///
    /// Cached answers of functions without a version of their own are not found by another build.
    /// All processes behind one address need the same id.
    pub fn build_id(mut self, id: impl Into<String>) -> Self {
        self.config.build_id = Some(id.into());
        self
    }

    /// Adds a component suite. `html`, `dcc` and `dash_table` are there by default. A suite that is
    /// there already, such as one that a plugin has added, is not added again.
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

/// Decides by the headers of a request whether it may see the admin page.
type Guard = Arc<dyn Fn(&HeaderMap) -> bool + Send + Sync>;

/// Work that is done once, when the app starts.
type WarmUp = Box<dyn FnOnce() -> BoxFuture<'static, ()> + Send>;

/// Copies the attributes of a tag, in their order.
fn owned<'a>(attributes: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<(String, String)> {
    attributes
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}
