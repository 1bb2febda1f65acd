//! A call of a callback: its arguments, the context that its function gets, the result, and the
//! bytes that are sent.
//!
//! [`answer`] is the entry: it takes a [`context`], which holds the call and the parts of its
//! request, asks the cache or runs the function through [`handler`], and turns an [`outcome`] into
//! a body. Nothing here knows routes or headers of HTTP answers.

pub(crate) mod answer;
pub(in crate::callback) mod call;
pub(in crate::callback) mod context;
pub(in crate::callback) mod effects;
pub(in crate::callback) mod failure;
pub(crate) mod handler;
pub(in crate::callback) mod identity;
pub(in crate::callback) mod key;
pub(crate) mod outcome;
pub(in crate::callback) mod parts;
pub(in crate::callback) mod patch;
pub(in crate::callback) mod scope;
