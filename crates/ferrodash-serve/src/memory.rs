//! Returns free memory to the system.
//!
//! glibc keeps large blocks that are freed for later ones, and the more so the larger they were
//! (`mallopt(3)`, "dynamic mmap threshold"). A server whose answers are of several megabytes then
//! uses two to three times the memory that it needs: 41 figures of 5.6 MB in a cache of 128 MiB
//! used 331 MiB, and 121 MiB with a fixed threshold. A block from the system costs about a
//! microsecond for each 4 KiB, which is little beside the work that fills it.

/// Fixes the size from which on glibc takes blocks from the system and returns them when they are
/// free.
///
/// An allocator that the environment tunes is left as it is, and other allocators are not affected.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[expect(
    unsafe_code,
    reason = "there is no other way to tell glibc's allocator how to use memory"
)]
pub(crate) fn return_large_blocks() {
    const THRESHOLD: libc::c_int = 128 * 1024;
    if ["MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES"]
        .iter()
        .any(|name| std::env::var_os(name).is_some())
    {
        return;
    }
    // SAFETY: mallopt takes two numbers and changes how later blocks are made; it touches none that
    // is in use.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, THRESHOLD) };
}

/// Does nothing: other allocators have rules of their own.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub(crate) fn return_large_blocks() {}
