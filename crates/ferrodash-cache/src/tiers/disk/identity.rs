//! The identity of the files that a store has open: whether they are still the ones in its
//! directory, and whole.
//!
//! LMDB maps its files into memory. A part that another program cuts off is still mapped, and a
//! process that reads it is killed by the system (SIGBUS). So before each look the lengths are
//! compared with the largest that were seen, because these files only grow. A file that is too
//! short is made long enough again at once, for all processes that have it open, and the store is
//! begun again. A file that is cut off between this check and the read still kills the process.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The names of the mapped files.
pub(super) const DATABASE: &str = "data.mdb";
pub(super) const LOCK: &str = "lock.mdb";

/// The identity of the files. Other files with the same names have another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity(String);

impl Identity {
    /// Returns the identity of the files that are in a directory now.
    pub(super) fn at(directory: &Path) -> io::Result<Self> {
        let of = |name: &str| fs::metadata(directory.join(name)).map(|file| number(&file));
        Ok(Self(format!("{} {}", of(DATABASE)?, of(LOCK)?)))
    }

    /// Writes the identity into the file that names the files that all users of the store have
    /// open.
    pub(super) fn write(&self, mut file: &File) -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(self.0.as_bytes())
    }

    /// Returns `true` if that file contains this identity.
    pub(super) fn is_in(&self, mut file: &File) -> io::Result<bool> {
        let mut found = String::new();
        file.rewind()?;
        file.take(256).read_to_string(&mut found)?;
        Ok(found == self.0)
    }
}

/// Returns the number of a file, which distinguishes it from all others that exist.
#[cfg(unix)]
fn number(file: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!("{:x}:{:x}", file.dev(), file.ino())
}

/// Files without numbers are treated as the same.
#[cfg(not(unix))]
fn number(_: &Metadata) -> String {
    "0".to_owned()
}

/// The mapped files of a store, whose lengths are checked.
pub(super) struct Guarded {
    identity: Identity,
    files: [Mapped; 2],
    /// The first pages of the database, which say where the others are.
    first: Vec<u8>,
    /// Something was cut off, or the content makes no sense. The store is not used again then.
    damaged: AtomicBool,
}

/// A mapped file, with the largest length that was seen.
struct Mapped {
    file: File,
    /// The largest length that was seen.
    length: AtomicU64,
}

impl Guarded {
    /// Opens the files in a directory, which have just been mapped.
    pub(super) fn open(directory: &Path, page: u64) -> io::Result<Self> {
        let mapped = |name: &str| {
            let file = File::options()
                .read(true)
                .write(true)
                .open(directory.join(name))?;
            let length = AtomicU64::new(file.metadata()?.len());
            io::Result::Ok(Mapped { file, length })
        };
        let files = [mapped(DATABASE)?, mapped(LOCK)?];
        let mut first = Vec::new();
        (&files[0].file).take(2 * page).read_to_end(&mut first)?;
        Ok(Self {
            identity: Identity::at(directory)?,
            files,
            first,
            damaged: AtomicBool::new(false),
        })
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Returns `true` if everything that is mapped exists. If not, repairs the lengths and reports
    /// the files as damaged from then on.
    ///
    /// `used` returns how many bytes of the database are in use. Another process may have written
    /// more than this one has seen, and then the file was cut off. A file that is shorter is
    /// lengthened: LMDB does not write pages that it gave up at once, so such a file is not always
    /// damaged, and pages of zeros are recognized when they are read.
    pub(super) fn is_whole(&self, used: impl FnOnce() -> u64) -> bool {
        if self.damaged.load(Ordering::Acquire) {
            return false;
        }
        let [database, _] = &self.files;
        let whole = self.files.iter().all(Mapped::is_whole) && database.covers(used());
        if !whole {
            self.damaged.store(true, Ordering::Release);
            let [database, lock] = &self.files;
            // If this fails, nothing else can be done.
            let _ = database
                .lengthen(&self.first)
                .and_then(|()| lock.lengthen(&[]));
        }
        whole
    }

    /// Records that the content of the files makes no sense.
    pub(super) fn is_damaged(&self) {
        self.damaged.store(true, Ordering::Release);
    }

    /// Returns `true` if these are the files in a directory.
    pub(super) fn are_in(&self, directory: &Path) -> bool {
        Identity::at(directory).is_ok_and(|there| there == self.identity)
    }
}

impl Mapped {
    /// Returns `true` if the file is not shorter than it was. Remembers the length if it has grown.
    fn is_whole(&self) -> bool {
        // Read before the length of the file: another thread may see more of a file that grows, and
        // remember it, before this one compares.
        let seen = self.length.load(Ordering::Acquire);
        // If the length cannot be read, nothing is known.
        let Ok(length) = self.file.metadata().map(|file| file.len()) else {
            return true;
        };
        self.length.fetch_max(length, Ordering::AcqRel);
        seen <= length
    }

    /// Makes the file at least this long. Returns `false` if that fails.
    fn covers(&self, used: u64) -> bool {
        let is = self.length.load(Ordering::Acquire);
        is >= used
            || self.file.metadata().is_ok_and(|file| file.len() >= used)
            || self.file.set_len(used).is_ok()
    }

    /// Makes the file as long as it was, so that what is mapped can be read. Of the lost content
    /// only the first pages are restored, without which LMDB would give up. It recognizes pages of
    /// zeros as damaged.
    fn lengthen(&self, first: &[u8]) -> io::Result<()> {
        let (mut file, is) = (&self.file, self.file.metadata()?.len());
        if is < first.len() as u64 {
            file.seek(SeekFrom::Start(0))?;
            file.write_all(first)?;
        }
        let length = self.length.load(Ordering::Acquire);
        if is < length {
            self.file.set_len(length)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_grows_is_whole_for_all_threads() {
        let mapped = Mapped {
            file: tempfile::tempfile().expect("a temporary file"),
            length: AtomicU64::new(0),
        };
        let is_growing = AtomicBool::new(true);
        let looks = || {
            while is_growing.load(Ordering::Relaxed) {
                assert!(mapped.is_whole(), "nothing was cut off");
            }
        };
        std::thread::scope(|scope| {
            let lookers = [(); 4].map(|()| scope.spawn(looks));
            for length in 1..=100_000 {
                mapped.file.set_len(length).expect("there is room");
            }
            is_growing.store(false, Ordering::Relaxed);
            for looker in lookers {
                looker.join().expect("it was always whole");
            }
        });
        mapped.file.set_len(1).expect("it can be cut off");
        assert!(!mapped.is_whole(), "it was cut off");
    }
}
