//! The bundles of components that are kept in memory.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use axum::http::HeaderValue;
use ferrodash_serve::sync::{read, write};
use ferrodash_wire::Body;

/// The bytes of bundles that are kept. Those of an app have a few megabytes.
const MOST_BYTES: usize = 64 << 20;

/// The renderers that are remembered because they cannot be repaired.
const MOST_UNKNOWN: usize = 100;

/// The bundles of the apps.
#[derive(Default)]
pub(crate) struct Suites {
    kept: RwLock<Kept>,
    /// The version of Dash that a page has named.
    version: RwLock<Option<String>>,
}

#[derive(Default)]
struct Kept {
    bundles: HashMap<String, Arc<Bundle>>,
    bytes: usize,
    /// The addresses of renderers that cannot be repaired.
    unknown: Vec<String>,
}

/// A bundle.
pub(crate) struct Bundle {
    pub(crate) body: Body,
    pub(crate) content_type: HeaderValue,
}

impl Suites {
    /// Returns the version of Dash that a page has named.
    pub(crate) fn version(&self) -> Option<String> {
        read(&self.version).clone()
    }

    pub(crate) fn set_version(&self, version: Option<&str>) {
        if version.is_some() {
            *write(&self.version) = version.map(ToOwned::to_owned);
        }
    }

    /// Returns whether a renderer cannot be repaired.
    pub(crate) fn is_unknown(&self, address: &str) -> bool {
        let kept = read(&self.kept);
        kept.unknown.iter().any(|known| known == address)
    }

    /// Remembers a renderer that cannot be repaired. Returns whether that is new.
    pub(crate) fn set_unknown(&self, address: &str) -> bool {
        let mut kept = write(&self.kept);
        let is_new = !kept.unknown.iter().any(|known| known == address);
        if is_new && kept.unknown.len() < MOST_UNKNOWN {
            kept.unknown.push(address.to_owned());
        }
        is_new
    }

    pub(crate) fn get(&self, address: &str) -> Option<Arc<Bundle>> {
        read(&self.kept).bundles.get(address).cloned()
    }

    pub(crate) fn keep(&self, address: &str, bundle: &Arc<Bundle>) {
        let mut kept = write(&self.kept);
        let bytes = bundle.body.identity().len();
        if kept.bytes + bytes <= MOST_BYTES {
            let old = kept.bundles.insert(address.to_owned(), bundle.clone());
            kept.bytes += bytes;
            kept.bytes -= old.map_or(0, |old| old.body.identity().len());
        }
    }
}
