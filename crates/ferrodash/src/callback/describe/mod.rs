//! The description of a callback: its outputs, inputs and states, its options, its function.
//!
//! [`builder`] collects it, [`check`] finds mistakes in it, [`registered`] derives from it what
//! calls need, and [`registry`] holds all callbacks of an app and finds them by name.

pub(in crate::callback) mod arguments;
pub(in crate::callback) mod builder;
pub(in crate::callback) mod check;
pub(in crate::callback) mod debounce;
pub(in crate::callback) mod dependency;
pub(in crate::callback) mod options;
pub(in crate::callback) mod overlap;
pub(in crate::callback) mod registered;
pub(in crate::callback) mod registry;
pub(in crate::callback) mod spec;
