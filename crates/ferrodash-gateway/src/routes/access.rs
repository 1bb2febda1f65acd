//! A line in the log for each request, if the configuration asks for that.

use axum::extract::Request;
use axum::http::Method;
use axum::response::Response;
use ferrodash_serve::log::OneLine;
use tokio::time::Instant;

use super::request::peer;
use crate::state::State;

/// The line of a request, which is written when its answer begins.
pub(super) struct Line(Option<Begun>);

struct Begun {
    method: Method,
    path: String,
    peer: String,
    start: Instant,
}

impl Line {
    pub(super) fn of(state: &State, request: &Request) -> Self {
        Self(state.config.access_log.then(|| Begun {
            method: request.method().clone(),
            // Queries can have secrets.
            path: request.uri().path().to_owned(),
            peer: peer(request).map_or_else(|| "-".to_owned(), |peer| peer.to_string()),
            start: Instant::now(),
        }))
    }

    pub(super) fn write(self, response: &Response) {
        let Some(begun) = self.0 else {
            return;
        };
        let cache = response.headers().get("cache-status");
        let cache = cache.and_then(|value| value.to_str().ok()).unwrap_or("-");
        let millis = begun.start.elapsed().as_secs_f64() * 1e3;
        tracing::info!(
            target: "access",
            "{} {} {} {} {millis:.1} ms, {cache}",
            begun.peer,
            begun.method,
            OneLine(&begun.path),
            response.status().as_u16(),
        );
    }
}
