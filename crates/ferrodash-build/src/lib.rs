//! The build-time half of a component suite: pinned wheels in, Rust source and compressed bundles
//! out.
//!
//! An app or a suite crate calls [`generate`] from its `build.rs` with a manifest that pins wheels
//! or source archives (package, version, SHA-256). Where they describe their components
//! (`metadata.json`, or generated Python classes, which are read and never run) and what each suite
//! ships follows from the package, or is in the manifest. The results are in `OUT_DIR`: one
//! `<suite>.rs` per suite, with a typed builder per component and the table of its bundles, and the
//! bundles themselves, as they are, as gzip and as Brotli.
//!
//! ```no_run
//! // The only line in `main` of build.rs:
//! ferrodash_build::generate("wheels.toml");
//! ```
//!
//! # The manifest
//!
//! A wheel is named with its digest. Most packages need nothing else; [`SuiteManifest`] has what
//! can be said about a suite, and the defaults.
//!
//! ```toml
//! [[wheel]]
//! package = "dash-daq"
//! version = "0.6.0"
//! sha256 = "…"
//!
//! [[wheel.suite]]
//! module = "daq"
//! scripts = ["dash_daq.min.js"]
//! ```
//!
//! # Where wheels come from
//!
//! They are looked for in this order:
//!
//! 1. in the directory that `FERRODASH_WHEELS` names; if it is set, no other place is tried;
//! 2. in `wheels/` beside the manifest, where a published crate has them;
//! 3. among those that were fetched before;
//! 4. through `python3 -m pip`, or the interpreter that `FERRODASH_PYTHON` names.
//!
//! Files that were fetched or compressed once are kept in the target directory, so debug and
//! release builds share them and a second build needs no network.
//!
//! # The way of a suite
//!
//! `manifest` → `wheel` → `archive` → `package` (what belongs to the suite) → `metadata` or
//! `classes` (its components) → `check` → `bundle` and `emit`.

mod archive;
mod bundle;
mod check;
mod classes;
mod describe;
mod docstring;
mod emit;
mod error;
mod flow;
mod manifest;
mod metadata;
mod nodes;
mod package;
mod python;
mod wheel;

use std::path::{Path, PathBuf};
use std::{env, fs};

pub use classes::read_class;
pub use error::{Error, Result};
pub use manifest::{Manifest, Pin, Replacement, SuiteManifest};
pub use metadata::{ComponentMeta, PropMeta, PropType, read_metadata};
pub use wheel::{Source, sha256_hex};

use archive::Archive;
use emit::emit_suite;
use package::Suite;

/// Generates every suite of the manifest at `manifest` (relative to the crate's root) into
/// `OUT_DIR`.
///
/// It is meant to be the only call of a `build.rs`. A failure is printed with what to do about it,
/// and ends the build with the exit code 1; what may be a mistake is a warning of Cargo. Cargo runs
/// the build script again if the manifest or the variables `FERRODASH_WHEELS` and
/// `FERRODASH_PYTHON` change.
///
/// # Panics
/// Panics outside of a build script, where Cargo's variables are missing.
pub fn generate(manifest: impl AsRef<Path>) {
    generate_with(manifest, |_, _| Ok(None));
}

