//! From the description of an app to what is served: checked, rendered, routed.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Router;
use ferrodash_cache::panic_message;
use futures_util::FutureExt;

use super::{App, WarmUp, admin, plugins};
use crate::build::{Description, check, check_claims};
use crate::error::{BuildErrors, Mistake, Result};
use crate::render::Rendered;
use crate::state::AppState;
use crate::{http, log};

impl App {
    /// Checks everything and makes what is served.
    ///
    /// # Errors
    /// [`BuildErrors`] with all mistakes and the place of each: duplicate outputs, ids and
    /// properties that the fixed layout does not have, options that contradict each other, paths
    /// that no browser sends, two parts of the app with one path, a template without its markers.
    pub fn build(mut self) -> Result<BuiltApp, BuildErrors> {
        let (location, warm_ups) = (self.location, std::mem::take(&mut self.warm_ups));
        let admin_path = self.admin.as_ref().map(|(path, _)| admin::prefix(path));
        let admin = self.admin.take();
        let admin = admin.map(|(path, guard)| admin::mount(&self, &path, guard));
        let (state, mut mistakes) = self.into_state(warm_ups.is_empty());
        let admin = admin.transpose().unwrap_or_else(|error| {
            mistakes.extend(error.0);
            None
        });
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
            router: http::discard(http::secure(router, &state.config)),
            state,
            warm_ups,
        })
    }

    /// Checks and renders the app.
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

    /// Builds the app and serves it on `address` until the process is asked to stop (SIGINT or
    /// SIGTERM).
    ///
    /// Its cache becomes the one of memoized functions that run outside any callback. When ready,
    /// the address is printed on standard output. If the program has set no `tracing` subscriber,
    /// events are written to standard error, such as the error of a callback that failed: those
    /// from the level `info` on, or what `RUST_LOG` says.
    ///
    /// # Errors
    /// [`Error::Build`](crate::Error::Build) when the app has mistakes,
    /// [`Error::Listen`](crate::Error::Listen) when the address is not free.
    pub async fn run(self, address: &str) -> Result<()> {
        log::install();
        self.cache.make_default();
        let mut app = self.build()?;
        tokio::spawn(app.warm_up());
        let (server, cache) = (app.state.config.server.clone(), app.state.cache.clone());
        server.serve_app(app.into_router(), address, cache).await
    }
}

/// An app that was checked and is ready to serve.
pub struct BuiltApp {
    pub(super) state: Arc<AppState>,
    warm_ups: Vec<WarmUp>,
    router: Router,
}

impl BuiltApp {
    /// The app as an axum router, to be served, layered or mounted into another.
    pub fn into_router(self) -> Router {
        self.router
    }

    /// The work of [`App::warm_up`], to be run once, for those who do not use [`App::run`]. One
    /// part after the other; a part that panics is logged and does not stop the rest.
    pub fn warm_up(&mut self) -> impl Future<Output = ()> + Send + use<> {
        let (state, warm_ups) = (self.state.clone(), std::mem::take(&mut self.warm_ups));
        async move {
            for work in warm_ups {
                let work = AssertUnwindSafe(state.cache.scope(async move { work().await }));
                if let Err(panic) = work.catch_unwind().await {
                    tracing::error!(
                        "the warm-up panicked: {}",
                        log::OneLine(panic_message(&*panic))
                    );
                }
            }
            state.ready.store(true, Ordering::Release);
        }
    }
}

impl std::fmt::Debug for BuiltApp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BuiltApp")
            .field("callbacks", &self.state.registry.iter().count())
            .finish_non_exhaustive()
    }
}
