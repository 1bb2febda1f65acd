//! The steps from the description of an app to a router: check, render, route, serve.
//!
//! [`App::build`] runs them in this order and gathers the mistakes of all steps, so that an author
//! sees them at once. The checks themselves are in `crate::build`, the rendering is in
//! `crate::render`, the routes are in `crate::http`.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use ferrodash_cache::panic_message;
use ferrodash_serve::discard;
use ferrodash_serve::log::{self, OneLine};
use futures_util::future::{Either, FutureExt, select};

use super::{App, WarmUp, admin, plugins};
use crate::build::{Description, check, check_claims};
use crate::error::{BuildErrors, Mistake, Result};
use crate::http;
use crate::render::Rendered;
use crate::state::AppState;

impl App {
    /// Checks the app, renders what does not change while it runs, and makes its router.
    ///
    /// Nothing is served yet, and no callback is called. The function reads the assets folder and,
    /// if a callback is cached and [`build_id`](Self::build_id) is not set, the program's own file.
    /// It compresses the page and a fixed layout on the calling thread.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    ///
    /// let app = App::new(html::H1::new("Hello")).build()?;
    /// let router: axum::Router = app.into_router();
    /// # let _ = router;
    /// # Ok::<(), ferrodash::BuildErrors>(())
    /// ```
    ///
    /// # Errors
    /// [`BuildErrors`] with all mistakes and the place of each: duplicate outputs, ids and
    /// properties that the fixed layout does not have, options that contradict each other, paths
    /// that no browser sends, two parts of the app with one path, a template without its markers.
    ///
    /// # Panics
    /// Panics if a function that makes the layout of the pages panics, or `layout` or `index` of a
    /// [`Plugin`](crate::Plugin).
    pub fn build(mut self) -> Result<BuiltApp, BuildErrors> {
        let (location, warm_ups) = (self.location, std::mem::take(&mut self.warm_ups));
        let admin_path = self.admin.as_ref().map(|(path, _)| admin::prefix(path));
        // The admin page is built first, as the steps below consume the app. Its mistakes are added
        // after those of the app.
        let admin = self.admin.take();
        let admin = admin.map(|(path, guard)| admin::mount(&self, &path, guard));
        let (state, mut mistakes) = self.into_state(warm_ups.is_empty());
        let admin = admin.transpose().unwrap_or_else(|error| {
            mistakes.extend(error.0);
            None
        });
        // Routes are made only when no two parts claim one path: axum's router panics on a
        // duplicate.
        check_claims(
            &state.config,
            admin_path.as_deref(),
            &state.registry,
            &state.pages,
            location,
            &mut mistakes,
        );
        if !mistakes.is_empty() {
            return Err(BuildErrors(mistakes));
        }
        let state = Arc::new(state);
        // Nothing of the app's own is on one path now, so only routes of plugins can fail to be
        // joined.
        let router = http::router(state.clone()).merge(admin.unwrap_or_default());
        let router = plugins::join(router, &state.config, &state.pages, location, &mut mistakes);
        if !mistakes.is_empty() {
            return Err(BuildErrors(mistakes));
        }
        Ok(BuiltApp {
            router: discard(http::secure(router, &state.config)),
            state,
            warm_ups,
        })
    }

    /// Checks and renders the app. Rendering goes on after mistakes, so that it adds its own to the
    /// list; the caller discards the state then.
    fn into_state(self, ready: bool) -> (AppState, Vec<Mistake>) {
        let Self {
            layout,
            callbacks,
            cache,
            config,
            pages,
            location,
            mut mistakes,
            ..
        } = self;
        let description = Description {
            layout,
            callbacks,
            config,
            pages,
            location,
        };
        let checked = check(description, &mut mistakes);
        let mut mistake = |text: String| mistakes.push(Mistake::at(location, text));
        let rendered = Rendered::new(&checked, &mut mistake);
        (AppState::new(checked, rendered, cache, ready), mistakes)
    }

