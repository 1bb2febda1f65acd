//! The context of a call: what its function can learn beside the arguments, and do beside writing
//! its outputs.
//!
//! In a cached callback a guard watches every access: the function may read only what is part of
//! the key, and may do nothing for its own caller alone.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::header::{
    HeaderName, HeaderValue, InvalidHeaderName, InvalidHeaderValue, SET_COOKIE,
};
use cookie::Cookie;
use ferrodash_components::{Id, IdValue};
use ferrodash_serve::sync::lock;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use crate::callback::{
    Call, CallError, Effects, Grouping, Header, Identity, IntoOutput, RequestParts, Timing,
    Trigger, Vary,
};
use crate::error::debug_as_display;
use crate::stored::StoredContext;

/// The circumstances of a call: what triggered it, what its arguments are, and parts of the
/// request; and what a call can do beside writing its outputs.
///
/// A function gets it as its last argument. A clone is the same context: what a spawned task sets
/// through it counts if it is set before the function's future ends.
///
/// ```
/// use ferrodash::prelude::*;
///
/// #[callback(output("greeting", "children"), input("name", "value"))]
/// async fn greet(name: Option<String>, context: Context) -> String {
///     let language = context.locale().unwrap_or_default();
///     let greeting = if language.starts_with("de") { "Hallo" } else { "Hello" };
///     format!("{greeting} {}", name.unwrap_or_default())
/// }
/// # let _ = callbacks![greet];
/// ```
///
/// # In cached callbacks
///
/// The answer of a cached callback may reach other users, so its context returns only what the
/// callback declares with [`CacheOptions::vary`](crate::CacheOptions::vary). Reading anything else
/// returns nothing and makes the call fail, with a message that names the missing declaration.
///
/// | methods | need |
/// |---|---|
/// | `triggered`, `triggered_id`, `args_grouping`, `inputs_list` | `vary = "trigger"` |
/// | `cookie` | `vary = "cookie:NAME"` |
/// | `header`, `origin` | `vary = "header:NAME"` |
/// | `path`, `query` | `vary = "path"` |
/// | `identity` | `vary = "user"` |
/// | `roles` | `vary = "roles"` or `"user"` |
/// | `session` | `vary = "session"` |
/// | `locale` | `vary = "locale"` |
/// | `set_cookie`, `set_header`, `append_header`, `refresh` | no cache |
/// | `remote`, `extension`, `add_callback` | no cache |
///
/// All other methods need nothing. After `set_props` the answer is not stored.
#[derive(Clone)]
pub struct Context {
    call: Arc<Call>,
    request: Arc<RequestParts>,
    /// The effects of the function beside its outputs. Clones share them.
    effects: Effects,
    /// Present in cached callbacks only.
    guard: Option<Arc<Guard>>,
}

/// Watches over what a cached callback does with its context.
#[derive(Debug)]
struct Guard {
    /// The declarations of the callback, which are part of the key.
    allowed: Vec<Vary>,
    /// The first access that was not declared.
    violation: Mutex<Option<CallError>>,
}

/// Headers that functions cannot set: about the connection (RFC 9110, section 7.6.1), about the
/// body, and those by which the page and caches know where an answer came from. Their values would
/// not fit what is sent.
const OF_THE_SERVER: [&str; 19] = [
    "age",
    "cache-status",
    "connection",
    "content-encoding",
    "content-length",
    "content-range",
    "content-type",
    "date",
    "http2-settings",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-content-type-options",
    "x-ferrodash-build",
];

/// Names an output whose answer the page asks for again.
const REFRESH: HeaderName = HeaderName::from_static("x-ferrodash-refresh");

impl Context {
    /// Creates the context of a call that is not cached, or whose key is still to be made.
    pub(crate) fn new(call: Arc<Call>, request: Arc<RequestParts>) -> Self {
        Self {
            call,
            request,
            effects: Effects::default(),
            guard: None,
        }
    }

