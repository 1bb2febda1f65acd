//! Finds the crate to which generated code refers: `ferrodash`, or `ferrodash-cache` in a package
//! without `ferrodash`.
//!
//! A package may depend on either crate, and under another name, so generated code cannot contain
//! a fixed path. `#[memoize]` and `#[invalidates]` ask here; `#[callback]` needs `ferrodash` itself
//! and writes its name.

use proc_macro_crate::{FoundCrate, crate_name};
use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

/// Paths into the crate on which the user's package depends. Generated code may use only these,
/// because the user can rename the crate in the manifest.
pub(crate) struct Root {
    /// The path of the hidden module with everything that generated code refers to. It begins with
    /// `::`, so that a module of the user with the crate's name is not found instead.
    pub(crate) private: TokenStream,
    /// The public path of the error `Unreached`, for messages. It has no `::` at its beginning, as
    /// users write it.
    pub(crate) unreached: String,
}

impl Root {
    /// Reads the manifest of the package that is being compiled.
    pub(crate) fn find() -> Self {
        Self::of(name_of("ferrodash"), name_of("ferrodash-cache"))
    }

    /// Chooses the crate. `ferrodash` comes first, because its cache is the one of the app. A build
    /// without Cargo has no manifest; the crates then have the names under which they were
    /// published.
    fn of(ferrodash: Option<String>, cache: Option<String>) -> Self {
        match (ferrodash, cache) {
            (None, Some(name)) => {
                let root = Ident::new(&name, Span::call_site());
                Self {
                    private: quote!(::#root::__private),
                    unreached: format!("{name}::Unreached"),
                }
            }
            (name, _) => {
                let name = name.unwrap_or_else(|| "ferrodash".to_owned());
                let root = Ident::new(&name, Span::call_site());
                Self {
                    private: quote!(::#root::__private::cache),
                    unreached: format!("{name}::cache::Unreached"),
                }
            }
        }
    }
}

/// Returns the name that the user's package gives to a package, if it depends on it. Returns `None`
/// as well if there is no manifest, or none that can be read.
fn name_of(package: &str) -> Option<String> {
    match crate_name(package).ok()? {
        // The tests, examples and doc tests of the package are crates of their own.
        FoundCrate::Itself => Some(package.replace('-', "_")),
        FoundCrate::Name(name) => Some(name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_the_names_in_the_manifest() {
        let check = |ferrodash: Option<&str>, cache: Option<&str>, expected: [&str; 2]| {
            let root = Root::of(ferrodash.map(str::to_owned), cache.map(str::to_owned));
            let private = root.private.to_string().replace(' ', "");
            assert_eq!([private.as_str(), &root.unreached], expected);
        };
        let framework = [
            "::ferrodash::__private::cache",
            "ferrodash::cache::Unreached",
        ];
        check(Some("ferrodash"), None, framework);
        check(Some("ferrodash"), Some("ferrodash_cache"), framework);
        check(None, None, framework);
        let renamed = ["::dash::__private::cache", "dash::cache::Unreached"];
        check(Some("dash"), None, renamed);
        let alone = ["::ferrodash_cache::__private", "ferrodash_cache::Unreached"];
        check(None, Some("ferrodash_cache"), alone);
        let renamed = ["::memo_cache::__private", "memo_cache::Unreached"];
        check(None, Some("memo_cache"), renamed);
    }
}
