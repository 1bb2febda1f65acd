//! Batches over HTTP: ids joined in one query parameter, and an answer whose items are found by one
//! of their fields.
//!
//! A batch is one request, unless its address would be longer than servers accept, or a server says
//! that it is. Then it is several requests, and each of them succeeds or fails for its own ids.
//!
//! [`HttpBatch`] describes the API, and [`HttpBatch::batcher`] makes a batcher of it. Errors and
//! logs never contain a user, a password or a query of the address.

use std::collections::{HashMap, HashSet};
use std::error::Error;
use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join, join_all};
use reqwest::Url;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::batch::{self, Outcome};
use crate::{Batcher, LoadError};

/// The default timeout of a request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The default limit of the length of an address in bytes. Some servers accept no more than 4 KiB
/// for the whole first line of a request.
pub const DEFAULT_MAX_URL: usize = 2000;

/// The longest part of an answer that an error quotes, in characters.
const LONGEST_DETAIL: usize = 300;

/// Describes a JSON API that takes several ids in one request, such as `GET /data/?ids=1,2,3`.
///
/// The answer is a list of objects, each with its id in one field, in any order. It can be the
/// whole answer or a part of it ([`inside`](Self::inside)). Ids must not contain a comma.
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
    url: Address,
    param: String,
    key: String,
    /// The place of the list in the answer, as a JSON pointer.
    list: String,
    max_url: usize,
    client: Option<reqwest::Client>,
}

/// The address of an API. Errors and logs show it without what may be a secret.
#[derive(Clone)]
struct Address {
    full: String,
    /// The address without a user, a password and a query.
    shown: String,
}

impl Address {
    /// Keeps the address, and computes the form that can be shown.
    fn new(full: String) -> Self {
        let end = full.find(['?', '#']).unwrap_or(full.len());
        let shown = match Url::parse(&full[..end]) {
            Ok(mut url) if url.has_host() => {
                // These fail only for an address without a host.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.to_string()
            }
            // A text that is not an HTTP address can still have a password before an `@`.
            _ => full[..end]
                .rsplit('@')
                .next()
                .unwrap_or_default()
                .to_owned(),
        };
        Self { full, shown }
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.shown, f)
    }
}

/// The reason why a batch over HTTP failed. `Debug` writes what `Display` does, followed by the
/// sources.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// There was no answer: the server is not reachable, or too slow.
    #[error("no answer from {url}")]
    NoAnswer {
        /// The address without user, password and query.
        url: String,
        /// The reason.
        source: reqwest::Error,
    },
    /// An id contains a comma and cannot be part of a list. It fails alone.
    #[error("the id {id:?} has a comma, which separates ids in a request to {url}")]
    Comma {
        /// The address without user, password and query.
        url: String,
        /// The id.
        id: String,
    },
    /// The status of the answer is not a success.
    #[error("{url} answered {status}")]
    Status {
        /// The address without user, password and query.
        url: String,
        /// The status code.
        status: u16,
    },
    /// The answer is not what was described.
    #[error("the answer of {url} is not a list of items with {key:?}: {detail}")]
    Shape {
        /// The address without user, password and query.
        url: String,
        /// The field that identifies the items.
        key: String,
        /// A description of what was found, cut off after 300 characters.
        detail: String,
    },
}

