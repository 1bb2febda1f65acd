//! What a function can decide about its own value while it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::{Entry, Selector};

/// The run of a cached function, seen from inside.
///
/// ```
/// use std::{convert::Infallible, time::Duration};
/// use ferrodash_cache::{Cache, Computed, Key, Policy, Run};
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let cache = Cache::memory(1 << 20);
/// let policy = Policy::new(Duration::from_secs(300));
/// let compute = || async {
///     Run::current().tag("order:7").timeout(Duration::from_secs(10));
///     Ok::<_, Infallible>(Computed::keep("value"))
/// };
/// let answer = cache.get_or_compute(Key::of("order", &7), &policy, compute).await;
/// assert!(answer.result.unwrap().remaining().unwrap() <= Duration::from_secs(10));
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Run(Arc<State>);

#[derive(Debug, Default)]
struct State {
    /// The value that the run is to replace, if it still counts.
    previous: Option<Entry>,
    // Locked for one assignment.
    decisions: Mutex<Decisions>,
}

/// What was decided.
#[derive(Debug, Default, Clone)]
pub(crate) struct Decisions {
    pub(crate) timeout: Option<Duration>,
    pub(crate) tags: Vec<Selector>,
    pub(crate) pass: bool,
    pub(crate) validator: Option<Arc<str>>,
    pub(crate) not_modified: bool,
}

tokio::task_local! {
    static RUN: Run;
}

impl Run {
    /// The run that surrounds the caller. Outside of any, decisions have no effect.
    pub fn current() -> Self {
        RUN.try_with(Clone::clone).unwrap_or_default()
    }

    pub(crate) fn new(previous: Option<Entry>) -> Self {
        Self(Arc::new(State {
            previous,
            decisions: Mutex::default(),
        }))
    }

    pub(crate) fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        RUN.scope(self.clone(), future)
    }

    /// Calls a function that blocks with this run as the current one.
    #[doc(hidden)]
    pub fn sync_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        RUN.sync_scope(self.clone(), function)
    }

    /// How long the value is fresh, in the place of what the policy says.
    pub fn timeout(&self, timeout: Duration) -> &Self {
        self.decisions().timeout = Some(timeout);
        self
    }

    /// Adds a tag by which the value can be invalidated, also by an invalidation that came while
    /// the function ran.
    pub fn tag(&self, tag: &str) -> &Self {
        self.decisions().tags.push(Selector::tag(tag));
        self
    }

    /// Returns the value to the callers that wait now, and does not store it.
    pub fn do_not_keep(&self) -> &Self {
        self.decisions().pass = true;
        self
    }

    /// What the function's source calls this state of its data, such as an `ETag`; the next run
    /// finds it in [`previous_validator`](Self::previous_validator).
    pub fn validator(&self, validator: &str) -> &Self {
        self.decisions().validator = Some(validator.into());
        self
    }

    /// The validator of the value that this run is to replace: the source can be asked whether that
    /// is still right. There is none if that value was invalidated.
    pub fn previous_validator(&self) -> Option<&str> {
        self.0.previous.as_ref()?.parts().validator.as_deref()
    }

    /// The value that this run is to replace, as it is kept.
    pub fn previous(&self) -> Option<&Bytes> {
        self.0.previous.as_ref().map(Entry::bytes)
    }

    /// The source says that the previous value is still right: it is kept again, and what the
    /// function returns is not looked at. Without a previous value this has no effect.
    pub fn not_modified(&self) -> &Self {
        self.decisions().not_modified = true;
        self
    }

    /// What was decided, and the value to keep again if nothing was modified.
    pub(crate) fn take(&self) -> (Decisions, Option<&Entry>) {
        let decisions = std::mem::take(&mut *self.decisions());
        let again = self.0.previous.as_ref().filter(|_| decisions.not_modified);
        (decisions, again)
    }

    fn decisions(&self) -> MutexGuard<'_, Decisions> {
        self.0
            .decisions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
