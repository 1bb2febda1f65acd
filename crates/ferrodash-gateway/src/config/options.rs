//! What can be configured, with the defaults.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::http::HeaderName;

/// The configuration of a gateway. [`Config::to`] has the defaults.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The address to listen on. By default `127.0.0.1:8050`.
    pub listen: String,
    /// The servers of the app.
    pub upstreams: Vec<Upstream>,
    /// The path of the app on its servers, with a slash at both ends. By default `/`.
    pub prefix: String,
    /// The address of the cache, as `Cache::from_url` takes it. By default memory only.
    pub cache: Option<String>,
    /// The bytes that the cache may take in memory. By default 64 MiB.
    pub memory: u64,
    /// The secret that signs entries in shared stores, names in pages, and identity cookies.
    pub secret: Option<String>,
    /// What tells one version of the app from the next. By default each start is a version.
    pub build: Option<String>,
    /// The parts of a request that tell whose it is. By default cookies, `Authorization`, and all
    /// headers that are not known to say nothing about that.
    pub identity: Option<Vec<Part>>,
    /// An address of the app that is asked before a visitor gets what is kept for it alone.
    pub guard: Option<String>,
    /// The calls that the app gets at a time. By default 32.
    pub running: usize,
    /// The calls that wait for their turn. By default 256.
    pub waiting: usize,
    /// The longest time that the app may take to answer. By default five minutes.
    pub timeout: Duration,
    /// The length from which on a call is passed on as it is. By default 1 MiB.
    pub max_keyed: usize,
    /// How long the start waits for the app. By default five seconds.
    pub patience: Duration,
    /// How long connections are still accepted when the gateway is asked to stop. By default not
    /// at all.
    pub drain: Duration,
    /// The path of the metrics. By default there is none.
    pub metrics: Option<String>,
    /// Where invalidations are taken.
    pub control: Control,
    /// Who may see the admin page at `/_ferrodash/`. By default there is none.
    pub admin: Option<Admin>,
    /// Whether each request is a line in the log. By default not.
    pub access_log: bool,
    /// What callbacks may do, by output.
    pub callbacks: Vec<(Declaration, Place)>,
    /// What `ferrodash run` starts.
    pub run: Option<Run>,
}

impl Config {
    /// Creates a configuration for an app on these servers, with the defaults.
    pub fn to(upstreams: Vec<Upstream>) -> Self {
        Self {
            listen: "127.0.0.1:8050".to_owned(),
            upstreams,
            prefix: "/".to_owned(),
            cache: None,
            memory: 64 << 20,
            secret: None,
            build: None,
            identity: None,
            guard: None,
            running: 32,
            waiting: 256,
            timeout: Duration::from_secs(300),
            max_keyed: 1 << 20,
            patience: Duration::from_secs(5),
            drain: Duration::ZERO,
            metrics: None,
            control: Control::default(),
            admin: None,
            access_log: false,
            callbacks: Vec::new(),
            run: None,
        }
    }
}

/// Shows no secrets, and not the address of the cache, which can have a password.
impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("listen", &self.listen)
            .field("upstreams", &self.upstreams)
            .field("callbacks", &self.callbacks)
            .finish_non_exhaustive()
    }
}

/// A server of the app.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Upstream {
    /// A host and a port.
    Tcp(String),
    /// The path of a unix socket.
    Unix(String),
}

impl std::fmt::Display for Upstream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "http://{address}"),
            Self::Unix(path) => write!(f, "unix:{path}"),
        }
    }
}

/// A part of a request on which an answer depends.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Part {
    /// A cookie.
    Cookie(String),
    /// A header.
    Header(HeaderName),
    /// The name in a cookie that the app has signed, as `ferrodash.identity` of the Python package
    /// does.
    Signed(String),
}

/// Where invalidations are taken.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct Control {
    /// The path of a unix socket, which only its owner can use.
    pub socket: Option<String>,
    /// The token with which anybody may invalidate, at `/_ferrodash/invalidate`.
    pub token: Option<String>,
}

/// Does not show the token.
impl std::fmt::Debug for Control {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Control")
            .field("socket", &self.socket)
            .finish_non_exhaustive()
    }
}

/// Who may see the admin page: those who know the name and the password (HTTP Basic, RFC 7617).
#[derive(Clone)]
#[non_exhaustive]
pub struct Admin {
    /// The name.
    pub user: String,
    /// The password.
    pub password: String,
}

/// Does not show the password.
impl std::fmt::Debug for Admin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Admin")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// What `ferrodash run` starts.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Run {
    /// The app, as `MODULE:NAME`.
    pub app: String,
    /// The number of worker processes.
    pub workers: usize,
}

impl Run {
    /// Creates what starts an app with so many workers.
    pub fn of(app: &str, workers: usize) -> Self {
        Self {
            app: app.to_owned(),
            workers,
        }
    }
}

/// A line of the configuration.
#[derive(Debug, Clone, Default)]
pub struct Place {
    /// The file.
    pub file: String,
    /// The line, from 1 on.
    pub line: usize,
}

/// What may be done for a callback.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Declaration {
    /// The output, as the list of callbacks has it.
    pub output: String,
    /// How its answers are kept.
    pub kept: Option<Kept>,
    /// The tags that are invalidated when the callback has succeeded.
    pub invalidates: Vec<String>,
    /// How long inputs wait for the next change.
    pub debounce: BTreeMap<String, Duration>,
    /// How often inputs are sent at most.
    pub throttle: BTreeMap<String, Duration>,
    /// The longest wait of an input that goes on changing.
    pub max_wait: Option<Duration>,
    /// Whether the callback may be called together with others. By default that is found out.
    pub batch: Option<bool>,
}

/// How the answers of a callback are kept.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Kept {
    /// How long an answer is fresh.
    pub timeout: Duration,
    /// How long a stale answer may be served after that, while one call gets a new one.
    pub stale_while_revalidate: Duration,
    /// How long a stale answer may be served if the app fails.
    pub stale_if_error: Duration,
    /// How long an answer of a failure is kept.
    pub negative: Option<Duration>,
    /// How long browsers keep answers; `None` if they do not.
    pub client: Option<Duration>,
    /// Whether all visitors get the same answers. The app is then asked without cookies.
    pub is_shared: bool,
    /// The tags by which answers are invalidated.
    pub tags: Vec<String>,
    /// Further parts of the request on which answers depend.
    pub vary: Vec<Part>,
    /// The parts of the request that tell whose it is; `None` for those of the gateway.
    pub identity: Option<Vec<Part>>,
    /// Whether answers depend on the input that caused the call. By default they do if there are
    /// several inputs.
    pub trigger: Option<bool>,
}