/// Does the same as [`generate`], and lets `change` rewrite files on their way.
///
/// `change` gets the path of each file, as in the manifest, and its content. It returns the new
/// content, or `None` if the file stays as it is. An error is the reason why the build stops.
///
/// # Panics
/// When called outside a build script, where Cargo's variables are missing.
pub fn generate_with(
    manifest: impl AsRef<Path>,
    change: impl Fn(&str, &[u8]) -> std::result::Result<Option<Vec<u8>>, String>,
) {
    let root =
        PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("build scripts run under Cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("build scripts run under Cargo"));
    let path = root.join(manifest);
    announce(&format!("rerun-if-changed={}", path.display()));
    for variable in wheel::VARIABLES {
        announce(&format!("rerun-if-env-changed={variable}"));
    }
    let source = Source::from_env(&root, &cache_dir(&out));
    match generate_all(&path, &source, &out, &change) {
        Ok(warnings) => warnings
            .iter()
            .for_each(|warning| announce(&format!("warning={warning}"))),
        Err(error) => fail(&error),
    }
}

/// Does the work of [`generate`] with every path given, for build scripts that need more control.
///
/// Returns warnings: what may be a mistake in the manifest. Existing files in `out` are
/// overwritten. Two builds can run at the same time, also with one cache.
///
/// # Errors
/// Everything in [`Error`]: the manifest, a wheel that cannot be fetched or is not the pinned one,
/// metadata that cannot be read, a suite that would leave the page blank, a replacement that does
/// not apply, or the file system.
pub fn generate_into(manifest: &Path, source: &Source, out: &Path) -> Result<Vec<String>> {
    generate_all(manifest, source, out, &|_, _| Ok(None))
}

/// Rewrites a file by its path and content; see [`generate_with`].
type Change<'a> = &'a dyn Fn(&str, &[u8]) -> std::result::Result<Option<Vec<u8>>, String>;

/// Does the work of [`generate`], [`generate_with`] and [`generate_into`], one package after the
/// other, and stops at the first error. Files that were written before stay in `out`; the next
/// build overwrites them.
///
/// Returns the warnings of all suites, and one for each package that ships no licence text.
fn generate_all(
    manifest: &Path,
    source: &Source,
    out: &Path,
    change: Change<'_>,
) -> Result<Vec<String>> {
    let text = fs::read_to_string(manifest).map_err(|error| Error::io("read", manifest, error))?;
    let path = manifest;
    let manifest = Manifest::parse(&text, path)?;
    let mut warnings = Vec::new();
    for pin in &manifest.wheels {
        let wheel = source.obtain(pin)?;
        let mut archive = Archive::open(&wheel, pin)?;
        let mut has_licence = false;
        for suite in &pin.suites {
            let suite = Suite::resolve(&mut archive, pin, suite)?;
            let components = suite.components(&mut archive)?;
            check::check(&mut archive, &suite, &components, path, &mut warnings)?;
            has_licence |= !suite.licences.is_empty();
            let bundles = bundle::prepare(&mut archive, &suite, change, &source.cache, out)?;
            let code = emit_suite(&suite, &components, &bundles);
            let target = out.join(format!("{}.rs", suite.module));
            fs::write(&target, code).map_err(|error| Error::io("write", &target, error))?;
        }
        if !has_licence {
            warnings.push(format!(
                "{}: {}: no licence text is served with it, and most licences ask for \
                 that; name one in `licences`, if the package has any",
                path.display(),
                pin.requirement()
            ));
        }
    }
    Ok(warnings)
}

/// Returns the directory for fetched wheels and compressed bundles: the target directory, shared by
/// all profiles.
///
/// Without a marked target directory, the cache is below `OUT_DIR`, so each profile has its own.
fn cache_dir(out: &Path) -> PathBuf {
    // Cargo marks the target directory as a cache; OUT_DIR lies several levels below it.
    let target = out
        .ancestors()
        .find(|path| path.join("CACHEDIR.TAG").is_file());
    target.unwrap_or(out).join("ferrodash")
}

/// Sends an instruction to Cargo.
///
/// Cargo reads the instruction from the standard output; it must be a single line.
#[expect(
    clippy::print_stdout,
    reason = "this is how a build script speaks to Cargo"
)]
fn announce(instruction: &str) {
    println!("cargo::{instruction}");
}

/// Prints an error with its causes, and ends the process.
///
/// Each cause is on a line of its own.
#[expect(
    clippy::print_stderr,
    reason = "Cargo shows what a failing build script prints"
)]
fn fail(error: &Error) -> ! {
    let mut text = format!("error: {error}");
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!("\n  because: {inner}"));
        cause = inner.source();
    }
    eprintln!("{text}");
    std::process::exit(1);
}
