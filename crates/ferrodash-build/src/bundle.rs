//! Takes the files that a suite ships from an archive, and compresses them once.
//!
//! Brotli takes seconds, so its results are kept by the digest of the content and are used by all
//! later builds. What is shipped was decided in `package.rs`.

use std::fs;
use std::io::Write;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};

use crate::archive::Archive;
use crate::package::{Suite, join};
use crate::{Change, Error, Result, sha256_hex};

/// The level of Brotli. On plotly.js (4.8 MB) level 9 takes 3 s for 1.22 MB, level 11 takes 34 s
/// for 1.11 MB.
const BROTLI_QUALITY: i32 = 9;

/// A bundle as the generated table describes it. Its two forms are in `OUT_DIR` under `file` with
/// `.gz` and `.br`.
#[derive(Debug, Clone)]
pub(crate) struct Bundle {
    /// Path in the URL, relative to the package.
    pub(crate) path: String,
    /// Name in `OUT_DIR`, without the ending.
    pub(crate) file: String,
    /// Digest of the content, for fingerprints and validators.
    pub(crate) sha256: String,
    /// The feature of the crate without which it is not in the program.
    pub(crate) feature: Option<String>,
}

/// Writes every file of the suite to `out` in its two forms. Brotli forms are kept in `cache` by
/// the digest of the content.
///
/// Each file goes through `change` first and through the manifest's replacements then. The digest
/// is that of the result, so a changed file gets another URL.
///
/// # Errors
/// [`Error::NotInWheel`] or [`Error::DamagedMember`] for a listed file, [`Error::Change`] with the
/// reason of `change`, [`Error::Replacement`], and [`Error::Io`] for `cache` and `out`.
pub(crate) fn prepare(
    archive: &mut Archive,
    suite: &Suite,
    change: Change<'_>,
    cache: &Path,
    out: &Path,
) -> Result<Vec<Bundle>> {
    let shipped = suite
        .scripts
        .iter()
        .chain(&suite.styles)
        .chain(&suite.on_demand);
    let shipped = shipped.map(|path| (path.clone(), join(&suite.root, path)));
    // A licence beside the files of the suite keeps its path; one from elsewhere has only its name.
    let licences = suite.licences.iter().map(|path| {
        let beside = path
            .strip_prefix(&suite.root)
            .and_then(|rest| rest.strip_prefix('/'));
        let name = beside.or(path.rsplit('/').next()).unwrap_or(path);
        (name.to_owned(), path.clone())
    });
    let mut bundles: Vec<Bundle> = Vec::new();
    let mut pending = Vec::new();
    for (path, source) in shipped.chain(licences) {
        let original = archive.bytes(&source)?;
        let changed = change(&path, &original).map_err(|reason| Error::Change {
            file: path.clone(),
            reason,
        })?;
        let content = replace(suite, &path, changed.as_deref().unwrap_or(&original))?;
        // A file that was not changed may be in the archive in compressed form already.
        let ready = if *content == *original {
            archive.gzip(&source, &content)?
        } else {
            None
        };
        let gzip = ready.unwrap_or_else(|| gzip(&content));
        let sha256 = sha256_hex(&content);
        let file = format!("{}-{}", suite.module, path.replace('/', "-"));
        write(&out.join(format!("{file}.gz")), &gzip)?;
        pending.push((
            content,
            cache.join(format!("{sha256}.br{BROTLI_QUALITY}")),
            out.join(format!("{file}.br")),
        ));
        let feature = suite.features.get(&path).cloned();
        bundles.push(Bundle {
            path,
            file,
            sha256,
            feature,
        });
    }
    compress(pending)?;
    Ok(bundles)
}

/// Applies the manifest's replacements to a file.
///
/// Later replacements see the result of earlier ones. A file without replacements is copied byte
/// for byte; one with replacements must be text, as bytes that are not UTF-8 are replaced.
///
/// # Errors
/// [`Error::Replacement`] if a text is not there exactly once, as in another version of the
/// package.
fn replace(suite: &Suite, path: &str, content: &[u8]) -> Result<Vec<u8>> {
    let replacements: Vec<_> = suite
        .replacements
        .iter()
        .filter(|replacement| replacement.file == path)
        .collect();
    if replacements.is_empty() {
        return Ok(content.to_owned());
    }
    let mut text = String::from_utf8_lossy(content).into_owned();
    for replacement in replacements {
        let count = text.matches(&replacement.find).count();
        if count != 1 {
            return Err(Error::Replacement {
                file: path.to_owned(),
                find: replacement.find.clone(),
                count,
            });
        }
        text = text.replace(&replacement.find, &replacement.with);
    }
    Ok(text.into_bytes())
}

/// Compresses on two threads, the largest file on one and all others on the other: plotly.js is
/// half of everything.
///
/// Both threads finish their work or fail on their own; if both fail, the error of the largest file
/// is returned.
fn compress(mut pending: Vec<(Vec<u8>, std::path::PathBuf, std::path::PathBuf)>) -> Result<()> {
    pending.sort_by_key(|(content, ..)| std::cmp::Reverse(content.len()));
    let rest = pending.split_off(pending.len().min(1));
    std::thread::scope(|scope| {
        let first = scope.spawn(|| pending.iter().try_for_each(compress_one));
        let others = rest.iter().try_for_each(compress_one);
        first
            .join()
            .expect("compression does not panic")
            .and(others)
    })
}

/// Writes the Brotli form of a file, from an earlier build if there is one.
///
/// # Errors
/// [`Error::Io`], also for the directory of kept files.
fn compress_one(
    (content, kept, target): &(Vec<u8>, std::path::PathBuf, std::path::PathBuf),
) -> Result<()> {
    if let Ok(bytes) = fs::read(kept) {
        return write(target, &bytes);
    }
    let bytes = brotli(content);
    if let Some(parent) = kept.parent() {
        fs::create_dir_all(parent).map_err(|error| Error::io("create", parent, error))?;
    }
    // Written to a file of its own and renamed, so that another build never reads half a file.
    let staging = kept.with_extension(format!("{}.tmp", std::process::id()));
    write(&staging, &bytes)?;
    fs::rename(&staging, kept).map_err(|error| Error::io("keep", kept, error))?;
    write(target, &bytes)
}

/// Compresses with Brotli at [`BROTLI_QUALITY`].
fn brotli(content: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: BROTLI_QUALITY,
        size_hint: content.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*content, &mut bytes, &params)
        .expect("writing to memory does not fail");
    bytes
}

/// Compresses with gzip at its best level.
fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder
        .write_all(content)
        .and_then(|()| encoder.finish())
        .expect("writing to memory does not fail")
}

/// Writes a file, replacing an existing one.
///
/// # Errors
/// [`Error::Io`] with the path.
fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    fs::write(path, bytes).map_err(|error| Error::io("write", path, error))
}
