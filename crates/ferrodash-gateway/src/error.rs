//! The reasons why a gateway cannot start.

use std::fmt;

use crate::config::Mistakes;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a gateway cannot start.
///
/// `Debug` writes what `Display` does, as that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration has mistakes.
    #[error(transparent)]
    Config(#[from] Mistakes),
    /// The cache cannot be made.
    #[error(transparent)]
    Cache(#[from] ferrodash_cache::Error),
    /// The server cannot run, for example because the address is in use.
    #[error(transparent)]
    Serve(#[from] ferrodash_serve::Error),
    /// An input waits, and the app's version of Dash is too old for that.
    #[error(
        "{output} has an input that waits, and this app has Dash {version}: waits need Dash 2.17.1 \
         or newer. Install a newer Dash, or remove the debounce and throttle of the callback"
    )]
    Version {
        /// The output of the callback.
        output: String,
        /// The version of Dash.
        version: String,
    },
    /// The socket for invalidations cannot be made.
    #[error(
        "cannot listen on the socket {path}: {source}. Remove what is there, make its folder \
         writable, or choose another path"
    )]
    Socket {
        /// The path of the socket.
        path: String,
        /// The system's reason.
        source: std::io::Error,
    },
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
