//! Everything that the code written by `#[memoize]` and `#[invalidates]` names. Not for users: it
//! changes with the macros, in any release.

pub use crate::memo::{Arguments, Function, Probe, ProbeFallible, ProbePlain, blocking, forget};
pub use crate::{Key, Mode, Policy, Run, Unreached};
use crate::{PendingInvalidation, Selector};

/// The invalidation of some tags, which a function that is about to write owes to the readers.
pub fn pending_invalidation<const N: usize>(tags: [String; N]) -> PendingInvalidation {
    PendingInvalidation::new(tags.iter().map(|tag| Selector::tag(tag)).collect())
}
