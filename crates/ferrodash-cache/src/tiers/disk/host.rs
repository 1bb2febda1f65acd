//! What the host knows: which boot this is, which processes live, and what kind of file system
//! holds a directory.
//!
//! All of it is read from `/proc`. Where there is none, processes count as alive and file systems
//! as local.

use std::fs;
use std::path::{Path, PathBuf};

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
    // The name of the program stands in parentheses and may hold anything; after it come the state
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

/// The kind of a network file system, if a directory lies on one: neither locks nor memory maps are
/// reliable there.
pub(super) fn network_file_system(directory: &Path) -> Option<String> {
    let kind = kind_of(&fs::read_to_string("/proc/self/mountinfo").ok()?, directory)?;
    let network = [
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "ncpfs",
        "afs",
        "ceph",
        "fuse.sshfs",
        "fuse.s3fs",
    ];
    network.contains(&kind.as_str()).then_some(kind)
}

/// The kind of the file system that is mounted nearest above a directory.
fn kind_of(mounts: &str, directory: &Path) -> Option<String> {
    let mount = |line: &str| {
        let (mount, file_system) = line.split_once(" - ")?;
        let point = PathBuf::from(mount.split(' ').nth(4)?.replace("\\040", " "));
        directory
            .starts_with(&point)
            .then(|| Some((point, file_system.split(' ').next()?.to_owned())))?
    };
    // Of several mounts on one point the last one counts, and `max_by_key` gives the last.
    mounts
        .lines()
        .filter_map(mount)
        .max_by_key(|(point, _)| point.components().count())
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_mount_tells_the_kind() {
        let mounts = "22 1 254:0 / / rw - ext4 /dev/vda rw\n\
            40 22 0:35 / /mnt/my\\040share rw shared:1 - nfs4 server:/share rw\n\
            41 40 0:36 / /mnt/my\\040share/local rw - tmpfs tmpfs rw\n";
        let kind = |path: &str| kind_of(mounts, Path::new(path));
        assert_eq!(kind("/var/cache").as_deref(), Some("ext4"));
        assert_eq!(kind("/mnt/my share/cache").as_deref(), Some("nfs4"));
        assert_eq!(kind("/mnt/my shared").as_deref(), Some("ext4"));
        assert_eq!(kind("/mnt/my share/local/cache").as_deref(), Some("tmpfs"));
    }

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
