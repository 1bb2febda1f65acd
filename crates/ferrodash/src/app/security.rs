//! The methods of an app that are about security: CSRF tokens, framing, hashes for a content
//! security policy, pages of an older build.
//!
//! They only set `crate::config`; what enforces them is in `crate::http`.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{App, BuiltApp};
use crate::render::inline_scripts;

impl App {
    /// Sets whether callbacks are only answered if the request repeats the page's random cookie in
    /// a header, as Dash's front end does (double submit); by default they need not. Other requests
    /// are refused with 403.
    ///
    /// Calls must be `application/json` in any case, which a page of another site cannot send
    /// without a CORS preflight. This is a second protection, for apps behind a proxy or a CORS
    /// layer that allows such requests.
    ///
    /// ```
    /// use ferrodash::prelude::*;
    /// let app = App::new(html::Div::new(())).csrf(true).csrf_token_name("__Host-csrf");
    /// # let _ = app.build().unwrap();
    /// ```
    pub fn csrf(mut self, on: bool) -> Self {
        self.config.csrf.on = on;
        self
    }

    /// Sets the name of the cookie for [`csrf`](Self::csrf); by default `_csrf_token`. A name that
    /// a cookie cannot have is a mistake.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// let app = App::new(html::Div::new(())).csrf(true).csrf_token_name("reports_csrf");
    /// # let _ = app;
    /// ```
    pub fn csrf_token_name(mut self, name: impl Into<String>) -> Self {
        self.config.csrf.cookie = name.into();
        self
    }

    /// Sets the name of the header in which the page repeats that cookie; by default `X-CSRFToken`.
    /// A name that a header cannot have is a mistake.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// let app = App::new(html::Div::new(())).csrf(true).csrf_header_name("X-Reports-Token");
    /// # let _ = app;
    /// ```
    pub fn csrf_header_name(mut self, name: impl Into<String>) -> Self {
        self.config.csrf.header = name.into();
        self
    }

    /// Sets whether all sites, this one included, are forbidden to show the app in a frame; by
    /// default they may, as many sites embed their apps.
    ///
    /// If it is on, each answer has `Content-Security-Policy: frame-ancestors 'none'` and
    /// `X-Frame-Options: DENY`. A page of another site then cannot place the app invisibly over its
    /// own content, so that clicks of the user reach the app (clickjacking). To allow some sites,
    /// leave it off and send a policy with `frame-ancestors` and their origins.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// let app = App::new(html::Div::new(())).forbid_framing(true);
    /// # let _ = app.build().unwrap();
    /// ```
    pub fn forbid_framing(mut self, forbid: bool) -> Self {
        self.config.forbid_framing = forbid;
        self
    }

    /// Sets whether a page of an older build reloads itself, once, after a call was refused because
    /// this build has no answer for it; by default it only tells its user.
    ///
    /// A reload loses what was typed into the page and not sent yet.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// let app = App::new(html::Div::new(())).reload_stale_pages(true);
    /// # let _ = app;
    /// ```
    pub fn reload_stale_pages(mut self, reload: bool) -> Self {
        self.config.reload_stale_pages = reload;
        self
    }
}

impl BuiltApp {
    /// Returns the hashes of the page's inline scripts, such as `'sha256-…'` with its quotes, for
    /// the `script-src` of a `Content-Security-Policy`.
    ///
    /// Scripts in a template of your own ([`App::index_string`]) are not among them. The hashes
    /// change with the sources of clientside callbacks and of renderer hooks, so compute the policy
    /// from the built app.
    ///
    /// ```
    /// use ferrodash::{Algorithm, prelude::*};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::new(html::Div::new("hello")).build()?;
    /// let policy = format!("script-src 'self' {}", app.csp_hashes(Algorithm::Sha256).join(" "));
    /// assert!(policy.starts_with("script-src 'self' 'sha256-"));
    /// # Ok(()) }
    /// ```
    pub fn csp_hashes(&self, algorithm: Algorithm) -> Vec<String> {
        let scripts = inline_scripts(&self.state.config, &self.state.registry).into_iter();
        scripts
            .map(|script| format!("'{}'", algorithm.hash(script.as_bytes())))
            .collect()
    }
}

/// The algorithm with which [`BuiltApp::csp_hashes`] hashes inline scripts. Browsers support all
/// three.
///
/// ```
/// assert_eq!(format!("{:?}", ferrodash::Algorithm::Sha256), "Sha256");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// `sha256-…`
    Sha256,
    /// `sha384-…`
    Sha384,
    /// `sha512-…`
    Sha512,
}

impl Algorithm {
    /// Returns a hash in the form of policies and `integrity` attributes.
    fn hash(self, bytes: &[u8]) -> String {
        let (name, digest) = match self {
            Self::Sha256 => ("sha256", BASE64_STANDARD.encode(Sha256::digest(bytes))),
            Self::Sha384 => ("sha384", BASE64_STANDARD.encode(Sha384::digest(bytes))),
            Self::Sha512 => ("sha512", BASE64_STANDARD.encode(Sha512::digest(bytes))),
        };
        format!("{name}-{digest}")
    }
}
