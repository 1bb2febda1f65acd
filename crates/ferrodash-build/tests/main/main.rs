//! The generator on small metadata, and every way in which a wheel cannot be had.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

mod classes;
mod generate;
mod mistakes;
mod nested;
mod older;
mod package;
mod sdists;
mod wheels;

use std::fs::{self, File};
use std::io::Write;
use std::path::PathBuf;

use ferrodash_build::{Error, Source, generate_into, sha256_hex};
use tempfile::TempDir;
use zip::write::SimpleFileOptions;

/// A class as today's generator writes it.
const CLASS: &str = "class Dial(Component):
    \"\"\"A Dial component.
Keyword arguments:

- id (string; optional)\"\"\"
    _children_props = []
    _namespace = 'test_dials'
    _type = 'Dial'
    def __init__(self, id: typing.Optional[str] = None, **kwargs):
        self._prop_names = ['id']
";

/// A package in a folder of its own, pinned by a manifest.
struct Project {
    folder: TempDir,
    source: Source,
    manifest: PathBuf,
    sha256: String,
}

impl Project {
    /// A wheel of `test_dials` 1.0.0 with these files, and the manifest of three lines.
    fn new(files: &[(&str, &str)]) -> Self {
        let folder = TempDir::new().unwrap();
        let wheel = folder.path().join("test_dials-1.0.0-py3-none-any.whl");
        zip_with(&wheel, files);
        let sha256 = sha256_hex(&fs::read(&wheel).unwrap());
        let mut source = Source::new(folder.path().join("cache"));
        source.directory = Some(folder.path().to_owned());
        let project = Self {
            manifest: folder.path().join("wheels.toml"),
            folder,
            source,
            sha256,
        };
        project.write_manifest("");
        project
    }

    /// The three lines of the pin, and more below them.
    fn write_manifest(&self, more: &str) {
        let pin = format!(
            "package = \"test-dials\"\nversion = \"1.0.0\"\nsha256 = \"{}\"\n",
            self.sha256
        );
        fs::write(&self.manifest, format!("[[wheel]]\n{pin}{more}")).unwrap();
    }

    /// The generated source of a module, and the warnings.
    fn generate(&self, module: &str) -> Result<(String, Vec<String>), Error> {
        let warnings = generate_into(&self.manifest, &self.source, self.folder.path())?;
        Ok((
            fs::read_to_string(self.folder.path().join(format!("{module}.rs"))).unwrap(),
            warnings,
        ))
    }
}

/// Writes a zip with these files.
fn zip_with(path: &std::path::Path, files: &[(&str, &str)]) {
    let mut zip = zip::ZipWriter::new(File::create(path).unwrap());
    for (name, content) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

/// Says what of the wanted parts is not in a text.
fn assert_parts(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}
