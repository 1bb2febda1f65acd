//! The assets folder: its scripts and styles go into the page, and all of it is served.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::extract::{self, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tower_http::services::ServeDir;

use super::rejection::Rejection;
use crate::config::{self, Config};

/// What of the assets goes into the page, as addresses.
#[derive(Debug, Default)]
pub(crate) struct Assets {
    pub(crate) scripts: Vec<String>,
    pub(crate) styles: Vec<String>,
    pub(crate) favicon: Option<String>,
}

impl Assets {
    /// Looks through the folder by Dash's rules: folders and files in the order of their names, `js` and `css` by the
    /// end of the name, an icon by its whole name.
    pub(crate) fn scan(config: &Config) -> Self {
        let mut assets = Self::default();
        let url = config.paths().get_asset_url("");
        if let Ok(root) = config.assets.folder.canonicalize() {
            assets.visit(&[root], url.trim_end_matches('/'), &config.assets);
        }
        assets
    }

    /// Looks through the last folder of a trail, which begins with the whole one. What is not served has no place in
    /// the page, and a link back to a folder of the trail would have no end.
    fn visit(&mut self, trail: &[PathBuf], url: &str, config: &config::Assets) {
        let [root, ..] = trail else { return };
        let Some(Ok(entries)) = trail.last().map(std::fs::read_dir) else { return };
        let is_served = |path: &PathBuf| path.starts_with(root) && !trail.contains(path);
        let entries = entries.flatten().filter(|entry| !is_hidden(&entry.file_name().to_string_lossy()));
        let entries =
            entries.filter_map(|entry| Some((entry.file_name(), entry.path().canonicalize().ok().filter(is_served)?)));
        let mut entries: Vec<_> = entries.collect();
        entries.sort();
        let (folders, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(_, path)| path.is_dir());
        for (name, path) in files {
            let name = name.to_string_lossy();
            if !config.ignore.as_ref().is_some_and(|ignore| ignore.is_match(&name)) {
                self.add(&name, format!("{url}/{name}?m={}", modified(&path)));
            }
        }
        for (name, path) in folders {
            let name = name.to_string_lossy();
            if !config.ignored_folders.iter().any(|ignored| ignored.is_match(&name)) {
                self.visit(&[trail, &[path]].concat(), &format!("{url}/{name}"), config);
            }
        }
    }

    fn add(&mut self, name: &str, url: String) {
        if name == "favicon.ico" {
            self.favicon = Some(url);
        } else if name.ends_with("js") {
            self.scripts.push(url);
        } else if name.ends_with("css") {
            self.styles.push(url);
        }
    }
}

/// When a file was changed, in seconds since 1970; changes its address.
fn modified(path: &Path) -> u64 {
    let time = path.metadata().and_then(|metadata| metadata.modified()).ok();
    time.and_then(|time| time.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs())
}

/// The folder, as it is served.
struct Folder {
    path: PathBuf,
    files: ServeDir,
}

/// Serves the folder, with validators and ranges, to be asked for again each time.
pub(super) fn service(assets: &config::Assets) -> Router {
    let files = ServeDir::new(&assets.folder).append_index_html_on_directories(false);
    let folder = Arc::new(Folder { path: assets.folder.clone(), files });
    Router::new().route("/{*path}", get(serve)).with_state(folder)
}

async fn serve(
    State(folder): State<Arc<Folder>>,
    extract::Path(path): extract::Path<String>,
    request: Request,
) -> Response {
    let not_found = || Rejection::NotFound("such file".into()).into_response();
    if path.split('/').any(is_hidden) || !is_inside(folder.path.clone(), path).await {
        return not_found();
    }
    match folder.files.clone().try_call(request).await {
        Ok(response) => {
            let mut response = response.into_response();
            response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
        Err(error) => {
            tracing::warn!(%error, "a file in the assets folder cannot be read");
            not_found()
        }
    }
}

/// What editors, version control and systems leave in a folder, and `..`.
fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
}

/// Whether a file is there and lies in the folder, wherever links lead to.
async fn is_inside(folder: PathBuf, path: String) -> bool {
    let look = move || {
        let folder = folder.canonicalize()?;
        Ok::<_, std::io::Error>(folder.join(path).canonicalize()?.starts_with(&folder))
    };
    tokio::task::spawn_blocking(look).await.is_ok_and(|inside| inside.unwrap_or(false))
}
