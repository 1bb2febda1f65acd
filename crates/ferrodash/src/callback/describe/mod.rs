//! What a callback is: what it writes and reads, its options, its functions; and all callbacks of an
//! app.

pub(in crate::callback) mod arguments;
pub(in crate::callback) mod builder;
pub(in crate::callback) mod check;
pub(in crate::callback) mod debounce;
pub(in crate::callback) mod dependency;
pub(in crate::callback) mod options;
pub(in crate::callback) mod registered;
pub(in crate::callback) mod registry;
pub(in crate::callback) mod spec;
