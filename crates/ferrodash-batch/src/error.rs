//! Why a load has no value.

use std::convert::Infallible;
use std::fmt::{self, Debug, Display};
use std::sync::Arc;

/// Why a load has no value.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum LoadError<E> {
    /// The request was answered, and the answer has nothing for this id.
    #[error("not found")]
    Missing,
    /// The request was answered, and it failed for this id.
    #[error("{0}")]
    Item(Arc<E>),
    /// The request failed; the error is shared by all whose ids were in it.
    #[error("{0}")]
    Request(Arc<E>),
    /// The batch function panicked.
    #[error("the batch function panicked")]
    Panicked,
}

impl<E: Debug> Debug for LoadError<E> {
    /// As `Display`, with the error's own `Debug` form: a `main` that returns it prints that.
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
    /// Errors of items and requests are equal when they are the same one.
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
