//! Batches over HTTP: an API that takes several ids in one request.
//!
//! [`HttpBatch`] describes the API, and [`HttpBatch::batcher`] makes a batcher of it. The ids are
//! in the query or in a JSON body (`request.rs`), and the items of the answer are found by their
//! ids (`answer.rs`). `load.rs` sends the requests of a batch and repeats those that failed;
//! `turns.rs` has the limits.
//!
//! A batch is one request, unless its address would be longer than servers accept, or a server says
//! that it is too large. Then it is several requests, and each of them succeeds or fails for its
//! own ids. Errors and logs leave out the user, the password and the query of the address.

mod address;
mod answer;
mod cache;
mod error;
mod load;
mod request;
mod retry;
mod sender;
mod settings;
mod turns;

use std::fmt::{self, Debug, Display};
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde::de::DeserializeOwned;

pub use self::error::HttpError;
pub use self::settings::DEFAULT_MAX_URL;

use self::address::Address;
use self::answer::Items;
use self::load::Api;
use self::settings::{Form, Settings};
use self::turns::Rate;
use crate::Batcher;

/// Describes a JSON API that takes several ids in one request, such as `GET /data/?ids=1,2,3`.
///
/// The answer is a list of objects, each with its id in one field, in any order. It can be the
/// whole answer or a part of it ([`inside`](Self::inside)), and it can have other forms
/// ([`map`](Self::map), [`in_order`](Self::in_order)).
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
#[derive(Clone)]
#[must_use]
pub struct HttpBatch {
    settings: Settings,
}

