//! The failure of a callback's function, as handlers of errors and plugins see it.

use std::error::Error;
use std::fmt::{self, Display};

use crate::callback::CallError;

/// The reason why a callback's function gave no answer: for
/// [`CallbackBuilder::on_error`](crate::CallbackBuilder::on_error),
/// [`App::on_error`](crate::App::on_error) and [`Plugin::on_error`](crate::Plugin::on_error).
///
/// It displays as the text of the error, of the panic or of the timeout. The text may hold details
/// that are not meant for users.
#[derive(Debug)]
pub struct Failure {
    callback: String,
    error: CallError,
}

impl Failure {
    /// Returns the failure of a function itself; `None` for other errors, which are mistakes of the
    /// app that no handler answers.
    pub(crate) fn of(callback: &str, error: &CallError) -> Option<Self> {
        match error {
            CallError::Function(_)
            | CallError::Panic(_)
            | CallError::TimedOut(_)
            | CallError::Kept(_) => Some(Self {
                callback: callback.to_owned(),
                error: error.clone(),
            }),
            _ => None,
        }
    }

    /// Returns the callback's name.
    pub fn callback(&self) -> &str {
        &self.callback
    }

    /// Returns the error that the function returned, to be downcast; `None` if it panicked, took
    /// too long, or if its error comes from the cache
    /// ([`negative_timeout`](crate::CacheOptions::negative_timeout)).
    ///
    /// ```
    /// # use ferrodash::Failure;
    /// fn is_gone(failure: &Failure) -> bool {
    ///     failure.error().is_some_and(|error| error.is::<ferrodash::StoredError>())
    /// }
    /// ```
    pub fn error(&self) -> Option<&(dyn Error + Send + Sync + 'static)> {
        match &self.error {
            CallError::Function(error) => Some(&**error),
            _ => None,
        }
    }
}

impl Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}
