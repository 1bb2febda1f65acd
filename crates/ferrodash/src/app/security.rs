//! Settings about security: CSRF tokens, framing, hashes for a content security policy, pages of an
//! older build.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256, Sha384, Sha512};

use super::{App, BuiltApp};
use crate::render::inline_scripts;

impl App {
    /// Whether callbacks are only answered when the request repeats the page's random cookie in a
    /// header, as Dash's front end does (double submit); by default not. Others are refused with
    /// 403.
    ///
    /// Calls must be `application/json` in any case, which a page of another site cannot send
    /// without asking first; this is a second lock, for where a proxy or a careless CORS layer in
    /// front answers such questions with yes.
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

    /// The name of the cookie that [`csrf`](Self::csrf) sets; by default `_csrf_token`.
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

    /// The name of the header in which the page sends that cookie back; by default `X-CSRFToken`.
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

    /// Whether no site may show the app in a frame, this one included; by default all may, as many
    /// embed their apps. If it is on, each answer has
    /// `Content-Security-Policy: frame-ancestors 'none'` and `X-Frame-Options: DENY`, so that a
    /// page of another site cannot lay the app under its own and have clicks meant for itself reach
    /// it. To allow some sites, leave it off and send a policy with `frame-ancestors` and their
    /// origins.
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

    /// Whether a page of an older build reloads itself, once, when a call of it was refused because
    /// this build has no answer for it; by default it only tells its user. What was typed into the
    /// page and not sent is lost then.
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
    /// The hashes of the page's inline scripts, such as `'sha256-…'` with its quotes, for the
    /// `script-src` of a `Content-Security-Policy`. Scripts in a template of your own
    /// ([`App::index_string`]) are not among them.
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

/// How inline scripts are hashed for a content security policy: [`BuiltApp::csp_hashes`].
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
    /// A hash as policies and `integrity` attributes write it.
    fn hash(self, bytes: &[u8]) -> String {
        match self {
            Self::Sha256 => format!("sha256-{}", BASE64_STANDARD.encode(Sha256::digest(bytes))),
            Self::Sha384 => format!("sha384-{}", BASE64_STANDARD.encode(Sha384::digest(bytes))),
            Self::Sha512 => format!("sha512-{}", BASE64_STANDARD.encode(Sha512::digest(bytes))),
        }
    }
}