    /// Returns the context of a cached call, of a callback that declared `allowed`.
    ///
    /// The call becomes the canonical one, so the function sees the same arguments whichever of the
    /// equal calls runs it.
    pub(crate) fn guarded(mut self, allowed: &[Vary]) -> Self {
        self.call = Arc::new(self.call.canonical());
        self.guard = Some(Arc::new(Guard {
            allowed: allowed.to_owned(),
            violation: Mutex::default(),
        }));
        self
    }

    /// Returns the first thing that was done although a cached callback must not do it.
    pub(crate) fn violation(&self) -> Option<CallError> {
        let guard = self.guard.as_ref()?;
        lock(&guard.violation).clone()
    }

    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    pub(crate) fn effects(&self) -> &Effects {
        &self.effects
    }

    /// Returns the values of what a call varies by, for its key. A value that is absent differs
    /// from an empty one.
    pub(crate) fn values(&self, vary: &[Vary]) -> Vec<(String, Option<String>)> {
        let triggers = || {
            let names = self.call.triggers.iter().map(Trigger::prop_id);
            names.collect::<Vec<_>>().join("\n")
        };
        let value = |by: &Vary| match by {
            Vary::Trigger => Some(triggers()),
            by => self.request.value_of(by),
        };
        vary.iter().map(|by| (by.to_string(), value(by))).collect()
    }

    /// Returns the properties whose change triggered the call; empty for the call when the page is
    /// loaded. In a cached callback it needs `vary = "trigger"`.
    pub fn triggered(&self) -> &[Trigger] {
        if self.may_read(&Vary::Trigger) {
            &self.call.triggers
        } else {
            &[]
        }
    }

    /// Returns the id of the component that triggered the call, the first one if there were
    /// several.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// # fn f(context: &Context) {
    /// if context.triggered_id().is_some_and(|id| id == "save") {
    ///     // The button `save` was pressed.
    /// }
    /// let row = context.triggered_id().and_then(|id| id.get("index"));
    /// # }
    /// ```
    pub fn triggered_id(&self) -> Option<&Id> {
        self.triggered().first().map(|trigger| &trigger.id)
    }

    /// Returns the value that [`MATCH`](crate::MATCH) stands for in this call, for a key of the
    /// ids.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// #[callback(
    ///     output(id!{type: "out", row: MATCH}, "children"),
    ///     input(id!{type: "in", row: MATCH}, "value")
    /// )]
    /// async fn row(value: Option<String>, context: Context) -> String {
    ///     format!("row {:?}: {value:?}", context.matched("row"))
    /// }
    /// ```
    pub fn matched(&self, key: &str) -> Option<&IdValue> {
        self.call.matched(key)
    }

    /// Returns the components behind each argument of the function: ids, properties, values, and
    /// whether they triggered the call. In a cached callback it needs `vary = "trigger"`.
    pub fn args_grouping(&self) -> Vec<Grouping> {
        if self.may_read(&Vary::Trigger) {
            self.call.args_grouping()
        } else {
            Vec::new()
        }
    }

    /// Returns all inputs in the order of their declaration, in the form of
    /// [`args_grouping`](Self::args_grouping). In a cached callback it needs `vary = "trigger"`.
    pub fn inputs_list(&self) -> Vec<Grouping> {
        if self.may_read(&Vary::Trigger) {
            self.call.inputs_list()
        } else {
            Vec::new()
        }
    }

    /// Returns all states in the order of their declaration.
    pub fn states_list(&self) -> Vec<Grouping> {
        self.call.states_list()
    }

    /// Returns the outputs of this call, with the ids that wildcards stand for.
    pub fn outputs_grouping(&self) -> Vec<Grouping> {
        self.call.outputs_grouping()
    }

