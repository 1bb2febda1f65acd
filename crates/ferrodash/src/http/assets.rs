//! The route of the files in the assets folder.

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::extract::{self, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use ferrodash_serve::log::OneLine;
use tower_http::services::ServeDir;

use super::rejection::Rejection;
use crate::config;
use crate::render::is_hidden;

/// The folder, as it is served.
struct Folder {
    /// The folder as the app names it. It is resolved for each request, as it may be created later.
    path: PathBuf,
    files: ServeDir,
}

/// Serves the folder, with validators and ranges. Browsers ask again each time, as files can change
/// while the app runs; addresses in the page carry the time of change, but scripts and style sheets
/// may ask for further files without it.
pub(super) fn service(assets: &config::Assets) -> Router {
    let files = ServeDir::new(&assets.folder).append_index_html_on_directories(false);
    let folder = Arc::new(Folder {
        path: assets.folder.clone(),
        files,
    });
    Router::new()
        .route("/{*path}", get(serve))
        .with_state(folder)
}

/// Answers with a file, or with 404 for hidden ones, for those outside of the folder and for those
/// that cannot be read.
async fn serve(
    State(folder): State<Arc<Folder>>,
    extract::Path(path): extract::Path<String>,
    request: Request,
) -> Response {
    let not_found = || Rejection::NotFound("such file".into()).into_response();
    if path.split('/').any(is_hidden) || !is_file_inside(folder.path.clone(), path).await {
        return not_found();
    }
    match folder.files.clone().try_call(request).await {
        Ok(response) => {
            let mut response = response.into_response();
            response
                .headers_mut()
                .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            response
        }
        Err(error) => {
            tracing::warn!(error = %OneLine(error), "a file in the assets folder cannot be read");
            not_found()
        }
    }
}

/// Returns whether a file exists and is inside the folder, wherever links lead to.
///
/// A pipe, a socket and a device are no files: to open one could wait for ever. The check is
/// blocking work, so it runs off the async threads.
async fn is_file_inside(folder: PathBuf, path: String) -> bool {
    let look = move || {
        let folder = folder.canonicalize()?;
        let path = folder.join(path).canonicalize()?;
        Ok::<_, std::io::Error>(path.starts_with(&folder) && path.is_file())
    };
    tokio::task::spawn_blocking(look)
        .await
        .is_ok_and(|inside| inside.unwrap_or(false))
}
