//! The processes of this host: which of them live, and on which boot.
//!
//! All of it is read from `/proc`. Where there is none, processes count as alive.

use std::fs;

/// A process of this host. Numbers of processes are used again; together with the time of its start
/// it is one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Process {
    pub(super) id: u32,
    /// In ticks since boot, 0 if not known.
    pub(super) started: u64,
}

impl Process {
    /// This process.
    pub(super) fn this() -> Self {
        let id = std::process::id();
        Self {
            id,
            started: started(id).unwrap_or(0),
        }
    }

    /// Whether it still runs, seen from `observer`, which is this process; what cannot be known
    /// counts as alive.
    pub(super) fn is_alive(self, observer: Self) -> bool {
        self == observer
            || self.started == 0
            || observer.started == 0
            || started(self.id) == Some(self.started)
    }
}

/// When a process started, `None` if it is gone. One that ended and waits for its parent to look is
/// gone too.
fn started(id: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name of the program is in parentheses and may hold anything; after it come the state
    // and other fields.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    (!matches!(state, "Z" | "X")).then(|| fields.nth(18)?.parse().ok())?
}

/// Which boot of the host this is.
pub(super) fn boot() -> Option<String> {
    Some(
        fs::read_to_string("/proc/sys/kernel/random/boot_id")
            .ok()?
            .trim()
            .to_owned(),
    )
}

/// The numbering of processes that this process lives in; a container has one of its own.
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
