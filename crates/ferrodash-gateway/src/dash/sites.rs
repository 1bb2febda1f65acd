//! The apps behind the gateway, by the path that their addresses begin with, and the versions of
//! each that pages may be of.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use ferrodash_browser::Script;
use ferrodash_serve::sync::{read, write};
use ferrodash_wire::Body;
use tokio::time::Instant;

use super::dependencies::App;
use super::page::PageConfig;
use super::settings::Settings;
use crate::config::{Config, Mistakes, Place};
use crate::upstream::Upstreams;

/// The versions of an app that are known at a time. Pages of older ones are out of date.
const VERSIONS: usize = 8;

/// How long the list of callbacks of a page is not asked for again.
const FRESH: Duration = Duration::from_secs(1);

/// One version of an app: as its list of callbacks says, and as the gateway was started.
pub(crate) struct Site {
    /// The name of the version. Pages send it with each call.
    pub(crate) build: String,
    pub(crate) app: App,
    /// The list for pages.
    list: Body,
    /// The list for pages that may not load our script, and whether there are such.
    plain: Body,
    is_plain: AtomicBool,
    pub(crate) settings: Settings,
    /// The digest of the app's own list.
    digest: blake3::Hash,
}

/// The apps behind the gateway.
pub(crate) struct Sites {
    /// By prefix, the newest version of each first.
    known: RwLock<HashMap<String, Versions>>,
    /// What tells one start of the app from the next.
    build: RwLock<String>,
    is_started: AtomicBool,
    config: Arc<Config>,
}

struct Versions {
    sites: Vec<Arc<Site>>,
    /// Whether the app has different lists for different visitors. Then several are current.
    are_varied: bool,
    asked: Instant,
}

impl Sites {
    pub(crate) fn new(config: Arc<Config>, build: String) -> Self {
        Self {
            known: RwLock::default(),
            build: RwLock::new(build),
            is_started: AtomicBool::new(false),
            config,
        }
    }

    /// Says that the start has ended: what is learnt from now on is news.
    pub(crate) fn set_started(&self) {
        self.is_started.store(true, Ordering::Relaxed);
    }

    /// Says that the apps were changed. Their callbacks are asked for again.
    pub(crate) fn set_build(&self, build: String) {
        let mut known = write(&self.known);
        *write(&self.build) = build;
        known.clear();
    }

    /// Returns the newest version of an app.
    pub(crate) fn newest(&self, prefix: &str) -> Option<Arc<Site>> {
        read(&self.known).get(prefix)?.sites.first().cloned()
    }

    /// Returns the version of an app that a page is of.
    pub(crate) fn version(&self, prefix: &str, build: &str) -> Option<Arc<Site>> {
        let known = read(&self.known);
        let mut sites = known.get(prefix)?.sites.iter();
        sites.find(|site| site.build == build).cloned()
    }

    /// Returns whether a page of a version is up to date.
    pub(crate) fn is_current(&self, prefix: &str, build: &str) -> bool {
        let known = read(&self.known);
        let Some(versions) = known.get(prefix) else {
            return false;
        };
        let current = if versions.are_varied { VERSIONS } else { 1 };
        let mut current = versions.sites.iter().take(current);
        current.any(|site| site.build == build)
    }

