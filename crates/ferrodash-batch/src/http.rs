//! Batches over HTTP: ids joined in one query parameter, the answer split by a field of its items.

use std::collections::HashMap;
use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Batcher;

/// How long a request may take by default.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Describes a JSON API that takes several ids in one request, such as `GET /data/?ids=1,2,3`.
///
/// ```no_run
/// # async fn example() {
/// #[derive(Clone, serde::Deserialize)]
/// struct Plane { tailnum: String, model: String }
///
/// let planes = ferrodash_batch::http::HttpBatch::new("http://localhost:9000/planes/")
///     .param("tailnums")
///     .key("tailnum")
///     .batcher::<String, Plane>();
/// let plane = planes.load("N14228".to_owned()).await;
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct HttpBatch {
    url: String,
    param: String,
    key: String,
    client: Option<reqwest::Client>,
}

/// Why a batch over HTTP failed.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// No answer: the server is not reachable, or too slow.
    #[error("no answer from {url}")]
    NoAnswer {
        /// The address without its query.
        url: String,
        /// The reason.
        source: reqwest::Error,
    },
    /// An id that cannot stand in a list.
    #[error("the id {id:?} has a comma, which separates ids in a request to {url}")]
    Comma {
        /// The address without its query.
        url: String,
        /// The id.
        id: String,
    },
    /// An answer that is not a success.
    #[error("{url} answered {status}")]
    Status {
        /// The address without its query.
        url: String,
        /// The status code.
        status: u16,
    },
    /// An answer that is not what was described.
    #[error("the answer of {url} is not a list of items with {key:?}: {detail}")]
    Shape {
        /// The address without its query.
        url: String,
        /// The field that tells the items apart.
        key: String,
        /// What was found.
        detail: String,
    },
}

impl Debug for HttpError {
    /// What `Display` writes, and then the reasons, as a `main` that returns it prints the `Debug` form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)?;
        let mut reason = self.source();
        while let Some(error) = reason {
            write!(f, ": {error}")?;
            reason = error.source();
        }
        Ok(())
    }
}

impl HttpBatch {
    /// An API at this address, with ids in the parameter `ids` and items told apart by their field `id`.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), param: "ids".into(), key: "id".into(), client: None }
    }

    /// The query parameter that takes the ids, joined by commas.
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = param.into();
        self
    }

    /// The field of an item that holds its id.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// The client that sends the requests, for headers, proxies and timeouts; the default one waits 30 s.
    ///
    /// For `https` the program needs a TLS feature of `reqwest`, such as `rustls`, in its own manifest.
    pub fn client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// A batcher over the API. An id without an item in the answer is missing; an id that cannot be sent, or whose item
    /// cannot be read, fails alone.
    pub fn batcher<K, V>(self) -> Batcher<K, V, HttpError>
    where
        K: Display + Eq + Hash + Clone + Send + Sync + 'static,
        V: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let client = self.client.clone().unwrap_or_else(|| {
            // Only options of TLS and proxies can make this fail, and there are none.
            reqwest::Client::builder().timeout(TIMEOUT).build().unwrap_or_default()
        });
        Batcher::with_results(move |ids: Vec<K>| {
            let (api, client) = (self.clone(), client.clone());
            async move { api.request(&client, ids).await }
        })
    }

    async fn request<K, V>(
        &self,
        client: &reqwest::Client,
        ids: Vec<K>,
    ) -> Result<HashMap<K, Result<V, HttpError>>, HttpError>
    where
        K: Display + Eq + Hash,
        V: DeserializeOwned,
    {
        let (mut results, mut wanted) = (HashMap::with_capacity(ids.len()), HashMap::with_capacity(ids.len()));
        for (text, id) in ids.into_iter().map(|id| (id.to_string(), id)) {
            if text.contains(',') {
                results.insert(id, Err(HttpError::Comma { url: self.url.clone(), id: text }));
            } else {
                wanted.insert(text, id);
            }
        }
        if wanted.is_empty() {
            return Ok(results);
        }
        for item in self.items(client, wanted.keys()).await? {
            let id = match item.get(&self.key) {
                Some(Value::String(id)) => id.clone(),
                Some(id @ Value::Number(_)) => id.to_string(),
                _ => return Err(self.shape(format!("found {item}"))),
            };
            // An item that nobody asked for is not an error: some APIs send more.
            if let Some(id) = wanted.remove(&id) {
                results.insert(id, serde_json::from_value(item).map_err(|error| self.shape(error)));
            }
        }
        Ok(results)
    }

    /// One request, with its ids in order, so that equal sets of ids are equal addresses for caches on the way.
    async fn items(
        &self,
        client: &reqwest::Client,
        ids: impl Iterator<Item = &String>,
    ) -> Result<Vec<Value>, HttpError> {
        let mut ids: Vec<&str> = ids.map(String::as_str).collect();
        ids.sort_by_key(|id| (id.len(), *id));
        let no_answer = |source| HttpError::NoAnswer { url: self.url.clone(), source };
        let request = client.get(&self.url).query(&[(&self.param, ids.join(","))]);
        let response = request.send().await.map_err(no_answer)?;
        if !response.status().is_success() {
            return Err(HttpError::Status { url: self.url.clone(), status: response.status().as_u16() });
        }
        let body = response.bytes().await.map_err(no_answer)?;
        serde_json::from_slice(&body).map_err(|error| self.shape(error))
    }

    fn shape(&self, detail: impl Display) -> HttpError {
        HttpError::Shape { url: self.url.clone(), key: self.key.clone(), detail: detail.to_string() }
    }
}
