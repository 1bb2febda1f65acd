//! The build-time half of a component suite: pinned wheels in, Rust source and compressed bundles out.
//!
//! A suite crate calls [`generate`] from its `build.rs` with a manifest that pins wheels or source archives (package,
//! version, SHA-256), says where they describe their components (`metadata.json`, or generated Python classes, which are
//! read and never run), and lists what each suite ships. Into `OUT_DIR` go one `<suite>.rs` per suite, with a typed builder per
//! component and the table of its bundles, and the bundles themselves, as they are, as gzip and as Brotli.
//!
//! Wheels are looked for, in this order, in the directory named by `FERRODASH_WHEELS`, in `wheels/` beside the
//! manifest (packed into a published crate), among those fetched before, and at last through `python3 -m pip`. What
//! was fetched or compressed once is kept in the target directory, so debug and release builds share it and a second
//! build needs no network.
//!
//! ```no_run
//! // The only line in `main` of build.rs:
//! ferrodash_build::generate("wheels.toml");
//! ```

mod archive;
mod bundle;
mod classes;
mod emit;
mod error;
mod manifest;
mod metadata;
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

/// Generates every suite of the manifest at `manifest` (relative to the crate's root) into `OUT_DIR`.
///
/// Meant to be the only call of a `build.rs`. A failure is printed with what to do about it, and ends the build.
///
/// # Panics
/// When called outside a build script, where Cargo's variables are missing.
pub fn generate(manifest: impl AsRef<Path>) {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("build scripts run under Cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("build scripts run under Cargo"));
    let path = root.join(manifest);
    announce(&format!("rerun-if-changed={}", path.display()));
    for variable in wheel::VARIABLES {
        announce(&format!("rerun-if-env-changed={variable}"));
    }
    let source = Source::from_env(&root, &cache_dir(&out));
    if let Err(error) = generate_into(&path, &source, &out) {
        fail(&error);
    }
}

/// Does the work of [`generate`] with every path given, for build scripts that need more control.
///
/// # Errors
/// Everything in [`Error`]: the manifest, a wheel that cannot be had or is not the pinned one, metadata that cannot be
/// read, a replacement that does not apply, or the file system.
pub fn generate_into(manifest: &Path, source: &Source, out: &Path) -> Result<()> {
    let text = fs::read_to_string(manifest).map_err(|error| Error::io("read", manifest, error))?;
    let manifest = Manifest::parse(&text, manifest)?;
    for pin in &manifest.wheels {
        let wheel = source.obtain(pin)?;
        let mut archive = Archive::open(&wheel, pin)?;
        for suite in &pin.suites {
            let components = components(&mut archive, suite)?;
            let bundles = bundle::prepare(&mut archive, suite, &source.cache, out)?;
            let code = emit_suite(pin, suite, &components, &bundles);
            let target = out.join(format!("{}.rs", suite.module));
            fs::write(&target, code).map_err(|error| Error::io("write", &target, error))?;
        }
    }
    Ok(())
}

/// The components of a suite, as its package describes them.
fn components(archive: &mut Archive, suite: &SuiteManifest) -> Result<Vec<ComponentMeta>> {
    if let Some(path) = &suite.metadata {
        return read_metadata(&archive.text(path)?, path);
    }
    let Some(directory) = &suite.classes else { return Ok(Vec::new()) };
    let mut components = Vec::new();
    for path in archive.list(directory, ".py") {
        components.extend(read_class(&archive.text(&path)?, &path, &suite.namespace)?);
    }
    if components.is_empty() {
        return Err(Error::Class { file: directory.clone(), detail: "no file there has a component".into() });
    }
    components.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(components)
}

/// Where fetched wheels and compressed bundles are kept: the target directory, shared by all profiles.
fn cache_dir(out: &Path) -> PathBuf {
    // Cargo marks the target directory as a cache; OUT_DIR lies several levels below it.
    let target = out.ancestors().find(|path| path.join("CACHEDIR.TAG").is_file());
    target.unwrap_or(out).join("ferrodash")
}

#[expect(clippy::print_stdout, reason = "this is how a build script speaks to Cargo")]
fn announce(instruction: &str) {
    println!("cargo::{instruction}");
}

#[expect(clippy::print_stderr, reason = "Cargo shows what a failing build script prints")]
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
