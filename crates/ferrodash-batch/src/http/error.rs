//! The reasons why a load over HTTP failed.

use std::error::Error;
use std::fmt::{self, Debug, Display};

/// The reason why a load over HTTP failed. `Debug` writes what `Display` does, followed by the
/// sources.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HttpError {
    /// There was no answer, or it broke off.
    #[error("no answer from {url}")]
    NoAnswer {
        /// The address without user, password and query.
        url: String,
        /// The reason.
        source: reqwest::Error,
    },
    /// An id cannot be part of a request. It fails alone.
    #[error("the id {id:?} cannot be in a request to {url}: {reason}")]
    Id {
        /// The address without user, password and query.
        url: String,
        /// The id.
        id: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The status of the answer is not a success.
    #[error("{url} answered {status}")]
    Status {
        /// The address without user, password and query.
        url: String,
        /// The status code.
        status: u16,
    },
    /// The status of one id is not a success. It fails alone.
    #[error("{url} answered {status} for the id {id:?}")]
    ItemStatus {
        /// The address without user, password and query.
        url: String,
        /// The id.
        id: String,
        /// The status code.
        status: u16,
    },
    /// The answer is larger than [`HttpBatch::max_answer`](super::HttpBatch::max_answer) allows.
    #[error(
        "the answer of {url} has more than {limit} bytes; HttpBatch::max_answer sets the limit"
    )]
    TooLarge {
        /// The address without user, password and query.
        url: String,
        /// The limit in bytes.
        limit: usize,
    },
    /// A POST was redirected. It may have lost its body, and with it the ids.
    #[error("{url} redirects a POST; use the address to which it redirects")]
    Redirected {
        /// The address without user, password and query.
        url: String,
    },
    /// The answer is not what was described.
    #[error("the answer of {url} is not {expected}: {detail}")]
    Shape {
        /// The address without user, password and query.
        url: String,
        /// The description of the answer.
        expected: String,
        /// A description of what was found, cut off after 300 characters.
        detail: String,
    },
}

impl HttpError {
    /// Returns whether the same request may succeed later: there was no answer, or the server said
    /// so. A request that ran into its time limit is not repeated, as that would only take as long
    /// again.
    pub(super) fn is_temporary(&self) -> bool {
        match self {
            Self::NoAnswer { source, .. } => {
                !source.is_timeout() && !source.is_builder() && !source.is_redirect()
            }
            Self::Status { status, .. } | Self::ItemStatus { status, .. } => {
                is_temporary_status(*status)
            }
            Self::Id { .. }
            | Self::TooLarge { .. }
            | Self::Redirected { .. }
            | Self::Shape { .. } => false,
        }
    }
}

/// Request Timeout, Too Early, Too Many Requests, Bad Gateway, Service Unavailable and Gateway
/// Timeout.
fn is_temporary_status(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 502..=504)
}

impl Debug for HttpError {
    /// Writes what `Display` writes, followed by the sources, because a `main` that returns the
    /// error prints its `Debug` form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Display::fmt(self, f)?;
        let mut reason = self.source();
        while let Some(error) = reason {
            write!(f, ": {error}")?;
            reason = error.source();
        }
        Ok(())
    }
}
