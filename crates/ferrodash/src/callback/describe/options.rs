//! The cache options of a callback, and what its answers can vary by.
//!
//! The options are a [`Policy`] of the cache and a few that only callbacks have. What a call's
//! values for [`Vary`] are is in `run/context.rs`.

use std::str::FromStr;
use std::time::Duration;

use ferrodash_cache::Policy;

/// The way in which the answers of a callback are cached.
///
/// On the server always: the encoded and compressed answer is stored in the app's cache. In the
/// browser as well with [`client`](Self::client).
///
/// The key of an answer is made of the callback, the version of its function, its arguments, the
/// components that wildcards stand for, and the values of [`vary`](Self::vary). Calls with equal
/// keys at the same time share one run of the function. An answer that leaves an output as it is,
/// patches it, or calls [`Context::set_props`](crate::Context::set_props) is not stored.
///
/// ```
/// use std::time::Duration;
/// use ferrodash::CacheOptions;
///
/// let options = CacheOptions::new(Duration::from_secs(300))
///     .vary("user")
///     .stale_while_revalidate(Duration::from_secs(3600));
/// # let _ = options;
/// ```
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
pub struct CacheOptions {
    /// The time for which, and the conditions under which, an answer is stored.
    pub policy: Policy,
    /// Lets the browser store answers too. Default: no.
    pub client: bool,
    /// Lets a request ask for an answer that is computed again. Default: no.
    pub refresh: bool,
    /// The time for which errors are stored. Default: not at all.
    pub negative_timeout: Option<Duration>,
    /// The parts of the request that an answer depends on beside its arguments.
    pub vary: Vec<String>,
}

impl CacheOptions {
    /// Creates options under which answers stay fresh for this long. A timeout of zero is a
    /// mistake.
    pub fn new(timeout: Duration) -> Self {
        Self {
            policy: Policy::new(timeout),
            client: false,
            refresh: false,
            negative_timeout: None,
            vary: Vec::new(),
        }
    }

    /// Lets the browser store answers too, and ask again only when they are no longer fresh.
    ///
    /// Use it only for callbacks that change nothing: within the timeout, an equal call does not
    /// reach the server, and an invalidation there does not reach the browser. Of the conditions of
    /// [`vary`](Self::vary), only `trigger` can be combined with it.
    pub fn client(mut self) -> Self {
        self.client = true;
        self
    }

    /// Lets a request with `Cache-Control: no-cache` have the answer computed again, and stored for
    /// all.
    ///
    /// By default it cannot: anyone who can send such requests can make the function run as often.
    pub fn refresh(mut self) -> Self {
        self.refresh = true;
        self
    }

    /// Stores errors that the function returns for this long: calls within it get the error without
    /// a run. By default errors are not stored. Panics and timeouts never are.
    pub fn negative_timeout(mut self, time: Duration) -> Self {
        self.negative_timeout = Some(time);
        self
    }

    /// Adds something that answers depend on. Another text than these is a mistake:
    ///
    /// | text | the answer depends on |
    /// |---|---|
    /// | `user` | the user and the roles of [`App::identity`](crate::App::identity) |
    /// | `roles` | the roles only, so that users with equal roles share answers |
    /// | `session` | the cookie of [`App::session_cookie`](crate::App::session_cookie) |
    /// | `locale` | the preferred language |
    /// | `cookie:NAME`, `header:NAME` | one cookie or header |
    /// | `path` | the path and the query of the request |
    /// | `trigger` | the properties whose change triggered the call |
    ///
    /// A cached callback that takes a [`Context`](crate::Context) can read from it only what is
    /// named here. `user` and `roles` need [`App::identity`](crate::App::identity).
    pub fn vary(mut self, by: impl Into<String>) -> Self {
        self.vary.push(by.into());
        self
    }

    /// Serves a stale answer for so long after its timeout, while one run in the background
    /// refreshes it; see [`Policy::stale_while_revalidate`].
    pub fn stale_while_revalidate(self, time: Duration) -> Self {
        self.with(|policy| policy.stale_while_revalidate(time))
    }

    /// Serves a stale answer for so long after its timeout if the function fails or takes too long;
    /// see [`Policy::stale_if_error`].
    pub fn stale_if_error(self, time: Duration) -> Self {
        self.with(|policy| policy.stale_if_error(time))
    }

    /// Shortens each answer's timeout by a random part of this share of it, 0 to 1; see
    /// [`Policy::jitter`].
    pub fn jitter(self, share: f64) -> Self {
        self.with(|policy| policy.jitter(share))
    }

    /// Refreshes fresh answers in the background before their timeout, the sooner the larger
    /// `beta`; see [`Policy::early`].
    pub fn early(self, beta: f64) -> Self {
        self.with(|policy| policy.early(beta))
    }

    /// Limits how long a caller waits for the function while there is a stale answer to fall back
    /// on; see [`Policy::soft_timeout`].
    pub fn soft_timeout(self, time: Duration) -> Self {
        self.with(|policy| policy.soft_timeout(time))
    }

    /// Limits how long the function may run; see [`Policy::hard_timeout`].
    pub fn hard_timeout(self, time: Duration) -> Self {
        self.with(|policy| policy.hard_timeout(time))
    }

    /// Stores an answer only if the function took at least this long; see [`Policy::slower_than`].
    pub fn slower_than(self, time: Duration) -> Self {
        self.with(|policy| policy.slower_than(time))
    }

    /// Sets how long other processes wait for one that computes and gives no sign of life; see
    /// [`Policy::lease`].
    pub fn lease(self, time: Duration) -> Self {
        self.with(|policy| policy.lease(time))
    }

    /// Adds a tag, by which answers can be invalidated together; see [`Policy::tag`].
    pub fn tag(self, tag: &str) -> Self {
        self.with(|policy| policy.tag(tag))
    }

    fn with(mut self, change: impl FnOnce(Policy) -> Policy) -> Self {
        self.policy = change(self.policy);
        self
    }

    /// Returns whether two options say the same. `Policy` has fields that cannot be compared, so
    /// their `Debug` texts are.
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
    /// The inputs that triggered the call.
    Trigger,
    /// The user who makes the request, with all roles.
    User,
    /// The roles of who makes the request.
    Roles,
    /// The session.
    Session,
    /// The language that the browser wants.
    Locale,
}

impl Vary {
    /// Returns whether a page can keep answers that vary by this. The path of a request is not that
    /// of the page, and differs between requests for one call.
    pub(crate) fn suits_pages(&self) -> bool {
        !matches!(self, Self::Path)
    }
}

impl FromStr for Vary {
    type Err = String;

    /// Parses the text of [`CacheOptions::vary`]. Names of headers are compared in lower case,
    /// names of cookies as they are.
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
