//! The files of a pinned package: a wheel (zip) or a source archive (tar.gz). Nothing of it is run or unpacked to disk.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use flate2::{Crc, read::GzDecoder};
use zip::{CompressionMethod, ZipArchive};

use crate::{Error, Pin, Result};

/// An opened wheel or source archive.
pub(crate) struct Archive {
    content: Content,
    wheel: String,
}

enum Content {
    Wheel(ZipArchive<File>),
    /// The files by their paths, without the directory that holds all of them.
    Source(BTreeMap<String, Vec<u8>>),
}

impl Archive {
    pub(crate) fn open(path: &Path, pin: &Pin) -> Result<Self> {
        let file = File::open(path).map_err(|error| Error::io("open", path, error))?;
        let content = if path.extension().is_some_and(|extension| extension == "gz") {
            Content::Source(read_source(file).map_err(|error| Error::io("unpack", path, error))?)
        } else {
            let zip = ZipArchive::new(file).map_err(|source| Error::BadWheel { path: path.to_owned(), source })?;
            Content::Wheel(zip)
        };
        Ok(Self { content, wheel: pin.requirement() })
    }

    /// The text of a file.
    pub(crate) fn text(&mut self, path: &str) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.bytes(path)?).into_owned())
    }

    /// The paths of the files directly in a directory that have an ending, in order.
    pub(crate) fn list(&self, directory: &str, ending: &str) -> Vec<String> {
        let names: Vec<String> = match &self.content {
            Content::Wheel(zip) => zip.file_names().flatten().map(Cow::into_owned).collect(),
            Content::Source(files) => files.keys().cloned().collect(),
        };
        let is_wanted = |path: &String| {
            let below = path.strip_prefix(directory).and_then(|rest| rest.strip_prefix('/'));
            below.is_some_and(|name| !name.contains('/') && name.ends_with(ending))
        };
        let mut found: Vec<String> = names.into_iter().filter(is_wanted).collect();
        found.sort();
        found
    }

    pub(crate) fn bytes(&mut self, path: &str) -> Result<Vec<u8>> {
        let missing = self.missing(path);
        match &mut self.content {
            Content::Wheel(zip) => {
                let mut bytes = Vec::new();
                let mut entry = zip.by_name(path).map_err(|_| missing)?;
                entry.read_to_end(&mut bytes).map_err(|error| Error::io("unpack", Path::new(path), error))?;
                Ok(bytes)
            }
            Content::Source(files) => files.get(path).cloned().ok_or(missing),
        }
    }

    /// The file as gzip, where the archive has it in a form that needs no compression: a wheel holds its files
    /// deflated, which is what gzip holds between its header and its checksum (RFC 1952).
    pub(crate) fn gzip(&mut self, path: &str, content: &[u8]) -> Result<Option<Vec<u8>>> {
        let missing = self.missing(path);
        let Content::Wheel(zip) = &mut self.content else { return Ok(None) };
        let Some(index) = zip.index_for_name(path) else { return Err(missing) };
        let mut entry = zip.by_index_raw(index).map_err(|_| missing)?;
        if entry.compression() != CompressionMethod::Deflated {
            return Ok(None);
        }
        let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
        entry.read_to_end(&mut bytes).map_err(|error| Error::io("unpack", Path::new(path), error))?;
        let mut checksum = Crc::new();
        checksum.update(content);
        bytes.extend(checksum.sum().to_le_bytes());
        bytes.extend(checksum.amount().to_le_bytes());
        Ok(Some(bytes))
    }

    fn missing(&self, path: &str) -> Error {
        Error::NotInWheel { wheel: self.wheel.clone(), file: path.to_owned() }
    }
}

/// Links and devices are left out, so a path in the manifest is always a plain file of the archive.
fn read_source(file: File) -> std::io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(GzDecoder::new(file)).entries()? {
        let mut entry = entry?;
        let path = entry.path()?.to_string_lossy().into_owned();
        if let (true, Some((_, below))) = (entry.header().entry_type().is_file(), path.split_once('/')) {
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes)?;
            files.insert(below.to_owned(), bytes);
        }
    }
    Ok(files)
}
