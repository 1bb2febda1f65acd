//! The reasons why a server cannot run.

use std::io;
use std::net::SocketAddr;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a server cannot run.
///
/// `Debug` writes what `Display` does, as that is what a `main` that returns it prints.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The server cannot listen on the address: it is in use, is not one of this machine, or needs
    /// more rights.
    #[error(
        "cannot listen on {address}: {source}. Stop what listens there, \
         or choose another port"
    )]
    Listen {
        /// The address.
        address: String,
        /// The system's reason.
        source: io::Error,
    },
    /// The system does not report the signals that stop a server.
    #[error("the server on {address} cannot listen for signals: {source}")]
    Signals {
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
