//! Paths as browsers send them: which characters may be in one, how a name becomes a part of one,
//! and addresses below the app's prefix.
//!
//! The rules are here once, for prefixes, endpoints, pages, assets and plugins; nothing here knows
//! what is served at a path.

use std::fmt::Write as _;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_encode};

/// Everything but the characters that stand for themselves in a path (RFC 3986, section 3.3).
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

/// Encodes the name of a file or folder as a segment of a path.
pub(crate) fn encode(name: &str) -> String {
    percent_encode(name.as_bytes(), ENCODED).to_string()
}

/// Returns what is wrong with a path that the router serves, with the right form if there is one.
/// Slashes at its ends are not looked at.
///
/// A router and a browser must both read it as it is written.
pub(crate) fn problem(path: &str) -> Option<String> {
    let inner = path.strip_prefix('/').unwrap_or(path);
    let inner = inner.strip_suffix('/').unwrap_or(inner);
    if inner.is_empty() && path.len() < 2 {
        return None;
    }
    inner
        .split('/')
        .find_map(segment_problem)
        .map(|mut problem| {
            let encoded = inner.split('/').map(encode).collect::<Vec<_>>().join("/");
            if !path.contains(['%', '?', '#', '*', '{', '}']) && encoded != inner {
                let _ = write!(problem, "; write it as {:?}", path.replace(inner, &encoded));
            }
            problem
        })
}

/// Returns what is wrong with one part of a path between slashes.
fn segment_problem(segment: &str) -> Option<String> {
    let mut bytes = segment.bytes();
    let is_encoded = segment.split('%').skip(1).all(|rest| {
        let digits = rest.get(..2).unwrap_or_default();
        digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
    });
    let is_plain =
        |letter: &char| *letter == '%' || encode(letter.encode_utf8(&mut [0; 4])).len() == 1;
    match segment {
        "" => {
            Some("it has two slashes in a row, which a browser reads as the name of a host".into())
        }
        "." | ".." => Some(format!("it has {segment:?}, which browsers take out")),
        _ if !is_encoded => Some("it has '%' without two hex digits behind it".into()),
        // The router would read it as the name of a variable.
        _ if bytes.next() == Some(b':') => Some("a part of it must not begin with ':'".into()),
        _ => {
            let letter = segment.chars().find(|letter| !is_plain(letter))?;
            Some(format!(
                "it has {letter:?}, which browsers do not send as it is"
            ))
        }
    }
}

/// Makes addresses of an app's own pages and files, and reads them: Dash's functions of these
/// names.
///
/// A layout gets it from [`PageRegistry::paths`](crate::PageRegistry::paths), a callback from
/// [`Context::paths`](crate::Context::paths).
///
/// ```
/// use ferrodash::Paths;
/// let paths = Paths::new("/reports/");
/// assert_eq!(paths.get_relative_path("/sales"), "/reports/sales");
/// assert_eq!(paths.strip_relative_path("/reports/sales/"), Some("sales"));
/// assert_eq!(paths.strip_relative_path("/elsewhere"), None);
/// assert_eq!(paths.get_asset_url("logo.png"), "/reports/assets/logo.png");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// The path below which the browser finds the app.
    prefix: String,
    /// The path of the assets' addresses, without slashes at its ends.
    assets: String,
    /// The address that assets are fetched from, if not from the app.
    external: Option<String>,
}

impl Default for Paths {
    fn default() -> Self {
        Self::new("/")
    }
}

impl Paths {
    /// Creates the paths of an app with this `requests_pathname_prefix`. A slash at its end makes
    /// no difference.
    pub fn new(requests_pathname_prefix: impl Into<String>) -> Self {
        Self {
            prefix: requests_pathname_prefix.into(),
            assets: "assets".into(),
            external: None,
        }
    }

    /// Sets the path of the assets' addresses below the prefix; by default `assets`. Slashes at its
    /// ends are ignored.
    #[must_use]
    pub fn assets_url_path(mut self, path: &str) -> Self {
        self.assets = path.trim_matches('/').into();
        self
    }

    /// Names another server that has the assets; by default the app has them.
    ///
    /// ```
    /// # use ferrodash::Paths;
    /// let paths = Paths::new("/").assets_external_path("https://cdn.example.com/");
    /// assert_eq!(paths.get_asset_url("logo.png"), "https://cdn.example.com/assets/logo.png");
    /// ```
    #[must_use]
    pub fn assets_external_path(mut self, url: impl Into<String>) -> Self {
        self.external = Some(url.into());
        self
    }

    /// Returns a path below the app's prefix, which is the prefix itself for an empty one. `path`
    /// may begin with a slash or not.
    pub fn get_relative_path(&self, path: &str) -> String {
        format!(
            "{}/{}",
            self.prefix.trim_end_matches('/'),
            path.trim_start_matches('/')
        )
    }

    /// Returns the part of a path after the app's prefix, without slashes at either end; `None` if
    /// it does not begin with the prefix.
    pub fn strip_relative_path<'a>(&self, path: &'a str) -> Option<&'a str> {
        strip(&self.prefix, path)
    }

    /// Returns the address of a file in the assets folder. `path` is relative to the folder and is
    /// not encoded.
    pub fn get_asset_url(&self, path: &str) -> String {
        let prefix = self.external.as_ref().unwrap_or(&self.prefix);
        format!("{}/{}/{path}", prefix.trim_end_matches('/'), self.assets)
    }
}

/// Returns the part of `path` after `prefix`, without slashes at either end. A prefix `/a` is not
/// one of `/ab`.
pub(crate) fn strip<'a>(prefix: &str, path: &'a str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix.trim_end_matches('/'))?;
    rest.starts_with('/')
        .then_some(rest)
        .or_else(|| rest.is_empty().then_some(""))
        .map(|rest| rest.trim_matches('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paths_are_their_own_encoding() {
        for path in [
            "/",
            "",
            "/a/",
            "a/b",
            "/a-b_c.d~e!$&'()+,=:@/%C3%BC",
            "/...a",
        ] {
            assert_eq!(problem(path), None, "{path}");
        }
        for path in [
            "//", "/a//b", "/.", "/a/..", "/%", "/%f", "/%zz", "/:a", "/a b", "/ü", "/a;b", "/a*",
            "/{x}", "/\u{0}",
        ] {
            assert!(problem(path).is_some(), "{path}");
        }
        assert_eq!(encode("c#1 ü?.css"), "c%231%20%C3%BC%3F.css");
    }

    #[test]
    fn prefixes_end_where_a_segment_ends() {
        assert_eq!(strip("/pre/", "/pre"), Some(""));
        assert_eq!(strip("/pre/", "/pre//a/b/"), Some("a/b"));
        assert_eq!(strip("/pre/", "/prefix/a"), None);
        assert_eq!(strip("/", "/a/"), Some("a"));
        assert_eq!(strip("/", ""), Some(""));
        assert_eq!(Paths::new("/pre/").get_relative_path(""), "/pre/");
    }
}
