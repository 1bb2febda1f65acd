//! The decisions that a cached function makes about its own value while it runs.
//!
//! A flight puts a [`Run`] into a task-local variable before it polls the function, and takes the
//! decisions when the function has returned. The file does not know how they are applied; `keep.rs`
//! does that.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;

use crate::{Entry, Selector};

/// The run of a cached function, seen from inside.
///
/// The function gets it with [`Run::current`] and decides with its methods. The decisions apply
/// when the function returns a value; if it fails, they have no effect. A clone refers to the same
/// run and can be moved to another task or thread, where `Run::current` does not find it.
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

/// The state of a run, which its clones share.
#[derive(Debug, Default)]
struct State {
    /// The value that the run is to replace, if it was not invalidated.
    previous: Option<Entry>,
    // Locked for one assignment.
    decisions: Mutex<Decisions>,
}

/// The decisions of a function about its value. Each setter overwrites the one before; tags add up.
#[derive(Debug, Default, Clone)]
pub(crate) struct Decisions {
    /// The timeout of the value, instead of that of the policy.
    pub(crate) timeout: Option<Duration>,
    /// Tags in addition to those of the policy.
    pub(crate) tags: Vec<Selector>,
    /// `true` if the value is not stored.
    pub(crate) pass: bool,
    /// The name that the source has for this state of its data.
    pub(crate) validator: Option<Arc<str>>,
    /// `true` if the previous value is stored again.
    pub(crate) not_modified: bool,
}

tokio::task_local! {
    /// The run that surrounds the present task.
    static RUN: Run;
}

impl Run {
    /// Returns the run that surrounds the caller. Outside of any run, returns one whose decisions
    /// have no effect.
    pub fn current() -> Self {
        RUN.try_with(Clone::clone).unwrap_or_default()
    }

    /// Creates a run that is to replace `previous`.
    pub(crate) fn new(previous: Option<Entry>) -> Self {
        Self(Arc::new(State {
            previous,
            decisions: Mutex::default(),
        }))
    }

    /// Runs a future with this run as the current one.
    pub(crate) fn scope<F: Future>(&self, future: F) -> impl Future<Output = F::Output> + use<F> {
        RUN.scope(self.clone(), future)
    }

    /// Calls a function that blocks with this run as the current one.
    #[doc(hidden)]
    pub fn sync_scope<T>(&self, function: impl FnOnce() -> T) -> T {
        RUN.sync_scope(self.clone(), function)
    }

    /// Sets the time for which the value is fresh, instead of the timeout of the policy. Zero
    /// stores nothing. The jitter of the policy still applies.
    pub fn timeout(&self, timeout: Duration) -> &Self {
        self.decisions().timeout = Some(timeout);
        self
    }

    /// Adds a tag by which the value can be invalidated, also by an invalidation that came while
    /// the function ran. A value with more than 65,535 tags is not stored.
    pub fn tag(&self, tag: &str) -> &Self {
        self.decisions().tags.push(Selector::tag(tag));
        self
    }

    /// Returns the value to the callers that wait now, and does not store it.
    pub fn do_not_keep(&self) -> &Self {
        self.decisions().pass = true;
        self
    }

    /// Stores with the value the name that the function's source has for this state of its data,
    /// such as an `ETag`. The next run finds it in
    /// [`previous_validator`](Self::previous_validator). A validator of more than 65,535 bytes is
    /// kept in memory only.
    pub fn validator(&self, validator: &str) -> &Self {
        self.decisions().validator = Some(validator.into());
        self
    }

    /// Returns the validator of the value that this run is to replace, so that the source can be
    /// asked whether that value is still right. Returns `None` if there is no such value, if it was
    /// invalidated, or if its run set no validator.
    pub fn previous_validator(&self) -> Option<&str> {
        self.0.previous.as_ref()?.parts().validator.as_deref()
    }

    /// Returns the stored bytes of the value that this run is to replace. Returns `None` if there
    /// is none or if it was invalidated.
    pub fn previous(&self) -> Option<&Bytes> {
        self.0.previous.as_ref().map(Entry::bytes)
    }

    /// Declares that the previous value is still right. It is stored again with its validator and
    /// its tags, and the value that the function returns is ignored. Without a previous value this
    /// has no effect.
    pub fn not_modified(&self) -> &Self {
        self.decisions().not_modified = true;
        self
    }

    /// Takes the decisions, and the value to store again if nothing was modified.
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
