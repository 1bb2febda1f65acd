//! What a handler of errors learns.

use std::error::Error;
use std::fmt::{self, Display};

use crate::callback::CallError;

/// Why a callback's function gave no answer: for
/// [`CallbackBuilder::on_error`](crate::CallbackBuilder::on_error) and
/// [`App::on_error`](crate::App::on_error).
///
/// Displays as the error's text.
#[derive(Debug)]
pub struct Failure {
    callback: String,
    error: CallError,
}

impl Failure {
    /// The failure of a function itself; other errors are mistakes of the app, which no handler
    /// answers.
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

    /// The callback's name.
    pub fn callback(&self) -> &str {
        &self.callback
    }

    /// The error that the function returned, to be downcast; `None` if it panicked or was ended.
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
