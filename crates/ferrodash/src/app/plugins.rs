//! Plugins: crates that extend apps, Dash's hooks as one trait.
//!
//! A plugin gets the builder once ([`Plugin::setup`]). After that the app knows it only by
//! `crate::hooks::Hooks`, which does not name the builder, so that lower floors can call it.
//! [`join`] adds the routes of plugins to those of the app.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use ferrodash_cache::panic_message;
use ferrodash_components::Children;
use ferrodash_serve::framed;

use super::App;
use crate::callback::{Context, Failure};
use crate::config::Config;
use crate::error::Mistake;
use crate::hooks::Hooks;
use crate::pages::PageRegistry;
use crate::paths;

/// An extension of apps: a crate that brings callbacks, scripts, routes, a frame around the layout,
/// or reports of errors.
///
/// Every method has a default that changes nothing. Plugins are applied in the order in which they
/// are added. One plugin is shared by all requests, so its methods can be called at the same time
/// on several threads.
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
    /// The plugin's name in messages; by default that of its type.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// Changes the app with everything that its builder can do: callbacks, scripts, style sheets,
    /// suites, settings.
    ///
    /// Called once, by [`App::plugin`]. Settings that the app gives after that call override those
    /// of the plugin.
    fn setup(&self, app: App) -> App {
        app
    }

    /// Returns the layout, changed.
    ///
    /// Called once for a fixed layout, when the app is built, and otherwise for each load of the
    /// page. A panic then is answered with 500.
    fn layout(&self, layout: Children) -> Children {
        layout
    }

    /// Returns the template of the page, changed; its markers are those of [`App::index_string`].
    /// Called once, when the app is built.
    fn index(&self, template: String) -> String {
        template
    }

    /// Returns routes that are served below the app's prefix, beside its own.
    ///
    /// Called once, when the app is built. A path that a part of the app has already is a mistake.
    /// Headers for the length of a body that are wrong, and `Transfer-Encoding`, are removed from
    /// the answers.
    fn routes(&self) -> Router {
        Router::new()
    }

    /// Reports a callback whose function failed, before an error handler answers.
    ///
    /// It is called on the task of the call, so it must be quick. A panic is logged and has no
    /// other effect.
    fn on_error(&self, failure: &Failure, context: &Context) {
        let _ = (failure, context);
    }
}

/// Forwards to the methods of the plugin of the same names.
impl<P: Plugin> Hooks for P {
    fn name(&self) -> &str {
        Plugin::name(self)
    }

    fn layout(&self, layout: Children) -> Children {
        Plugin::layout(self, layout)
    }

    fn index(&self, template: String) -> String {
        Plugin::index(self, template)
    }

    fn routes(&self) -> Router {
        Plugin::routes(self)
    }

    fn on_error(&self, failure: &Failure, context: &Context) {
        Plugin::on_error(self, failure, context);
    }
}

impl App {
    /// Adds a plugin, and calls its [`setup`](Plugin::setup) at once.
    pub fn plugin(self, plugin: impl Plugin) -> Self {
        let plugin = Arc::new(plugin);
        let mut app = plugin.setup(self);
        let plugin: Arc<dyn Hooks> = plugin;
        app.config.plugins = app.config.plugins.iter().cloned().chain([plugin]).collect();
        app
    }
}

/// Merges the plugins' routes, below the app's prefix, into the router.
///
/// A plugin whose routes collide with the app's, or hide a page, becomes a mistake; the other
/// plugins are still joined, so that all mistakes are found.
pub(super) fn join(
    router: Router,
    config: &Config,
    pages: &PageRegistry,
    location: &'static Location<'static>,
    mistakes: &mut Vec<Mistake>,
) -> Router {
    let prefix = config.routes_prefix.trim_end_matches('/');
    let join = |router: &Router, plugin: &dyn Hooks| {
        let routes = framed(plugin.routes());
        let routes = if prefix.is_empty() || !routes.has_routes() {
            routes
        } else {
            Router::new().nest(prefix, routes)
        };
        // Pages have no routes, so a plugin's would hide one without a collision.
        let paths = pages.iter().flat_map(|page| {
            page.redirect_from()
                .iter()
                .map(String::as_str)
                .chain([page.path()])
        });
        let hidden = paths
            .filter(|path| has_route(&routes, &format!("{prefix}{path}")))
            .map(str::to_owned)
            .collect();
        (router.clone().merge(routes), hidden)
    };
    config.plugins.iter().fold(router, |router, plugin| {
        // A router does not say which routes it has, and panics when it is to have one twice.
        let joined = catch_unwind(AssertUnwindSafe(|| join(&router, &**plugin)));
        let (router, problems): (_, Vec<String>) = match joined {
            Ok((router, hidden)) => {
                let hidden: Vec<String> = hidden;
                (
                    router,
                    hidden
                        .into_iter()
                        .map(|path| format!("hide the page at {path:?}"))
                        .collect(),
                )
            }
            Err(panic) => (
                router,
                vec![format!(
                    "cannot be joined to the app's: {}",
                    panic_message(&*panic)
                )],
            ),
        };
        let name = plugin.name();
        let text =
            |problem| format!("the routes of the plugin {name} {problem}; choose other paths");
        mistakes.extend(
            problems
                .into_iter()
                .map(|problem| Mistake::at(location, text(problem))),
        );
        router
    })
}

/// Returns whether a router answers `GET` of a path.
///
/// A router has no way to look this up, but it panics when a route is added that it has already.
fn has_route(router: &Router, path: &str) -> bool {
    let add = || router.clone().route(path, get(async || ()));
    paths::problem(path).is_none() && catch_unwind(AssertUnwindSafe(add)).is_err()
}
