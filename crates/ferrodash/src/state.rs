//! The state that all requests share.
//!
//! It does not change while the app runs, but for callbacks that are added and for the calls in
//! progress. Routes get it as axum's state; [`AppState::request`] is where a request is reduced to
//! what callbacks may read.

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::http::request::Parts;
use ferrodash_cache::Cache;
use ferrodash_serve::limits::Limits;
use ferrodash_serve::{Names, News};
use ferrodash_wire::Body;

use crate::build::Checked;
use crate::callback::{Registry, RequestParts, Scopes};
use crate::config::Config;
use crate::layout::Layout;
use crate::pages::PageRegistry;
use crate::rate::{RateLimit, TooMany};
use crate::render::{Index, Rendered, Suites};
use crate::stored::HandleSigner;

/// An app that was built.
pub(crate) struct AppState {
    pub(crate) config: Config,
    pub(crate) registry: Arc<Registry>,
    pub(crate) cache: Cache,
    pub(crate) layout: Layout,
    /// The rendered layout, if it is fixed.
    pub(crate) fixed_layout: Option<Body>,
    /// The list of callbacks that the app was built with, for the renderer.
    pub(crate) dependencies: Body,
    /// The page that the browser loads.
    pub(crate) index: Index,
    pub(crate) pages: Arc<PageRegistry>,
    /// The bundles of component suites, by their paths.
    pub(crate) suites: Suites,
    /// Tells a page whether it is of this build.
    pub(crate) build_id: String,
    /// Set once the warm-up has ended, for the ready endpoint.
    pub(crate) ready: AtomicBool,
    /// Signs handles of stored values.
    pub(crate) signer: Arc<HandleSigner>,
    /// The calls in progress.
    pub(crate) limits: Limits,
    /// What pages that keep answers learn.
    pub(crate) news: Arc<News>,
    /// The rate of calls of each session, if it is limited.
    rate: Option<RateLimit>,
    /// The names under which pages keep answers.
    pub(crate) scopes: Scopes,
    /// The registry and the pages, which callbacks find by their types.
    pub(crate) services: Arc<Extensions>,
}

impl AppState {
    /// Creates the state of an app that was checked and rendered; `ready` if nothing is to be
    /// warmed up.
    pub(crate) fn new(app: Checked, rendered: Rendered, cache: Cache, ready: bool) -> Self {
        let names = Names::new(app.config.secret.as_deref(), &rendered.build_id);
        let mut services = Extensions::new();
        services.insert(app.registry.clone());
        services.insert(app.pages.clone());
        Self {
            ready: AtomicBool::new(ready),
            signer: Arc::new(HandleSigner::new(app.config.secret.as_deref())),
            scopes: Scopes::of(&app.registry, names.clone()),
            limits: Limits::new(app.config.limits.app, app.config.limits.per_client),
            news: Arc::new(News::new(cache.clone(), names)),
            rate: app
                .config
                .limits
                .rate
                .map(|(calls, time)| RateLimit::new(calls, time)),
            services: Arc::new(services),
            config: app.config,
            registry: app.registry,
            cache,
            layout: app.layout,
            pages: app.pages,
            fixed_layout: rendered.layout,
            dependencies: rendered.dependencies,
            index: rendered.index,
            suites: rendered.suites,
            build_id: rendered.build_id,
        }
    }

    /// Returns whether pages keep answers of any callback.
    pub(crate) fn keeps_in_pages(&self) -> bool {
        self.registry
            .iter()
            .any(|callback| callback.is_cached_by_clients())
    }

    /// Counts a call of a session, if their rate is limited.
    ///
    /// # Errors
    /// [`TooMany`] if the session makes calls faster than it may.
    pub(crate) fn count(
        &self,
        client: Option<IpAddr>,
        request: &RequestParts,
    ) -> Result<(), TooMany> {
        let Some(rate) = &self.rate else {
            return Ok(());
        };
        let cookie = request.session().unwrap_or_default();
        let hash = blake3::hash(cookie.as_bytes());
        let [session, ..] = hash.as_bytes().as_chunks::<8>().0 else {
            unreachable!("a hash has 32 bytes");
        };
        rate.count((client, u64::from_be_bytes(*session)))
    }

    /// Takes the parts of a request that callbacks may read.
    pub(crate) fn request(&self, parts: Parts) -> RequestParts {
        RequestParts {
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            remote: parts
                .extensions
                .get::<ConnectInfo<SocketAddr>>()
                .map(|info| info.0),
            headers: parts.headers,
            extensions: parts.extensions,
            identify: self.config.identify.clone(),
            who: OnceLock::new(),
            signer: Some(self.signer.clone()),
            loads: OnceLock::new(),
            services: self.services.clone(),
        }
    }
}
