//! The HTTP server of Ferrodash: connections, how they end, and how answers are sent.
//!
//! [`Server`] serves a router until the process is asked to stop. [`send`] makes responses with
//! encodings and validators, [`mod@body`] reads bodies, [`cache_status`] makes the headers about the
//! cache, [`script`] serves the browser script. [`unread`] and [`framed`] are layers that keep connections usable.
//!
//! This crate knows neither apps nor callbacks.

pub mod body;
pub mod cache_status;
mod connection;
mod error;
mod framed;
pub mod log;
mod memory;
pub mod off_thread;
pub mod script;
pub mod send;
mod server;
mod settings;
mod stop;
pub mod sync;
mod unread;

pub use connection::Stopping;
pub use error::{Error, Result};
pub use framed::framed;
pub use server::serve;
pub use settings::Server;
pub use unread::discard;
