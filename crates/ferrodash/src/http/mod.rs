//! The routes of an app, and a file for each.
//!
//! A route is short: it takes what [`intake`] has read and checked, and answers with [`respond`] or
//! [`ferrodash_serve::send`]. What it cannot serve is a [`rejection::Rejection`]. This floor turns
//! HTTP into calls and answers into HTTP; it neither checks the app's description nor renders.

mod api;
mod assets;
mod batch;
mod changes;
mod client;
mod csrf;
mod decode;
mod dependencies;
mod dependency;
mod guard;
mod headers;
mod health;
mod index;
mod intake;
mod keep;
mod layout;
mod rejection;
mod repeats;
mod respond;
mod suites;
mod update;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use ferrodash_serve::script::{self, serve_script};

pub(crate) use headers::secure;

use crate::state::AppState;

/// Makes the router with all routes of the app.
///
/// What is not found below the app's prefix is a page of the app, whose own routing looks at the
/// path. The paths were compared before, as axum panics on a duplicate. Layers around all routes
/// are added by the caller ([`secure`], `discard`), so that they also cover plugins.
pub(crate) fn router(state: Arc<AppState>) -> Router {
    let prefix = state.config.routes_prefix.clone();
    let at = |path: &str| format!("{prefix}{path}");
    let mut router = Router::new()
        .route(&at(""), get(index::serve))
        .route(&at("{*path}"), get(index::serve))
        .route(&at("_dash-layout"), get(layout::serve))
        .route(&at("_dash-dependencies"), get(dependencies::serve))
        .route(&at("_dash-update-component"), post(guard::update))
        .route(
            &at(&format!("{}{{token}}", client::PATH)),
            get(guard::client),
        )
        .route(&at(script::PATH), get(serve_script))
        .route(&at("_dash-component-suites/{*path}"), get(suites::serve))
        .route(&at("_favicon.ico"), get(suites::favicon))
        .nest_service(
            &at(state.config.assets.url_path.trim_matches('/')),
            assets::service(&state.config.assets),
        );
    let config = &state.config;
    // Without its last slash the prefix leads to the app, as in Dash.
    let without_slash = prefix.trim_end_matches('/');
    if !without_slash.is_empty() {
        router = router.route(without_slash, get(index::to_prefix));
    }
    if state.keeps_in_pages() {
        router = router
            .route(&at(changes::CHANGES), get(changes::serve))
            .route(&at(changes::EVENTS), get(changes::events));
    }
    if config.batch_calls {
        router = router.route(&at(batch::PATH), post(guard::batch));
    }
    if let Some(path) = &config.health_endpoint {
        router = router.route(&at(path.trim_start_matches('/')), get(health::serve));
    }
    if let Some(path) = &config.ready_endpoint {
        router = router.route(&at(path.trim_start_matches('/')), get(health::ready));
    }
    if let Some(path) = &config.metrics_endpoint {
        router = router.route(&at(path.trim_start_matches('/')), get(health::metrics));
    }
    for callback in state.registry.iter() {
        if let Some(api) = &callback.callback.spec.api {
            router = router.route(&api.path, api::route(callback.clone()));
        }
    }
    router.with_state(state)
}