    /// Builds the app and serves it on `address`, such as `127.0.0.1:8050`, until the process is
    /// asked to stop (SIGINT or SIGTERM).
    ///
    /// The app's cache becomes the default one, which memoized functions use that run outside of
    /// any callback. The work of [`warm_up`](Self::warm_up) runs in a task of its own while the
    /// server already answers. When the server is ready, it prints its address on standard output.
    /// [`server`](Self::server) sets limits and time-outs of connections.
    ///
    /// If the program has set no `tracing` subscriber, events are written to standard error, such
    /// as the error of a callback that failed: those from the level `info` on, or those that
    /// `RUST_LOG` names.
    ///
    /// # Errors
    /// [`Error::Build`](crate::Error::Build) if the app has mistakes,
    /// [`Error::Serve`](crate::Error::Serve) if the address cannot be listened on.
    ///
    /// # Panics
    /// Panics outside of a Tokio runtime, and where [`build`](Self::build) panics.
    pub async fn run(self, address: &str) -> Result<()> {
        // First of all, so that warnings of the steps below are seen.
        log::install();
        self.cache.make_default();
        let mut app = self.build()?;
        tokio::spawn(app.warm_up());
        let (server, cache) = (app.state.config.server.clone(), app.state.cache.clone());
        // The server is polled first, so what it does at its beginning is done before a line is
        // written about each tier. A store that does not answer delays nothing.
        let serving = server.serve(app.into_router(), address);
        match select(pin!(serving), pin!(cache.log_tiers())).await {
            Either::Left((result, _)) => Ok(result?),
            Either::Right((_, serving)) => Ok(serving.await?),
        }
    }
}

/// Serves a router with the settings of [`Server::new`](crate::Server::new); see
/// [`Server::serve`](crate::Server::serve).
///
/// # Errors
/// [`Error::Serve`](crate::Error::Serve) if the address cannot be listened on.
pub async fn serve(router: Router, address: &str) -> Result<()> {
    Ok(ferrodash_serve::serve(router, address).await?)
}

/// An app that was checked and is ready to serve.
///
/// It is made by [`App::build`]. [`into_router`](Self::into_router) returns the router to serve, to
/// wrap in layers or to mount into another router.
///
/// ```no_run
/// use ferrodash::prelude::*;
///
/// # async fn start() -> ferrodash::Result<()> {
/// let mut app = App::new(html::H1::new("Hello")).build()?;
/// tokio::spawn(app.warm_up());
/// ferrodash::serve(app.into_router(), "127.0.0.1:8050").await
/// # }
/// ```
pub struct BuiltApp {
    pub(super) state: Arc<AppState>,
    /// The work of [`App::warm_up`], until it is taken.
    warm_ups: Vec<WarmUp>,
    router: Router,
}

impl BuiltApp {
    /// Returns the app as an axum router, to be served, layered or merged into another.
    ///
    /// Its routes begin with the app's prefix ([`App::routes_pathname_prefix`]). Limits for each
    /// client and [`Context::remote`](crate::Context::remote) need the address of the client: it is
    /// known if the router is served by [`serve`](crate::serve()), or with axum's connect info.
    pub fn into_router(self) -> Router {
        self.router
    }

    /// Returns the work of [`App::warm_up`] as a future, for programs that do not use [`App::run`].
    ///
    /// The future runs the parts one after the other, in the app's cache. A part that panics is
    /// logged and does not stop the rest. At its end [`App::ready_endpoint`] begins to answer `OK`;
    /// if the future is dropped before, the endpoint goes on answering 503. A second call returns a
    /// future without any work.
    pub fn warm_up(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let (state, warm_ups) = (self.state.clone(), std::mem::take(&mut self.warm_ups));
        async move {
            for work in warm_ups {
                // The closure is called inside the future, so a panic of it is caught, too.
                let work = AssertUnwindSafe(state.cache.scope(async move { work().await }));
                if let Err(panic) = work.catch_unwind().await {
                    tracing::error!("the warm-up panicked: {}", OneLine(panic_message(&*panic)));
                }
            }
            // Pairs with the `Acquire` load of the ready endpoint.
            state.ready.store(true, Ordering::Release);
        }
    }
}

/// Shows the number of callbacks.
impl std::fmt::Debug for BuiltApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuiltApp")
            .field("callbacks", &self.state.registry.iter().count())
            .finish_non_exhaustive()
    }
}