    /// Sets a property of a component that need not be an output.
    ///
    /// It is set before the outputs are. An id that is not on the page is skipped, and of several
    /// values for one property the last one counts. The answer of a cached callback that calls this
    /// is not stored.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// #[callback(input("save", "n_clicks"), prevent_initial_call)]
    /// async fn save(_clicks: u32, context: Context) {
    ///     context.set_props("message", "children", "Saved.");
    /// }
    /// ```
    pub fn set_props(
        &self,
        id: impl Into<Id>,
        property: impl Into<Cow<'static, str>>,
        value: impl IntoOutput,
    ) {
        self.effects
            .set(id.into(), property.into(), value.into_output());
    }

    /// Has the page ask again for an answer that it shows: that of a callback with `cache(client)`
    /// and this output. In a cached callback it makes the call fail.
    ///
    /// The page does not use its own copy. The function of that callback runs if it is declared
    /// with `cache(refresh)`; otherwise the server answers from its cache.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// #[callback(input("reload", "n_clicks"), prevent_initial_call)]
    /// async fn reload(_clicks: u32, context: Context) {
    ///     context.refresh("chart", "figure");
    /// }
    /// ```
    pub fn refresh(&self, id: impl Into<Id>, property: impl Into<Cow<'static, str>>) {
        if self.may_do("refreshes another callback") {
            let output = format!("{}.{}", id.into(), property.into());
            let encoded = utf8_percent_encode(&output, NON_ALPHANUMERIC).to_string();
            self.effects.header(Header {
                name: REFRESH,
                value: HeaderValue::try_from(encoded).expect("percent-encoded text is ASCII"),
                append: true,
            });
        }
    }

    /// Sets a cookie with the answer, also when nothing is updated. In a cached callback it makes
    /// the call fail.
    ///
    /// Name and value are percent-encoded. A cookie whose path or domain contains a semicolon or a
    /// control character is not set, which is an error in the log.
    ///
    /// ```
    /// # use ferrodash::{Context, cookie::Cookie};
    /// # fn f(context: &Context) {
    /// context.set_cookie(Cookie::build(("theme", "dark")).path("/").http_only(true));
    /// # }
    /// ```
    pub fn set_cookie(&self, cookie: impl Into<Cookie<'static>>) {
        let cookie = cookie.into();
        if !self.may_do("sets a cookie") {
            return;
        }
        let ends = |text: &str| text.contains(|c: char| c == ';' || c.is_control());
        let attributes = [("path", cookie.path()), ("domain", cookie.domain())];
        if let Some((name, Some(value))) = attributes
            .into_iter()
            .find(|(_, value)| value.is_some_and(ends))
        {
            tracing::error!(
                "the cookie {:?} was not set: its {name} is {value:?}",
                cookie.name()
            );
            return;
        }
        match HeaderValue::try_from(cookie.encoded().to_string()) {
            Ok(value) => self.effects.header(Header {
                name: SET_COOKIE,
                value,
                append: true,
            }),
            Err(error) => tracing::error!("the cookie {:?} was not set: {error}", cookie.name()),
        }
    }

    /// Sets a header of the answer, and replaces any other of that name. In a cached callback it
    /// makes the call fail.
    ///
    /// # Errors
    /// [`HeaderError`] if name or value has characters that no header can have, and for headers of
    /// the server's own: those about the connection and about the length, encoding and type of the
    /// answer.
    pub fn set_header(&self, name: &str, value: &str) -> Result<(), HeaderError> {
        self.header_of_answer(name, value, false)
    }

    /// Adds a header to the answer, beside others of that name. In a cached callback it makes the
    /// call fail.
    ///
    /// # Errors
    /// Those of [`set_header`](Self::set_header).
    pub fn append_header(&self, name: &str, value: &str) -> Result<(), HeaderError> {
        self.header_of_answer(name, value, true)
    }

