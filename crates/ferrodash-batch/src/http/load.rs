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

use super::cache::Cache;
use super::error::HttpError;
use super::retry::{asked_time, budget_of};
use super::sender::Sender;
use super::settings::Settings;
use super::turns::Turns;
use crate::LoadError;
use crate::batch::{Batch, Found, Loaded, Outcome};

/// An API, and what its requests share.
pub(super) struct Api {
    settings: Settings,
    sender: Sender,
    cache: Option<Cache>,
}

/// The answer to a request: the JSON of its body, or an error with the time that the server asked
/// to wait.
type Answer = Result<Value, (HttpError, Option<Duration>)>;

impl Api {
    pub(super) fn new(settings: Settings) -> Self {
        let sender = Sender {
            client: settings.client.clone().unwrap_or_default(),
            turns: Turns::new(settings.rate, settings.max_requests),
            budget: budget_of(settings.url.host()),
            url: settings.url.clone(),
            max_answer: settings.max_answer,
        };
        Self {
            sender,
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
        if keys.is_empty() {
            return Ok(Found::Values(HashMap::new()));
        }
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

    /// Sends one request, unless its answer is kept.
    async fn ask(&self, ids: &[&str], is_repeat: bool) -> Answer {
        let url = &self.settings.url;
        let request = self.settings.request(&self.sender.client, ids).build();
        let request = request.map_err(|source| (self.sender.no_answer(source), None))?;
        let response = match &self.cache {
            Some(cache) if request.method() == Method::GET => {
                cache.answer(&self.sender, request, is_repeat).await
            }
            _ => self.sender.send(request, is_repeat).await,
        };
        let response = response.map_err(|error| (error, None))?;
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

/// An id that has failed.
type Failure<'a> = (&'a str, LoadError<HttpError>);

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
            let mut is_repeat = false;
            loop {
                let answer = api.ask(&ids, is_repeat).await;
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
                let pause = pauses.next(asked).filter(|_| api.sender.may_repeat());
                let Some(pause) = pause else {
                    return self.fail(failed);
                };
                tokio::time::sleep(pause).await;
                // Nobody waits for the others any more.
                let (wanted, left): (Vec<_>, Vec<_>) =
                    failed.into_iter().partition(|(id, _)| self.is_wanted(id));
                self.fail(left);
                ids = wanted.into_iter().map(|(id, _)| id).collect();
                if ids.is_empty() {
                    return;
                }
                is_repeat = true;
            }
        };
        // The future of a request can contain the futures of its two halves, so it is boxed.
        Box::pin(work)
    }

    /// Returns whether anybody waits for an id.
    fn is_wanted(&self, id: &str) -> bool {
        self.keys[id].iter().any(|key| self.batch.is_wanted(key))
    }

    /// Passes on what an answer says for good. Returns the ids that failed and may succeed later,
    /// and the time that the server asked to wait.
    fn settle(&self, ids: &[&'a str], answer: Answer) -> (Vec<Failure<'a>>, Option<Duration>) {
        let Settings { shape, url, .. } = &self.api.settings;
        let read = answer.and_then(|answer| {
            let read = shape.read(url, ids, answer);
            read.map_err(|error| (error, None))
        });
        let mut found = match read {
            Ok(found) => found,
            Err((error, time)) => {
                let is_temporary = error.is_temporary();
                let error = LoadError::Request(Arc::new(error));
                let failures = ids.iter().map(|id| (*id, error.clone())).collect();
                if is_temporary {
                    return (failures, time);
                }
                self.fail(failures);
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
                (Some(Err(error)), _) if error.is_temporary() => {
                    failed.push((*id, LoadError::Item(Arc::new(error))));
                    continue;
                }
                (Some(Err(error)), _) => Err(LoadError::Item(Arc::new(error))),
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
        for (id, error) in failures {
            self.note(&mut settled, id, Err(error));
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
