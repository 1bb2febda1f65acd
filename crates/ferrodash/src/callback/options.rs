//! The options of a callback.

use std::str::FromStr;
use std::time::Duration;

use ferrodash_cache::Policy;

/// How the answers of a callback are cached.
///
/// On the server always: the encoded and compressed answer is kept in the app's cache. In the browser as well with
/// [`client`](Self::client).
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub struct CacheOptions {
    /// How long an answer is fresh.
    pub timeout: Duration,
    /// Whether the browser keeps answers too. Default: no.
    pub client: bool,
    /// What an answer depends on beside its arguments.
    pub vary: Vec<String>,
}

impl CacheOptions {
    /// Answers stay fresh for this long.
    pub fn new(timeout: Duration) -> Self {
        Self { timeout, client: false, vary: Vec::new() }
    }

    /// The browser keeps answers too, and asks again only when they are no longer fresh.
    ///
    /// Only for callbacks that change nothing: within the timeout, an equal call does not reach the server.
    pub fn client(mut self) -> Self {
        self.client = true;
        self
    }

    /// Adds something that answers depend on: `cookie:NAME`, `header:NAME`, `path` or `trigger`.
    ///
    /// A cached callback that takes a `Context` can read from it only what is named here.
    pub fn vary(mut self, by: impl Into<String>) -> Self {
        self.vary.push(by.into());
        self
    }

    pub(crate) fn policy(&self) -> Policy {
        Policy::new(self.timeout)
    }
}

/// A part of the request that an answer can depend on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Vary {
    /// The value of a cookie.
    Cookie(String),
    /// The value of a header, by its name in lower case.
    Header(String),
    /// The path of the request.
    Path,
    /// Which inputs triggered the call.
    Trigger,
}

impl Vary {
    /// Whether a browser can tell by itself when this changes.
    pub(crate) fn is_known_to_the_browser(&self) -> bool {
        matches!(self, Self::Trigger)
    }
}

impl FromStr for Vary {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some(("cookie", name)) if !name.is_empty() => Ok(Self::Cookie(name.to_owned())),
            Some(("header", name)) if !name.is_empty() => Ok(Self::Header(name.to_ascii_lowercase())),
            None if text == "path" => Ok(Self::Path),
            None if text == "trigger" => Ok(Self::Trigger),
            _ => Err(format!(
                "{text:?} is nothing to vary by; there are \"cookie:NAME\", \"header:NAME\", \"path\" and \"trigger\""
            )),
        }
    }
}

impl std::fmt::Display for Vary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cookie(name) => write!(f, "cookie:{name}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Path => f.write_str("path"),
            Self::Trigger => f.write_str("trigger"),
        }
    }
}
