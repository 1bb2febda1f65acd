//! The requests of a batch.

use std::collections::HashMap;
use std::fmt::Display;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{BoxFuture, join, join_all};
use reqwest::Method;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tower::retry::budget::TpsBudget;

use super::cache::Cache;
use super::error::HttpError;
use super::retry::{asked_time, budget_of, deposit, withdraw};
use super::settings::Settings;
use super::turns::Turns;
use crate::LoadError;
use crate::batch::{Batch, Found, Loaded, Outcome};

/// An API, and what its requests share.
pub(super) struct Api {
    settings: Settings,
    client: reqwest::Client,
    turns: Turns,
    budget: Arc<TpsBudget>,
    cache: Option<Cache>,
}

/// The answer to a request: the JSON of its body, or an error with the time that the server asked
/// to wait.
type Answer = Result<Value, (HttpError, Option<Duration>)>;

impl Api {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            client: settings.client.clone().unwrap_or_default(),
            turns: Turns::new(settings.rate, settings.max_requests),
            budget: budget_of(settings.url.host()),
            cache: settings.cache_size.map(Cache::new),
            settings,
        }
    }

    /// Loads some ids. If the batch becomes several requests, each settles its own ids as soon as
    /// it has ended.
    pub(super) async fn load<K, V>(
        self: Arc<Self>,
        ids: Vec<K>,
        batch: Arc<Batch<K, V, HttpError>>,
    ) -> Outcome<K, V, HttpError>
    where
        K: Display + Eq + Hash + Clone + Send + Sync,
        V: DeserializeOwned + Clone + Send + Sync,
    {
        let mut refused = HashMap::new();
        let mut keys: HashMap<String, Vec<K>> = HashMap::with_capacity(ids.len());
        for (text, id) in ids.into_iter().map(|id| (id.to_string(), id)) {
            if let Some(reason) = self.settings.reason_against(&text) {
                let url = self.settings.url.to_string();
                let error = HttpError::Id {
                    url,
                    id: text,
                    reason,
                };
                refused.insert(id, Err(LoadError::Item(Arc::new(error))));
            } else {
                keys.entry(text).or_default().push(id);
            }
        }
        batch.settle_some(refused);
        // Sorted, so that equal sets of ids are equal addresses for caches on the way.
        let mut texts: Vec<&str> = keys.keys().map(String::as_str).collect();
        texts.sort_by_key(|id| (id.len(), *id));
        let job = Job {
            api: &self,
            keys: &keys,
            batch: &batch,
        };
        let parts = self.settings.parts(&texts);
        join_all(
            parts
                .into_iter()
                .map(|part| job.answer(texts[part].to_vec())),
        )
        .await;
        // All other ids are settled. These have no item.
        Ok(Found::Values(HashMap::new()))
    }

    /// Sends one request.
    async fn ask(&self, ids: &[&str]) -> Answer {
        let url = &self.settings.url;
        let no_answer = |source: reqwest::Error| {
            // The text of the source would contain the whole address.
            let source = source.without_url();
            let url = url.to_string();
            (HttpError::NoAnswer { url, source }, None)
        };
        let request = self.settings.request(&self.client, ids);
        let request = request.build().map_err(no_answer)?;
        let response = match &self.cache {
            Some(cache) if request.method() == Method::GET => {
                cache.answer(&self.client, &self.turns, request).await
            }
            _ => {
                let _turn = self.turns.take().await;
                super::cache::send(&self.client, request).await
            }
        };
        let response = response.map_err(no_answer)?;
        if !response.status.is_success() {
            let status = response.status.as_u16();
            let url = url.to_string();
            let time = asked_time(&response.headers);
            return Err((HttpError::Status { url, status }, time));
        }
        serde_json::from_slice(&response.body)
            .map_err(|error| (self.settings.shape.error(url, error), None))
    }
}

/// The requests of one batch.
struct Job<'a, K, V> {
    api: &'a Api,
    /// The keys of each id. Those with the same text are one id for the API.
    keys: &'a HashMap<String, Vec<K>>,
    batch: &'a Batch<K, V, HttpError>,
}

