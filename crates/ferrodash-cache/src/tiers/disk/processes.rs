//! The processes of this host: which of them run, and during which boot.
//!
//! All of it is read from `/proc`. On systems without `/proc`, processes count as running.

use std::fs;

/// A process of this host. Numbers of processes are reused, but a number together with the time of
/// the start identifies one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: u32,
    /// The time of the start, in ticks since boot. 0 if it is not known.
    pub(super) started: u64,
}

impl Process {
    /// Returns this process.
    pub(super) fn this() -> Self {
        let id = std::process::id();
        Self {
            id,
            started: started(id).unwrap_or(0),
        }
    }

    /// Returns `true` if the process still runs. `observer` is this process. If it cannot be known,
    /// the process counts as running.
    pub(super) fn is_alive(self, observer: Self) -> bool {
        self == observer
            || self.started == 0
            || observer.started == 0
            || started(self.id) == Some(self.started)
    }
}

/// Returns the time at which a process started, or `None` if it has ended. A process that has ended
/// and waits for its parent to notice has ended too.
fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program is in parentheses and can contain any character. The state and the
    // other fields follow it.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then(|| fields.nth(18)?.parse().ok())?
}

/// Returns the id of this boot of the host.
pub(super) fn boot() -> Option<String> {
    Some(
        fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()?
            .trim()
            .to_owned(),
    )
}

/// Returns the id of the numbering of processes in which this process is. A container has one of
/// its own.
pub(super) fn numbering() -> String {
    fs::read_link("/proc/self/ns/pid")
        .map(|link| link.to_string_lossy().into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_lives_and_its_number_with_another_start_does_not() {
        let this = Process::this();
        assert!(this.is_alive(this));
        if this.started > 0 {
            let earlier = Process {
                started: this.started - 1,
                ..this
            };
            assert!(!earlier.is_alive(this));
        }
    }
}
