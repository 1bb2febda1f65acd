//! The table of a suite: its components' names for checks, and its bundles for the browser.
//!
//! The types are plain static data. `ferrodash-build` writes one [`Suite`] for each suite; a server
//! reads it.

/// A component suite. Generated code has one `static SUITE` per suite, which
/// `ferrodash::App::suite` takes.
///
/// The address of a file is `_dash-component-suites/<package>/<root>/<file>`; a server may add
/// fingerprints. Scripts and style sheets are in the page from the beginning, the other bundles are
/// fetched when a script asks for them.
#[derive(Debug)]
pub struct Suite {
    /// Name of the Rust module, for messages.
    pub module: &'static str,
    /// The global JavaScript object that holds the components; empty for plain scripts.
    pub namespace: &'static str,
    /// First part of the URLs, the Python package that owns the files.
    pub package: &'static str,
    /// Version in the URLs.
    pub version: &'static str,
    /// The directory between package and file in the URLs.
    pub root: &'static str,
    /// Scripts of the index page, in order.
    pub scripts: &'static [&'static str],
    /// Style sheets of the index page, in order.
    pub styles: &'static [&'static str],
    /// The components.
    pub components: &'static [ComponentInfo],
    /// All files, including those that are loaded later and the licence texts.
    pub bundles: &'static [Bundle],
}

/// The names that a component knows. A server compares callbacks with them, so that a misspelled
/// property is found before the app serves.
#[derive(Debug)]
pub struct ComponentInfo {
    /// The component's name.
    pub name: &'static str,
    /// Its properties.
    pub props: &'static [&'static str],
    /// True if it takes any `data-*` and `aria-*` property.
    pub wildcards: bool,
    /// The places in its properties, other than `children`, that may contain components, in the
    /// renderer's notation (`options[].label`).
    pub children_props: &'static [&'static str],
}

/// An embedded file, in the two forms in which browsers ask for it. They were compressed when the
/// suite was built. The content itself is not embedded, as it would make programs larger by half.
#[derive(Debug)]
pub struct Bundle {
    /// Path relative to the suite's root.
    pub path: &'static str,
    /// SHA-256 of the content, in hex.
    pub sha256: &'static str,
    /// The content as gzip.
    pub gzip: &'static [u8],
    /// The content as Brotli.
    pub brotli: &'static [u8],
}

impl Suite {
    /// Returns the component of this name.
    pub fn component(&self, name: &str) -> Option<&'static ComponentInfo> {
        self.components
            .iter()
            .find(|component| component.name == name)
    }

    /// Returns the path of a file in URLs, below `_dash-component-suites/`. `file` is relative to
    /// the suite's root.
    pub fn url_path(&self, file: &str) -> String {
        let root = if self.root.is_empty() {
            String::new()
        } else {
            format!("{}/", self.root)
        };
        format!("{}/{root}{file}", self.package)
    }
}

impl ComponentInfo {
    /// Returns whether the component has a property of this name.
    pub fn has_prop(&self, name: &str) -> bool {
        self.props.contains(&name)
            || (self.wildcards && (name.starts_with("data-") || name.starts_with("aria-")))
    }
}