impl HttpBatch {
    /// Describes an API at this address, whose parameter `ids` takes the ids, joined by commas, and
    /// whose items have their id in the field `id`.
    ///
    /// The address is not checked. If it is malformed, each load fails with
    /// [`HttpError::NoAnswer`].
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            settings: Settings::new(Address::new(url.into())),
        }
    }

    /// Sets the query parameter that takes the ids. By default `ids`.
    pub fn param(mut self, param: impl Into<String>) -> Self {
        self.settings.param = param.into();
        self
    }

    /// Sets the text between the ids in the parameter, such as `|`. By default a comma. An id that
    /// contains it fails.
    ///
    /// # Panics
    /// If it is empty.
    pub fn separator(mut self, separator: impl Into<String>) -> Self {
        let separator = separator.into();
        assert!(!separator.is_empty(), "ids need something between them");
        self.settings.form = Form::Joined(separator);
        self
    }

    /// Repeats the parameter for each id: `?ids=1&ids=2`.
    pub fn repeated(mut self) -> Self {
        self.settings.form = Form::Repeated;
        self
    }

    /// Sends the ids with POST, as a list in this field of a JSON object: `{"ids": ["1", "2"]}`. An
    /// empty name makes the list the whole body.
    ///
    /// A POST is not repeated after a failure, unless it [`is_safe`](Self::is_safe).
    pub fn json(mut self, field: impl Into<String>) -> Self {
        self.settings.form = Form::Json {
            field: field.into(),
            with_numbers: false,
        };
        self
    }

    /// Sends the ids as [`json`](Self::json) does, as numbers: `{"ids": [1, 2]}`. An id whose text
    /// is no number fails.
    pub fn json_numbers(mut self, field: impl Into<String>) -> Self {
        self.settings.form = Form::Json {
            field: field.into(),
            with_numbers: true,
        };
        self
    }

    /// Sets the field of an item that contains its id, as text or a number. By default `id`.
    ///
    /// Numbers are compared as numbers: an item with `1.0` is that of the id `1`.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.settings.shape.items = Items::Listed { key: key.into() };
        self
    }

    /// Takes an answer that is an object with an item for each id: `{"1": {…}, "2": {…}}`.
    pub fn map(mut self) -> Self {
        self.settings.shape.items = Items::Mapped;
        self
    }

    /// Takes an answer that is a list of items in the order of the ids, with `null` for an id
    /// without an item. A list of another length is an error for all ids.
    pub fn in_order(mut self) -> Self {
        self.settings.shape.items = Items::InOrder;
        self
    }

    /// Sets the field of the answer that contains the items, such as `results`. For items that are
    /// deeper, the names of the fields are separated by slashes, such as `data/planes`. By default
    /// they are the answer itself.
    ///
    /// ```
    /// # use ferrodash_batch::http::HttpBatch;
    /// // {"count": 2, "results": [{"id": 1, …}, {"id": 2, …}]}
    /// let planes = HttpBatch::new("http://localhost:9000/planes/").inside("results");
    /// # let _ = planes;
    /// ```
    pub fn inside(mut self, field: impl AsRef<str>) -> Self {
        self.settings.shape.place = format!("/{}", field.as_ref().trim_start_matches('/'));
        self
    }

    /// Sets the field of an item that contains its status, a number as in HTTP. An item without it
    /// counts as 200.
    ///
    /// An id with 404 or 410 is missing. Any other status that is not a success is
    /// [`HttpError::ItemStatus`] for that id only, and what is not a status is
    /// [`HttpError::Shape`].
    ///
    /// ```
    /// # use ferrodash_batch::http::HttpBatch;
    /// // [{"id": 1, "status": 200, "body": {…}}, {"id": 2, "status": 403}]
    /// let planes = HttpBatch::new("http://localhost:9000/planes/").status("status").value("body");
    /// # let _ = planes;
    /// ```
    pub fn status(mut self, field: impl Into<String>) -> Self {
        self.settings.shape.status = Some(field.into());
        self
    }

    /// Sets the field of an item that contains the value. By default the item is the value.
    ///
    /// An id whose item does not have the field, or `null` in it, is missing.
    pub fn value(mut self, field: impl Into<String>) -> Self {
        self.settings.shape.value = Some(field.into());
        self
    }

    /// Limits the length of the address of a request, in bytes. By default 2,000
    /// ([`DEFAULT_MAX_URL`]).
    ///
    /// Ids for which the address would be longer are sent in further requests, at the same time. A
    /// request that the server refuses with 413 or 414 is split in two and sent again. An id that
    /// is too long by itself is sent nevertheless.
    pub fn max_url(mut self, bytes: usize) -> Self {
        self.settings.max_url = bytes;
        self
    }

    /// Sets the time limit of one request, from when it is sent to the last byte of its answer. By
    /// default that of the [`client`](Self::client), or 30 s without one. A request that runs into
    /// it is not repeated.
    ///
    /// A request that waits for its turn ([`rate_limit`](Self::rate_limit),
    /// [`max_requests`](Self::max_requests)) has no limit.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.settings.timeout = Some(timeout);
        self
    }

    /// Limits the size of an answer, in bytes. By default 64 MiB. A larger one is an error for all
    /// ids of its request.
    pub fn max_answer(mut self, bytes: usize) -> Self {
        self.settings.max_answer = bytes;
        self
    }

    /// Sets how often a request is repeated that failed but may succeed later. By default twice; 0
    /// turns it off.
    ///
    /// A request is repeated after a connection failed, and after the statuses 408, 425, 429, 502,
    /// 503 and 504. If single ids have such a status, only those are requested again, and callers
    /// of the others have their values meanwhile. The pauses grow from 0.1 s to 5 s with a random
    /// part. If the answer has `Retry-After`, the pause is at least as long; if that is more than
    /// 30 s, the load fails at once. A POST is repeated only if it [`is_safe`](Self::is_safe).
    ///
    /// The repeats of all batchers for one host have one budget, so that they do not make an outage
    /// worse: in ten seconds, a fifth of its requests and 20 more. An id that nobody waits for any
    /// more is not requested again.
    pub fn retries(mut self, times: usize) -> Self {
        self.settings.retries.times = times;
        self
    }

    /// Says that a POST changes nothing, so that it may be repeated after a failure. A GET is
    /// always safe.
    pub fn is_safe(mut self) -> Self {
        self.settings.retries.post_is_safe = true;
        self
    }

    /// Limits the number of requests in a time, for example 10 in a second. Repeats count too. By
    /// default there is no limit.
    ///
    /// So many requests can be sent at once. Further ones wait for their turn, in their order.
    ///
    /// # Panics
    /// If the number or the time is zero.
    pub fn rate_limit(mut self, requests: u32, time: Duration) -> Self {
        self.settings.rate = Some(Rate::new(requests, time));
        self
    }

    /// Limits the number of requests at a time. By default there is no limit.
    ///
    /// [`Batcher::max_batches`] limits batches, which can be several requests, and includes the
    /// time until they are repeated.
    ///
    /// # Panics
    /// If `requests` is zero.
    pub fn max_requests(mut self, requests: usize) -> Self {
        assert!(requests > 0, "one request must be allowed");
        self.settings.max_requests = Some(requests);
        self
    }

    /// Keeps answers to GET as long as their headers allow, in this many bytes of memory (RFC
    /// 9111). By default nothing is kept.
    ///
    /// An answer is for its address, so only a request for the same ids finds it. Nothing is kept
    /// that does not say for how long, or that came from another address. An answer that is no
    /// longer fresh is compared with `If-None-Match` or `If-Modified-Since`. To keep the values of
    /// single ids for a time of your own, load them in a function that is cached.
    pub fn cache(mut self, bytes: u64) -> Self {
        self.settings.cache_size = Some(bytes);
        self
    }

    /// Sets the client that sends the requests, for headers and proxies.
    ///
    /// For `https` the program needs a TLS feature of `reqwest`, such as `rustls`, in its own
    /// manifest.
    pub fn client(mut self, client: reqwest::Client) -> Self {
        self.settings.client = Some(client);
        self
    }

    /// Creates a batcher over the API.
    ///
    /// An id without an item in the answer is missing, and so is one whose item is `null`. An id
    /// that cannot be sent, or whose item cannot be read as `V`, fails alone. Items that were not
    /// requested are ignored. Ids with the same text are one id for the API.
    pub fn batcher<K, V>(self) -> Batcher<K, V, HttpError>
    where
        K: Display + Eq + Hash + Clone + Send + Sync + 'static,
        V: DeserializeOwned + Clone + Send + Sync + 'static,
    {
        let name = self.settings.url.to_string();
        let api = Arc::new(Api::new(self.settings));
        let load = Arc::new(move |ids, batch| api.clone().load(ids, batch).boxed());
        Batcher::over_address(name, load)
    }
}

impl Debug for HttpBatch {
    /// Writes the address without user, password and query. A client can have secrets, too.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBatch")
            .field("url", &self.settings.url)
            .finish_non_exhaustive()
    }
}
