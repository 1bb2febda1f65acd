//! Requests that are refused, each with its status, and a text that says what was wrong, where, and
//! what to do.
//!
//! A variant is one cause. It is logged where it becomes a response. Failures of the app's own code
//! are in the text only in debug mode.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use ferrodash_serve::body::Unread;
use ferrodash_serve::limits::Busy;
use ferrodash_serve::log::OneLine;
use ferrodash_serve::send::NO_STORE;

use crate::callback::CallError;
use crate::rate::TooMany;
use crate::stored::StoredError;

/// The reason why a request is refused. The renderer hides errors with the status 400 and 401, so
/// those are not used for what it may send.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejection {
    /// Not JSON, or not of the shape of a call.
    #[error(
        "the request is not a callback's: {0}; send the JSON that Dash's front end \
         sends: output, inputs, state and changedPropIds"
    )]
    Malformed(String),
    /// A content type that other sites can send without asking first.
    #[error(
        "a call is sent as application/json, and this one is not; \
         set its header Content-Type"
    )]
    NotJson,
    /// More bytes than the app takes.
    #[error(
        "the request is larger than the {0} bytes that this app takes; send less, \
         or raise App::max_body"
    )]
    TooLarge(usize),
    /// The body did not arrive.
    #[error("the body of the request broke off before its end; send it again")]
    Incomplete,
    /// The body came so slowly that it may never end.
    #[error(
        "the body of the request came too slowly, at less than 500 bytes a second; \
         send it again"
    )]
    TooSlow,
    /// The app or the client has as many calls in progress as it may have.
    #[error("too many calls of {0} are in progress; try again in a moment")]
    Busy(&'static str),
    /// The session makes calls faster than it may.
    #[error("too many calls in a short time; the next one is possible in {0:?}")]
    TooMany(Duration),
    /// A call with the id of another one, which is in progress or has ended.
    #[error(
        "a call with the request id {0:?} was already begun; \
         its function does not run twice"
    )]
    Repeated(String),
    /// Without the page's token, or with another one.
    #[error(
        "the header {header} is not the cookie {cookie}, so this call may not be of a \
         page of this app; reload the page, and let the browser take the cookie"
    )]
    Csrf { header: String, cookie: String },
    /// No callback writes this output.
    #[error(
        "no callback writes {0}; the page may be from an older version of the app: \
         reload it"
    )]
    UnknownCallback(String),
    /// The arguments are not those that the callback declares.
    #[error(
        "the call of {callback} does not have the declared {what}, in their order: \
         {reason}; the page may be from an older version of the app: reload it"
    )]
    Mismatch {
        callback: String,
        what: &'static str,
        reason: String,
    },
    /// The callback may set headers, which an answer among others does not have, or browsers keep
    /// its answers.
    #[error(
        "callback {0} is not called in a batch; send its call alone, \
         to _dash-update-component"
    )]
    NotBatched(String),
    /// A page of another build asks for what this one does not have. The reason is for the log.
    #[error("a page of another build asked for what this one cannot answer: {0}")]
    OtherBuild(String),
    /// Another site asks for what is stored for this user.
    #[error("this address answers only pages of this site; open the app itself")]
    CrossSite,
    /// There is no such file.
    #[error("there is no {0}")]
    NotFound(String),
    /// The callback failed.
    #[error("callback {callback}: {error}")]
    Failed {
        callback: String,
        error: CallError,
        show: bool,
    },
    /// The layout could not be made.
    #[error("the layout failed: {reason}")]
    Layout { reason: String, show: bool },
}

impl From<TooMany> for Rejection {
    fn from(TooMany(time): TooMany) -> Self {
        Self::TooMany(time)
    }
}

impl From<Unread> for Rejection {
    fn from(reason: Unread) -> Self {
        match reason {
            Unread::TooLarge(limit) => Self::TooLarge(limit),
            Unread::Incomplete => Self::Incomplete,
            Unread::TooSlow => Self::TooSlow,
            Unread::Busy => Self::Busy("this app"),
        }
    }
}

impl From<Busy> for Rejection {
    fn from(Busy(who): Busy) -> Self {
        Self::Busy(who)
    }
}

/// The part of the system that made a callback fail, which decides the status.
enum Fault {
    /// The app's.
    App,
    /// A value is not of the type that the function takes.
    Value,
    /// A value is nested deeper than is read.
    Depth,
    /// The page's handle of a stored value was not made by this app.
    Handle,
    /// Nobody's: the stored value is no longer there.
    Time,
}

