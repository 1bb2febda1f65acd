//! What a call has beside its policy: the name of the function and the kind of the value.

use std::borrow::Cow;

use bytes::Bytes;

use crate::Entry;

/// The options of a call to [`Cache::get_or_compute_with`](crate::Cache::get_or_compute_with).
///
/// A [`Policy`](crate::Policy) says how long a value is kept, and is chosen by the author of an
/// app. These options say what the value is, and follow from the function that computes it.
/// [`Cache::get_or_compute`](crate::Cache::get_or_compute) uses the defaults.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// use std::convert::Infallible;
/// use std::time::Duration;
/// use ferrodash_cache::{Cache, CallOptions, Computed, Key, Policy};
///
/// let (cache, policy) = (Cache::memory(1 << 20), Policy::new(Duration::from_secs(60)));
/// let options = CallOptions::new().name("rows");
/// let compute = || async { Ok::<_, Infallible>(Computed::keep("42")) };
/// cache.get_or_compute_with(Key::of("rows", &1), &policy, &options, compute).await;
/// assert_eq!(&*cache.functions()[0].name, "rows");
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct CallOptions {
    pub(crate) name: Cow<'static, str>,
    pub(crate) mode: Mode,
    pub(crate) waits: bool,
    pub(crate) fingerprint: u64,
    pub(crate) same: fn(&Bytes, &Bytes) -> bool,
    pub(crate) readable: fn(&Entry) -> bool,
}

impl CallOptions {
    /// Creates the options of a call in the mode [`Mode::Cached`], of a function without a name.
    pub const fn new() -> Self {
        Self {
            name: Cow::Borrowed(""),
            mode: Mode::Cached,
            waits: false,
            fingerprint: 0,
            same: |a, b| a == b,
            readable: |_| true,
        }
    }

    /// Names the function in metrics, on the admin page and in the log. By default the name is
    /// empty. Calls with the same name share their counters.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Sets the way in which the call uses the cache. By default [`Mode::Cached`].
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets whether the call waits for a refresh and does not get the stale value meanwhile. By
    /// default it gets the stale value, as far as the policy allows that. If the function fails,
    /// [`Policy::stale_if_error`](crate::Policy::stale_if_error) applies in any case.
    pub fn waits(mut self, waits: bool) -> Self {
        self.waits = waits;
        self
    }

    /// Sets the kind of the value. An entry with another fingerprint under the same key counts as
    /// absent. By default 0.
    pub fn fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Sets how [audit mode](crate::Cache::audit) compares a stored value with a recomputed one. By
    /// default it compares their bytes.
    pub fn same(mut self, same: fn(&Bytes, &Bytes) -> bool) -> Self {
        self.same = same;
        self
    }

    /// Sets how to tell whether an entry of a tier can be read. By default every entry can.
    ///
    /// An entry that cannot, for example of another version of the program, counts as absent. The
    /// function runs in the caller's task, so it should be fast. Copies in memory that were made or
    /// checked in this process are not checked again.
    pub fn readable(mut self, readable: fn(&Entry) -> bool) -> Self {
        self.readable = readable;
        self
    }
}

impl Default for CallOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// The way in which a call uses the cache.
///
/// The mode of a memoized call is that of the surrounding [`scope`](Self::scope); that of
/// [`Cache::get_or_compute_with`](crate::Cache::get_or_compute_with) is in its
/// [options](CallOptions::mode).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Reads from the cache, and stores the result of the function.
    #[default]
    Cached,
    /// Runs the function, and replaces the stored value with its result. Concurrent callers in this
    /// mode share one run. A computation in the mode `Cached` that is in progress does not
    /// overwrite the new value.
    Refresh,
    /// Runs the function for this caller alone, and leaves the cache as it is. The result is not
    /// stored and not shared.
    Bypass,
}

tokio::task_local! {
    /// The mode of the surrounding [`Mode::scope`].
    static MODE: Mode;
}

impl Mode {
    /// Runs a future whose memoized calls have this mode.
    ///
    /// Memoized functions that those functions call have the mode too. The scope does not extend to
    /// other tasks that the future spawns. It has no effect on
    /// [`Cache::get_or_compute`](crate::Cache::get_or_compute).
    ///
    /// ```
    /// # async fn rows() -> u32 { 1 }
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// use ferrodash_cache::Mode;
    /// let fresh = Mode::Refresh.scope(rows()).await;
    /// # let _ = fresh; }
    /// ```
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> + use<F> {
        MODE.scope(self, future)
    }

    /// Returns the mode of the surrounding [`scope`](Self::scope), or [`Mode::Cached`] outside of
    /// any.
    pub fn current() -> Self {
        MODE.try_with(|mode| *mode).unwrap_or_default()
    }
}
