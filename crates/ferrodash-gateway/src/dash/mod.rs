//! What is known of the app: its callbacks, and what may be done for each.

mod callback;
mod dependencies;
mod page;
mod settings;
mod sites;

pub(crate) use callback::{Callback, KeptAnswers};
pub(crate) use page::Page;
pub(crate) use settings::Scope;
pub(crate) use sites::{Site, Sites};
