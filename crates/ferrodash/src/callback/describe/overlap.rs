//! What happens to calls of a callback that overlap.

/// What a page does with a call while an earlier call of the same callback is in progress.
///
/// Callbacks with `MATCH` have this for each component separately. Whatever the choice, an answer
/// is shown only if no newer one was shown before.
///
/// ```
/// use ferrodash::{Callback, Overlap};
///
/// let callback = Callback::builder().overlap(Overlap::Queue(5));
/// # let _ = callback;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Overlap {
    /// Only the newest call counts. It waits for the one in progress, which is shown when it ends.
    /// Calls between the two are not made. A call in progress is cancelled for the newer one if it
    /// has taken two seconds, or will take two seconds longer as the last one did; but never two in
    /// a row, so that the page always shows something.
    ///
    /// Use it for callbacks that only read: calls that a user caused may never run.
    Latest,
    /// Calls that come while one is in progress are dropped.
    Skip,
    /// Calls run one after the other, in their order. At most so many wait; beyond that, the oldest
    /// one that waits is dropped. Zero counts as one.
    Queue(u32),
    /// All calls run at once, and their answers are shown in the order of the calls.
    Parallel,
}

impl Overlap {
    /// Returns the name by which the script of the page knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Skip => "skip",
            Self::Queue(_) => "queue",
            Self::Parallel => "parallel",
        }
    }
}
