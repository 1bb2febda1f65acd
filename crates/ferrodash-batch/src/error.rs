//! The reasons why a load has no value.

use std::convert::Infallible;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

/// The reason why a load has no value.
///
/// Errors of the function are behind an `Arc`, because all callers of a batch share them. So `E`
/// need not implement `Clone`.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The request succeeded, and its answer has nothing for this id.
    #[error("not found")]
    Missing,
    /// The request succeeded, and its answer has an error for this id.
    #[error("{0}")]
    Item(Arc<E>),
    /// The request failed. All callers whose ids were in it share the error.
    #[error("{0}")]
    Request(Arc<E>),
    /// The function panicked, or its runtime ended before it returned.
    #[error("the batch function panicked")]
    Panicked,
}

impl<E: Debug> Debug for LoadError<E> {
    /// Writes the same as `Display`, with the error's own `Debug` form: a `main` that returns it
    /// prints that.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Item(error) | Self::Request(error) => error.fmt(f),
            Self::Missing => Display::fmt(&LoadError::<Infallible>::Missing, f),
            Self::Panicked => Display::fmt(&LoadError::<Infallible>::Panicked, f),
        }
    }
}

impl<E> Clone for LoadError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Missing => Self::Missing,
            Self::Item(error) => Self::Item(error.clone()),
            Self::Request(error) => Self::Request(error.clone()),
            Self::Panicked => Self::Panicked,
        }
    }
}

impl<E> PartialEq for LoadError<E> {
    /// Compares the kinds. Errors of items and requests are equal only if they are the same error
    /// in memory.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Missing, Self::Missing) | (Self::Panicked, Self::Panicked) => true,
            (Self::Item(a), Self::Item(b)) | (Self::Request(a), Self::Request(b)) => {
                Arc::ptr_eq(a, b)
            }
            _ => false,
        }
    }
}