impl Debug for HttpError {
    /// Writes what `Display` writes, followed by the sources, because a `main` that returns the
    /// error prints its `Debug` form.
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
    /// Describes an API at this address, whose parameter `ids` takes the ids, and whose items have
    /// their id in the field `id`.
    ///
    /// The address is not checked. If it is malformed, each load fails with
    /// [`HttpError::NoAnswer`].
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: Address::new(url.into()),
            param: "ids".into(),
            key: "id".into(),
            list: String::new(),
            max_url: DEFAULT_MAX_URL,
            client: None,
        }
    }

    /// Sets the query parameter that takes the ids, joined by commas. By default `ids`.
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.param = param.into();
        self
    }

    /// Sets the field of an item that contains its id, as text or a number. By default `id`.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// Sets the field of the answer that contains the list of items, such as `results`. For a list
    /// that is deeper, the names of the fields are separated by slashes, such as `data/planes`. By
    /// default the answer itself is the list.
    ///
    /// ```
    /// # use ferrodash_batch::http::HttpBatch;
    /// // {"count": 2, "results": [{"id": 1, …}, {"id": 2, …}]}
    /// let planes = HttpBatch::new("http://localhost:9000/planes/").inside("results");
    /// # let _ = planes;
    /// ```
    pub fn inside(mut self, field: impl AsRef<str>) -> Self {
        self.list = format!("/{}", field.as_ref().trim_start_matches('/'));
        self
    }

    /// Limits the length of the address of a request, in bytes. By default 2,000
    /// ([`DEFAULT_MAX_URL`]).
    ///
    /// Ids for which the address would be longer are sent in further requests, at the same time. A
    /// request that the server refuses with 413 or 414 is split in two and sent again. An id that
    /// is too long by itself is sent nevertheless.
    pub fn max_url(mut self, bytes: usize) -> Self {
        self.max_url = bytes;
        self
    }

    /// Sets the client that sends the requests, for headers, proxies and timeouts. The default
    /// client has a timeout of 30 s.
    ///
    /// For `https` the program needs a TLS feature of `reqwest`, such as `rustls`, in its own
    /// manifest.
    pub fn client(mut self, client: reqwest::Client) -> Self {
        self.client = Some(client);
        self
    }

    /// Creates a batcher over the API.
    ///
    /// An id without an item in the answer is missing, and so is one whose item is `null`. An id
    /// that cannot be sent, or whose item cannot be read as `V`, fails alone. Items that were not
    /// requested are ignored.
    pub fn batcher<K, V>(self) -> Batcher<K, V, HttpError>
    where
        K: Display + Eq + Hash + Clone + Send + Sync + 'static,
        V: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let client = self.client.clone().unwrap_or_else(|| {
            // Only options of TLS and proxies can make this fail, and there are none.
            reqwest::Client::builder()
                .timeout(TIMEOUT)
                .build()
                .unwrap_or_default()
        });
        let api = Arc::new(Api {
            batch: self,
            client,
        });
        let load = move |ids: Vec<K>| api.clone().load(ids).boxed();
        Batcher::over(Box::new(load))
    }
}

/// An API and the client for it.
struct Api {
    batch: HttpBatch,
    client: reqwest::Client,
}

impl Api {
    /// Loads some ids, and returns the result of each. If the batch became several requests, each
    /// fails for its own ids only.
    async fn load<K, V>(self: Arc<Self>, ids: Vec<K>) -> Outcome<K, V, HttpError>
    where
        K: Display + Eq + Hash,
        V: DeserializeOwned + Send,
    {
        let (mut outcome, mut wanted) = (
            HashMap::with_capacity(ids.len()),
            HashMap::with_capacity(ids.len()),
        );
        for (text, id) in ids.into_iter().map(|id| (id.to_string(), id)) {
            if text.contains(',') {
                let error = HttpError::Comma {
                    url: self.batch.url.to_string(),
                    id: text,
                };
                outcome.insert(id, Err(LoadError::Item(Arc::new(error))));
            } else {
                wanted.insert(text, id);
            }
        }
        // Sorted, so that equal sets of ids are equal addresses for caches on the way.
        let mut ids: Vec<&str> = wanted.keys().map(String::as_str).collect();
        ids.sort_by_key(|id| (id.len(), *id));
        let parts = join_all(
            self.batch
                .parts(&ids)
                .into_iter()
                .map(|part| self.ask(part)),
        )
        .await;
        let mut found: HashMap<String, Result<V, LoadError<HttpError>>> =
            parts.into_iter().flatten().collect();
        outcome.extend(
            wanted
                .into_iter()
                .filter_map(|(text, id)| Some((id, found.remove(&text)?))),
        );
        Ok(batch::Found::Loaded(outcome))
    }

    /// Loads some ids with one request, or with two if that is too long for the server.
    fn ask<'a, V: DeserializeOwned + Send + 'a>(
        &'a self,
        ids: &'a [&'a str],
    ) -> BoxFuture<'a, Found<V>> {
        let ask = async move {
            match self.request(ids).await {
                Ok(answer) => self.batch.read(ids, answer),
                Err(HttpError::Status {
                    status: 413 | 414, ..
                }) if ids.len() > 1 => {
                    let (first, second) = ids.split_at(ids.len() / 2);
                    let (mut first, second) = join(self.ask(first), self.ask(second)).await;
                    first.extend(second);
                    first
                }
                Err(error) => {
                    let error = Arc::new(error);
                    ids.iter()
                        .map(|id| ((*id).to_owned(), Err(LoadError::Request(error.clone()))))
                        .collect()
                }
            }
        };
        // The future of a request can contain the futures of its two halves, so it is boxed.
        Box::pin(ask)
    }

    /// Sends one request and returns its answer as JSON.
    async fn request(&self, ids: &[&str]) -> Result<Value, HttpError> {
        let HttpBatch { url, param, .. } = &self.batch;
        let no_answer = |source: reqwest::Error| {
            // The text of the source would contain the whole address.
            HttpError::NoAnswer {
                url: url.to_string(),
                source: source.without_url(),
            }
        };
        let request = self.client.get(&url.full).query(&[(param, ids.join(","))]);
        let response = request.send().await.map_err(no_answer)?;
        if !response.status().is_success() {
            return Err(HttpError::Status {
                url: url.to_string(),
                status: response.status().as_u16(),
            });
        }
        let body = response.bytes().await.map_err(no_answer)?;
        serde_json::from_slice(&body).map_err(|error| self.batch.shape(error))
    }
}

