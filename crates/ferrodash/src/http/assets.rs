//! The assets folder: its scripts and styles go into the page, and all of it is served.

use std::path::Path;
use std::time::UNIX_EPOCH;

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::middleware::map_response;
use axum::response::Response;
use tower_http::services::ServeDir;

use crate::config::{self, Config};

/// What of the assets goes into the page, as addresses below the app's prefix.
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
        let url = config.assets.url_path.trim_matches('/').to_owned();
        assets.visit(&config.assets.folder, &url, &config.assets);
        assets
    }

    fn visit(&mut self, folder: &Path, url: &str, config: &config::Assets) {
        let Ok(entries) = std::fs::read_dir(folder) else { return };
        let mut entries: Vec<_> = entries.flatten().map(|entry| (entry.file_name(), entry.path())).collect();
        entries.sort();
        let (folders, files): (Vec<_>, Vec<_>) = entries.into_iter().partition(|(_, path)| path.is_dir());
        for (name, path) in files {
            let name = name.to_string_lossy();
            if !config.ignore.as_ref().is_some_and(|ignore| ignore.is_match(&name)) {
                self.add(&name, format!("{url}/{name}?m={}", modified(&path)));
            }
        }
        for (name, path) in folders {
            self.visit(&path, &format!("{url}/{}", name.to_string_lossy()), config);
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

/// Serves the folder, with validators and ranges, to be asked for again each time.
pub(super) fn service(assets: &config::Assets) -> Router {
    let files = ServeDir::new(&assets.folder).append_index_html_on_directories(false);
    Router::new().fallback_service(files).layer(map_response(no_cache))
}

async fn no_cache(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}
