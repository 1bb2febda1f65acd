//! The manifest of a suite crate: which wheels, and what of them is shipped.

use std::path::Path;

use serde::Deserialize;

use crate::{Error, Result};

/// A manifest: the wheels of one suite crate.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// The wheels, in the order their suites are generated.
    #[serde(rename = "wheel")]
    pub wheels: Vec<Pin>,
}

/// One pinned file of the Python package index.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Name of the Python package, also the first part of its bundles' URLs.
    pub package: String,
    /// Exact version.
    pub version: String,
    /// SHA-256 of the wheel or the source archive, in lower-case hex.
    pub sha256: String,
    /// What is taken from the wheel.
    #[serde(rename = "suite", default)]
    pub suites: Vec<SuiteManifest>,
}

/// One component suite inside a wheel.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteManifest {
    /// Name of the generated Rust file.
    pub module: String,
    /// The global JavaScript object that holds the components; absent for plain scripts.
    #[serde(default)]
    pub namespace: String,
    /// Version in the URLs, where it differs from the wheel's.
    pub version: Option<String>,
    /// The directory in the wheel, or below the first one of a source archive, that the suite's URLs are relative to.
    pub root: String,
    /// Path of `metadata.json` in the wheel.
    pub metadata: Option<String>,
    /// The directory of the generated Python classes, for a wheel without `metadata.json`.
    pub classes: Option<String>,
    /// Scripts of the index page, in order, relative to `root`.
    #[serde(default)]
    pub scripts: Vec<String>,
    /// Style sheets of the index page, in order, relative to `root`.
    #[serde(default)]
    pub styles: Vec<String>,
    /// Files that scripts ask for when they need them, relative to `root`.
    #[serde(default)]
    pub on_demand: Vec<String>,
    /// Licence texts, as paths in the wheel.
    #[serde(default)]
    pub licences: Vec<String>,
    /// Changes to a script of the suite.
    #[serde(rename = "replace", default)]
    pub replacements: Vec<Replacement>,
}

/// An exact replacement in one file of a wheel; `find` must occur once.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The file, relative to the suite's root.
    pub file: String,
    /// The text to look for.
    pub find: String,
    /// What takes its place.
    pub with: String,
    /// Why, and until when.
    pub reason: String,
}

impl Manifest {
    /// Reads a manifest; `path` is only for the message of an error.
    ///
    /// # Errors
    /// [`Error::Manifest`] with line and column.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let bad = |detail: String| Error::Manifest { path: path.to_owned(), detail };
        let manifest: Self = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        let mut suites = manifest.wheels.iter().flat_map(|pin| &pin.suites);
        match suites.find(|suite| suite.metadata.is_some() && suite.classes.is_some()) {
            Some(suite) => Err(bad(format!("suite {:?} has `metadata` and `classes`; one is enough", suite.module))),
            None => Ok(manifest),
        }
    }
}

impl Pin {
    /// A pin of a file that is only fetched, such as a data set.
    pub fn new(package: &str, version: &str, sha256: &str) -> Self {
        Self { package: package.into(), version: version.into(), sha256: sha256.into(), suites: Vec::new() }
    }

    /// Package and version, as pip writes them.
    pub fn requirement(&self) -> String {
        format!("{}=={}", self.package, self.version)
    }
}
