//! What all batches of a batcher share: the function, its limits, and the figures.

use std::sync::{Arc, Once};
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::Semaphore;

use crate::batch::{Batch, Outcome};
use crate::counters::{Counters, Running};
use crate::figures;

/// Loads the values of some ids. What it has early it can settle in the batch itself.
pub(crate) type LoadBatch<K, V, E> =
    dyn Fn(Vec<K>, Arc<Batch<K, V, E>>) -> BoxFuture<'static, Outcome<K, V, E>> + Send + Sync;

/// The default limit of ids in one request: 100.
pub const DEFAULT_MAX_SIZE: usize = 100;

/// The options of a batcher.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// The name in spans.
    pub(crate) name: String,
    /// Whether the name is one that a person chose. Only then it is a label of metrics.
    pub(crate) is_named: bool,
    /// The time for which ids are collected; `None` until the runtime is idle.
    pub(crate) window: Option<Duration>,
    /// The ids of a request.
    pub(crate) size: usize,
    /// The requests at a time; `None` for any number.
    pub(crate) batches: Option<usize>,
    /// Whether loads of different scopes are combined.
    pub(crate) is_shared: bool,
    /// Whether a scope keeps errors as it keeps values.
    pub(crate) keeps_errors: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: "batcher".to_owned(),
            is_named: false,
            window: None,
            size: DEFAULT_MAX_SIZE,
            batches: None,
            is_shared: false,
            keeps_errors: false,
        }
    }
}

/// The function of a batcher with its limits.
pub(crate) struct Source<K, V, E> {
    pub(crate) load: Arc<LoadBatch<K, V, E>>,
    pub(crate) options: Options,
    /// A permit for each request that may be in progress.
    pub(crate) places: Option<Semaphore>,
    pub(crate) counters: Arc<Counters>,
    registration: Once,
}

impl<K, V, E> Source<K, V, E> {
    pub(crate) fn new(load: Arc<LoadBatch<K, V, E>>, options: Options) -> Self {
        let places = options
            .batches
            .map(|batches| Semaphore::new(batches.min(Semaphore::MAX_PERMITS)));
        Self {
            load,
            options,
            places,
            counters: Arc::default(),
            registration: Once::new(),
        }
    }

    /// Counts a request that begins, and returns what counts it as in progress until it is dropped.
    pub(crate) fn begin(&self, ids: usize, waited: Duration) -> Running<'_> {
        if self.options.is_named {
            let register = || figures::register(&self.options.name, &self.counters);
            self.registration.call_once(register);
        }
        self.counters.begin(ids, waited)
    }
}