/// The results of a request for its ids. An id without a result is missing.
type Found<V> = Vec<(String, Result<V, LoadError<HttpError>>)>;

impl HttpBatch {
    /// Divides ids into groups, each of which fits into an address. An id that is too long by
    /// itself is a group of its own.
    fn parts<'a>(&self, ids: &'a [&'a str]) -> Vec<&'a [&'a str]> {
        // The question mark, or the `&` after a query in the address itself, and the equals sign.
        let room = self
            .max_url
            .saturating_sub(self.url.full.len() + encoded_length(&self.param) + 2);
        let (mut parts, mut start, mut length) = (Vec::new(), 0, 0);
        for (index, id) in ids.iter().enumerate() {
            let added = encoded_length(id) + if index == start { 0 } else { COMMA };
            if index > start && length + added > room {
                parts.push(&ids[start..index]);
                (start, length) = (index, encoded_length(id));
            } else {
                length += added;
            }
        }
        if start < ids.len() {
            parts.push(&ids[start..]);
        }
        parts
    }

    /// Finds the items of some ids in an answer.
    fn read<V: DeserializeOwned>(&self, ids: &[&str], mut answer: Value) -> Found<V> {
        let items = match answer.pointer_mut(&self.list).map(Value::take) {
            Some(Value::Array(items)) => items,
            // There are no items at all.
            Some(Value::Null) if !self.list.is_empty() => Vec::new(),
            found => {
                let error = Arc::new(self.no_list(found.as_ref(), &answer));
                return ids
                    .iter()
                    .map(|id| ((*id).to_owned(), Err(LoadError::Request(error.clone()))))
                    .collect();
            }
        };
        let mut without: HashSet<&str> = ids.iter().copied().collect();
        let mut found = Vec::with_capacity(ids.len());
        let mut unnamed = None;
        // `null` means that there is no item.
        for item in items.into_iter().filter(|item| !item.is_null()) {
            let id = match item.get(&self.key) {
                Some(Value::String(id)) => id.clone(),
                Some(id @ Value::Number(_)) => id.to_string(),
                _ => {
                    unnamed.get_or_insert(item);
                    continue;
                }
            };
            // An item that was not requested is not an error: some APIs send more.
            if without.remove(id.as_str()) {
                let value = serde_json::from_value(item);
                found.push((
                    id,
                    value.map_err(|error| LoadError::Item(Arc::new(self.shape(error)))),
                ));
            }
        }
        // An item without an id could be that of any id that has none, so all of those fail rather
        // than count as missing.
        if let Some(item) = unnamed {
            let error = Arc::new(self.shape(format!("found {item}")));
            found.extend(
                without
                    .into_iter()
                    .map(|id| (id.to_owned(), Err(LoadError::Item(error.clone())))),
            );
        }
        found
    }

    /// Makes the error for an answer without a list in its place. It quotes the names of fields,
    /// and values only where the list should be.
    fn no_list(&self, found: Option<&Value>, answer: &Value) -> HttpError {
        let fields = |value: &Value| match value {
            Value::Object(fields) => {
                format!("an object with {:?}", fields.keys().collect::<Vec<_>>())
            }
            Value::Array(_) => "a list".to_owned(),
            other => other.to_string(),
        };
        self.shape(match (found, self.list.as_str()) {
            (Some(found), "") => format!(
                "found {}; name the field of the list with HttpBatch::inside",
                fields(found)
            ),
            (Some(found), list) => format!("found {} in {:?}", fields(found), &list[1..]),
            (None, list) => format!("there is no {:?}; found {}", &list[1..], fields(answer)),
        })
    }

    /// Makes the error for an answer of another form.
    fn shape(&self, detail: impl Display) -> HttpError {
        // The detail may quote all of an answer, so it is cut off.
        let mut detail = detail.to_string();
        if let Some((end, _)) = detail.char_indices().nth(LONGEST_DETAIL) {
            detail.truncate(end);
            detail.push('…');
        }
        HttpError::Shape {
            url: self.url.to_string(),
            key: self.key.clone(),
            detail,
        }
    }
}

/// The length of a comma in a query.
const COMMA: usize = "%2C".len();

/// Returns the length of a text in a query.
fn encoded_length(text: &str) -> usize {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"*-._ ".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { 1 } else { 3 })
        .sum()
}
