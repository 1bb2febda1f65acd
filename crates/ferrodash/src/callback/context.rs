//! What a callback can learn about its call beside the arguments.

use std::sync::{Arc, Mutex, PoisonError};

use super::{Identity, RequestParts, Vary};
use crate::stored::Desk;

/// The circumstances of a call: what triggered it, and parts of the request.
///
/// Taken as the last argument of a callback. In a cached callback it gives only what the callback declares to vary by;
/// reading anything else makes the call fail, as the answer would be given to others.
#[derive(Clone, Debug)]
pub struct Context {
    triggers: Arc<[Trigger]>,
    request: Arc<RequestParts>,
    guard: Option<Arc<Guard>>,
}

/// A property whose change triggered the call.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trigger {
    /// The component's id, a dictionary id in its text form.
    pub id: String,
    /// The property.
    pub property: String,
}

/// Watches over what a cached callback reads.
#[derive(Debug)]
struct Guard {
    allowed: Vec<Vary>,
    undeclared: Mutex<Option<Vary>>,
}

impl Context {
    pub(crate) fn new(triggers: Vec<Trigger>, request: Arc<RequestParts>) -> Self {
        Self { triggers: triggers.into(), request, guard: None }
    }

    /// The same circumstances for a cached callback that declared `allowed`.
    pub(crate) fn guarded(mut self, allowed: &[Vary]) -> Self {
        self.guard = Some(Arc::new(Guard { allowed: allowed.to_owned(), undeclared: Mutex::default() }));
        self
    }

    /// What was read without being declared, if anything was.
    pub(crate) fn undeclared(&self) -> Option<Vary> {
        let guard = self.guard.as_ref()?;
        guard.undeclared.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The values of what a call varies by, for its key.
    pub(crate) fn values(&self, vary: &[Vary]) -> Vec<(String, Option<String>)> {
        let value = |by: &Vary| match by {
            Vary::Cookie(name) => self.request.cookie(name),
            Vary::Header(name) => self.request.header(name),
            Vary::Path => Some(self.request.path.clone()),
            Vary::User => self.request.identity().map(|who| format!("{:?} {:?}", who.user, who.roles)),
            Vary::Roles => self.request.identity().map(|who| format!("{:?}", who.roles)),
            Vary::Session => self.request.session(),
            Vary::Locale => self.request.locale(),
            Vary::Trigger => {
                let names = self.triggers.iter().map(|trigger| format!("{}.{}", trigger.id, trigger.property));
                Some(names.collect::<Vec<_>>().join("\n"))
            }
        };
        vary.iter().map(|by| (by.to_string(), value(by))).collect()
    }

    /// What triggered the call; empty for the call when the page is loaded.
    pub fn triggered(&self) -> &[Trigger] {
        if self.may_read(&Vary::Trigger) { &self.triggers } else { &[] }
    }

    /// The id of the component that triggered the call, if it was one.
    pub fn triggered_id(&self) -> Option<&str> {
        self.triggered().first().map(|trigger| trigger.id.as_str())
    }

    /// The value of a cookie.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.may_read(&Vary::Cookie(name.to_owned())).then(|| self.request.cookie(name)).flatten()
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let value = self.request.header(&name);
        self.may_read(&Vary::Header(name)).then_some(value).flatten()
    }

    /// The path of the request, with the app's prefix.
    pub fn path(&self) -> &str {
        if self.may_read(&Vary::Path) { &self.request.path } else { "" }
    }

    /// Who makes the request, as [`App::identity`](crate::App::identity) says. In a cached callback it needs `vary =
    /// "user"`.
    pub fn identity(&self) -> Option<Identity> {
        self.may_read(&Vary::User).then(|| self.request.identity()).flatten()
    }

    /// The roles of who makes the request. In a cached callback it needs `vary = "roles"`, or `"user"`.
    pub fn roles(&self) -> Vec<String> {
        let allowed = self.allows(&Vary::User) || self.may_read(&Vary::Roles);
        allowed.then(|| self.request.identity()).flatten().map(|who| who.roles).unwrap_or_default()
    }

    /// The session: the value of the cookie that [`App::session_cookie`](crate::App::session_cookie) names. In a cached
    /// callback it needs `vary = "session"`.
    pub fn session(&self) -> Option<String> {
        self.may_read(&Vary::Session).then(|| self.request.session()).flatten()
    }

    /// The language that the browser wants most, in lower case, such as `de-at`. In a cached callback it needs `vary =
    /// "locale"`.
    pub fn locale(&self) -> Option<String> {
        self.may_read(&Vary::Locale).then(|| self.request.locale()).flatten()
    }

    /// Whether a cached callback has declared this.
    fn allows(&self, what: &Vary) -> bool {
        self.guard.as_ref().is_some_and(|guard| guard.allowed.contains(what))
    }

    /// Whether the request is for an answer that no cache has (RFC 9111, section 5.2.1.4).
    pub(crate) fn asks_for_fresh(&self) -> bool {
        self.request.header("cache-control").is_some_and(|value| value.contains("no-cache"))
    }

    /// What a function needs for stored values. One whose answers are cached cannot put any: each of its values would
    /// be given to many pages.
    pub(crate) fn desk(&self) -> Option<Desk> {
        let vault = self.request.vault.clone()?;
        let page = self.request.header("x-ferrodash-page");
        Some(Desk { vault, page, takes: self.guard.is_none() })
    }

    fn may_read(&self, what: &Vary) -> bool {
        let Some(guard) = &self.guard else { return true };
        let allowed = guard.allowed.contains(what);
        if !allowed {
            guard.undeclared.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| what.clone());
        }
        allowed
    }
}
