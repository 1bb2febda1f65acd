//! The address of an API.

use std::fmt::{self, Debug, Display};

use reqwest::Url;

/// The address of an API. Errors and logs show it without what may be a secret.
#[derive(Clone)]
pub(super) struct Address {
    pub(super) full: String,
    /// The length of the address in a request, in bytes.
    pub(super) length: usize,
    /// The address without a user, a password and a query.
    shown: String,
}

impl Address {
    /// Keeps the address, and computes the form that can be shown.
    pub(super) fn new(full: String) -> Self {
        let end = full.find(['?', '#']).unwrap_or(full.len());
        let shown = match Url::parse(&full[..end]) {
            Ok(mut url) if url.has_host() => {
                // These fail only for an address without a host.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.to_string()
            }
            // What was cut off can be part of a password with such a character.
            _ if full[end..].contains('@') => "an address that cannot be shown".to_owned(),
            // A text that is not an HTTP address can still have a password before an `@`.
            _ => full[..end]
                .rsplit('@')
                .next()
                .unwrap_or_default()
                .to_owned(),
        };
        let length = Url::parse(&full).map_or(full.len(), |url| url.as_str().len());
        Self {
            full,
            length,
            shown,
        }
    }

    /// Returns the host and the port. A text that is not an HTTP address has none, and stands for
    /// itself.
    pub(super) fn host(&self) -> String {
        let url = Url::parse(&self.full).ok();
        let host = url.as_ref().and_then(|url| {
            let port = url.port_or_known_default()?;
            Some(format!("{}:{port}", url.host_str()?))
        });
        host.unwrap_or_else(|| self.shown.clone())
    }
}

impl Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown)
    }
}

impl Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Debug::fmt(&self.shown, f)
    }
}
