//! What can be wrong with a cache's configuration.

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a cache cannot be made. Once made, a cache does not fail: a tier that does is passed by.
///
/// `Debug` writes what `Display` does, as that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is not one of a cache.
    #[error("{url:?} is not the address of a cache: {reason}. Known are {KNOWN}")]
    Address {
        /// The address, without a password.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The address needs a feature that is not compiled in.
    #[error("{url:?} needs the feature {feature:?} of ferrodash-cache")]
    Feature {
        /// The address, without a password.
        url: String,
        /// The feature to switch on.
        feature: &'static str,
    },
    /// The directory of a disk tier cannot be used.
    #[error("the cache directory {path} cannot be used: {reason}")]
    Directory {
        /// The directory.
        path: String,
        /// Why.
        reason: String,
    },
}

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
debug_as_display!(Error);

/// The forms of an address, for messages.
pub(crate) const KNOWN: &str = "memory, memory://?max=64MB, disk:DIR, redis://host:6379/0 (rediss, valkey, redis+sentinel and redis+cluster \
                               too), memcached://host:11211 and null";

/// An address without what stands before its `@`.
pub(crate) fn without_password(url: &str) -> String {
    // The slashes may have been forgotten.
    match (url.split_once(':'), url.rsplit_once('@')) {
        (Some((scheme, login)), Some((_, rest))) => {
            let slashes = if login.starts_with("//") { "//" } else { "" };
            format!("{scheme}:{slashes}***@{rest}")
        }
        _ => url.to_owned(),
    }
}
