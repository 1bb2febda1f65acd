//! Which files a store has open, and whether they are still the ones in its directory, and whole.
//!
//! LMDB maps its files into memory. A part that another program cuts off is still mapped, and
//! a process that reads it is ended by the system (SIGBUS). So before each look the lengths are
//! compared with the largest that were seen: these files only grow. What is found too short is made
//! long enough again, at once and for all who have it open, and the store is begun again. A file
//! that is cut off between the look at its length and the look into it still ends the process.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// The files that are mapped.
pub(super) const DATABASE: &str = "data.mdb";
pub(super) const LOCK: &str = "lock.mdb";

/// The identity of the files, which other files of the same names do not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Identity(String);

impl Identity {
    /// The files that are in a directory now.
    pub(super) fn at(directory: &Path) -> io::Result<Self> {
        let of = |name: &str| fs::metadata(directory.join(name)).map(|file| number(&file));
        Ok(Self(format!("{} {}", of(DATABASE)?, of(LOCK)?)))
    }

    /// Writes it into the file that says which files belong to those who have the store open.
    pub(super) fn write(&self, mut file: &File) -> io::Result<()> {
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(self.0.as_bytes())
    }

    /// Whether that file names these.
    pub(super) fn is_in(&self, mut file: &File) -> io::Result<bool> {
        let mut found = String::new();
        file.rewind()?;
        file.take(256).read_to_string(&mut found)?;
        Ok(found == self.0)
    }
}

#[cfg(unix)]
fn number(file: &Metadata) -> String {
    use std::os::unix::fs::MetadataExt;
    format!("{:x}:{:x}", file.dev(), file.ino())
}

/// Where files have no numbers they are taken for the same.
#[cfg(not(unix))]
fn number(_: &Metadata) -> String {
    "0".to_owned()
}

/// The mapped files of a store.
pub(super) struct Guarded {
    identity: Identity,
    files: [Mapped; 2],
    /// The first pages of the database, which say where the others are.
    first: Vec<u8>,
    /// Something was cut off, or what is in them makes no sense.
    damaged: AtomicBool,
}

struct Mapped {
    file: File,
    /// The largest length that was seen.
    length: AtomicU64,
}

impl Guarded {
    /// The files in a directory, which have just been mapped.
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

    /// Whether all that is mapped is there.
    pub(super) fn is_whole(&self) -> bool {
        if self.damaged.load(Ordering::Acquire) {
            return false;
        }
        let whole = self.files.iter().all(Mapped::is_whole);
        if !whole {
            self.damaged.store(true, Ordering::Release);
            let [database, lock] = &self.files;
            // Errors leave it as it is.
            let _ = database
                .lengthen(&self.first)
                .and_then(|()| lock.lengthen(&[]));
        }
        whole
    }

    /// Notes that what is in the files makes no sense.
    pub(super) fn is_damaged(&self) {
        self.damaged.store(true, Ordering::Release);
    }

    /// Whether these are the files in a directory.
    pub(super) fn are_in(&self, directory: &Path) -> bool {
        Identity::at(directory).is_ok_and(|there| there == self.identity)
    }
}

impl Mapped {
    fn is_whole(&self) -> bool {
        // A length that cannot be had says nothing.
        let Ok(length) = self.file.metadata().map(|file| file.len()) else {
            return true;
        };
        self.length.fetch_max(length, Ordering::AcqRel) <= length
    }

    /// Sees to it that what is mapped can be looked at. Of what is gone only the beginning comes
    /// back, without which LMDB would give up; pages of zeros it takes for damaged.
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
