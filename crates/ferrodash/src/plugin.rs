//! Plugins: what others add to an app, Dash's hooks as one trait.

use std::sync::Arc;

use axum::Router;
use ferrodash_components::Children;

use crate::app::App;
use crate::callback::{Context, Failure};

/// Something that extends apps: a crate that brings callbacks, scripts, routes, a frame around the layout, or reports of
/// errors. Every method has a default that changes nothing. Plugins are applied in the order in which they are given.
///
/// ```
/// use ferrodash::prelude::*;
/// use ferrodash::Plugin;
///
/// /// Puts a line below every app, and counts failures.
/// struct Imprint;
///
/// impl Plugin for Imprint {
///     fn setup(&self, app: App) -> App {
///         app.meta_tag([("name", "author"), ("content", "ACME")])
///     }
///
///     fn layout(&self, layout: Children) -> Children {
///         (layout, html::Footer::new("ACME 2026")).into_children()
///     }
///
///     fn on_error(&self, failure: &Failure, _context: &Context) {
///         println!("{} failed: {failure}", failure.callback());
///     }
/// }
///
/// let app = App::new(html::H1::new("Sales")).plugin(Imprint);
/// # app.build().unwrap();
/// ```
pub trait Plugin: Send + Sync + 'static {
    /// Everything that the app's builder can do: callbacks, scripts, style sheets, suites, settings. Called once, when the
    /// plugin is given to the app.
    fn setup(&self, app: App) -> App {
        app
    }

    /// The layout, changed: once for a fixed one, else on each request.
    fn layout(&self, layout: Children) -> Children {
        layout
    }

    /// The template of the page, changed; its markers are those of [`App::index_string`]. Called once.
    fn index(&self, template: String) -> String {
        template
    }

    /// Routes that are served below the app's prefix, beside its own. Called once.
    fn routes(&self) -> Router {
        Router::new()
    }

    /// Is told of each callback whose function failed, before a handler of errors answers.
    fn on_error(&self, failure: &Failure, context: &Context) {
        let _ = (failure, context);
    }
}

/// The plugins of an app, in their order.
pub(crate) type Plugins = Arc<[Arc<dyn Plugin>]>;

impl App {
    /// Adds a plugin.
    pub fn plugin(self, plugin: impl Plugin) -> Self {
        let plugin: Arc<dyn Plugin> = Arc::new(plugin);
        let mut app = plugin.setup(self);
        app.config.plugins = app.config.plugins.iter().cloned().chain([plugin]).collect();
        app
    }
}

/// The plugins' routes, below the prefix.
pub(crate) fn routes(plugins: &Plugins, prefix: &str) -> Router {
    let routers = plugins.iter().map(|plugin| plugin.routes());
    let all = routers.fold(Router::new(), Router::merge);
    match prefix.trim_end_matches('/') {
        "" => all,
        prefix if all.has_routes() => Router::new().nest(prefix, all),
        _ => all,
    }
}
