//! Source archives: fetched with the real pip without running what is in them, and read as suites.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use ferrodash_build::{Error, Pin, Source, generate_into, sha256_hex};
use flate2::{Compression, write::GzEncoder};
use tempfile::TempDir;

const METADATA: &str = r#"{"src/Dot.react.js": {"props": {"size": {"type": {"name": "number"}}}}}"#;

const SCRIPT: &str = "window.test_dots = {}; // and more, and more, and more";

const MANIFEST: &str = r#"
[[wheel]]
package = "test_dots"
version = "1.0.0"
sha256 = "SHA"
[[wheel.suite]]
module = "dots"
namespace = "test_dots"
root = "test_dots"
metadata = "test_dots/metadata.json"
scripts = ["dots.js"]
licences = ["LICENSE"]
"#;

/// Code that leaves a file behind if it is run.
fn trap(folder: &Path) -> String {
    format!("open({:?}, 'w').close()\n", folder.join("trap"))
}

/// A source archive of `test_dots` with these files, beside those of the suite.
fn archive(folder: &Path, extra: &[(&str, &str)]) -> (PathBuf, Pin) {
    let path = folder.join("test_dots-1.0.0.tar.gz");
    let mut tar = tar::Builder::new(GzEncoder::new(
        File::create(&path).unwrap(),
        Compression::fast(),
    ));
    let suite = [
        ("test_dots/metadata.json", METADATA),
        ("test_dots/dots.js", SCRIPT),
        ("LICENSE", "MIT"),
    ];
    let about = [(
        "PKG-INFO",
        "Metadata-Version: 2.1\nName: test_dots\nVersion: 1.0.0\n",
    )];
    for (name, content) in suite.iter().chain(&about).chain(extra) {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(
            &mut header,
            format!("test_dots-1.0.0/{name}"),
            content.as_bytes(),
        )
        .unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap();
    let pin = Pin::new("test_dots", "1.0.0", &sha256_hex(&fs::read(&path).unwrap()));
    (path, pin)
}

/// A source whose pip knows only what is in a folder.
fn only(folder: &Path) -> Source {
    let mut source = Source::new(folder.join("cache"));
    let offered = folder.display().to_string();
    source.pip_env = vec![
        ("PIP_NO_INDEX".into(), "1".into()),
        ("PIP_FIND_LINKS".into(), offered),
    ];
    source
}

#[test]
fn fetching_runs_nothing_of_an_archive() {
    let in_tree =
        "[build-system]\nrequires = []\nbuild-backend = \"own\"\nbackend-path = [\".\"]\n";
    let foreign = "[build-system]\nrequires = [\"not-there\"]\nbuild-backend = \"not_there\"\n";
    let folder = TempDir::new().unwrap();
    let trap = trap(folder.path());
    for extra in [
        vec![("setup.py", trap.as_str())],
        vec![("pyproject.toml", in_tree), ("own.py", &trap)],
        vec![("pyproject.toml", foreign), ("setup.py", &trap)],
    ] {
        let (path, pin) = archive(folder.path(), &extra);
        let source = only(folder.path());
        let fetched = source
            .obtain(&pin)
            .unwrap_or_else(|error| panic!("{extra:?}: {error}"));
        assert_eq!(fs::read(&fetched).unwrap(), fs::read(&path).unwrap());
        assert!(!folder.path().join("trap").exists(), "{extra:?} was run");
        fs::remove_file(&fetched).unwrap();
    }
}

#[test]
fn another_archive_than_the_pinned_one_is_refused() {
    let folder = TempDir::new().unwrap();
    let (_, pin) = archive(folder.path(), &[("setup.py", &trap(folder.path()))]);
    let wrong = Pin {
        sha256: "0".repeat(64),
        ..pin.clone()
    };
    let error = only(folder.path()).obtain(&wrong).unwrap_err();
    assert!(
        matches!(&error, Error::WrongChecksum { found, .. } if *found == pin.sha256),
        "{error:?}"
    );
    assert!(!folder.path().join("trap").exists());
}

#[test]
fn an_archive_becomes_a_suite() {
    let folder = TempDir::new().unwrap();
    let (_, pin) = archive(folder.path(), &[]);
    let manifest = folder.path().join("wheels.toml");
    fs::write(&manifest, MANIFEST.replace("SHA", &pin.sha256)).unwrap();
    let mut source = Source::new(folder.path().join("cache"));
    source.directory = Some(folder.path().to_owned());
    generate_into(&manifest, &source, folder.path()).unwrap();
    let code = fs::read_to_string(folder.path().join("dots.rs")).unwrap();
    assert!(
        code.contains("pub struct Dot(") && code.contains("path: \"dots.js\""),
        "{code}"
    );
    let unpack = |name: &str| {
        let packed = fs::read(folder.path().join(name)).unwrap();
        let mut text = String::new();
        flate2::read::GzDecoder::new(&packed[..])
            .read_to_string(&mut text)
            .unwrap();
        text
    };
    assert_eq!(unpack("dots-LICENSE.gz"), "MIT");
    assert_eq!(unpack("dots-dots.js.gz"), SCRIPT);
    fs::write(
        &manifest,
        MANIFEST
            .replace("SHA", &pin.sha256)
            .replace("dots.js", "lines.js"),
    )
    .unwrap();
    let error = generate_into(&manifest, &source, folder.path()).unwrap_err();
    assert!(
        matches!(&error, Error::NotInWheel { file, .. } if file == "test_dots/lines.js"),
        "{error:?}"
    );
}

#[test]
fn a_damaged_archive_is_named() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test_dots-1.0.0.tar.gz");
    fs::write(&path, "not an archive").unwrap();
    let manifest = folder.path().join("wheels.toml");
    fs::write(
        &manifest,
        MANIFEST.replace("SHA", &sha256_hex(b"not an archive")),
    )
    .unwrap();
    let mut source = Source::new(folder.path().join("cache"));
    source.directory = Some(folder.path().to_owned());
    let error = generate_into(&manifest, &source, folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("could not unpack") && error.contains(&path.display().to_string()),
        "{error}"
    );
}
