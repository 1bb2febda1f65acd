//! What a call keeps of its request.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use axum::http::{Extensions, HeaderMap};

use crate::callback::{Identify, Identity};
use crate::stored::Vault;

/// What is kept of a request.
#[derive(Default)]
pub(crate) struct RequestParts {
    pub(crate) path: String,
    pub(crate) query: String,
    /// The other end of the connection.
    pub(crate) remote: Option<SocketAddr>,
    pub(crate) headers: HeaderMap,
    /// What layers around the app put beside the request.
    pub(crate) extensions: Extensions,
    pub(crate) identify: Identify,
    /// Who makes the request, once somebody asked. What the app says may change while the request
    /// is answered; the key of an answer and the function that makes it see the same identity.
    pub(crate) who: OnceLock<Option<Identity>>,
    /// Signs handles of stored values.
    pub(crate) vault: Option<Arc<Vault>>,
    /// What the app has for its callbacks, by type: callbacks need not know the types.
    pub(crate) services: Arc<Extensions>,
}

impl RequestParts {
    /// Who makes the request. The app is asked once for each request.
    pub(crate) fn identity(&self) -> Option<&Identity> {
        let find = self.identify.user.as_ref()?;
        self.who.get_or_init(|| find(&self.headers)).as_ref()
    }

    pub(crate) fn session(&self) -> Option<String> {
        self.cookie(&self.identify.session_cookie)
    }

    /// The language that is wanted most, in lower case (RFC 9110, section 12.5.4).
    pub(crate) fn locale(&self) -> Option<String> {
        let header = self.header(ACCEPT_LANGUAGE.as_str())?;
        let mut best: Option<(&str, f32)> = None;
        for item in header.split(',') {
            let (language, quality) = item.split_once(";q=").unwrap_or((item, "1"));
            let (language, quality) = (language.trim(), quality.trim().parse().unwrap_or(0.0));
            // Of equals the first counts.
            if language != "*" && quality > best.map_or(0.0, |(_, quality)| quality) {
                best = Some((language, quality));
            }
        }
        best.map(|(language, _)| language.to_ascii_lowercase())
    }

    pub(crate) fn header(&self, name: &str) -> Option<String> {
        self.headers.get(name)?.to_str().ok().map(str::to_owned)
    }

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
