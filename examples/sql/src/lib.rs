//! Batched loads of rows: one statement for all rows that are loaded at the same time.
//!
//! Each module has one way to reach a database. The guide's page about SQL explains them.

pub mod postgres;
pub mod rusqlite;
pub mod sqlite;

/// The samples of the guide, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/sql.md")]
pub struct Guide;
