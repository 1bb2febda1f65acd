//! The identity of a request's user, as far as the app says who it is.
//!
//! The app's function is called in `parts.rs`, once for each request.

use std::sync::Arc;

use axum::http::HeaderMap;

/// The user who makes a request: what `vary = "user"` and `vary = "roles"` go by.
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
    /// The roles of the user: a value made for one set of roles is not served to another.
    /// [`role`](Self::role) keeps them sorted, each once; equal sets in another order would be
    /// cached apart.
    pub roles: Vec<String>,
}

impl Identity {
    /// Creates a user without roles.
    pub fn new(user: impl Into<String>) -> Self {
        Self {
            user: user.into(),
            roles: Vec::new(),
        }
    }

    /// Adds a role; one that is there already is not added again.
    #[must_use]
    pub fn role(mut self, role: impl Into<String>) -> Self {
        self.roles.push(role.into());
        self.roles.sort_unstable();
        self.roles.dedup();
        self
    }
}

/// The app's function that says who a request is from.
type FindUser = dyn Fn(&HeaderMap) -> Option<Identity> + Send + Sync;

/// The app's settings about who makes a request.
#[derive(Clone)]
pub(crate) struct Identify {
    /// The function that says who makes a request; `None` if the app has none.
    pub(crate) user: Option<Arc<FindUser>>,
    /// The name of the cookie whose value is the session.
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
