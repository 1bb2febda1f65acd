//! Obtains a pinned file: from a named directory, from the crate, from an earlier build, or through
//! pip.
//!
//! A file is used only if its digest is the pinned one, so it does not matter where it comes from.
//! The content of a file is read in `archive.rs`.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs, io};

use sha2::{Digest, Sha256};

use crate::manifest::normal;
use crate::{Error, Pin, Result};

/// The environment variables that change where wheels come from.
pub(crate) const VARIABLES: [&str; 2] = ["FERRODASH_WHEELS", "FERRODASH_PYTHON"];

/// The largest number of versions that a message names.
const VERSIONS: usize = 12;

/// A script that runs pip and keeps it from running what it fetches.
const PIP: &str = include_str!("pip.py");

/// The places that pinned files may come from, in the order in which they are tried.
#[derive(Debug, Clone)]
pub struct Source {
    /// A directory that must contain the files; if it is given, no other place is tried. By default
    /// there is none.
    pub directory: Option<PathBuf>,
    /// A directory that may contain them, packed into a published crate. A file there with another
    /// digest is an error. By default there is none.
    pub packed: Option<PathBuf>,
    /// The directory in which fetched files are kept. It is created when it is needed. A file there
    /// with another digest is fetched again.
    pub cache: PathBuf,
    /// The Python interpreter whose pip fetches; by default `python3`.
    pub python: String,
    /// Further variables for pip, for example its index; by default there are none.
    pub pip_env: Vec<(String, String)>,
}

impl Source {
    /// Creates a source that keeps what it fetches in `cache` and otherwise uses the `python3` of
    /// the path.
    pub fn new(cache: impl Into<PathBuf>) -> Self {
        Self {
            directory: None,
            packed: None,
            cache: cache.into(),
            python: "python3".into(),
            pip_env: Vec::new(),
        }
    }

    /// Creates the source that a build script uses: `FERRODASH_WHEELS`, `wheels/` below `root`,
    /// `cache`, pip of `FERRODASH_PYTHON` or `python3`.
    pub fn from_env(root: &Path, cache: &Path) -> Self {
        Self {
            directory: env::var_os("FERRODASH_WHEELS").map(PathBuf::from),
            packed: Some(root.join("wheels")),
            python: env::var("FERRODASH_PYTHON").unwrap_or_else(|_| "python3".into()),
            ..Self::new(cache)
        }
    }

    /// Returns the path of the pinned file, fetched if it must be, with its checksum verified.
    ///
    /// It blocks while pip runs. Several processes can share one cache.
    ///
    /// # Errors
    /// [`Error::NotInDirectory`], [`Error::WrongChecksum`], or the reason why pip did not fetch it.
    pub fn obtain(&self, pin: &Pin) -> Result<PathBuf> {
        if let Some(directory) = &self.directory {
            return find(directory, pin).unwrap_or_else(|| {
                Err(Error::NotInDirectory {
                    directory: directory.clone(),
                    wheel: pin.requirement(),
                    prefix: prefix(pin),
                })
            });
        }
        if let Some(packed) = self.packed.as_deref().and_then(|packed| find(packed, pin)) {
            return packed;
        }
        // What was fetched before and has another digest is damaged, or of a pin that was
        // corrected: fetch it again.
        find(&self.cache, pin)
            .and_then(Result::ok)
            .map_or_else(|| self.fetch(pin), Ok)
    }

