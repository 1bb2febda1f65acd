//! Where wheels come from, with the real pip.

use std::fs;
use std::path::Path;
use std::process::Command;

use ferrodash_build::{Error, Pin, Source, sha256_hex};
use tempfile::TempDir;

/// A small package to fetch.
fn six() -> Pin {
    Pin::new(
        "six",
        "1.16.0",
        "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
    )
}

/// A source with an empty cache of its own.
fn source() -> (Source, TempDir) {
    let cache = TempDir::new().unwrap();
    (Source::new(cache.path().join("cache")), cache)
}

/// Variables that leave pip nowhere to go.
fn no_network() -> Vec<(String, String)> {
    [
        ("PIP_INDEX_URL", "http://127.0.0.1:1/"),
        ("PIP_RETRIES", "0"),
        ("PIP_FIND_LINKS", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into()
}

#[test]
fn a_wheel_is_fetched_once_and_then_found_without_network() {
    let (mut source, _cache) = source();
    let fetched = source
        .obtain(&six())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(sha256_hex(&fs::read(&fetched).unwrap()), six().sha256);
    source.python = "/nonexistent/python3".into();
    source.pip_env = no_network();
    assert_eq!(source.obtain(&six()).unwrap(), fetched);
    let left: Vec<_> = fs::read_dir(&source.cache)
        .unwrap()
        .flatten()
        .map(|entry| entry.file_name())
        .collect();
    assert_eq!(
        left,
        ["six-1.16.0-py2.py3-none-any.whl"],
        "nothing else is left behind"
    );
}

#[test]
fn without_python_the_error_says_what_to_install() {
    let (mut source, _cache) = source();
    source.python = "/nonexistent/python3".into();
    let error = source.obtain(&six()).unwrap_err();
    assert!(matches!(error, Error::NoPython { .. }), "{error:?}");
    let text = error.to_string();
    for part in [
        "`/nonexistent/python3` was not found",
        "six==1.16.0",
        "apt-get install python3-pip",
        "FERRODASH_WHEELS",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn without_pip_the_error_says_what_to_install() {
    let (mut source, cache) = source();
    let environment = cache.path().join("without-pip");
    let made = Command::new("python3")
        .args(["-m", "venv", "--without-pip"])
        .arg(&environment)
        .status();
    assert!(
        made.unwrap().success(),
        "python3 can make an environment without pip"
    );
    source.python = environment.join("bin/python3").display().to_string();
    let error = source.obtain(&six()).unwrap_err();
    assert!(matches!(error, Error::NoPip { .. }), "{error:?}");
    assert!(error.to_string().contains("has no pip"), "{error}");
}

#[test]
fn without_network_the_error_says_so() {
    let (mut source, _cache) = source();
    source.pip_env = no_network();
    let error = source.obtain(&six()).unwrap_err();
    assert!(matches!(error, Error::NoNetwork { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("pip could not fetch six==1.16.0"),
        "{error}"
    );
}

#[test]
fn another_file_than_the_pinned_one_is_refused() {
    let (fetching, _cache) = source();
    let wrong = Pin {
        sha256: "0".repeat(64),
        ..six()
    };
    let error = fetching.obtain(&wrong).unwrap_err();
    assert!(
        matches!(&error, Error::WrongChecksum { found, .. } if *found == six().sha256),
        "{error:?}"
    );

    let (mut source, directory) = source();
    source.directory = Some(directory.path().to_owned());
    let path = directory.path().join("six-1.16.0-py2.py3-none-any.whl");
    fs::write(&path, "damaged").unwrap();
    let error = source.obtain(&six()).unwrap_err().to_string();
    assert!(
        error.contains(&path.display().to_string()) && error.contains("pinned to 8abb2f1d"),
        "{error}"
    );
}

#[test]
fn a_directory_without_the_wheel_is_named() {
    let (mut source, directory) = source();
    source.directory = Some(directory.path().to_owned());
    fs::write(
        directory.path().join("six-1.15.0-py3-none-any.whl"),
        "another version",
    )
    .unwrap();
    fs::write(
        directory.path().join("sixpack-1.16.0-py3-none-any.whl"),
        "another package",
    )
    .unwrap();
    let error = source.obtain(&six()).unwrap_err();
    assert!(matches!(error, Error::NotInDirectory { .. }), "{error:?}");
    let text = error.to_string();
    assert!(
        text.contains(&directory.path().display().to_string()) && text.contains("pip download"),
        "{text}"
    );
}

#[test]
fn names_are_compared_in_the_normal_form_of_wheels() {
    let (mut source, directory) = source();
    let content = b"a wheel";
    fs::write(
        directory.path().join("Dash_Ag.Grid-1.0.0-py3-none-any.whl"),
        content,
    )
    .unwrap();
    source.directory = Some(directory.path().to_owned());
    assert!(
        source
            .obtain(&Pin::new("dash-ag-grid", "1.0.0", &sha256_hex(content)))
            .is_ok()
    );
}

#[test]
fn a_build_script_prints_the_error_and_fails() {
    // The components' own build script, with a directory that lacks the wheels.
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("ferrodash-components");
    let (mut source, empty) = source();
    source.directory = Some(empty.path().to_owned());
    let out = TempDir::new().unwrap();
    let error =
        ferrodash_build::generate_into(&root.join("wheels.toml"), &source, out.path()).unwrap_err();
    assert!(
        error.to_string().starts_with("FERRODASH_WHEELS names "),
        "{error}"
    );
}

#[test]
fn e34_a_version_that_does_not_exist_is_answered_with_those_that_do() {
    let (fetching, _cache) = source();
    let error = fetching
        .obtain(&Pin {
            version: "1.99.7".into(),
            ..six()
        })
        .unwrap_err();
    assert!(matches!(error, Error::NoVersion { .. }), "{error:?}");
    let text = error.to_string();
    for part in [
        "six==1.99.7 does not exist",
        "1.17.0, 1.16.0, 1.15.0",
        "older ones",
        "in the manifest",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn e34_a_package_that_does_not_exist_is_named() {
    let (mut fetching, cache) = source();
    // An index with nothing in it, so that no other index is asked for a name that nobody has.
    let offered = cache.path().display().to_string();
    fetching.pip_env = vec![
        ("PIP_NO_INDEX".into(), "1".into()),
        ("PIP_FIND_LINKS".into(), offered),
    ];
    let error = fetching
        .obtain(&Pin {
            package: "dash-dials".into(),
            ..six()
        })
        .unwrap_err();
    assert!(matches!(error, Error::NoPackage { .. }), "{error:?}");
    assert!(
        error
            .to_string()
            .contains("pip found no package for dash-dials==1.16.0"),
        "{error}"
    );
}

#[test]
fn e34_a_kept_file_with_another_digest_is_fetched_again() {
    let (fetching, _cache) = source();
    fs::create_dir_all(&fetching.cache).unwrap();
    let kept = fetching.cache.join("six-1.16.0-py2.py3-none-any.whl");
    fs::write(&kept, "of another pin, or damaged").unwrap();
    let fetched = fetching
        .obtain(&six())
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(fetched, kept);
    assert_eq!(sha256_hex(&fs::read(&kept).unwrap()), six().sha256);
}

#[test]
fn e34_digests_in_upper_case_are_the_same_digests() {
    let (fetching, _cache) = source();
    let pin = Pin {
        sha256: six().sha256.to_uppercase(),
        ..six()
    };
    let fetched = fetching
        .obtain(&pin)
        .unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(fetching.obtain(&pin).unwrap(), fetched);
}
