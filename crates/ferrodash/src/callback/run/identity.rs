//! Who makes a request, as far as the app says.

use std::sync::Arc;

use axum::http::HeaderMap;

/// Who makes a request: what `vary = "user"` and `vary = "roles"` go by.
///
/// ```
/// use ferrodash::Identity;
/// let alice = Identity::new("alice").role("admin").role("sales");
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Identity {
    /// The user's name or number.
    pub user: String,
    /// What the user may do: a value made for one set of roles is not given to another.
    pub roles: Vec<String>,
}

impl Identity {
    /// A user without roles.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            roles: Vec::new(),
        }
    }

    /// Adds a role.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self.roles.sort_unstable();
        self.roles.dedup();
        self
    }
}

/// Who a request is from.
type FindUser = dyn Fn(&HeaderMap) -> Option<Identity> + Send + Sync;

/// How an app finds out who makes a request.
#[derive(Clone)]
pub(crate) struct Identify {
    pub(crate) user: Option<Arc<FindUser>>,
    pub(crate) session_cookie: Arc<str>,
}

impl Default for Identify {
    fn default() -> Self {
        Self {
            user: None,
            session_cookie: "session".into(),
        }
    }
}