impl<'a, K, V> Job<'a, K, V>
where
    K: Eq + Hash + Clone + Send + Sync,
    V: DeserializeOwned + Clone + Send + Sync,
{
    /// Loads some ids with one request, or with two if that is too long for the server. Repeats it
    /// for the ids that fail and may succeed later.
    fn answer(&'a self, mut ids: Vec<&'a str>) -> BoxFuture<'a, ()> {
        let api = self.api;
        let work = async move {
            let mut pauses = api.settings.retries.pauses(api.settings.is_get());
            deposit(&api.budget);
            loop {
                let answer = api.ask(&ids).await;
                let is_too_long = matches!(
                    &answer,
                    Err((
                        HttpError::Status {
                            status: 413 | 414,
                            ..
                        },
                        _
                    ))
                );
                if is_too_long && ids.len() > 1 {
                    let second = ids.split_off(ids.len() / 2);
                    join(self.answer(ids), self.answer(second)).await;
                    return;
                }
                let (failed, asked) = self.settle(&ids, answer);
                if failed.is_empty() {
                    return;
                }
                let pause = pauses.next(asked).filter(|_| withdraw(&api.budget));
                let Some(pause) = pause else {
                    return self.fail(failed);
                };
                tokio::time::sleep(pause).await;
                ids = failed.into_iter().flat_map(|failure| failure.ids).collect();
            }
        };
        // The future of a request can contain the futures of its two halves, so it is boxed.
        Box::pin(work)
    }

    /// Passes on what an answer says for good. Returns the ids that failed and may succeed later,
    /// and the time that the server asked to wait.
    fn settle(&self, ids: &[&'a str], answer: Answer) -> (Vec<Failure<'a>>, Option<Duration>) {
        let shape = &self.api.settings.shape;
        let url = &self.api.settings.url;
        let read = answer.and_then(|answer| {
            let read = shape.read(url, ids, answer);
            read.map_err(|error| (error, None))
        });
        let mut found = match read {
            Ok(found) => found,
            Err((error, time)) => {
                let failure = Failure {
                    ids: ids.to_vec(),
                    error: LoadError::Request(Arc::new(error)),
                };
                if failure.is_temporary() {
                    return (vec![failure], time);
                }
                self.fail(vec![failure]);
                return (Vec::new(), None);
            }
        };
        let unnamed = found
            .unnamed
            .map(|item| Arc::new(shape.error(url, format!("found {item}"))));
        let (mut settled, mut failed) = (HashMap::new(), Vec::new());
        for (place, id) in ids.iter().enumerate() {
            let result = match (found.items.remove(&place), &unnamed) {
                (Some(Ok(item)), _) => serde_json::from_value(item)
                    .map_err(|error| LoadError::Item(Arc::new(shape.error(url, error)))),
                (Some(Err(error)), _) => {
                    let failure = Failure {
                        ids: vec![*id],
                        error: LoadError::Item(Arc::new(error)),
                    };
                    if failure.is_temporary() {
                        failed.push(failure);
                        continue;
                    }
                    Err(failure.error)
                }
                // The item without an id could be that of any id that has none, so all of those
                // fail rather than count as missing.
                (None, Some(error)) => Err(LoadError::Item(error.clone())),
                (None, None) => Err(LoadError::Missing),
            };
            self.note(&mut settled, id, result);
        }
        self.batch.settle_some(settled);
        (failed, None)
    }

    /// Passes errors on.
    fn fail(&self, failures: Vec<Failure<'a>>) {
        let mut settled = HashMap::new();
        for Failure { ids, error } in failures {
            for id in ids {
                self.note(&mut settled, id, Err(error.clone()));
            }
        }
        self.batch.settle_some(settled);
    }

    /// Adds the result of an id, for all its keys.
    fn note(
        &self,
        settled: &mut HashMap<K, Loaded<V, HttpError>>,
        id: &str,
        result: Loaded<V, HttpError>,
    ) {
        if let Some((last, others)) = self.keys[id].split_last() {
            for key in others {
                settled.insert(key.clone(), result.clone());
            }
            settled.insert(last.clone(), result);
        }
    }
}

/// Ids that have failed.
struct Failure<'a> {
    ids: Vec<&'a str>,
    error: LoadError<HttpError>,
}

impl Failure<'_> {
    fn is_temporary(&self) -> bool {
        match &self.error {
            LoadError::Item(error) | LoadError::Request(error) => error.is_temporary(),
            LoadError::Missing | LoadError::Panicked => false,
        }
    }
}