impl Fault {
    /// Returns the fault behind an error.
    fn of(error: &CallError) -> Self {
        match error {
            // The reader of JSON has no other sign for it than this text, which a test looks at.
            CallError::Argument { reason, .. }
                if reason.starts_with("recursion limit exceeded") =>
            {
                Self::Depth
            }
            CallError::Argument { .. } => Self::Value,
            CallError::Function(error) => match error.downcast_ref::<StoredError>() {
                Some(StoredError::Forged) => Self::Handle,
                Some(StoredError::Gone) => Self::Time,
                _ => Self::App,
            },
            _ => Self::App,
        }
    }

    /// Returns what the sender can do, to be added to what was wrong.
    fn advice(&self) -> &'static str {
        match self {
            Self::App | Self::Value => "",
            Self::Depth => "; values may be nested 127 levels deep",
            Self::Handle | Self::Time => "; reload the page, which stores it again",
        }
    }
}

impl Rejection {
    /// Returns the status: 4xx if the sender can do something about it, 5xx for failures of the app
    /// and for its limits.
    fn status(&self) -> StatusCode {
        match self {
            Self::Malformed(_) | Self::Mismatch { .. } => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NotJson => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Incomplete => StatusCode::BAD_REQUEST,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::Repeated(_) => StatusCode::CONFLICT,
            Self::UnknownCallback(_) | Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::CrossSite | Self::Csrf { .. } => StatusCode::FORBIDDEN,
            Self::OtherBuild(_) => StatusCode::GONE,
            Self::NotBatched(_) => StatusCode::MISDIRECTED_REQUEST,
            Self::Failed {
                error: CallError::TimedOut(_),
                ..
            } => StatusCode::GATEWAY_TIMEOUT,
            Self::Failed { error, .. } => match Fault::of(error) {
                Fault::App => StatusCode::INTERNAL_SERVER_ERROR,
                Fault::Value | Fault::Depth | Fault::Handle => StatusCode::UNPROCESSABLE_ENTITY,
                Fault::Time => StatusCode::GONE,
            },
            Self::Layout { .. } => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the text for the sender: failures of the app's own code in full only in debug mode.
    fn text(&self) -> String {
        match self {
            Self::Failed {
                callback,
                error,
                show,
            } => match (Fault::of(error), show) {
                // The types of the app's functions are nobody's business.
                (fault @ (Fault::Value | Fault::Depth), false) => {
                    let CallError::Argument {
                        dependency,
                        received,
                        reason,
                        ..
                    } = error
                    else {
                        return error.to_string();
                    };
                    let said = format!(
                        "callback {callback}: the value of {dependency} does not fit: \
                         received {received}"
                    );
                    match fault {
                        Fault::Depth => format!("{said}: {reason}{}", fault.advice()),
                        _ => said,
                    }
                }
                (Fault::App, false) => {
                    format!("callback {callback} failed; the server's log says why")
                }
                (fault, _) => format!("{self}{}", fault.advice()),
            },
            Self::Layout { show: false, .. } => {
                "the layout failed; the server's log says why".into()
            }
            Self::OtherBuild(_) => {
                "this page is from an older version of the app; reload it".into()
            }
            other => other.to_string(),
        }
    }

    /// Returns whether a page of another build could not know better: another build may have
    /// another callback or other types.
    pub(super) fn comes_with_age(&self) -> bool {
        match self {
            Self::Malformed(_) | Self::UnknownCallback(_) | Self::Mismatch { .. } => true,
            Self::Failed { error, .. } => !matches!(Fault::of(error), Fault::App),
            _ => false,
        }
    }

    /// Turns a refusal into that for a page of another build, if its age can be the cause.
    pub(super) fn for_stale_page(self) -> Self {
        if self.comes_with_age() {
            Self::OtherBuild(self.to_string())
        } else {
            self
        }
    }
}

/// Makes the response, and logs the reason: errors of the server for its operators, others only at
/// the level `debug`.
impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let status = self.status();
        // A flood of calls must not become a flood of lines.
        if status.is_server_error() && !matches!(self, Self::Busy(_)) {
            tracing::error!("{}", OneLine(&self));
        } else {
            tracing::debug!(%status, "{}", OneLine(&self));
        }
        let mut response = (status, self.text()).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, NO_STORE);
        let seconds = match self {
            // In whole seconds, so at least one.
            Self::TooMany(time) => Some(time.as_secs() + 1),
            _ => (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1),
        };
        if let Some(seconds) = seconds {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        // The text may repeat what was sent.
        headers.insert(
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        );
        response
    }
}