    /// Checks a header and adds it to the effects. The check of the names comes first, so that a
    /// mistake is an error in cached callbacks, too.
    fn header_of_answer(&self, name: &str, value: &str, append: bool) -> Result<(), HeaderError> {
        let (name, value) = (HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
        if OF_THE_SERVER.contains(&name.as_str()) {
            return Err(HeaderError(format!(
                "{name} belongs to the connection or the body, and the server sets it; \
                 leave it out"
            )));
        }
        if self.may_do("sets a header") {
            self.effects.header(Header {
                name,
                value,
                append,
            });
        }
        Ok(())
    }

    /// Adds a time to the answer's `Server-Timing`, which browsers and Dash's developer tools show.
    ///
    /// Commas, semicolons, quotes and backslashes in the texts become blanks. If an answer comes
    /// from the cache, it has no times of the function.
    pub fn record_timing(
        &self,
        name: impl Into<String>,
        duration: Duration,
        description: impl Into<String>,
    ) {
        self.effects.timing(Timing {
            name: name.into(),
            duration,
            description: description.into(),
        });
    }

    /// Returns the value of a cookie of the request, as it was sent. In a cached callback it needs
    /// `vary = "cookie:NAME"`.
    pub fn cookie(&self, name: &str) -> Option<String> {
        self.may_read(&Vary::Cookie(name.to_owned()))
            .then(|| self.request.cookie(name))
            .flatten()
    }

    /// Returns the value of a header of the request, the first one if there are several; `None` if
    /// it is not visible ASCII. In a cached callback it needs `vary = "header:NAME"`.
    pub fn header(&self, name: &str) -> Option<String> {
        let name = name.to_ascii_lowercase();
        let value = self.request.header(&name);
        self.may_read(&Vary::Header(name))
            .then_some(value)
            .flatten()
    }

    /// Returns the path of the request, with the app's prefix.
    ///
    /// It is that of the call, not of the page in the browser, which `dcc::Location` knows. In a
    /// cached callback it needs `vary = "path"`.
    pub fn path(&self) -> &str {
        if self.may_read(&Vary::Path) {
            &self.request.path
        } else {
            ""
        }
    }

    /// Returns the query of the request, without its question mark. In a cached callback it needs
    /// `vary = "path"`.
    pub fn query(&self) -> &str {
        if self.may_read(&Vary::Path) {
            &self.request.query
        } else {
            ""
        }
    }

    /// Returns the origin that the browser says the page is from, such as `https://example.com`. In
    /// a cached callback it needs `vary = "header:origin"`.
    pub fn origin(&self) -> Option<String> {
        self.header("origin")
    }

    /// Returns the address of the other end of the connection, if the server that runs the app
    /// knows it, as [`App::run`](crate::App::run) does.
    ///
    /// Behind a proxy it is the proxy's. In a cached callback it makes the call fail.
    pub fn remote(&self) -> Option<std::net::SocketAddr> {
        self.may_do("reads the address of the other end")
            .then_some(self.request.remote)
            .flatten()
    }

    /// The parts of the request.
    pub(crate) fn request(&self) -> &RequestParts {
        &self.request
    }

    /// Returns what a layer around the app has put beside the request, by its type: Dash's custom
    /// data. In a cached callback it makes the call fail.
    ///
    /// ```
    /// # use ferrodash::prelude::*;
    /// #[derive(Clone)]
    /// struct Tenant(String);
    ///
    /// #[callback(output("who", "children"), input("url", "pathname"))]
    /// async fn who(_path: String, context: Context) -> String {
    ///     context.extension::<Tenant>().map_or("nobody".into(), |tenant| tenant.0)
    /// }
    /// ```
    pub fn extension<T: Clone + Send + Sync + 'static>(&self) -> Option<T> {
        self.may_do("reads an extension of the request")
            .then(|| self.request.extensions.get().cloned())
            .flatten()
    }

    /// Returns who makes the request, as [`App::identity`](crate::App::identity) says; `None` for
    /// nobody. In a cached callback it needs `vary = "user"`.
    pub fn identity(&self) -> Option<Identity> {
        self.may_read(&Vary::User)
            .then(|| self.request.identity().cloned())
            .flatten()
    }

