//! What all requests share.

use std::sync::{Arc, OnceLock};

use axum::Router;
use ferrodash_cache::Cache;
use ferrodash_serve::{Names, News};

use crate::cached::Answers;
use crate::config::Config;
use crate::counters::Counters;
use crate::dash::Sites;
use crate::parked::Parked;
use crate::suites::Suites;
use crate::upstream::Upstreams;

/// What all requests share.
pub(crate) struct State {
    pub(crate) config: Arc<Config>,
    pub(crate) upstreams: Arc<Upstreams>,
    pub(crate) sites: Sites,
    pub(crate) answers: Answers,
    pub(crate) suites: Suites,
    pub(crate) parked: Parked,
    pub(crate) news: Arc<News>,
    pub(crate) names: Names,
    pub(crate) counters: Arc<Counters>,
    /// The admin page, if there is one.
    pub(crate) admin: OnceLock<Router>,
}

impl State {
    /// Creates the state of a gateway. `build` is the version of the app.
    pub(crate) fn new(config: Config, build: String, cache: Cache) -> Self {
        let config = Arc::new(config);
        let names = Names::new(config.secret.as_deref(), &build);
        let news = Arc::new(News::new(cache.clone(), names.clone()));
        Self {
            upstreams: Arc::new(Upstreams::new(&config)),
            sites: Sites::new(config.clone(), build),
            answers: Answers::new(cache),
            suites: Suites::default(),
            parked: Parked::default(),
            counters: Arc::new(Counters::new(config.admin.is_some())),
            admin: OnceLock::new(),
            news,
            names,
            config,
        }
    }
}
