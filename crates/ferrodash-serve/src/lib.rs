//! The HTTP server of Ferrodash: connections, how they end, and how answers are sent.
//!
//! [`Server`] serves a router until the process is asked to stop. [`send`] makes responses with
//! encodings and validators, [`mod@body`] reads bodies, [`cache_status`] makes the headers about
//! the cache, [`script`] serves the browser script. [`lines`] answers many calls in one request,
//! [`News`] tells pages what was invalidated, and [`limits`] bounds the calls in progress.
//! [`discard`] and [`framed()`] are layers that keep connections usable.
//!
//! This crate knows neither apps nor callbacks.

pub mod body;
pub mod cache_status;
mod connection;
mod error;
mod framed;
pub mod limits;
pub mod lines;
pub mod log;
mod memory;
mod names;
mod news;
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
pub use names::Names;
pub use news::News;
pub use server::serve;
pub use settings::Server;
pub use unread::discard;
