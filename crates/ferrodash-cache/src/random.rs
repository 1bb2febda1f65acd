//! Random numbers for ids, tokens and eras. They need not be unpredictable for any of these uses.

/// Returns a random number.
pub(crate) fn number() -> u64 {
    fastrand::u64(..)
}
