//! The gateway: how it starts, and how it serves.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::HeaderMap;
use ferrodash_cache::Cache;
use ferrodash_serve::{Server, log};
use tokio::time::{Instant, sleep};

use crate::config::{Config, Mistakes};
use crate::control;
use crate::dash::{Site, can_wait};
use crate::error::{Error, Result};
use crate::report::Report;
use crate::routes;
use crate::state::State;

/// How often it looks meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// How long open requests may take when the gateway is asked to stop.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// A gateway in front of an app.
///
/// Cloning is cheap, and clones are the same gateway.
#[derive(Clone)]
pub struct Gateway {
    state: Arc<State>,
}

impl Gateway {
    /// Starts a gateway: opens its cache, waits for the app, and compares the
    /// configuration with the callbacks of the app.
    ///
    /// If the app does not answer by then, or shows its callbacks only to those who have signed in,
    /// the comparison is made later, and mistakes are lines in the log.
    ///
    /// # Errors
    /// If the cache cannot be made, or if the configuration names callbacks or inputs that the app
    /// does not have.
    pub async fn start(config: Config) -> Result<Self> {
        log::install();
        if config.upstreams.is_empty() {
            let text = "it names no server of the app; add upstreams = [\"http://127.0.0.1:8051\"]";
            return Err(Mistakes::of_file("the configuration", text.to_owned()).into());
        }
        let cache = cache(&config).await?;
        let build = config.build.clone().unwrap_or_else(this_start);
        let state = Arc::new(State::new(config, build, cache));
        let gateway = Self { state };
        match gateway.first_look().await {
            Some(site) => {
                let file = gateway.state.config.callbacks.first();
                let file = file.map(|(_, place)| place.file.clone());
                site.mistakes_of_file(&file.unwrap_or_default())?;
                site.warn();
                check_version(&site, gateway.state.suites.version())?;
            }
            None => tracing::warn!(
                "the app does not show its callbacks yet; what is declared has not been compared \
                 with them"
            ),
        }
        gateway.state.sites.set_started();
        Ok(gateway)
    }

    /// Returns whether the configuration was compared with the callbacks of the app.
    pub fn is_compared(&self) -> bool {
        let prefix = &self.state.config.prefix;
        self.state.sites.newest(prefix).is_some()
    }

    /// Serves until the process is asked to stop, and prints a line when it is ready.
    ///
    /// # Errors
    /// If an address or a socket of the configuration cannot be listened on.
    pub async fn serve(self) -> Result<()> {
        let (state, line) = (self.state.clone(), self.line());
        let control = control::serve(state.clone())?;
        let server = Server::new()
            .drain(state.config.drain)
            .stop_within(STOP_WITHIN);
        let warm = tokio::spawn(routes::warm(state.clone()));
        let router = self.router();
        let address = state.config.listen.clone();
        let serving = server.serve_and_announce(router, &address, move |local| {
            announce(&format!("Listening on http://{local}, {line}"));
        });
        let served = serving.await;
        warm.abort();
        drop(control);
        Ok(served?)
    }

    /// Returns the routes, for a server of your own.
    pub fn router(&self) -> Router {
        let router = Router::new().fallback(routes::serve);
        let router = router.with_state(self.state.clone());
        ferrodash_serve::discard(ferrodash_serve::framed(router))
    }

    /// Sets the admin page, whose routes begin with `/_ferrodash/`. It is shown to those whom the
    /// configuration names. A second call changes nothing.
    pub fn set_admin(&self, page: Router) {
        let _ = self.state.admin.set(page);
    }

    /// Returns the configuration.
    pub fn config(&self) -> &Config {
        &self.state.config
    }

    /// Says that the app was changed: nothing that was kept before is served from now on.
    pub fn set_build(&self, build: String) {
        self.state.sites.set_build(build);
    }

    /// Says that the app may have been changed, if the configuration does not name its version.
    pub fn renew(&self) {
        if self.state.config.build.is_none() {
            self.set_build(this_start());
        }
    }

    /// Returns what the gateway has done so far.
    pub fn report(&self) -> Report {
        Report::of(&self.state)
    }

    /// Returns the cache of the gateway.
    pub fn cache(&self) -> &Cache {
        &self.state.answers.cache
    }

    /// Asks the app for its callbacks, until it answers.
    async fn first_look(&self) -> Option<Arc<Site>> {
        let (state, start) = (&self.state, Instant::now());
        loop {
            let prefix = &state.config.prefix;
            let headers = HeaderMap::new();
            let site = state
                .sites
                .known(&state.upstreams, prefix, &headers, None)
                .await;
            if routes::look(state).await
                || site.is_some()
                || start.elapsed() >= state.config.patience
            {
                return site;
            }
            sleep(LOOK).await;
        }
    }

    /// Returns what the gateway serves in front of, and what it does for it, in a line.
    pub fn line(&self) -> String {
        let state = &self.state;
        let site = state.sites.newest(&state.config.prefix);
        let Some(site) = site else {
            let servers = state.config.upstreams.iter().map(ToString::to_string);
            let servers: Vec<String> = servers.collect();
            let (servers, declared) = (servers.join(", "), state.config.callbacks.len());
            return format!(
                "in front of {servers}, which does not show its callbacks yet; {declared} are \
                 declared in the configuration"
            );
        };
        let mut kept = 0;
        let mut waiting = 0;
        let all = site.app.callbacks.len();
        for callback in site.app.callbacks.values() {
            kept += usize::from(callback.kept.is_some());
            waiting += usize::from(callback.waits());
        }
        let version = state.suites.version();
        let version = version.map_or_else(|| "Dash".to_owned(), |it| format!("Dash {it}"));
        format!(
            "in front of {version} with {all} callbacks: {kept} cached, {waiting} debounced; \
             calls made together are batched"
        )
    }
}

impl std::fmt::Debug for Gateway {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway")
            .field("config", &self.state.config)
            .finish_non_exhaustive()
    }
}

/// Checks that the app's version of Dash can do what is declared.
///
/// # Errors
/// [`Error::Version`], if an input waits and Dash is too old for that.
fn check_version(site: &Site, version: Option<String>) -> Result<()> {
    let Some(version) = version else {
        return Ok(());
    };
    if can_wait(&version) {
        return Ok(());
    }
    let mut callbacks = site.app.callbacks.values();
    match callbacks.find(|callback| callback.waits()) {
        Some(callback) => Err(Error::Version {
            output: callback.output.clone(),
            version,
        }),
        None => Ok(()),
    }
}

/// Opens the cache of a configuration. A store of several processes has memory before it.
async fn cache(config: &Config) -> Result<Cache> {
    let Some(url) = &config.cache else {
        return Ok(Cache::memory(config.memory));
    };
    if url.starts_with("memory") {
        return Ok(Cache::from_url(url).await?);
    }
    let mut builder = Cache::builder();
    if let Some(secret) = &config.secret {
        builder = builder.secret(secret);
    }
    let builder = builder.memory(config.memory).url(url).await?;
    Ok(builder.build())
}

/// Returns a name for this start. A restart may have changed the app.
fn this_start() -> String {
    let started = std::time::SystemTime::now();
    let since = started.duration_since(std::time::UNIX_EPOCH);
    let nanos = since.unwrap_or_default().as_nanos();
    format!("{nanos:x}-{:x}", std::process::id())
}

/// Prints a line for the person or the script that started the program.
#[expect(
    clippy::print_stdout,
    reason = "the caller of the program waits for this line"
)]
fn announce(line: &str) {
    println!("{line}");
}
