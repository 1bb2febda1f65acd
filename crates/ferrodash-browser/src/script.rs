//! The script, in one file for each set of parts.
//!
//! `scripts/browser-script` joins the modules of `browser/` into the files of `dist/`, so building
//! an app needs no Node.

use std::sync::LazyLock;

use sha2::{Digest, Sha256};

use crate::ScriptConfig;
use crate::renderer::hex;

const PLAIN: &str = include_str!("../dist/plain.js");
const WAITS: &str = include_str!("../dist/waits.js");
const CACHE: &str = include_str!("../dist/cache.js");
const ALL: &str = include_str!("../dist/all.js");

/// The script with the parts that a page uses.
///
/// ```
/// use ferrodash_browser::Script;
///
/// let plain = Script::default();
/// let all = Script { waits: true, cache: true };
/// assert!(plain.text().len() < all.text().len());
/// assert_eq!(all.digest().len(), 8);
/// assert_eq!(Script::by_digest(all.digest()), Some(all));
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Script {
    /// `true` if changes of inputs are held back: debounced and throttled.
    pub waits: bool,
    /// `true` if the browser keeps answers.
    pub cache: bool,
}

impl Script {
    /// All scripts.
    pub const EACH: [Self; 4] = [
        Self {
            waits: false,
            cache: false,
        },
        Self {
            waits: true,
            cache: false,
        },
        Self {
            waits: false,
            cache: true,
        },
        Self {
            waits: true,
            cache: true,
        },
    ];

    /// Returns the script that a page with these settings needs.
    pub fn of(config: &ScriptConfig<'_>) -> Self {
        Self {
            waits: !config.gates.is_empty(),
            cache: !config.client.is_empty(),
        }
    }

    /// Returns the text of the script, which a page loads after the renderer and the components.
    pub fn text(self) -> &'static str {
        match (self.waits, self.cache) {
            (false, false) => PLAIN,
            (true, false) => WAITS,
            (false, true) => CACHE,
            (true, true) => ALL,
        }
    }

    /// Returns eight hexadecimal digits that change with the script, for its address.
    pub fn digest(self) -> &'static str {
        static DIGESTS: LazyLock<[String; 4]> =
            LazyLock::new(|| Script::EACH.map(|script| hex(&Sha256::digest(script.text())[..4])));
        &DIGESTS[self.index()]
    }

    /// Returns the script with this digest.
    pub fn by_digest(digest: &str) -> Option<Self> {
        Self::EACH
            .into_iter()
            .find(|script| script.digest() == digest)
    }

    /// Returns the place of the script in [`EACH`](Self::EACH).
    pub fn index(self) -> usize {
        usize::from(self.waits) + 2 * usize::from(self.cache)
    }
}
