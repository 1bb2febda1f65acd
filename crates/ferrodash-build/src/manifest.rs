//! The manifest of a suite crate or an app: which packages, and what of them is shipped.
//!
//! It is TOML. Unknown fields are errors, so that a misspelled one does not go unnoticed. Rules
//! that need the package are in `package.rs`.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use serde::Deserialize;

use crate::{Error, Result};

/// A manifest: the packages of one crate.
///
/// ```
/// use std::path::Path;
///
/// let text = format!(
///     "[[wheel]]\npackage = \"dash-daq\"\nversion = \"0.6.0\"\nsha256 = \"{}\"",
///     "0".repeat(64)
/// );
/// let manifest = ferrodash_build::Manifest::parse(&text, Path::new("wheels.toml"))?;
/// assert_eq!(manifest.wheels[0].requirement(), "dash-daq==0.6.0");
/// # Ok::<(), ferrodash_build::Error>(())
/// ```
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Manifest {
    /// The packages, in the order their suites are generated.
    #[serde(rename = "wheel")]
    pub wheels: Vec<Pin>,
}

/// One pinned file of the Python package index. Any file with the digest is accepted, wherever it
/// comes from.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pin {
    /// Name of the Python package.
    pub package: String,
    /// Exact version.
    pub version: String,
    /// SHA-256 of the wheel or the source archive, in hex.
    pub sha256: String,
    /// The suites that are taken from the package. A manifest without any means one suite, as the
    /// package has it.
    #[serde(rename = "suite", default)]
    pub suites: Vec<SuiteManifest>,
}

/// One component suite inside a package.
///
/// A field that is left out follows from the package, as its documentation says; an empty text or
/// list means none. For plain scripts, which have no namespace, all lists but that of licences are
/// empty by default.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuiteManifest {
    /// Name of the generated Rust file. By default it is that of the package, with underscores.
    pub module: Option<String>,
    /// The global JavaScript object that holds the components; empty for plain scripts. By default
    /// it is the one that the package's classes name, else the name in its `package-info.json`,
    /// else that of the package.
    pub namespace: Option<String>,
    /// Version in the URLs. By default it is that of the package.
    pub version: Option<String>,
    /// The directory in the wheel, or below the first one of a source archive, that the suite's
    /// URLs are relative to. By default it is the one with the package's name, else the only Python
    /// package.
    pub root: Option<String>,
    /// Path of `metadata.json` in the wheel. By default it is the nearest one below `root`.
    pub metadata: Option<String>,
    /// The directory of the generated Python classes, for a package without `metadata.json`. By
    /// default it is the one with most classes. It cannot be given beside `metadata`.
    pub classes: Option<String>,
    /// Scripts of the index page, in order, relative to `root`. By default it is the main script:
    /// the one with the name of the namespace or of the package, else `bundle.js`, else the only
    /// one that defines the namespace.
    pub scripts: Option<Vec<String>>,
    /// Style sheets of the index page, in order, relative to `root`. By default they are those that
    /// the package's Python code names.
    pub styles: Option<Vec<String>>,
    /// Files that scripts ask for when they need them, relative to `root`. By default they are the
    /// chunks of webpack, and the files whose names are in a script or a style sheet.
    pub on_demand: Option<Vec<String>>,
    /// Cargo features of the crate, by the files of `on_demand` that are in the program only with
    /// them. By default every file is in it. The compiler warns of a feature that the crate does
    /// not have (`unexpected_cfgs`).
    #[serde(default)]
    pub features: BTreeMap<String, String>,
    /// Licence texts, as paths in the wheel. By default they are those of the package, and those
    /// beside scripts.
    pub licences: Option<Vec<String>>,
    /// Changes to a script of the suite. By default there are none.
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
    /// The new text.
    pub with: String,
    /// The reason, and until when it is needed. It is for readers only.
    pub reason: String,
}

