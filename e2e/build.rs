//! Generates the suites of tests: one of the package index, and one of the folder `sheet`, packed
//! as a wheel.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use ferrodash_build::{Source, generate_into, sha256_hex};
use zip::write::SimpleFileOptions;

fn main() {
    ferrodash_build::generate("wheels.toml");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").expect("build scripts run under Cargo"));
    let wheel = out.join("test_sheet-1.0.0-py3-none-any.whl");
    pack(Path::new("sheet"), &wheel);
    let sha256 = sha256_hex(&fs::read(&wheel).expect("it was written"));
    let manifest = out.join("sheet.toml");
    let pin = format!(
        "[[wheel]]\npackage = \"test_sheet\"\nversion = \"1.0.0\"\nsha256 = \"{sha256}\"\n"
    );
    fs::write(&manifest, pin).expect("OUT_DIR can be written");
    let mut source = Source::new(out.join("kept"));
    source.directory = Some(out.clone());
    generate_into(&manifest, &source, &out).unwrap_or_else(|error| panic!("{error}"));
}

/// Packs the files of a folder's folders.
fn pack(folder: &Path, wheel: &Path) {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut zip = zip::ZipWriter::new(File::create(wheel).expect("OUT_DIR can be written"));
    let read = |path: &Path| {
        fs::read_dir(path)
            .expect("the folder is there")
            .flatten()
            .map(|entry| entry.path())
    };
    for file in read(folder).flat_map(|package| read(&package).collect::<Vec<_>>()) {
        let name = file
            .strip_prefix(folder)
            .expect("it is below")
            .to_string_lossy()
            .into_owned();
        zip.start_file(name, SimpleFileOptions::default())
            .expect("a new name");
        zip.write_all(&fs::read(&file).expect("a file of the folder"))
            .expect("OUT_DIR can be written");
    }
    zip.finish().expect("OUT_DIR can be written");
}
