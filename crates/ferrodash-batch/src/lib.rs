//! Groups concurrent loads of single ids into few requests.
//!
//! Code that needs one item loads one item. A [`Batcher`] collects the ids that are loaded at the
//! same time and makes one request for them. Each id is requested once. Each caller gets the
//! result for its own id, or an error that says why there is none.
//!
//! A [`Scope`] is one request of a server: its loads are combined with each other only, and each id
//! is loaded once. Nothing is kept longer. For stored values, call the batcher in a function that
//! is cached.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")] async fn main() {
//! use std::{collections::HashMap, convert::Infallible};
//! use ferrodash_batch::{Batcher, LoadError};
//!
//! let squares = Batcher::new(async |ids: Vec<u32>| {
//!     let found = ids.into_iter().filter(|id| *id != 13).map(|id| (id, id * id));
//!     Ok::<HashMap<u32, u32>, Infallible>(found.collect())
//! });
//! let (two, three, unlucky) = tokio::join!(squares.load(2), squares.load(3), squares.load(13));
//! assert_eq!((two, three), (Ok(4), Ok(9)));
//! assert_eq!(unlucky, Err(LoadError::Missing));
//! # }
//! ```
//!
//! The feature `http` adds [`http::HttpBatch`], which turns ids into `GET /data/?ids=1,2,3`.

mod batch;
mod batcher;
mod counters;
mod dispatch;
mod error;
mod figures;
#[cfg(feature = "http")]
pub mod http;
mod queue;
mod report;
mod scope;
mod source;
mod starting;

pub use batcher::Batcher;
pub use error::LoadError;
pub use figures::{prometheus, reports};
pub use report::BatchReport;
pub use scope::Scope;
pub use source::DEFAULT_MAX_SIZE;

/// The samples of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
