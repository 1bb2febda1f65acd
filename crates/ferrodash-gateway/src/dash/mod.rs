//! What is known of the app: its callbacks, and what may be done for each.

mod callback;
mod dependencies;
mod page;
mod settings;
mod sites;

pub use callback::Source;
pub(crate) use callback::{Callback, KeptAnswers};
#[cfg(test)]
pub(crate) use dependencies::App;
pub(crate) use page::{Page, can_wait};
pub(crate) use settings::Scope;
pub(crate) use sites::{Site, Sites};
