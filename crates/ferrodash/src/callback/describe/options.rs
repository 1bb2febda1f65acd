//! The options of a callback.

use std::str::FromStr;
use std::time::Duration;

use ferrodash_cache::Policy;

/// How the answers of a callback are cached.
///
/// On the server always: the encoded and compressed answer is kept in the app's cache. In the
/// browser as well with [`client`](Self::client).
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
pub struct CacheOptions {
    /// For how long, and under which conditions, an answer is kept.
    pub policy: Policy,
    /// Whether the browser keeps answers too. Default: no.
    pub client: bool,
    /// Whether a request can ask for an answer that is computed again. Default: no.
    pub refresh: bool,
    /// How long errors are kept. Default: not at all.
    pub negative_timeout: Option<Duration>,
    /// What an answer depends on beside its arguments.
    pub vary: Vec<String>,
}

impl CacheOptions {
    /// Answers stay fresh for this long.
    pub fn new(timeout: Duration) -> Self {
        Self {
            policy: Policy::new(timeout),
            client: false,
            refresh: false,
            negative_timeout: None,
            vary: Vec::new(),
        }
    }

    /// The browser keeps answers too, and asks again only when they are no longer fresh.
    ///
    /// Only for callbacks that change nothing: within the timeout, an equal call does not reach the
    /// server.
    pub fn client(mut self) -> Self {
        self.client = true;
        self
    }

    /// A request with `Cache-Control: no-cache` has the answer computed again, and kept for all. By
    /// default it has not: anyone who can send such requests can make the function run as often.
    pub fn refresh(mut self) -> Self {
        self.refresh = true;
        self
    }

    /// Keeps errors of the function for this long: calls within it get the error without a run. By
    /// default not at all.
    pub fn negative_timeout(mut self, time: Duration) -> Self {
        self.negative_timeout = Some(time);
        self
    }

    /// Adds something that answers depend on: `user`, `roles`, `session`, `locale`, `cookie:NAME`,
    /// `header:NAME`, `path` or `trigger`.
    ///
    /// A cached callback that takes a `Context` can read from it only what is named here.
    pub fn vary(mut self, by: impl Into<String>) -> Self {
        self.vary.push(by.into());
        self
    }

    /// See [`Policy::stale_while_revalidate`].
    pub fn stale_while_revalidate(self, time: Duration) -> Self {
        self.with(|policy| policy.stale_while_revalidate(time))
    }

    /// See [`Policy::stale_if_error`].
    pub fn stale_if_error(self, time: Duration) -> Self {
        self.with(|policy| policy.stale_if_error(time))
    }

    /// See [`Policy::jitter`].
    pub fn jitter(self, share: f64) -> Self {
        self.with(|policy| policy.jitter(share))
    }

    /// See [`Policy::early`].
    pub fn early(self, beta: f64) -> Self {
        self.with(|policy| policy.early(beta))
    }

    /// See [`Policy::soft_timeout`].
    pub fn soft_timeout(self, time: Duration) -> Self {
        self.with(|policy| policy.soft_timeout(time))
    }

    /// See [`Policy::hard_timeout`].
    pub fn hard_timeout(self, time: Duration) -> Self {
        self.with(|policy| policy.hard_timeout(time))
    }

    /// See [`Policy::slower_than`].
    pub fn slower_than(self, time: Duration) -> Self {
        self.with(|policy| policy.slower_than(time))
    }

    /// See [`Policy::lease`].
    pub fn lease(self, time: Duration) -> Self {
        self.with(|policy| policy.lease(time))
    }

    /// See [`Policy::tag`].
    pub fn tag(self, tag: &str) -> Self {
        self.with(|policy| policy.tag(tag))
    }

    fn with(mut self, change: impl FnOnce(Policy) -> Policy) -> Self {
        self.policy = change(self.policy);
        self
    }

    /// Whether two descriptions say the same.
    pub(crate) fn same_as(&self, other: &Self) -> bool {
        format!("{self:?}") == format!("{other:?}")
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
    /// Who makes the request, with all roles.
    User,
    /// The roles of who makes the request.
    Roles,
    /// The session.
    Session,
    /// The language that the browser wants.
    Locale,
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
            Some(("header", name)) if !name.is_empty() => {
                Ok(Self::Header(name.to_ascii_lowercase()))
            }
            None if text == "path" => Ok(Self::Path),
            None if text == "trigger" => Ok(Self::Trigger),
            None if text == "user" => Ok(Self::User),
            None if text == "roles" => Ok(Self::Roles),
            None if text == "session" => Ok(Self::Session),
            None if text == "locale" => Ok(Self::Locale),
            _ => Err(format!(
                "{text:?} is nothing to vary by; there are \"user\", \"roles\", \"session\", \"locale\", \"cookie:NAME\", \
                 \"header:NAME\", \"path\" and \"trigger\""
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
            Self::User => f.write_str("user"),
            Self::Roles => f.write_str("roles"),
            Self::Session => f.write_str("session"),
            Self::Locale => f.write_str("locale"),
        }
    }
}
