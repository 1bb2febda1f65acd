//! Values that are too large for the database, in a file each.
//!
//! The name of a file consists of its key and a number that no other file has. The file is written
//! before the database refers to it and never changed, so a reader finds all of it or, once it was
//! removed, nothing. Files of a process that ended in between are recognized by their names: the
//! database refers to another file, or to none.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;

use super::record::KeyBytes;

/// The directory of the files, in the directory of the store.
const DIRECTORY: &str = "values";

/// The age from which a file counts as left over if the database does not refer to it. The database
/// may be about to refer to a younger one.
const LEFT_OVER: Duration = Duration::from_secs(60);

/// The files of a store.
pub(super) struct Files(PathBuf);

impl Files {
    pub(super) fn open(store: &Path) -> io::Result<Self> {
        let directory = store.join(DIRECTORY);
        fs::create_dir_all(&directory)?;
        Ok(Self(directory))
    }

    /// Removes all files, because the store is emptied.
    pub(super) fn discard(store: &Path) -> io::Result<()> {
        match fs::remove_dir_all(store.join(DIRECTORY)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Writes a file and returns its number. A file that could not be written completely is
    /// removed.
    pub(super) fn write(&self, key: &KeyBytes, bytes: &[u8]) -> io::Result<u64> {
        let number = crate::random::number();
        let path = self.path(key, number);
        let file = match create(&path) {
            // Another program has removed the directory of the values.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(&self.0).and_then(|()| create(&path))
            }
            file => file,
        };
        let written = file.and_then(|mut file| file.write_all(bytes));
        match written {
            Ok(()) => Ok(number),
            Err(error) => {
                self.remove(key, number);
                Err(error)
            }
        }
    }

    /// Returns the content of a file, or `None` if it was removed.
    pub(super) fn read(&self, key: &KeyBytes, number: u64) -> io::Result<Option<Bytes>> {
        match fs::read(self.path(key, number)) {
            Ok(bytes) => Ok(Some(bytes.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a file. A file that cannot be removed is found later as left over.
    pub(super) fn remove(&self, key: &KeyBytes, number: u64) {
        // Another process may have removed it already.
        let _ = fs::remove_file(self.path(key, number));
    }

    /// Removes the files to which the database does not refer. `refers` returns whether it does.
    /// With `alone`, no other process can be about to refer to a file.
    pub(super) fn remove_left_over(
        &self,
        alone: bool,
        mut refers: impl FnMut(&KeyBytes, u64) -> bool,
    ) -> io::Result<()> {
        let files = match fs::read_dir(&self.0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            files => files?,
        };
        for file in files {
            let file = file?;
            // The file may be removed at the same time.
            let age = file
                .metadata()
                .and_then(|data| data.modified())
                .map(|time| time.elapsed().unwrap_or_default());
            if !alone && !age.is_ok_and(|age| age > LEFT_OVER) {
                continue;
            }
            let kept = file
                .file_name()
                .to_str()
                .and_then(parse)
                .is_some_and(|(key, number)| refers(&key, number));
            if !kept {
                let _ = fs::remove_file(file.path());
            }
        }
        Ok(())
    }

    fn path(&self, key: &KeyBytes, number: u64) -> PathBuf {
        self.0.join(format!(
            "{}-{number:016x}",
            blake3::Hash::from_bytes(*key).to_hex()
        ))
    }
}

/// Returns the key and the number in the name of a file.
pub(crate) fn parse(name: &str) -> Option<(KeyBytes, u64)> {
    let (key, number) = name.split_once('-')?;
    Some((
        *blake3::Hash::from_hex(key).ok()?.as_bytes(),
        u64::from_str_radix(number, 16).ok()?,
    ))
}

/// Creates a file that only the user of this process can read, like the database.
fn create(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
