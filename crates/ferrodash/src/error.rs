//! Errors of building and serving an app.
//!
//! A mistake in the description of an app has a text and a place; all of them are gathered before
//! an error is returned. Errors of requests are in `crate::http`, errors of calls in
//! `crate::callback`.

use std::fmt::{self, Display};
use std::panic::Location;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why an app cannot be built or run.
///
/// `Debug` writes what `Display` does, as that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The description of the app has mistakes, all of which are listed.
    #[error(transparent)]
    Build(#[from] BuildErrors),
    /// The server cannot run, for example because the address is in use.
    #[error(transparent)]
    Serve(#[from] ferrodash_serve::Error),
    /// The cache cannot be made.
    #[error(transparent)]
    Cache(#[from] ferrodash_cache::Error),
}

/// All mistakes in the description of an app.
///
/// It displays as a headline and a line for each mistake, `file:line: text`; `Debug` does the same.
pub struct BuildErrors(pub(crate) Vec<Mistake>);

/// One mistake in the description of an app. It displays as one line, `file:line: text`; `Debug`
/// does the same.
#[derive(Clone)]
pub struct Mistake {
    text: String,
    location: &'static Location<'static>,
}

impl Mistake {
    /// Creates a mistake with a place in the app's source.
    pub(crate) fn at(location: &'static Location<'static>, text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            location,
        }
    }

    /// Returns the place in the source where the part with the mistake was described.
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }
}

impl Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.location.file(), self.location.line())?;
        // A message of another crate may have several lines.
        self.text
            .lines()
            .map(str::trim)
            .try_for_each(|line| write!(f, " {line}"))
    }
}

impl BuildErrors {
    /// Iterates over the mistakes, roughly in the order of the app's description.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.iter()
    }
}

impl Display for BuildErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0.len() == 1 { "" } else { "s" };
        write!(f, "the app has {} mistake{plural}:", self.0.len())?;
        self.0
            .iter()
            .try_for_each(|mistake| write!(f, "\n  {mistake}"))
    }
}

impl std::error::Error for BuildErrors {}

/// Makes `Debug` write what `Display` does: a `main` that returns an error prints its `Debug` form.
macro_rules! debug_as_display {
    ($($error:ty),+ $(,)?) => {$(
        impl ::std::fmt::Debug for $error {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                ::std::fmt::Display::fmt(self, f)
            }
        }
    )+};
}
pub(crate) use debug_as_display;
debug_as_display!(Error, BuildErrors, Mistake);
