//! The options of an API.

use std::time::Duration;

use super::address::Address;
use super::answer::Shape;
use super::retry::Retries;
use super::turns::Rate;

/// The default timeout of a request.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The default limit of an answer, in bytes.
const MAX_ANSWER: usize = 64 << 20;

/// The default limit of the length of an address in bytes. Some servers accept no more than 4 KiB
/// for the whole first line of a request.
pub const DEFAULT_MAX_URL: usize = 2000;

/// The options of [`HttpBatch`](super::HttpBatch), where each is explained.
#[derive(Clone)]
pub(super) struct Settings {
    pub(super) url: Address,
    pub(super) form: Form,
    pub(super) param: String,
    pub(super) shape: Shape,
    pub(super) max_url: usize,
    /// `None` for the default: that of the client that was given, or 30 s.
    pub(super) timeout: Option<Duration>,
    pub(super) max_answer: usize,
    pub(super) retries: Retries,
    pub(super) rate: Option<Rate>,
    pub(super) max_requests: Option<usize>,
    pub(super) cache_size: Option<u64>,
    pub(super) client: Option<reqwest::Client>,
}

/// How the ids are in a request.
#[derive(Debug, Clone)]
pub(super) enum Form {
    /// In one parameter, with this text between them.
    Joined(String),
    /// Each in a parameter of its own.
    Repeated,
    /// In a JSON body.
    Json {
        /// The field that has the list. If it is empty, the list is the body.
        field: String,
        with_numbers: bool,
    },
}

impl Settings {
    /// Returns the time limit of a request. That of a client that was given is left to the client.
    pub(super) fn time_limit(&self) -> Option<Duration> {
        let default = self.client.is_none().then_some(TIMEOUT);
        self.timeout.or(default)
    }

    /// Returns the default options for an address.
    pub(super) fn new(url: Address) -> Self {
        Self {
            url,
            form: Form::Joined(",".into()),
            param: "ids".into(),
            shape: Shape::default(),
            max_url: DEFAULT_MAX_URL,
            timeout: None,
            max_answer: MAX_ANSWER,
            retries: Retries::default(),
            rate: None,
            max_requests: None,
            cache_size: None,
            client: None,
        }
    }
}
