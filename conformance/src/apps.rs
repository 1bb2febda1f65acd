//! The Rust twins of the apps in `python/`.

use ferrodash::App;

/// The app of a name.
pub fn app(_name: &str) -> Option<App> {
    None
}
