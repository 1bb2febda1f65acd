//! The kind of file system on which a directory is, as `/proc` reports it. On systems without
//! `/proc`, file systems count as local.

use std::fs;
use std::path::{Path, PathBuf};

/// Returns the kind of a network file system, if a directory is on one. Neither locks nor memory
/// maps are reliable there.
pub(super) fn network_kind(directory: &Path) -> Option<String> {
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

/// Returns the kind of the file system with the nearest mount point above a directory.
fn kind_of(mounts: &str, directory: &Path) -> Option<String> {
    let mount = |line: &str| {
        let (mount, file_system) = line.split_once(" - ")?;
        let point = PathBuf::from(mount.split(' ').nth(4)?.replace("\\040", " "));
        directory
            .starts_with(&point)
            .then(|| Some((point, file_system.split(' ').next()?.to_owned())))?
    };
    // If there are several mounts on one point, the last one counts, and `max_by_key` returns the
    // last.
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
}
