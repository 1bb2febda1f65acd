//! What happens on a call: what its function learns, what it returns, and what becomes of that.

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
