//! The parts of a request that outlive it: what a call can learn of who made it.
//!
//! They are taken from the request by `crate::state` and shared by all calls of a batch.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::{Extensions, HeaderMap};
use ferrodash_batch::Scope;

use crate::callback::{Identify, Identity, Vary};
use crate::stored::HandleSigner;

/// The parts of a request that calls can read.
#[derive(Default)]
pub(crate) struct RequestParts {
    pub(crate) path: String,
    pub(crate) query: String,
    /// The other end of the connection.
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) headers: HeaderMap,
    /// The values that layers around the app put beside the request.
    pub(crate) extensions: Extensions,
    pub(crate) identify: Identify,
    /// The user of the request, once somebody asked. What the app says may change while the request
    /// is answered; the key of an answer and the function that makes it must see the same identity.
    pub(crate) who: OnceLock<Option<Identity>>,
    /// Signs handles of stored values.
    pub(crate) signer: Option<Arc<HandleSigner>>,
    /// What the uncached calls of this request load: with each other only, and each value once.
    /// Made when the first one runs.
    pub(crate) loads: OnceLock<Scope>,
    /// The objects that the app has for its callbacks, by type, so that callbacks need not know the
    /// types.
    pub(crate) services: Arc<Extensions>,
}

impl RequestParts {
    /// Returns the scope of what the uncached calls of this request load.
    pub(crate) fn loads(&self) -> Scope {
        self.loads.get_or_init(Scope::new).clone()
    }

    /// Returns who makes the request. The app is asked once for each request, also if several calls
    /// of it ask at the same time.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        let find = self.identify.user.as_ref()?;
        self.who.get_or_init(|| find(&self.headers)).as_ref()
    }

    /// Returns the value of what answers vary by; `None` for the trigger, which is part of a call.
    ///
    /// The values are exactly those that the accessors of [`Context`](crate::Context) return, or a
    /// function could see a difference between two calls with one key.
    pub(crate) fn value_of(&self, by: &Vary) -> Option<String> {
        match by {
            Vary::Cookie(name) => self.cookie(name),
            Vary::Header(name) => self.header(name),
            Vary::Path => Some(format!("{}?{}", self.path, self.query)),
            Vary::User => self
                .identity()
                .map(|who| format!("{:?} {:?}", who.user, who.roles)),
            Vary::Roles => self.identity().map(|who| format!("{:?}", who.roles)),
            Vary::Session => self.session(),
            Vary::Locale => self.locale(),
            Vary::Trigger => None,
        }
    }

    /// Returns the value of the session cookie.
    pub(crate) fn session(&self) -> Option<String> {
        self.cookie(&self.identify.session_cookie)
    }

    /// Returns the language that is preferred most, in lower case (RFC 9110, section 12.5.4).
    pub(crate) fn locale(&self) -> Option<String> {
        let header = self.header(ACCEPT_LANGUAGE.as_str())?;
        let mut best: Option<(&str, f32)> = None;
        for item in header.split(',') {
            let (language, weight) = item.split_once(';').unwrap_or((item, "q=1"));
            let quality = weight.trim().strip_prefix("q=");
            let quality = quality.and_then(|q| q.parse().ok()).unwrap_or(0.0);
            let language = language.trim();
            // Of equals the first counts.
            if language != "*" && quality > best.map_or(0.0, |(_, quality)| quality) {
                best = Some((language, quality));
            }
        }
        best.map(|(language, _)| language.to_ascii_lowercase())
    }

    /// Returns the first value of a header, if it is visible ASCII.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

    /// Returns the value of a cookie, without quotes around it.
    pub(crate) fn cookie(&self, name: &str) -> Option<String> {
        let cookies = self
            .headers
            .get_all(COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok());
        let mut pairs = cookies
            .flat_map(|line| line.split(';'))
            .filter_map(|pair| pair.trim().split_once('='));
        pairs
            .find(|(key, _)| *key == name)
            .map(|(_, value)| value.trim_matches('"').to_owned())
    }
}

impl std::fmt::Debug for RequestParts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestParts")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
