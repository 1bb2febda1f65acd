//! Policies: how long a value is stored, and under which conditions.

use std::borrow::Cow;
use std::time::Duration;

use bytes::Bytes;

use crate::{Entry, Selector};

/// How long a lease lasts unless it is renewed. Callers wait at most this long for a process that
/// died while it computed.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// How long a value is stored, and under which conditions.
///
/// Each method says what the default is.
///
/// ```
/// use std::time::Duration;
/// use ferrodash_cache::Policy;
///
/// let policy = Policy::new(Duration::from_secs(60))
///     .stale_while_revalidate(Duration::from_secs(600))
///     .stale_if_error(Duration::from_secs(3600))
///     .tag("orders");
/// # let _ = policy;
/// ```
#[derive(Debug, Clone)]
#[must_use]
#[non_exhaustive]
pub struct Policy {
    /// What the function is called in metrics, on the admin page and in the log.
    pub name: Cow<'static, str>,
    /// How long a value is fresh. Zero keeps nothing; callers at the same time still share one run.
    pub timeout: Duration,
    /// How long a stale value is served at once while one run in the background refreshes it.
    pub stale_while_revalidate: Duration,
    /// How long a stale value is served when the function fails.
    pub stale_if_error: Duration,
    /// The share of the timeout, 0 to 1, by which it is randomly shortened.
    pub jitter: f64,
    /// How eagerly fresh values are refreshed in the background: the β of XFetch. 0 never does.
    pub early: f64,
    /// How long a caller waits for the function while there is a stale value to fall back on.
    pub soft_timeout: Option<Duration>,
    /// How long the function may run, and a caller wait for another's run.
    pub hard_timeout: Duration,
    /// A result is kept only if the function took at least this long.
    pub slower_than: Duration,
    /// How long a process that computes is waited for after its last sign of life.
    pub lease: Duration,
    /// Whether a call looks into the cache.
    pub mode: Mode,
    /// Tells kinds of values apart: what another kind of function left under the key counts as
    /// absent.
    pub fingerprint: u64,
    /// Whether two values say the same; compared in audit mode.
    pub same: fn(&Bytes, &Bytes) -> bool,
    /// Whether an entry of a tier can be read; what another version of the program left counts as
    /// absent. Copies in memory were made or looked at in this process.
    pub readable: fn(&Entry) -> bool,
    tags: Vec<Selector>,
}

/// Whether a call looks into the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// It does, and keeps what the function returned.
    #[default]
    Cached,
    /// The function runs, and what it returned replaces what is kept. Callers at the same time
    /// share one such run.
    Refresh,
    /// The function runs for this caller alone, and the cache stays as it is.
    Bypass,
}

tokio::task_local! {
    static MODE: Mode;
}

impl Mode {
    /// Runs a future whose memoized calls have this mode.
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

    /// The mode of the surrounding [`scope`](Self::scope).
    pub fn current() -> Self {
        MODE.try_with(|mode| *mode).unwrap_or_default()
    }
}

impl Policy {
    /// Values are fresh for `timeout`, and gone after it.
    pub fn new(timeout: Duration) -> Self {
        Self {
            name: Cow::Borrowed(""),
            timeout,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            jitter: 0.0,
            early: 0.0,
            soft_timeout: None,
            hard_timeout: Duration::from_secs(300),
            slower_than: Duration::ZERO,
            lease: LEASE,
            mode: Mode::Cached,
            fingerprint: 0,
            same: |a, b| a == b,
            readable: |_| true,
            tags: Vec::new(),
        }
    }

    /// Names the function in metrics, on the admin page and in the log. By default it has no name.
    pub fn name(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.name = name.into();
        self
    }

    /// Serves a stale value for so long after its timeout, while one run in the background
    /// refreshes it. By default not at all (RFC 5861, section 3).
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.stale_while_revalidate = time;
        self
    }

    /// Serves a stale value for so long after its timeout if the function fails or takes too long.
    /// By default not at all (RFC 5861, section 4).
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.stale_if_error = time;
        self
    }

    /// Shortens each timeout at random by up to this share, so that values that were computed
    /// together do not become stale together. A timeout is never lengthened. By default 0.
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share.clamp(0.0, 1.0);
        self
    }

    /// Refreshes frequently used values in the background before they become stale.
    ///
    /// This is XFetch (Vattani, Chierichetti, Lowenstein, VLDB 2015) with this β, of which 1 is the
    /// usual value. A refresh is more likely the longer the function takes and the closer the
    /// timeout is. By default 0, which never refreshes early.
    pub fn early(mut self, beta: f64) -> Self {
        self.early = beta.max(0.0);
        self
    }

    /// Limits how long a caller waits for the function while
    /// [`stale_if_error`](Self::stale_if_error) has a value to serve. After that the caller gets
    /// the stale value, and the function continues in the background. By default there is no limit.
    pub fn soft_timeout(mut self, time: Duration) -> Self {
        self.soft_timeout = Some(time);
        self
    }

    /// Limits how long the function may run, and how long a caller waits for another process that
    /// computes. By default five minutes.
    pub fn hard_timeout(mut self, time: Duration) -> Self {
        self.hard_timeout = time;
        self
    }

    /// Stores a result only if the function took at least this long. By default results are always
    /// stored.
    pub fn slower_than(mut self, time: Duration) -> Self {
        self.slower_than = time;
        self
    }

    /// Sets how long the lease of a process that computes lasts. The process renews it three times
    /// in that time. If it dies, others take over when the lease has run out. By default 10 s.
    pub fn lease(mut self, time: Duration) -> Self {
        self.lease = time.max(Duration::from_millis(100));
        self
    }

    /// Sets whether calls read from the cache. By default they do.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.mode = mode;
        self
    }

    /// Tells kinds of values apart. By default all are of one kind.
    pub fn fingerprint(mut self, fingerprint: u64) -> Self {
        self.fingerprint = fingerprint;
        self
    }

    /// Sets how audit mode compares a stored value with a recomputed one. By default it compares
    /// their bytes.
    pub fn same(mut self, same: fn(&Bytes, &Bytes) -> bool) -> Self {
        self.same = same;
        self
    }

    /// Sets how to tell whether an entry can be read. By default every entry can.
    pub fn readable(mut self, readable: fn(&Entry) -> bool) -> Self {
        self.readable = readable;
        self
    }

    /// Adds a tag by which the value can be invalidated.
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(Selector::tag(tag));
        self
    }

    /// The tags.
    pub(crate) fn tags(&self) -> &[Selector] {
        &self.tags
    }

    /// The timeout of one value.
    pub(crate) fn jittered(&self, timeout: Duration) -> Duration {
        if self.jitter == 0.0 {
            timeout
        } else {
            timeout.mul_f64(1.0 - self.jitter * fastrand::f64())
        }
    }
}
