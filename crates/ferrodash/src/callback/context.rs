//! What a callback can learn about its call beside the arguments.

use std::sync::{Arc, Mutex, PoisonError};

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

use super::Vary;

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

/// What is kept of a request.
#[derive(Debug, Default)]
pub(crate) struct RequestParts {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
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

    fn may_read(&self, what: &Vary) -> bool {
        let Some(guard) = &self.guard else { return true };
        let allowed = guard.allowed.contains(what);
        if !allowed {
            guard.undeclared.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| what.clone());
        }
        allowed
    }
}

impl RequestParts {
    fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

    fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut pairs = cookies.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        pairs.find(|(key, _)| *key == name).map(|(_, value)| value.trim_matches('"').to_owned())
    }
}
