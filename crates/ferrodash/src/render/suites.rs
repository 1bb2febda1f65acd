//! The bundles of component suites: their addresses with fingerprints, and which of them are in the
//! page.
//!
//! An address has the digest of the file, so that browsers can store it for ever. Bundles
//! themselves are static data of the suites' crates.

use std::collections::HashMap;
use std::io::Read;
use std::sync::{LazyLock, OnceLock};

use bytes::Bytes;
use ferrodash_components::{Bundle, Suite};
use flate2::read::GzDecoder;
use regex_lite::Regex;

/// The bundles by their paths, and the addresses that go into the page.
pub(crate) struct Suites {
    /// Every file, by its path without fingerprints.
    bundles: HashMap<String, Served>,
    /// The scripts of the page, in the order of the suites.
    pub(crate) scripts: Vec<Script>,
    /// The addresses of style sheets, below the app's prefix.
    pub(crate) styles: Vec<String>,
    /// The address of plotly.js below the app's prefix, which the renderer does not know from a
    /// script's.
    pub(crate) plotly: Option<String>,
}

/// A file that is served.
pub(crate) struct Served {
    pub(crate) bundle: &'static Bundle,
    /// The digest of all files of its suite.
    suite: String,
    /// What was compressed, once a client that accepts no compression has asked for it.
    content: OnceLock<Bytes>,
}

impl Served {
    /// Returns the content. The first call unpacks it, which takes about ten milliseconds for the
    /// largest file; others wait for that meanwhile.
    pub(crate) fn content(&self) -> Bytes {
        let unpack = || {
            let mut content = Vec::new();
            GzDecoder::new(self.bundle.gzip)
                .read_to_end(&mut content)
                .expect("the form was made by the build");
            Bytes::from(content)
        };
        self.content.get_or_init(unpack).clone()
    }
}

/// A script of the page.
pub(crate) struct Script {
    /// Its address below the app's prefix.
    pub(crate) url: String,
    /// True for the renderer, which comes before the components and after all that they need.
    pub(crate) is_renderer: bool,
    /// True for React, on which the renderer and the components are built.
    pub(crate) is_base: bool,
}

/// The number of digits of its digest in a bundle's address.
const STAMP: usize = 8;

/// The fingerprint in a file's name, between its first part and the others: `v`, a version, `m`,
/// hex digits.
static FINGERPRINT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^([^.]+)\.v[A-Za-z0-9_-]+m([0-9a-fA-F]+)(\..+)$").expect("a valid expression")
});

