//! Mistakes that would show only in the browser end the build, or are warnings of it.

use std::fs;

use ferrodash_build::Error;

use super::{CLASS, Project};

const FILES: [(&str, &str); 6] = [
    ("test_dials/__init__.py", ""),
    ("test_dials/Dial.py", CLASS),
    (
        "test_dials/test_dials.min.js",
        "window.test_dials={};load('async-Needle.js')",
    ),
    (
        "test_dials/async-Needle.js",
        "(window.webpackJsonptest_dials=window.webpackJsonptest_dials||[]).push([[0]])",
    ),
    ("test_dials/note.txt", "text"),
    ("test_dials-1.0.0.dist-info/LICENSE", "MIT"),
];

fn without(file: &str) -> Project {
    let files: Vec<_> = FILES
        .into_iter()
        .filter(|(name, _)| *name != file)
        .collect();
    Project::new(&files)
}

#[test]
fn e34_a_forgotten_part_is_a_warning() {
    let project = without("");
    project.write_manifest("[[wheel.suite]]\non_demand = []\n");
    let (_, warnings) = project.generate("test_dials").unwrap();
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}")
    };
    for part in [
        "wheels.toml",
        "suite \"test_dials\"",
        "load async-Needle.js",
        "404",
        "leave `on_demand` out",
    ] {
        assert!(warning.contains(part), "{warning}");
    }
}

#[test]
fn e34_a_missing_licence_is_a_warning_once() {
    let project = without("test_dials-1.0.0.dist-info/LICENSE");
    project.write_manifest("[[wheel.suite]]\n[[wheel.suite]]\nmodule = \"again\"\n");
    let (_, warnings) = project.generate("test_dials").unwrap();
    let [warning] = warnings.as_slice() else {
        panic!("{warnings:?}")
    };
    assert!(
        warning.contains("test-dials==1.0.0: no licence text") && warning.contains("`licences`"),
        "{warning}"
    );
}

#[test]
fn e34_what_leaves_the_page_blank_is_an_error() {
    let none = "";
    for (absent, manifest, parts) in [
        (
            "test_dials/Dial.py",
            none,
            vec![
                "neither a metadata.json nor generated classes",
                "namespace = \"\"",
            ],
        ),
        (
            "test_dials/test_dials.min.js",
            "[[wheel.suite]]\nscripts = []\n",
            vec![
                "it has 1 components and no script that draws them",
                "async-Needle.js",
            ],
        ),
        (
            none,
            "[[wheel.suite]]\nnamespace = \"dials\"\n",
            vec![
                "says the namespace \"dials\"",
                "classes say \"test_dials\"",
                "leave `namespace` out",
            ],
        ),
        (
            none,
            "[[wheel.suite]]\nscripts = [\"async-Needle.js\"]\n",
            vec!["none of its scripts (async-Needle.js) defines the namespace \"test_dials\""],
        ),
        (
            none,
            "[[wheel.suite]]\nfeatures = { \"async-Needles.js\" = \"needles\" }\n",
            vec![
                "names \"async-Needles.js\", which is not loaded on demand",
                "it can name async-Needle.js",
            ],
        ),
    ] {
        let project = without(absent);
        project.write_manifest(manifest);
        let error = project.generate("test_dials").unwrap_err();
        assert!(matches!(error, Error::Suite { .. }), "{error:?}");
        let text = error.to_string();
        let place = format!("{}: suite \"test_dials\": ", project.manifest.display());
        assert!(text.starts_with(&place), "{text}");
        assert!(parts.iter().all(|part| text.contains(part)), "{text}");
    }
}

#[test]
fn e34_a_file_that_is_not_there_is_named_beside_those_that_are() {
    let project = without("");
    for (manifest, parts) in [
        (
            "[[wheel.suite]]\nscripts = [\"test_dials.js\"]\n",
            vec![
                "\"test_dials/test_dials.js\"",
                "test_dials/test_dials.min.js",
            ],
        ),
        (
            "[[wheel.suite]]\nroot = \"dials\"\nscripts = [\"a.js\"]\nmetadata = \"\"\n",
            vec!["\"dials/a.js\"", "test_dials/"],
        ),
    ] {
        project.write_manifest(manifest);
        let error = project.generate("test_dials").unwrap_err();
        assert!(matches!(error, Error::NotInWheel { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("correct the manifest") && parts.iter().all(|part| text.contains(part)),
            "{text}"
        );
    }
}

#[test]
fn e34_a_broken_wheel_and_a_damaged_member_are_named() {
    let mut project = without("");
    let wheel = project
        .folder
        .path()
        .join("test_dials-1.0.0-py3-none-any.whl");
    let good = fs::read(&wheel).unwrap();
    let mut pin = |bytes: &[u8]| {
        fs::write(&wheel, bytes).unwrap();
        project.sha256 = ferrodash_build::sha256_hex(bytes);
        project.write_manifest("");
        project.generate("test_dials").unwrap_err()
    };
    let error = pin(&good[..good.len() / 2]);
    assert!(matches!(error, Error::BadArchive { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("test_dials-1.0.0-py3-none-any.whl") && text.contains("pip download"),
        "{text}"
    );
    // A byte in the middle of a member's data.
    let mut bytes = good.clone();
    let name = b"test_dials/Dial.py";
    let start = bytes
        .windows(name.len())
        .position(|window| window == name)
        .unwrap()
        + name.len();
    for byte in &mut bytes[start + 40..start + 60] {
        *byte ^= 0xff;
    }
    let error = pin(&bytes);
    assert!(matches!(error, Error::DamagedMember { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains("\"test_dials/Dial.py\"")
            && text.contains("test_dials-1.0.0-py3-none-any.whl"),
        "{text}"
    );
}
