//! What follows from a package: a manifest of package, version and digest is enough.

use std::fs;
use std::path::Path;

use ferrodash_build::{Manifest, Source, generate_into, sha256_hex};
use tempfile::TempDir;

use super::{CLASS, Project, assert_parts, zip_with};

const MAIN: &str = "window.test_dials={};load('async-'+name+'.js')";

const CHUNK: &str = "(self.webpackChunktest_dials=self.webpackChunktest_dials||[]).push([[7],{}]);url('needle.woff2')";

const INIT: &str =
    "from ._imports_ import *\n_css_dist = [{'relative_package_path': 'dials.css'}]\n";

/// A package with everything that packages have.
fn full() -> Project {
    Project::new(&[
        ("test_dials/__init__.py", INIT),
        (
            "test_dials/_imports_.py",
            "from .Dial import Dial\n__all__ = ['Dial']",
        ),
        ("test_dials/Dial.py", CLASS),
        ("test_dials/Gone.py", &CLASS.replace("Dial", "Gone")),
        (
            "test_dials/package-info.json",
            "{\"name\": \"another-name\"}",
        ),
        ("test_dials/test_dials.min.js", MAIN),
        ("test_dials/test_dials.min.js.map", "{}"),
        ("test_dials/test_dials.dev.js", "window.test_dials = {}"),
        ("test_dials/async-Needle.js", CHUNK),
        ("test_dials/async-Needle.js.LICENSE.txt", "BSD"),
        ("test_dials/leftover.js", "window.old_dials = {}"),
        (
            "test_dials/leftover_test.js",
            "(self[\"webpackChunktest_dials\"] = self[\"webpackChunktest_dials\"] || []).push([[1]])",
        ),
        (
            "test_dials/proptypes.js",
            "window.test_dials.Dial.propTypes = {}",
        ),
        ("test_dials/needle.woff2", "font"),
        ("test_dials/picture.png", "no script names it"),
        ("test_dials/dials.css", ".dial {}"),
        ("test_dials/other.css", ".other {}"),
        ("test_dials-1.0.0.dist-info/licenses/LICENSE", "MIT"),
        ("test_dials-1.0.0.dist-info/METADATA", "Name: test-dials"),
    ])
}

