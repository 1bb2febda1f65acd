//! Locks and atomics: the standard ones, or those of shuttle, which tests how threads can
//! interleave.
//!
//! Code whose interleavings are tested imports them from here.

#[cfg(not(shuttle))]
pub(crate) use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

#[cfg(shuttle)]
pub(crate) use shuttle::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Locks a mutex, even if a thread panicked while it held the lock. The data are consistent then
/// too, because no critical section here can be left half done.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
