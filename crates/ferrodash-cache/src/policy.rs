//! Policies: how long a value is stored, and under which conditions.
//!
//! A policy is plain data that a call takes by reference; a policy can serve any number of calls.
//! What the settings do is implemented in `compute.rs`, `execute.rs` and `keep.rs`.

use std::time::Duration;

use crate::Selector;

/// Duration of a lease that is not renewed. Callers wait at most this long for a process that died
/// while it computed.
pub(crate) const LEASE: Duration = Duration::from_secs(10);

/// The conditions under which a value is stored and served.
///
/// Create one with [`Policy::new`] and change it with the methods, each of which states its
/// default. The methods take any value and clamp it to the range that they document; fields that
/// are assigned directly are not clamped.
///
/// | Age of the stored value | A call |
/// |---|---|
/// | below the timeout | returns the value; with `early`, may refresh it in the background |
/// | then, within `stale_while_revalidate` | returns the value and refreshes it in the background |
/// | then, within `stale_if_error` | runs the function; returns the value if that fails |
/// | above | runs the function |
///
/// Both times begin at the timeout, so `stale_if_error` matters only if it is the longer one.
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
#[derive(Debug, Clone, PartialEq)]
#[must_use]
#[non_exhaustive]
pub struct Policy {
    /// The time for which a value is fresh. Zero stores nothing; concurrent callers still share one
    /// run. More than ten years counts as ten years.
    pub timeout: Duration,
    /// The time after the timeout during which a stale value is served at once, while one run in
    /// the background refreshes it.
    pub stale_while_revalidate: Duration,
    /// The time after the timeout during which a stale value is served if the function fails.
    pub stale_if_error: Duration,
    /// The share of the timeout, from 0 to 1, by which it is shortened at random.
    pub jitter: f64,
    /// The β of XFetch: the larger, the earlier fresh values are refreshed in the background. Zero
    /// never does so.
    pub early: f64,
    /// The time that a caller waits for the function if there is a stale value to fall back on.
    pub soft_timeout: Option<Duration>,
    /// The longest time that the function may run, and that a caller waits for another process.
    pub hard_timeout: Duration,
    /// The shortest run whose result is stored.
    pub slower_than: Duration,
    /// The time after its last sign of life for which a computing process keeps the right to fill
    /// the key.
    pub lease: Duration,
    tags: Vec<Selector>,
}

impl Policy {
    /// Creates a policy whose values are fresh for `timeout` and not served after it. All other
    /// settings have their defaults.
    pub fn new(timeout: Duration) -> Self {
        Self {
            timeout,
            stale_while_revalidate: Duration::ZERO,
            stale_if_error: Duration::ZERO,
            jitter: 0.0,
            early: 0.0,
            soft_timeout: None,
            hard_timeout: Duration::from_secs(300),
            slower_than: Duration::ZERO,
            lease: LEASE,
            tags: Vec::new(),
        }
    }

    /// Serves a stale value for this time after its timeout, while one run in the background
    /// refreshes it (RFC 5861, section 3). By default stale values are not served.
    ///
    /// Nobody waits for the refresh. At most 64 refreshes run at the same time in a cache; beyond
    /// that, callers get the stale value and the refresh is left to a later call.
    pub fn stale_while_revalidate(mut self, time: Duration) -> Self {
        self.stale_while_revalidate = time;
        self
    }

    /// Serves a stale value for this time after its timeout if the function fails, panics or takes
    /// too long (RFC 5861, section 4). By default stale values are not served.
    ///
    /// After such a failure the function of this key pauses: 1 s, then twice as long after each
    /// further failure, at most 60 s. During the pause callers get the stale value at once. A
    /// success ends the pauses.
    pub fn stale_if_error(mut self, time: Duration) -> Self {
        self.stale_if_error = time;
        self
    }

    /// Shortens each timeout at random by up to this share, so that values that were computed
    /// together do not become stale together. A timeout is never lengthened. By default 0. Values
    /// outside of 0 to 1 are clamped.
    pub fn jitter(mut self, share: f64) -> Self {
        self.jitter = share.clamp(0.0, 1.0);
        self
    }

    /// Refreshes frequently used values in the background before they become stale.
    ///
    /// This is XFetch (Vattani, Chierichetti, Lowenstein, VLDB 2015) with this β, of which 1 is the
    /// usual value. A refresh is more likely the longer the function takes and the closer the
    /// timeout is. By default 0, which never refreshes early. Negative values count as 0. Hits with
    /// a β above 0 are a little slower, as each one has to decide.
    pub fn early(mut self, beta: f64) -> Self {
        self.early = beta.max(0.0);
        self
    }

    /// Limits how long a caller waits for the function while
    /// [`stale_if_error`](Self::stale_if_error) has a value to serve. After that the caller gets
    /// the stale value, and the function continues in the background. By default there is no limit.
    ///
    /// Without a value to serve, the setting has no effect.
    pub fn soft_timeout(mut self, time: Duration) -> Self {
        self.soft_timeout = Some(time);
        self
    }

    /// Limits how long the function may run, and how long a caller waits for another process that
    /// computes. By default five minutes.
    ///
    /// A function that runs longer is aborted, and its callers get
    /// [`Failure::TimedOut`](crate::Failure::TimedOut) or a stale value. A blocking function in
    /// [`memo::blocking`](crate::memo::blocking) cannot be aborted: its caller stops waiting, and
    /// the thread continues. A caller that has waited this long for another process runs the
    /// function itself and does not store the result.
    pub fn hard_timeout(mut self, time: Duration) -> Self {
        self.hard_timeout = time;
        self
    }

    /// Stores a result only if the function took at least this long. By default, zero: results are
    /// always stored.
    pub fn slower_than(mut self, time: Duration) -> Self {
        self.slower_than = time;
        self
    }

    /// Sets how long the lease of a process that computes lasts. The process renews it three times
    /// in that time. If it dies, others take over when the lease has run out. By default 10 s; less
    /// than 100 ms counts as 100 ms. Without a shared tier there are no leases.
    pub fn lease(mut self, time: Duration) -> Self {
        self.lease = time.max(Duration::from_millis(100));
        self
    }

    /// Adds a tag by which the value can be invalidated. A function can add more tags while it runs
    /// ([`Run::tag`](crate::Run::tag)).
    pub fn tag(mut self, tag: &str) -> Self {
        self.tags.push(Selector::tag(tag));
        self
    }

    /// Returns the selectors of the tags.
    pub(crate) fn tags(&self) -> &[Selector] {
        &self.tags
    }

    /// Returns the timeout of one value: `timeout`, shortened at random.
    pub(crate) fn jittered(&self, timeout: Duration) -> Duration {
        // The field is public, so it can also be out of range, or no number.
        if self.jitter > 0.0 {
            timeout.mul_f64(1.0 - self.jitter.min(1.0) * fastrand::f64())
        } else {
            timeout
        }
    }
}