    /// Returns the roles of who makes the request; empty for nobody. In a cached callback it needs
    /// `vary = "roles"`, or `"user"`.
    pub fn roles(&self) -> Vec<String> {
        // `allows` notes no violation, so that the roles can be read with either declaration.
        let allowed = self.allows(&Vary::User) || self.may_read(&Vary::Roles);
        allowed
            .then(|| self.request.identity())
            .flatten()
            .map(|who| who.roles.clone())
            .unwrap_or_default()
    }

    /// Returns the session: the value of the cookie that
    /// [`App::session_cookie`](crate::App::session_cookie) names. In a cached callback it needs
    /// `vary = "session"`.
    pub fn session(&self) -> Option<String> {
        self.may_read(&Vary::Session)
            .then(|| self.request.session())
            .flatten()
    }

    /// Returns the language that the browser prefers, in lower case, such as `de-at`. In a cached
    /// callback it needs `vary = "locale"`.
    pub fn locale(&self) -> Option<String> {
        self.may_read(&Vary::Locale)
            .then(|| self.request.locale())
            .flatten()
    }

    /// Returns whether a cached callback has declared this.
    fn allows(&self, what: &Vary) -> bool {
        self.guard
            .as_ref()
            .is_some_and(|guard| guard.allowed.contains(what))
    }

    /// Returns whether the request asks for an answer that no cache has (RFC 9111, section
    /// 5.2.1.4).
    pub(crate) fn asks_for_fresh(&self) -> bool {
        self.request
            .header("cache-control")
            .is_some_and(|value| value.contains("no-cache"))
    }

    /// Returns whether the sender does not want a stale answer: it has one, and compares it.
    pub(crate) fn refuses_stale(&self) -> bool {
        self.request
            .header("cache-control")
            .is_some_and(|value| value == "max-age=0")
    }

    /// Returns what a function needs for stored values. A function whose answers are cached cannot
    /// put any, as one value would be shared by many pages.
    pub(crate) fn stored_context(&self) -> Option<StoredContext> {
        let signer = self.request.signer.clone()?;
        let page = self.request.header("x-ferrodash-page");
        Some(StoredContext {
            signer,
            page,
            takes: self.guard.is_none(),
        })
    }

    /// Returns whether the function may read this, and notes a violation if not.
    fn may_read(&self, what: &Vary) -> bool {
        let Some(guard) = &self.guard else {
            return true;
        };
        let allowed = guard.allowed.contains(what);
        if !allowed {
            guard.violate(|| CallError::Undeclared(what.clone()));
        }
        allowed
    }

    /// Returns whether the call can do something for its own caller, and notes a violation if its
    /// answer is cached.
    pub(in crate::callback) fn may_do(&self, what: &'static str) -> bool {
        match &self.guard {
            None => true,
            Some(guard) => {
                guard.violate(|| CallError::EffectInCache(what));
                false
            }
        }
    }
}

impl Guard {
    /// Notes a violation; the first one is the one that is reported.
    fn violate(&self, error: impl FnOnce() -> CallError) {
        lock(&self.violation).get_or_insert_with(error);
    }
}

/// Shows the triggers only, and nothing of the request: a function may log its context.
impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What a cached callback writes into its answer must not hold more than it may read.
        let triggers = self.guard.is_none().then_some(&self.call.triggers);
        f.debug_struct("Context")
            .field("triggers", &triggers)
            .finish_non_exhaustive()
    }
}

/// A header that cannot be sent.
#[derive(thiserror::Error)]
#[error("this cannot be a header: {0}")]
pub struct HeaderError(String);

debug_as_display!(HeaderError);

impl From<InvalidHeaderName> for HeaderError {
    fn from(error: InvalidHeaderName) -> Self {
        Self(error.to_string())
    }
}

impl From<InvalidHeaderValue> for HeaderError {
    fn from(error: InvalidHeaderValue) -> Self {
        Self(error.to_string())
    }
}
