//! A log for programs that have set up none: without it, the reason of a failing callback would be lost.

/// Writes events to standard error from now on, unless the program does something else with them. `RUST_LOG` says which;
/// by default those from the level `info` on.
#[cfg(feature = "log")]
pub(crate) fn install() {
    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::filter::LevelFilter;

    if tracing::dispatcher::has_been_set() {
        return;
    }
    let filter = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into()).from_env_lossy();
    // An error means that the program has set up a log in this very moment.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

#[cfg(not(feature = "log"))]
pub(crate) fn install() {}
