//! The files of a pinned package: a wheel (zip) or a source archive (tar.gz, zip).
//!
//! An archive is read in memory. Nothing of it is run or unpacked to disk, so paths in it cannot
//! lead anywhere. Paths are those of the archive, without the directory that holds all files of a
//! source archive.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use flate2::{Crc, read::GzDecoder};
use zip::{CompressionMethod, ZipArchive};

use crate::{Error, Pin, Result};

/// The largest number of files that a message names.
const NAMED: usize = 12;

/// The size of a file's head, in bytes. The mark of a chunk is there, below a line or two about
/// licences.
const HEAD: u64 = 16 * 1024;

/// An opened wheel or source archive.
pub(crate) struct Archive {
    content: Content,
    path: PathBuf,
    /// Package and version, for messages.
    wheel: String,
    /// True for every name that does not end in `.gz`, `.tgz` or `.zip`. It decides where licences
    /// are looked for and if the first directory is removed from paths.
    is_wheel: bool,
    /// The files that were read already: several suites and checks look at the same ones.
    read: HashMap<String, Rc<[u8]>>,
}

/// The files of an archive, by its format.
enum Content {
    /// The second part is what all names begin with: the one directory of a source archive.
    Zip(ZipArchive<File>, String),
    /// The files by their paths, without the directory that holds all of them.
    Tar(BTreeMap<String, Rc<[u8]>>),
}

impl Archive {
    /// Opens an archive, whose format follows from the name of the file. `pin` is only for
    /// messages.
    ///
    /// A tar cannot be searched, so all of it is read here; a zip is read file by file.
    ///
    /// # Errors
    /// [`Error::Io`] if the file cannot be opened, [`Error::BadArchive`] if it is no archive.
    pub(crate) fn open(path: &Path, pin: &Pin) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        let extension = path
            .extension()
            .and_then(|extension| extension.to_str())
            .unwrap_or_default();
        let is_wheel = !matches!(extension, "gz" | "tgz" | "zip");
        let content = if matches!(extension, "gz" | "tgz") {
            let broken = |source| Error::BadArchive {
                path: path.to_owned(),
                source: Box::new(source),
            };
            Content::Tar(read_tar(file).map_err(broken)?)
        } else {
            let broken = |source| Error::BadArchive {
                path: path.to_owned(),
                source: Box::new(source),
            };
            let zip = ZipArchive::new(file).map_err(broken)?;
            let prefix = if is_wheel {
                String::new()
            } else {
                first_directory(&zip)
            };
            Content::Zip(zip, prefix)
        };
        let (path, wheel) = (path.to_owned(), pin.requirement());
        Ok(Self {
            content,
            path,
            wheel,
            is_wheel,
            read: HashMap::new(),
        })
    }

    /// Returns whether it is a wheel, which keeps what is about it in a `.dist-info` directory.
    pub(crate) fn is_wheel(&self) -> bool {
        self.is_wheel
    }

    /// Returns the paths of all files, in order.
    ///
    /// Names of directories are left out, and so are files of a zip that are not below the first
    /// directory of a source archive.
    pub(crate) fn files(&self) -> Vec<String> {
        let mut files: Vec<String> = match &self.content {
            Content::Zip(zip, prefix) => {
                let names = zip
                    .file_names()
                    .flatten()
                    .filter(|name| !name.ends_with('/'));
                names
                    .filter_map(|name| Some(name.strip_prefix(prefix.as_str())?.to_owned()))
                    .collect()
            }
            Content::Tar(files) => files.keys().cloned().collect(),
        };
        files.sort();
        files
    }

    /// Returns the paths of the files directly in a directory that have an ending, in order.
    ///
    /// Returns an empty list if the directory does not exist, and also if `directory` is empty: the
    /// top of the archive cannot be listed this way.
    pub(crate) fn list(&self, directory: &str, ending: &str) -> Vec<String> {
        let is_wanted = |path: &String| {
            let below = path
                .strip_prefix(directory)
                .and_then(|rest| rest.strip_prefix('/'));
            below.is_some_and(|name| !name.contains('/') && name.ends_with(ending))
        };
        self.files().into_iter().filter(is_wanted).collect()
    }

    /// Returns the text of a file. Bytes that are not UTF-8 are replaced.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub(crate) fn text(&mut self, path: &str) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(path)?).into_owned())
    }

    /// Returns the content of a file, which is read only once.
    ///
    /// # Errors
    /// [`Error::NotInWheel`] if there is no such file, [`Error::DamagedMember`] if it cannot be
    /// unpacked.
    pub(crate) fn bytes(&mut self, path: &str) -> Result<Rc<[u8]>> {
        if let Some(bytes) = self.read.get(path) {
            return Ok(bytes.clone());
        }
        let bytes = match &mut self.content {
            Content::Zip(zip, prefix) => {
                let mut bytes = Vec::new();
                let Some(index) = zip.index_for_name(&format!("{prefix}{path}")) else {
                    return Err(self.missing(path));
                };
                let read = zip.by_index(index).map_err(std::io::Error::from);
                let read = read.and_then(|mut entry| entry.read_to_end(&mut bytes));
                read.map_err(|source| self.damaged(path, source))?;
                bytes.into()
            }
            Content::Tar(files) => files.get(path).cloned().ok_or_else(|| self.missing(path))?,
        };
        self.read.insert(path.to_owned(), Rc::clone(&bytes));
        Ok(bytes)
    }

    /// Returns the first bytes of a file, as text, without unpacking the rest of it.
    ///
    /// # Errors
    /// Those of [`bytes`](Self::bytes).
    pub(crate) fn head(&mut self, path: &str) -> Result<String> {
        if let Some(bytes) = self.read.get(path) {
            return Ok(text_of_head(bytes));
        }
        let Content::Zip(zip, prefix) = &mut self.content else {
            return Ok(text_of_head(&self.bytes(path)?));
        };
        let Some(index) = zip.index_for_name(&format!("{prefix}{path}")) else {
            return Err(self.missing(path));
        };
        let mut bytes = Vec::new();
        let read = zip.by_index(index).map_err(std::io::Error::from);
        let read = read.and_then(|entry| entry.take(HEAD).read_to_end(&mut bytes));
        read.map_err(|source| self.damaged(path, source))?;
        Ok(text_of_head(&bytes))
    }

    /// Returns the file as gzip, if the archive has it in a form that needs no compression.
    ///
    /// A zip holds its files deflated, which is what gzip holds between its header and its checksum
    /// (RFC 1952). `content` is the unpacked file, for the checksum.
    ///
    /// Returns `None` for a tar, whose files have no compressed form of their own, and for a file
    /// that the zip stores uncompressed. The caller then compresses the file itself.
    ///
    /// # Errors
    /// [`Error::NotInWheel`] if there is no such file, [`Error::DamagedMember`] if its compressed
    /// bytes cannot be read.
    pub(crate) fn gzip(&mut self, path: &str, content: &[u8]) -> Result<Option<Vec<u8>>> {
        let Content::Zip(zip, prefix) = &mut self.content else {
            return Ok(None);
        };
        let Some(index) = zip.index_for_name(&format!("{prefix}{path}")) else {
            return Err(self.missing(path));
        };
        // The header: magic number, deflate, no flags, no time, unknown system.
        let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        let raw = zip
            .by_index_raw(index)
            .map_err(std::io::Error::from)
            .and_then(|mut entry| {
                let is_deflated = entry.compression() == CompressionMethod::Deflated;
                if is_deflated {
                    entry.read_to_end(&mut bytes)?;
                }
                Ok(is_deflated)
            });
        if !raw.map_err(|source| self.damaged(path, source))? {
            return Ok(None);
        }
        let mut checksum = Crc::new();
        checksum.update(content);
        bytes.extend(checksum.sum().to_le_bytes());
        bytes.extend(checksum.amount().to_le_bytes());
        Ok(Some(bytes))
    }

    /// Makes the error for a file that is not there, with those that are in its directory.
    ///
    /// The message names at most [`NAMED`] files with the same ending, as a wrong name is most
    /// often a misspelled one. If there are none, it names directories of the archive instead.
    pub(crate) fn missing(&self, path: &str) -> Error {
        let directory = path.rsplit_once('/').map_or("", |(directory, _)| directory);
        let ending = path.rsplit_once('.').map_or("", |(_, ending)| ending);
        let beside = |file: &&String| {
            let (of, name) = file.rsplit_once('/').unwrap_or(("", file));
            of == directory && name.ends_with(ending)
        };
        let files = self.files();
        let mut there: Vec<String> = files.iter().filter(beside).take(NAMED).cloned().collect();
        if there.is_empty() {
            // The directory is wrong too: name those that there are.
            there = files
                .iter()
                .filter_map(|file| Some(format!("{}/", file.rsplit_once('/')?.0)))
                .collect();
            there.dedup();
            there.truncate(NAMED);
        }
        Error::NotInWheel {
            wheel: self.wheel.clone(),
            file: path.to_owned(),
            there,
        }
    }

    /// Makes the error for a file that cannot be unpacked.
    fn damaged(&self, file: &str, source: std::io::Error) -> Error {
        Error::DamagedMember {
            path: self.path.clone(),
            file: file.to_owned(),
            source,
        }
    }
}

