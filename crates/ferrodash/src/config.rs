//! The settings of an app, each with its default.
//!
//! The builder in `crate::app` sets them, checks in `crate::build` read them, and they do not
//! change while the app runs. Methods of [`App`](crate::App) document what each means.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::http::HeaderName;
use ferrodash_components::{Suite, dash_table, dcc, html, renderer};
use ferrodash_serve::Server;

use crate::callback::{Context, Defaults, ErrorHandler, Failure, FailureListener, Identify};
use crate::hooks::{Hooks, Plugins};
use crate::paths::Paths;

/// All settings.
#[derive(Clone)]
pub(crate) struct Config {
    /// The title of the page, and of app's pages that have none of their own.
    pub(crate) title: String,
    /// The title while callbacks run; `None` leaves it as it is.
    pub(crate) update_title: Option<String>,
    /// Further `<meta>` tags, in order.
    pub(crate) meta_tags: Vec<Attributes>,
    /// Scripts from elsewhere, loaded before those of the assets and components.
    pub(crate) external_scripts: Vec<Attributes>,
    /// Style sheets from elsewhere, before those of the components and assets.
    pub(crate) external_stylesheets: Vec<Attributes>,
    /// The template of the page, if it is not the default one.
    pub(crate) index_string: Option<String>,
    /// The path below which the browser finds the app.
    pub(crate) requests_prefix: String,
    /// The path below which the router serves it.
    pub(crate) routes_prefix: String,
    pub(crate) assets: Assets,
    /// Leaves callbacks unchecked against the layout.
    pub(crate) suppress_callback_exceptions: bool,
    /// Shows the renderer's buttons for undo and redo.
    pub(crate) show_undo_redo: bool,
    /// The largest request body that is read, in bytes.
    pub(crate) max_body: usize,
    /// The limits of calls.
    pub(crate) limits: CallLimits,
    /// The server's own settings: how it listens and stops.
    pub(crate) server: Server,
    /// The header by which a call that is sent again is known.
    pub(crate) request_id: Option<HeaderName>,
    /// Lets calls travel together in one request.
    pub(crate) batch_calls: bool,
    /// Lets pages that keep answers listen to events about changes.
    pub(crate) push_changes: bool,
    /// True if intervals call their callbacks while the page is hidden.
    pub(crate) tick_when_hidden: bool,
    /// Answers 200, with the cache tiers that fail.
    pub(crate) health_endpoint: Option<String>,
    /// Answers 200 once the warm-up has ended, and 503 before.
    pub(crate) ready_endpoint: Option<String>,
    /// Counters for Prometheus.
    pub(crate) metrics_endpoint: Option<String>,
    /// Tells builds apart, instead of a digest of the program's file.
    pub(crate) build_id: Option<String>,
    /// The way to find out who makes a request.
    pub(crate) identify: Identify,
    /// Signs handles of values that are kept on the server.
    pub(crate) secret: Option<String>,
    /// The protection against calls that another site causes.
    pub(crate) csrf: Csrf,
    /// Lets a page of an older build reload itself when a call is refused.
    pub(crate) reload_stale_pages: bool,
    /// Forbids pages of all sites to show the app in a frame.
    pub(crate) forbid_framing: bool,
    /// Lets charts offer to upload themselves to the cloud of plotly.js' maker.
    pub(crate) show_send_to_cloud: bool,
    /// Shows the error of a failing callback in the page.
    pub(crate) debug: bool,
    /// The component suites, in the order in which their scripts are loaded. The default ones come
    /// first.
    pub(crate) suites: Vec<&'static Suite>,
    /// Leaves callbacks out when the page is loaded, unless they say otherwise.
    pub(crate) prevent_initial_callbacks: bool,
    /// The plugins, in the order in which they are applied.
    pub(crate) plugins: Plugins,
    /// Names and sources of functions that the renderer calls.
    pub(crate) renderer_hooks: Vec<(&'static str, String)>,
    /// Answers for callbacks whose functions fail.
    pub(crate) on_error: Option<ErrorHandler>,
}

/// The limits of calls: how many may be in progress, and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CallLimits {
    /// The limit for all clients together; `None` for any number.
    pub(crate) app: Option<usize>,
    /// The limit for one client; `None` for any number.
    pub(crate) per_client: Option<usize>,
    /// The calls that a session may make in a time; `None` for any number.
    pub(crate) rate: Option<(u32, Duration)>,
    /// The time for the function of a callback that does not set its own; `None` for any time.
    pub(crate) timeout: Option<Duration>,
}

