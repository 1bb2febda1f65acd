//! Holds Ferrodash against Python Dash: the same requests to the same apps, written in both
//! languages.
//!
//! `conformance/README.md` tells how it works and how to add a case.

pub mod answer;
pub mod apps;
pub mod case;
pub mod compare;
pub mod differences;
pub mod files;
pub mod page;
pub mod python;
pub mod report;
pub mod twins;
