//! The files of this folder.

use std::path::{Path, PathBuf};

/// A path below this folder.
pub fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

/// A file's text.
///
/// # Panics
/// When it cannot be read.
pub fn read(name: &str) -> String {
    std::fs::read_to_string(path(name))
        .unwrap_or_else(|error| panic!("conformance/{name}: {error}"))
}

/// Replaces a file.
///
/// # Panics
/// When it cannot be written.
pub fn write(name: &str, text: &str) {
    std::fs::write(path(name), text).unwrap_or_else(|error| panic!("conformance/{name}: {error}"));
}

/// The JSON in a file.
///
/// # Panics
/// When it cannot be read or is not what is wanted.
pub fn read_json<T: serde::de::DeserializeOwned>(name: &str) -> T {
    serde_json::from_str(&read(name)).unwrap_or_else(|error| panic!("conformance/{name}: {error}"))
}
