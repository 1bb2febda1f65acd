//! The errors of a cache's configuration.
//!
//! A cache that was built has no errors of this type; its tiers report theirs as text to the
//! breaker, which logs them.

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a cache cannot be built. A cache that was built does not fail: it skips a tier
/// that does.
///
/// Messages never repeat a password. `Debug` writes the same as `Display`, because a `main` that
/// returns the error prints its `Debug` form.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address is not the address of a cache, or contradicts the settings of the builder.
    #[error("{url:?} is not the address of a cache: {reason}. Known are {KNOWN}")]
    Address {
        /// The address, with everything hidden that may be a secret.
        url: String,
        /// The part of the address that is wrong, in words.
        reason: String,
    },
    /// The address needs a feature that is not compiled in.
    #[error(
        "the cache {url:?} needs a Cargo feature that is off; add {feature:?} to the \
         features of ferrodash (or of ferrodash-cache) in Cargo.toml"
    )]
    Feature {
        /// The address, with everything hidden that may be a secret.
        url: String,
        /// The feature to enable.
        feature: &'static str,
    },
    /// The store can be used by others too, and neither the address nor the builder names the
    /// namespace of these entries.
    #[error(
        "{url:?} can be used by others too, so it has to be said whose entries these \
         are: add namespace=NAME to the options of the address, or call \
         CacheBuilder::namespace before. What has the same name shares its answers: all \
         processes of one deployment, and nobody else"
    )]
    Namespace {
        /// The address, with everything hidden that may be a secret.
        url: String,
    },
    /// The directory of a disk tier cannot be used.
    #[error("the cache directory {path} cannot be used: {reason}")]
    Directory {
        /// The directory.
        path: String,
        /// The reason, with the error of the operating system if there is one.
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
pub(crate) const KNOWN: &str = "memory, memory://?max=64MB, disk:DIR, \
                                redis://host:6379/0 (rediss, valkey, redis+sentinel and \
                                redis+cluster too), memcached://host:11211 and null";
