//! Random numbers. Nothing that they are used for needs one that cannot be guessed.

pub(crate) fn number() -> u64 {
    fastrand::u64(..)
}