    /// Fetches with pip into a directory of its own and moves the verified file to its place in one
    /// step, so that two builds at a time, or one that is interrupted, never leave half a file.
    ///
    /// pip itself checks the digest (`--require-hashes`), and the file is compared again here, as
    /// it is for every other place.
    ///
    /// # Errors
    /// The reason, as far as pip's output tells it.
    fn fetch(&self, pin: &Pin) -> Result<PathBuf> {
        fs::create_dir_all(&self.cache).map_err(|error| Error::io("create", &self.cache, error))?;
        let staging = tempfile::tempdir_in(&self.cache)
            .map_err(|error| Error::io("create", &self.cache, error))?;
        let requirements = staging.path().join("requirements.txt");
        let line = format!(
            "{} --hash=sha256:{}\n",
            pin.requirement(),
            pin.sha256.to_ascii_lowercase()
        );
        fs::write(&requirements, line).map_err(|error| Error::io("write", &requirements, error))?;
        let output = Command::new(&self.python)
            .args([
                "-c",
                PIP,
                &pin.requirement(),
                "download",
                "--no-deps",
                "--require-hashes",
                "--quiet",
            ])
            // Without isolation pip prepares nothing of its own before it asks a source archive for
            // its name.
            .args(["--no-build-isolation", "--retries", "2"])
            .arg("--dest")
            .arg(staging.path())
            .arg("--requirement")
            .arg(&requirements)
            .envs(self.pip_env.iter().map(|(name, value)| (name, value)))
            .env("PIP_DISABLE_PIP_VERSION_CHECK", "1")
            .env("PIP_USE_PEP517", "1")
            .output();
        let output = match output {
            Ok(output) => output,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::NoPython {
                    python: self.python.clone(),
                    wheel: pin.requirement(),
                });
            }
            Err(error) => return Err(Error::io("run", Path::new(&self.python), error)),
        };
        if !output.status.success() {
            return Err(self.explain(pin, &output));
        }
        let nothing = || Error::Pip {
            wheel: pin.requirement(),
            detail: "it succeeded but left no file".into(),
        };
        let fetched = find(staging.path(), pin).ok_or_else(nothing)??;
        let target = self
            .cache
            .join(fetched.file_name().unwrap_or(OsStr::new(&pin.package)));
        fs::rename(&fetched, &target).map_err(|error| Error::io("keep", &target, error))?;
        Ok(target)
    }

    /// Tells the ways apart in which pip fails, by what it prints: it has one exit code for all of
    /// them. What is not recognized is returned with pip's last line.
    ///
    /// The tests go from the most specific sign to the least specific. The first line that begins
    /// with `Got` has the digest of the fetched file, and the list `from versions:` shows that the
    /// package exists without the pinned version.
    fn explain(&self, pin: &Pin, output: &Output) -> Error {
        let text = String::from_utf8_lossy(&output.stderr);
        let wheel = pin.requirement();
        if text.contains("No module named pip") || text.contains("No module named 'pip'") {
            return Error::NoPip {
                python: self.python.clone(),
                wheel,
            };
        }
        if let Some(found) = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("Got"))
        {
            return Error::WrongChecksum {
                path: "the file that pip fetched".into(),
                wheel,
                expected: pin.sha256.clone(),
                found: found.trim().to_owned(),
            };
        }
        if let Some(versions) = versions_in(&text, pin) {
            return Error::NoVersion { wheel, versions };
        }
        let detail = text
            .lines()
            .rfind(|line| !line.trim().is_empty())
            .unwrap_or("it gave no reason");
        let detail = detail.trim().trim_start_matches("ERROR: ").to_owned();
        let unreachable = [
            "connection",
            "Connection",
            "timed out",
            "resolve",
            "SSL",
            "Retrying",
        ];
        if unreachable.iter().any(|sign| text.contains(sign)) {
            return Error::NoNetwork { wheel, detail };
        }
        if text.contains("No matching distribution") {
            return Error::NoPackage { wheel, detail };
        }
        Error::Pip { wheel, detail }
    }
}

/// Returns the versions that pip names because the wanted one is not among them, the newest first.
///
/// Returns `None` if pip names no version, or if the pinned one is among them. At most [`VERSIONS`]
/// are named, and the older ones are counted.
fn versions_in(text: &str, pin: &Pin) -> Option<String> {
    let list = text.split("(from versions: ").nth(1)?.split(')').next()?;
    let versions: Vec<&str> = list
        .split(", ")
        .filter(|version| *version != "none")
        .collect();
    // A version that is there but has no file for this Python is another mistake.
    if versions.is_empty() || versions.contains(&pin.version.as_str()) {
        return None;
    }
    let newest: Vec<&str> = versions.iter().rev().take(VERSIONS).copied().collect();
    let older = versions.len() - newest.len();
    Some(match older {
        0 => newest.join(", "),
        _ => format!("{} and {older} older ones", newest.join(", ")),
    })
}

/// Returns the SHA-256 of `bytes`, in lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Returns the beginning of the file's name, in the normal form of wheel names.
fn prefix(pin: &Pin) -> String {
    format!("{}-{}", normal(&pin.package), pin.version)
}

/// Returns the files of the pinned package and version; there can be several, such as a wheel and a
/// source archive.
///
/// Names of packages are compared in their normal form, as older source archives keep the hyphens
/// of the package's name.
///
/// Returns an empty list for a directory that cannot be read, so that a missing cache is the same
/// as an empty one. The order is that of the paths, so the outcome does not depend on the file
/// system.
fn candidates(directory: &Path, pin: &Pin) -> Vec<PathBuf> {
    let wanted = ["-", ".tar.gz", ".tgz", ".zip"].map(|rest| format!("{}{rest}", prefix(pin)));
    let matches = |path: &PathBuf| {
        let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
        let Some((package, rest)) = name.split_once(&format!("-{}", pin.version)) else {
            return false;
        };
        let name = format!("{}-{}{rest}", normal(package), pin.version);
        wanted.iter().any(|start| name.starts_with(start))
    };
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(matches).collect();
    found.sort();
    found
}

/// Returns the pinned file in a directory; `None` if nothing there has its name. If all that do
/// have another digest, the last one is the error.
fn find(directory: &Path, pin: &Pin) -> Option<Result<PathBuf>> {
    let mut last = None;
    for path in candidates(directory, pin) {
        match verify(path, pin) {
            Ok(path) => return Some(Ok(path)),
            Err(error) => last = Some(Err(error)),
        }
    }
    last
}

/// Compares the digest of a file with the pinned one.
///
/// Returns the path again if they are equal; upper and lower case do not matter.
///
/// # Errors
/// [`Error::Io`] if the file cannot be read, [`Error::WrongChecksum`] with both digests.
fn verify(path: PathBuf, pin: &Pin) -> Result<PathBuf> {
    let bytes = fs::read(&path).map_err(|error| Error::io("read", &path, error))?;
    let found = sha256_hex(&bytes);
    if found.eq_ignore_ascii_case(&pin.sha256) {
        return Ok(path);
    }
    Err(Error::WrongChecksum {
        path: path.display().to_string(),
        wheel: pin.requirement(),
        expected: pin.sha256.clone(),
        found,
    })
}