    /// Returns the newest version, and asks the app for it if that was not done just now.
    pub(crate) async fn refresh(
        &self,
        upstreams: &Upstreams,
        prefix: &str,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Option<Arc<Site>> {
        let is_fresh = read(&self.known)
            .get(prefix)
            .is_some_and(|versions| versions.asked.elapsed() < FRESH);
        if is_fresh {
            return self.newest(prefix);
        }
        self.ask(upstreams, prefix, headers, peer)
            .await
            .or_else(|| self.newest(prefix))
    }

    /// Returns the version of an app that is known, or asks the app.
    pub(crate) async fn known(
        &self,
        upstreams: &Upstreams,
        prefix: &str,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Option<Arc<Site>> {
        match self.newest(prefix) {
            Some(site) => Some(site),
            None => self.ask(upstreams, prefix, headers, peer).await,
        }
    }

    /// Asks the app for its callbacks, as the sender of a request.
    async fn ask(
        &self,
        upstreams: &Upstreams,
        prefix: &str,
        headers: &HeaderMap,
        peer: Option<IpAddr>,
    ) -> Option<Arc<Site>> {
        let mut headers = headers.clone();
        for name in [
            "if-none-match",
            "if-modified-since",
            "range",
            "content-type",
        ] {
            headers.remove(name);
        }
        let uri = format!("{prefix}_dash-dependencies").parse().ok()?;
        let reply = upstreams
            .ask(Method::GET, uri, headers, Bytes::new(), peer)
            .await
            .ok()?;
        let is_list = reply.status == StatusCode::OK && reply.is_json();
        if is_list {
            self.learn(prefix, &reply.body)
        } else {
            None
        }
    }

    /// Takes a list of callbacks that passes. `None` if it is not understood.
    pub(crate) fn learn(&self, prefix: &str, list: &Bytes) -> Option<Arc<Site>> {
        let digest = blake3::hash(list);
        let mut known = write(&self.known);
        let versions = known.entry(prefix.to_owned()).or_insert_with(|| Versions {
            sites: Vec::new(),
            are_varied: false,
            asked: Instant::now(),
        });
        versions.asked = Instant::now();
        let place = versions.sites.iter().position(|site| site.digest == digest);
        if let Some(place) = place {
            // It is the newest again.
            if place > 0 && !versions.are_varied {
                versions.are_varied = true;
                tracing::info!(prefix, "the list of callbacks differs by visitor");
            }
            versions.sites[..=place].rotate_right(1);
            return versions.sites.first().cloned();
        }
        let site = match self.site(prefix, list, digest) {
            Ok(site) => Arc::new(site),
            Err(error) => {
                if versions.sites.is_empty() {
                    known.remove(prefix);
                }
                tracing::warn!(
                    prefix,
                    %error,
                    "the list of callbacks is not understood; calls are passed on as they are"
                );
                return None;
            }
        };
        // At the start, mistakes of the file end the program.
        if self.is_started.load(Ordering::Relaxed) {
            site.warn();
        }
        versions.sites.insert(0, site.clone());
        versions.sites.truncate(VERSIONS);
        Some(site)
    }

    fn site(
        &self,
        prefix: &str,
        list: &Bytes,
        digest: blake3::Hash,
    ) -> Result<Site, serde_json::Error> {
        let start = read(&self.build).clone();
        let material = format!("{start} {prefix} {digest}");
        let build = blake3::hash(material.as_bytes()).to_hex()[..16].to_owned();
        let app = App::read(list, &self.config, &material)?;
        let settings = Settings::new(&app);
        Ok(Site {
            build,
            list: Body::encode_now(app.list.clone().into()),
            plain: Body::encode_now(app.plain.clone().into()),
            is_plain: AtomicBool::new(false),
            app,
            settings,
            digest,
        })
    }
}

impl Site {
    /// Writes what is declared and cannot be done into the log.
    pub(crate) fn warn(&self) {
        for (place, text) in &self.app.mistakes {
            match place {
                Some(Place { file, line }) => tracing::warn!("{file}:{line}: {text}"),
                None => tracing::warn!("{text}"),
            }
        }
    }

    /// Returns the list of callbacks for pages.
    pub(crate) fn list(&self) -> &Body {
        if self.is_plain.load(Ordering::Relaxed) {
            &self.plain
        } else {
            &self.list
        }
    }

    /// Says whether pages load our script, without which no input can wait.
    pub(crate) fn set_scripted(&self, is_scripted: bool) {
        self.is_plain.store(!is_scripted, Ordering::Relaxed);
    }

    /// Returns the settings of the script in a page; `None` if it needs none.
    pub(crate) fn settings_of(&self, page: &PageConfig) -> Option<(String, Script)> {
        self.settings.element(&self.app, page, &self.build)
    }

    /// Returns what the file declares and cannot be done.
    pub(crate) fn mistakes_of_file(&self, file: &str) -> Result<(), Mistakes> {
        let mut mistakes = Mistakes::new(file);
        for (place, text) in &self.app.mistakes {
            if let Some(place) = place {
                mistakes.add(place.line, text);
            }
        }
        mistakes.into_result()
    }
}
