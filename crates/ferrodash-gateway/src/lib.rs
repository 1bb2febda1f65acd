//! A gateway in front of a Python Dash app: its callbacks are cached, debounced and batched.
//!
//! The app stays as it is. What may be done for a callback is declared in a file ([`Config`]), or
//! by decorators of the Python package. Nothing is cached, debounced or batched against that.
//!
//! ```no_run
//! use ferrodash_gateway::{Config, Gateway};
//!
//! # #[tokio::main] async fn main() -> ferrodash_gateway::Result<()> {
//! let config = Config::read("ferrodash.toml".as_ref())?;
//! Gateway::start(config).await?.serve().await
//! # }
//! ```
//!
//! The way of a request is in `routes`; what is known of the app is in `dash`; the servers of the
//! app are in `upstream`. This crate knows no apps in Rust.

mod ask;
mod cached;
mod call;
mod config;
mod control;
mod counters;
mod dash;
mod error;
mod gateway;
mod identity;
mod packed;
mod parked;
mod reply;
mod report;
mod routes;
mod state;
mod suites;
mod upstream;

pub use config::{
    Admin, Config, Control, Declaration, Kept, Mistake, Mistakes, Part, Place, Run, Upstream,
    closest,
};
pub use counters::{CallbackReport, Repeated};
pub use dash::Source;
pub use error::{Error, Result};
pub use gateway::Gateway;
pub use report::Report;
pub use upstream::ServerReport;
