//! Invalidations by the app: over a unix socket that only its owner can use, or with a token.

use std::fs;
use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use ferrodash_cache::Selector;
use serde::Deserialize;
use tokio::net::UnixListener;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::report::prometheus;
use crate::state::State;

/// What is to be invalidated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Invalidation {
    #[serde(default)]
    tags: Vec<String>,
    /// Everything.
    #[serde(default)]
    all: bool,
}

/// The socket, until it is dropped.
pub(crate) struct Socket {
    path: String,
    task: JoinHandle<()>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.task.abort();
        // It may have been removed.
        let _ = fs::remove_file(&self.path);
    }
}

/// Listens on the socket of the configuration, if it has one.
///
/// # Errors
/// If the socket cannot be made, or another process listens on it.
pub(crate) fn serve(state: Arc<State>) -> Result<Option<Socket>> {
    let Some(path) = state.config.control.socket.clone() else {
        return Ok(None);
    };
    let listener = listen(&path).map_err(|source| Error::Socket {
        path: path.clone(),
        source,
    })?;
    let router = Router::new()
        .route("/_ferrodash/invalidate", post(by_socket))
        .route("/_ferrodash/metrics", get(metrics))
        .with_state(state);
    let task = tokio::spawn(async move {
        // It ends with the process.
        let _ = axum::serve(listener, router).await;
    });
    Ok(Some(Socket { path, task }))
}

/// Makes the socket. One that a process has left is replaced.
fn listen(path: &str) -> io::Result<UnixListener> {
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    match fs::symlink_metadata(path) {
        Ok(found) if found.file_type().is_socket() => fs::remove_file(path)?,
        Ok(_) => return Err(io::Error::other("there is a file that is not a socket")),
        // There is none.
        Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn by_socket(Shared(state): Shared<Arc<State>>, body: Bytes) -> Response {
    invalidate(&state, &body).await
}

async fn metrics(Shared(state): Shared<Arc<State>>) -> Response {
    let content_type = [(header::CONTENT_TYPE, "text/plain; version=0.0.4")];
    (content_type, prometheus(&state)).into_response()
}

/// Answers `POST /_ferrodash/invalidate` with the token.
pub(crate) async fn by_token(state: &State, headers: &HeaderMap, body: &[u8]) -> Response {
    let Some(token) = &state.config.control.token else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let sent = headers.get(header::AUTHORIZATION);
    let sent = sent.and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
    // Digests are compared, so the time says nothing about the token.
    let is_right =
        sent.is_some_and(|sent| blake3::hash(sent.as_bytes()) == blake3::hash(token.as_bytes()));
    if !is_right {
        return (StatusCode::FORBIDDEN, "the token is wrong\n").into_response();
    }
    invalidate(state, body).await
}

/// Invalidates what a body names, in all processes that share the store.
async fn invalidate(state: &State, body: &[u8]) -> Response {
    let what: Invalidation = match serde_json::from_slice(body) {
        Ok(what) => what,
        Err(error) => {
            let text = format!("write {{\"tags\": [\"name\"]}} or {{\"all\": true}}: {error}\n");
            return (StatusCode::UNPROCESSABLE_ENTITY, text).into_response();
        }
    };
    let mut selectors: Vec<Selector> = what.tags.iter().map(|tag| Selector::tag(tag)).collect();
    if what.all {
        selectors.push(Selector::ALL);
    }
    if selectors.is_empty() {
        return StatusCode::NO_CONTENT.into_response();
    }
    match state.answers.cache.invalidate(&selectors).await {
        Ok(_) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => {
            let text = format!("{error}\n");
            (StatusCode::SERVICE_UNAVAILABLE, text).into_response()
        }
    }
}
