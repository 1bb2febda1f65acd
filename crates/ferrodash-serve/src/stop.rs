//! The phases of a server's life, which follow the signals that the process gets.
//!
//! One task waits for signals and publishes the phase; every connection holds a clone of [`Phases`]
//! and waits for the phase that concerns it.

use std::io;
use std::time::Duration;

use tokio::sync::watch;

/// The phases, in their order. A later one includes the earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It serves.
    Serving,
    /// It was asked to stop, and still accepts connections.
    Draining,
    /// It takes no new connections, and finishes what is open.
    Closing,
    /// It ends at once.
    Now,
}

/// The present phase. Clones see the same one.
#[derive(Debug, Clone)]
pub(crate) struct Phases(watch::Receiver<Phase>);

impl Phases {
    /// Follows the process's signals: the first one begins the drain, the second one ends
    /// everything.
    ///
    /// # Errors
    /// The system's, if signals cannot be listened for.
    pub(crate) fn follow_signals(drain: Duration) -> io::Result<Self> {
        let mut signals = Signals::new()?;
        let (sender, receiver) = watch::channel(Phase::Serving);
        tokio::spawn(async move {
            let closed = async {
                signals.next().await;
                if !drain.is_zero() {
                    tracing::info!("stopping; connections are accepted for another {drain:?}");
                    sender.send_replace(Phase::Draining);
                    // A second signal does not wait for the end of the drain.
                    if tokio::time::timeout(drain, signals.next()).await.is_ok() {
                        sender.send_replace(Phase::Now);
                        return;
                    }
                }
                tracing::info!("stopping; no more connections are accepted");
                sender.send_replace(Phase::Closing);
                signals.next().await;
                sender.send_replace(Phase::Now);
            };
            tokio::select! {
                () = closed => {}
                // The server has ended.
                () = sender.closed() => {}
            }
        });
        Ok(Self(receiver))
    }

    /// Returns whether the process was asked to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        *self.0.borrow() > Phase::Serving
    }

    /// Waits for a phase, or a later one. Can be dropped at any time.
    pub(crate) async fn reached(&mut self, phase: Phase) {
        if self.0.wait_for(|present| *present >= phase).await.is_err() {
            // No signal will come any more; the last phase stays.
            std::future::pending().await
        }
    }
}

/// The signals that ask a process to stop: SIGINT and SIGTERM.
#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    /// Waits for the next signal.
    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Ctrl-C, the only such signal that there is on every system.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}
