//! Joins the modules in `browser/` into the script that pages get.

#[path = "src/join.rs"]
mod join;

use std::path::{Path, PathBuf};
use std::{env, fs};

/// The modules in the order in which they run. A module comes after those that it imports.
const MODULES: [&str; 19] = [
    "settings.js",
    "events.js",
    "notices.js",
    "charts.js",
    "renderer.js",
    "apply.js",
    "gates.js",
    "versions.js",
    "call.js",
    "compose.js",
    "intervals.js",
    "overlap.js",
    "login.js",
    "retry.js",
    "batch.js",
    "address.js",
    "answers.js",
    "cache.js",
    "main.js",
];

/// Reads the modules, joins them, and writes the script where `src/lib.rs` includes it.
fn main() {
    let folder = Path::new("browser");
    depend_on(Path::new("build.rs"));
    depend_on(Path::new("src/join.rs"));
    let modules: Vec<_> = MODULES
        .iter()
        .map(|name| {
            let path = folder.join(name);
            depend_on(&path);
            let text = fs::read_to_string(&path)
                .unwrap_or_else(|error| panic!("cannot read {}: {error}", path.display()));
            (*name, text)
        })
        .collect();
    let out = env::var_os("OUT_DIR").expect("Cargo sets OUT_DIR");
    fs::write(
        PathBuf::from(out).join("ferrodash.js"),
        join::join(&modules),
    )
    .expect("OUT_DIR can be written to");
}

/// Makes Cargo run this script again when the file changes.
fn depend_on(path: &Path) {
    println!("cargo::rerun-if-changed={}", path.display());
}