impl Manifest {
    /// Parses a manifest and checks what can be checked without the packages. `path` is only for
    /// the message of an error.
    ///
    /// Digests are turned into lower case, and a package without suites gets one.
    ///
    /// # Errors
    /// [`Error::Manifest`] with line and column, or with the package that the mistake is about: a
    /// field that is not known, a digest that is not a SHA-256, a module that is not a name or is
    /// there twice.
    pub fn parse(text: &str, path: &Path) -> Result<Self> {
        let bad = |detail: String| Error::Manifest {
            path: path.to_owned(),
            detail,
        };
        let mut manifest: Self = toml::from_str(text).map_err(|error| bad(error.to_string()))?;
        let mut modules = HashSet::new();
        for pin in &mut manifest.wheels {
            pin.suites
                .iter()
                .try_for_each(SuiteManifest::check)
                .map_err(bad)?;
            pin.normalize().map_err(bad)?;
            for suite in &pin.suites {
                let module = suite.module.clone().unwrap_or_else(|| pin.module());
                if !modules.insert(module.clone()) {
                    return Err(bad(format!(
                        "two suites have the module {module:?}; give one another `module`"
                    )));
                }
            }
        }
        Ok(manifest)
    }
}

impl Pin {
    /// Creates a pin of a file that is only fetched, such as a data set.
    pub fn new(package: &str, version: &str, sha256: &str) -> Self {
        let sha256 = sha256.to_ascii_lowercase();
        Self {
            package: package.into(),
            version: version.into(),
            sha256,
            suites: Vec::new(),
        }
    }

    /// Returns package and version, as pip writes them.
    pub fn requirement(&self) -> String {
        format!("{}=={}", self.package, self.version)
    }

    /// Returns the package's name as it is imported, which is also the name of the Rust module.
    ///
    /// It is the default of [`SuiteManifest::module`], so two packages whose names differ only in
    /// `-`, `_`, `.` or case need a module each.
    pub(crate) fn module(&self) -> String {
        normal(&self.package)
    }

    /// Brings the digest to lower case, as it is compared, and gives a package without suites one.
    ///
    /// # Errors
    /// The message of a digest that does not have 64 hexadecimal digits, with the ways to find the
    /// right one.
    fn normalize(&mut self) -> std::result::Result<(), String> {
        self.sha256.make_ascii_lowercase();
        if self.sha256.len() != 64 || !self.sha256.chars().all(|c| c.is_ascii_hexdigit()) {
            let (package, found) = (&self.package, &self.sha256);
            return Err(format!(
                "the sha256 of {package:?} is {found:?}, which is not a SHA-256 in hex \
                 (64 digits from 0 to f); `sha256sum` of the file prints it, and so does \
                 the page of the release under \"View hashes\""
            ));
        }
        if self.suites.is_empty() {
            self.suites.push(SuiteManifest::default());
        }
        Ok(())
    }
}

impl SuiteManifest {
    /// Checks what does not depend on the package: one kind of description, and a module that can
    /// be a Rust name.
    ///
    /// # Errors
    /// The message of the first mistake, with the module's name. [`Manifest::parse`] adds the path
    /// of the manifest.
    fn check(&self) -> std::result::Result<(), String> {
        let module = self.module.as_deref().unwrap_or("the suite");
        if self.metadata.is_some() && self.classes.is_some() {
            return Err(format!(
                "suite {module:?} has `metadata` and `classes`; one is enough"
            ));
        }
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match &self.module {
            Some(name)
                if name.is_empty()
                    || !name.chars().all(is_name)
                    || name.starts_with(|c: char| c.is_ascii_digit()) =>
            {
                Err(format!(
                    "the module {name:?} is not a name for a Rust module; use letters, \
                     digits and underscores"
                ))
            }
            _ => Ok(()),
        }
    }
}

/// Returns a package's name in the normal form of wheel names (PEP 427: runs of `-`, `_` and `.`
/// become `_`).
pub(crate) fn normal(name: &str) -> String {
    let mut normal = String::new();
    for c in name.to_lowercase().chars() {
        let c = if matches!(c, '-' | '.') { '_' } else { c };
        if c != '_' || !normal.ends_with('_') {
            normal.push(c);
        }
    }
    normal
}