/// The paths of the embedded files, as the table has them.
fn bundles(code: &str) -> Vec<&str> {
    let paths = code
        .lines()
        .filter_map(|line| line.trim().strip_prefix("path: \""));
    paths.filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn e36_three_lines_are_a_suite() {
    let (code, warnings) = full().generate("test_dials").unwrap();
    assert_parts(
        &code,
        &[
            "pub struct Dial(",
            "module: \"test_dials\"",
            "namespace: \"test_dials\"",
            "package: \"test_dials\"",
            "version: \"1.0.0\"",
            "root: \"\"",
            "scripts: &[\"test_dials.min.js\"]",
            "styles: &[\"dials.css\"]",
        ],
    );
    let expected = [
        "test_dials.min.js",
        "dials.css",
        "async-Needle.js",
        "needle.woff2",
        "async-Needle.js.LICENSE.txt",
        "LICENSE",
    ];
    let mut found = bundles(&code);
    found.sort_unstable();
    let mut wanted = expected.to_vec();
    wanted.sort_unstable();
    assert_eq!(found, wanted);
    assert_eq!(warnings, Vec::<String>::new());
}

#[test]
fn e36_what_the_manifest_says_counts_and_the_rest_follows() {
    let project = full();
    project.write_manifest(
        "[[wheel.suite]]\nmodule = \"small\"\non_demand = [\"async-Needle.js\", \"needle.woff2\"]\nstyles = []\n",
    );
    let (code, warnings) = project.generate("small").unwrap();
    assert_parts(
        &code,
        &[
            "module: \"small\"",
            "namespace: \"test_dials\"",
            "styles: &[]",
            "pub struct Dial(",
        ],
    );
    assert_eq!(warnings, Vec::<String>::new());
    project.write_manifest("[[wheel.suite]]\nfeatures = { \"async-Needle.js\" = \"needles\" }\n");
    let (code, _) = project.generate("test_dials").unwrap();
    let (_, after) = code.split_once("#[cfg(feature = \"needles\")]").unwrap();
    let (bundle, _) = after.split_once("path: \"async-Needle.js\"").unwrap();
    assert_eq!(bundle.trim(), "ferrodash_components::Bundle {");
    // Several suites of one package, of which one has no components.
    let suites = "[[wheel.suite]]\n[[wheel.suite]]\nmodule = \"plain\"\nnamespace = \"\"\nscripts = [\"leftover.js\"]\n";
    project.write_manifest(suites);
    project.generate("test_dials").unwrap();
    let plain = fs::read_to_string(project.folder.path().join("plain.rs")).unwrap();
    assert!(
        plain.contains("scripts: &[\"leftover.js\"]") && !plain.contains("pub struct"),
        "{plain}"
    );
    project.write_manifest("[[wheel.suite]]\n[[wheel.suite]]\n");
    let error = project.generate("test_dials").unwrap_err().to_string();
    assert!(
        error.contains("two suites have the module \"test_dials\""),
        "{error}"
    );
}

#[test]
fn e36_other_layouts_of_packages_are_found_too() {
    let licence = ("test_dials-1.0.0.dist-info/LICENSE.txt", "MIT");
    // Everything in a directory below, as some hand-made packages have it.
    let below = Project::new(&[
        ("test_dials/__init__.py", ""),
        ("test_dials/_build/_imports_.py", "from .Dial import Dial"),
        ("test_dials/_build/Dial.py", CLASS),
        ("test_dials/_build/test_dials.js", "exports.test_dials=1"),
        licence,
    ]);
    assert_parts(
        &below.generate("test_dials").unwrap().0,
        &["scripts: &[\"_build/test_dials.js\"]", "pub struct Dial("],
    );
    // A main script with another name, and a package whose directory has another one.
    let bundle = Project::new(&[
        ("dials/__init__.py", ""),
        ("dials/Dial.py", CLASS),
        ("dials/bundle.js", "window.test_dials=1"),
        licence,
    ]);
    assert_parts(
        &bundle.generate("test_dials").unwrap().0,
        &["scripts: &[\"bundle.js\"]", "package: \"dials\""],
    );
    let named = Project::new(&[
        ("test_dials/__init__.py", ""),
        ("test_dials/Dial.py", CLASS),
        ("test_dials/main.js", "window.test_dials=1"),
        ("test_dials/else.js", "window.something_else=1"),
        licence,
    ]);
    assert_parts(
        &named.generate("test_dials").unwrap().0,
        &["scripts: &[\"main.js\"]"],
    );
}

#[test]
fn e34_zip_archives_of_sources_are_read_as_those_of_tar() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("test_dials-1.0.0.zip");
    zip_with(
        &path,
        &[
            ("test_dials-1.0.0/LICENSE", "MIT"),
            ("test_dials-1.0.0/test_dials/__init__.py", ""),
            ("test_dials-1.0.0/test_dials/Dial.py", CLASS),
            (
                "test_dials-1.0.0/test_dials/test_dials.js",
                "window.test_dials = 1",
            ),
        ],
    );
    let sha256 = sha256_hex(&fs::read(&path).unwrap());
    let manifest = folder.path().join("wheels.toml");
    let pin = format!(
        "[[wheel]]\npackage = \"test_dials\"\nversion = \"1.0.0\"\nsha256 = \"{sha256}\"\n"
    );
    fs::write(&manifest, pin).unwrap();
    let mut source = Source::new(folder.path().join("cache"));
    source.directory = Some(folder.path().to_owned());
    let warnings = generate_into(&manifest, &source, folder.path()).unwrap();
    assert_eq!(warnings, Vec::<String>::new());
    let code = fs::read_to_string(folder.path().join("test_dials.rs")).unwrap();
    assert_parts(
        &code,
        &[
            "pub struct Dial(",
            "path: \"LICENSE\"",
            "scripts: &[\"test_dials.js\"]",
        ],
    );
}

#[test]
fn e34_digests_are_read_in_any_case_and_checked() {
    let manifest = |sha256: &str| {
        let text = format!(
            "[[wheel]]\npackage = \"test_dials\"\nversion = \"1\"\nsha256 = \"{sha256}\"\n"
        );
        Manifest::parse(&text, Path::new("wheels.toml"))
    };
    assert_eq!(
        manifest(&"AB".repeat(32)).unwrap().wheels[0].sha256,
        "ab".repeat(32)
    );
    for wrong in [
        "",
        "ab",
        &"ag".repeat(32),
        &format!("sha256:{}", "ab".repeat(32)),
    ] {
        let error = manifest(wrong).unwrap_err().to_string();
        assert!(
            error.contains("wheels.toml: the sha256 of \"test_dials\" is")
                && error.contains("sha256sum"),
            "{error}"
        );
    }
    let project = full();
    let text = fs::read_to_string(&project.manifest).unwrap();
    fs::write(
        &project.manifest,
        text.replace(&project.sha256, &project.sha256.to_uppercase()),
    )
    .unwrap();
    project.generate("test_dials").unwrap();
}
