//! Plugins: what others add to an app, Dash's hooks as one trait.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use axum::Router;
use ferrodash_cache::panic_message;
use ferrodash_components::Children;

use crate::app::App;
use crate::callback::{Context, Failure};
use crate::config::Config;
use crate::error::Mistake;
use crate::http;

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
    /// Its name in messages; by default that of its type.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

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

    /// Routes that are served below the app's prefix, beside its own; a path that is taken is a mistake. Called once,
    /// when the app is built. Lengths that are not those of the bodies, and `Transfer-Encoding`, are not sent.
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

/// A router with the plugins' routes, which are below the app's prefix. A path that is taken is a mistake.
pub(crate) fn join(
    router: Router,
    config: &Config,
    location: &'static Location<'static>,
    mistakes: &mut Vec<Mistake>,
) -> Router {
    let prefix = config.routes_prefix.trim_end_matches('/');
    config.plugins.iter().fold(router, |router, plugin| {
        // A router does not say which routes it has, and panics when it is to have one twice.
        let joined = catch_unwind(AssertUnwindSafe(|| {
            let routes = http::framed(plugin.routes());
            let routes =
                if prefix.is_empty() || !routes.has_routes() { routes } else { Router::new().nest(prefix, routes) };
            router.clone().merge(routes)
        }));
        joined.unwrap_or_else(|panic| {
            let (name, reason) = (plugin.name(), panic_message(&*panic));
            let text =
                format!("the routes of the plugin {name} cannot be joined to the app's: {reason}; choose other paths");
            mistakes.push(Mistake::at(location, text));
            router
        })
    })
}
