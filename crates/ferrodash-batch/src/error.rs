//! What can become of a load.

use std::sync::Arc;

/// Why a load gave no value.
#[derive(Debug, thiserror::Error)]
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
            (Self::Item(a), Self::Item(b)) | (Self::Request(a), Self::Request(b)) => Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}
