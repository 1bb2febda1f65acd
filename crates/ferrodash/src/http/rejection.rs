//! Requests that get no answer, each with its status.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::callback::CallError;

/// Why a request is refused. The renderer hides errors with the status 400 and 401, so those are not used for what it
/// may send.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejection {
    /// Not JSON, or not of the shape of a call.
    #[error("the request is not a callback's: {0}")]
    Malformed(String),
    /// A content type that other sites can send without asking first.
    #[error("a call is sent as application/json")]
    NotJson,
    /// More bytes than the app takes.
    #[error("the request is larger than the {0} bytes that this app takes; App::max_body changes that")]
    TooLarge(usize),
    /// The body did not arrive.
    #[error("the request broke off")]
    Incomplete,
    /// No callback writes this output.
    #[error("no callback writes {0}; the page may be from an older version of the app, and a reload helps")]
    UnknownCallback(String),
    /// The arguments are not those that the callback declares.
    #[error("the call of {callback} does not have the declared {what}")]
    Mismatch { callback: String, what: &'static str },
    /// Another site asks for what is kept for this user.
    #[error("this address answers only pages of this site")]
    CrossSite,
    /// There is no such file.
    #[error("there is no {0}")]
    NotFound(String),
    /// The callback failed.
    #[error("callback {callback}: {error}")]
    Failed { callback: String, error: CallError, show: bool },
    /// The layout could not be made.
    #[error("the layout failed: {reason}")]
    Layout { reason: String, show: bool },
}

impl Rejection {
    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::Mismatch { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::UnknownCallback(_) | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::Failed { .. } | Self::Layout { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What the sender is told: failures of the app's own code in full only while debugging.
    fn text(&self) -> String {
        match self {
            Self::Failed { callback, show: false, .. } => {
                format!("callback {callback} failed; the server's log says why")
            }
            Self::Layout { show: false, .. } => "the layout failed; the server's log says why".into(),
            other => other.to_string(),
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!("{self}");
        } else {
            tracing::debug!(%status, "{self}");
        }
        let mut response = (status, self.text()).into_response();
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}