/// The head of a file that is in memory already.
///
/// At most [`HEAD`] bytes are decoded. A character that is cut at the end is replaced, which does
/// no harm as the text is only searched.
fn text_of_head(bytes: &[u8]) -> String {
    let end = bytes.len().min(usize::try_from(HEAD).unwrap_or(usize::MAX));
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// Returns the directory that holds all files of a source archive, with its slash.
///
/// Returns an empty text if no name has a directory. The first name decides, as the archives that
/// Python tools write have a single directory at the top.
fn first_directory(zip: &ZipArchive<File>) -> String {
    let first = zip
        .file_names()
        .flatten()
        .find_map(|name| Some(name.split_once('/')?.0.to_owned()));
    first.map_or_else(String::new, |directory| format!("{directory}/"))
}

/// Reads all plain files of a tar.gz, without its first directory. Links and devices are left out,
/// so a path in the manifest is always a plain file of the archive.
///
/// A file without a directory above it is left out, too. If a path occurs twice, the last entry
/// counts, as it does when tar unpacks.
///
/// # Errors
/// The error of the reader if the file is not gzip or not a tar, or ends too early.
fn read_tar(file: File) -> std::io::Result<BTreeMap<String, Rc<[u8]>>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(file)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if let (true, Some((_, below))) =
            (entry.header().entry_type().is_file(), path.split_once('/'))
        {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(below.to_owned(), bytes.into());
        }
    }
    Ok(files)
}