impl Default for CallLimits {
    fn default() -> Self {
        Self {
            app: Some(1024),
            per_client: Some(256),
            rate: None,
            timeout: Some(Duration::from_secs(120)),
        }
    }
}

/// Attributes of a tag, in order.
pub(crate) type Attributes = Vec<(String, String)>;

/// The folder of the app's own scripts, styles and images.
#[derive(Clone)]
pub(crate) struct Assets {
    pub(crate) folder: PathBuf,
    /// The path of their addresses, below the app's prefix.
    pub(crate) url_path: String,
    /// The address that files are fetched from, if not from the app.
    pub(crate) external: Option<String>,
    /// Names of files that do not become tags.
    pub(crate) ignore: Option<Arc<regex_lite::Regex>>,
    /// Names of folders whose files do not become tags.
    pub(crate) ignored_folders: Vec<regex_lite::Regex>,
}

/// The double submit of a cookie, see `crate::http`.
#[derive(Clone)]
pub(crate) struct Csrf {
    pub(crate) on: bool,
    /// The name of the cookie that the page sets.
    pub(crate) cookie: String,
    /// The name of the header that repeats it.
    pub(crate) header: String,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            title: "Ferrodash".into(),
            update_title: Some("Updating...".into()),
            meta_tags: Vec::new(),
            external_scripts: Vec::new(),
            external_stylesheets: Vec::new(),
            index_string: None,
            requests_prefix: "/".into(),
            routes_prefix: "/".into(),
            assets: Assets {
                folder: "assets".into(),
                url_path: "assets".into(),
                external: None,
                ignore: None,
                ignored_folders: Vec::new(),
            },
            suppress_callback_exceptions: false,
            show_undo_redo: false,
            max_body: 32 << 20,
            limits: CallLimits::default(),
            server: Server::default(),
            request_id: None,
            batch_calls: true,
            push_changes: true,
            tick_when_hidden: false,
            health_endpoint: None,
            ready_endpoint: None,
            metrics_endpoint: None,
            build_id: None,
            identify: Identify::default(),
            secret: None,
            csrf: Csrf {
                on: false,
                cookie: "_csrf_token".into(),
                header: "X-CSRFToken".into(),
            },
            reload_stale_pages: false,
            forbid_framing: false,
            show_send_to_cloud: false,
            debug: cfg!(debug_assertions),
            prevent_initial_callbacks: false,
            plugins: Plugins::default(),
            renderer_hooks: Vec::new(),
            on_error: None,
            suites: vec![
                &renderer::SUITE,
                &dcc::SUITE,
                &html::SUITE,
                &dash_table::SUITE,
                #[cfg(feature = "graphs")]
                &ferrodash_components::plotly_js::SUITE,
            ],
        }
    }
}

impl Config {
    /// Returns the addresses of the app and its assets for the browser.
    pub(crate) fn paths(&self) -> Paths {
        let paths = Paths::new(self.requests_prefix.clone()).assets_url_path(&self.assets.url_path);
        match &self.assets.external {
            Some(url) => paths.assets_external_path(url.clone()),
            None => paths,
        }
    }

    /// Returns the settings for callbacks that do not set these themselves.
    pub(crate) fn callback_defaults(&self, build_id: &str) -> Defaults {
        let listener = |plugin: &Arc<dyn Hooks>| -> FailureListener {
            let plugin = plugin.clone();
            Arc::new(move |failure: &Failure, context: &Context| plugin.on_error(failure, context))
        };
        Defaults {
            build_id: build_id.to_owned(),
            prevent_initial_callbacks: self.prevent_initial_callbacks,
            on_error: self.on_error.clone(),
            listeners: self.plugins.iter().map(listener).collect(),
            timeout: self.limits.timeout,
        }
    }
}