impl Suites {
    /// Collects the bundles of the app's suites, in their order.
    pub(crate) fn new(suites: &[&'static Suite]) -> Self {
        let mut all = Self {
            bundles: HashMap::new(),
            scripts: Vec::new(),
            styles: Vec::new(),
            plotly: None,
        };
        for suite in suites {
            let digest = digest(suite);
            for bundle in suite.bundles {
                let served = Served {
                    bundle,
                    suite: digest.clone(),
                    content: OnceLock::new(),
                };
                all.bundles.insert(suite.url_path(bundle.path), served);
            }
            // A script asks for its parts, and a style sheet for its fonts, beside itself. So the
            // folder that they are in carries the digest of the whole suite, and what they ask for
            // has it too.
            let folder = if suite.namespace.is_empty() {
                String::new()
            } else {
                format!("@{digest}/")
            };
            let url = |path: &&str| {
                let bundle = suite.bundles.iter().find(|bundle| bundle.path == *path)?;
                let path = fingerprint(
                    &suite.url_path(path),
                    suite.version,
                    &bundle.sha256[..STAMP],
                );
                Some(format!("_dash-component-suites/{folder}{path}"))
            };
            all.scripts.extend(suite.scripts.iter().filter_map(|path| {
                let is_renderer = path.contains("dash_renderer");
                Some(Script {
                    url: url(path)?,
                    is_renderer,
                    is_base: suite.namespace.is_empty() && !is_renderer,
                })
            }));
            all.styles.extend(suite.styles.iter().filter_map(url));
            if suite.package == "plotly" {
                all.plotly = all.plotly.or_else(|| url(&"package_data/plotly.min.js"));
            }
        }
        all
    }

    /// Returns the file of a path, and whether the path carries its digest or that of its suite.
    ///
    /// # Errors
    /// The path without its fingerprint, if there is no such file.
    pub(crate) fn find(&self, path: &str) -> Result<(&Served, bool), String> {
        let folder = path.strip_prefix('@').and_then(|rest| rest.split_once('/'));
        let (plain, stamp) = strip_fingerprint(folder.map_or(path, |(_, rest)| rest));
        let served = self.bundles.get(&plain).ok_or(plain)?;
        let own = stamp
            .is_some_and(|stamp| served.bundle.sha256.starts_with(&stamp) && stamp.len() == STAMP);
        Ok((
            served,
            own || folder.is_some_and(|(digest, _)| digest == served.suite),
        ))
    }
}

/// Returns the digest of all files of a suite, shortened.
fn digest(suite: &Suite) -> String {
    let mut hasher = blake3::Hasher::new();
    for bundle in suite.bundles {
        hasher
            .update(bundle.path.as_bytes())
            .update(bundle.sha256.as_bytes());
    }
    hasher.finalize().to_hex()[..STAMP].to_owned()
}

/// Puts a fingerprint after the first part of a file's name, in Dash's form.
fn fingerprint(path: &str, version: &str, stamp: &str) -> String {
    let (folder, file) = path
        .rsplit_once('/')
        .map_or(("", path), |(folder, file)| (folder, file));
    let (name, rest) = file.split_once('.').unwrap_or((file, ""));
    let version: String = version
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let folder = if folder.is_empty() {
        String::new()
    } else {
        format!("{folder}/")
    };
    format!("{folder}{name}.v{version}m{stamp}.{rest}")
}

/// Returns the path without its fingerprint, and the stamp of that if there was one.
fn strip_fingerprint(path: &str) -> (String, Option<String>) {
    let (folder, file) = path
        .rsplit_once('/')
        .map_or(("", path), |(folder, file)| (folder, file));
    match FINGERPRINT.captures(file) {
        Some(parts) => {
            let slash = if folder.is_empty() { "" } else { "/" };
            (
                format!("{folder}{slash}{}{}", &parts[1], &parts[3]),
                Some(parts[2].to_owned()),
            )
        }
        None => (path.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors are names that reference Dash 4.4.1 puts into its page.
    #[test]
    fn fingerprints_are_those_of_dash() {
        for (path, expected) in [
            (
                "deps/react-dom@18.3.1.min.js",
                "deps/react-dom@18.v4_4_1m1795350843.3.1.min.js",
            ),
            (
                "dcc/dash_core_components.js",
                "dcc/dash_core_components.v4_4_1m1795350843.js",
            ),
        ] {
            assert_eq!(fingerprint(path, "4.4.1", "1795350843"), expected);
            assert_eq!(
                strip_fingerprint(expected),
                (path.to_owned(), Some("1795350843".to_owned()))
            );
        }
    }

    #[test]
    fn names_without_a_fingerprint_stay() {
        for path in [
            "dash/dcc/async-graph.js",
            "plotly/package_data/plotly.min.js",
            "a.vx.js",
            "react@18.3.1.min.js",
        ] {
            assert_eq!(strip_fingerprint(path), (path.to_owned(), None));
        }
    }

    #[test]
    fn every_bundle_unpacks_to_its_content_from_both_forms() {
        for suite in [
            &ferrodash_components::renderer::SUITE,
            &ferrodash_components::dcc::SUITE,
        ] {
            for bundle in suite.bundles {
                let mut gzip = Vec::new();
                GzDecoder::new(bundle.gzip)
                    .read_to_end(&mut gzip)
                    .expect(bundle.path);
                let mut brotli = Vec::new();
                brotli::BrotliDecompress(&mut &*bundle.brotli, &mut brotli).expect(bundle.path);
                for content in [gzip, brotli] {
                    assert_eq!(sha256(&content), bundle.sha256, "{}", bundle.path);
                }
            }
        }
    }

    fn sha256(content: &[u8]) -> String {
        use sha2::Digest;
        let digest = sha2::Sha256::digest(content);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}
