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
const GUEST_PLAIN: &str = include_str!("../dist/guest-plain.js");
const GUEST_WAITS: &str = include_str!("../dist/guest-waits.js");
const GUEST_CACHE: &str = include_str!("../dist/guest-cache.js");
const GUEST_ALL: &str = include_str!("../dist/guest-all.js");

/// The script with the parts that a page uses.
///
/// ```
/// use ferrodash_browser::Script;
///
/// let plain = Script::default();
/// let all = Script { waits: true, cache: true, guest: false };
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
    /// `true` if the script can run in pages of other apps, behind a gateway. The setting
    /// [`guest`](ScriptConfig::guest) says whether a page is one; without it, the script works as
    /// the one without this part.
    pub guest: bool,
}

impl Script {
    /// All scripts.
    pub const EACH: [Self; 8] = [
        Self::at(0),
        Self::at(1),
        Self::at(2),
        Self::at(3),
        Self::at(4),
        Self::at(5),
        Self::at(6),
        Self::at(7),
    ];

    /// Returns the script at this place in [`EACH`](Self::EACH): each part is a binary digit.
    const fn at(index: usize) -> Self {
        Self {
            waits: index & 1 != 0,
            cache: index & 2 != 0,
            guest: index & 4 != 0,
        }
    }

    /// Returns the script that a page with these settings needs.
    pub fn of(config: &ScriptConfig<'_>) -> Self {
        Self {
            waits: !config.gates.is_empty(),
            cache: !config.client.is_empty(),
            guest: config.guest,
        }
    }

    /// Returns the text of the script, which a page loads after the renderer and the components.
    pub fn text(self) -> &'static str {
        match (self.guest, self.waits, self.cache) {
            (false, false, false) => PLAIN,
            (false, true, false) => WAITS,
            (false, false, true) => CACHE,
            (false, true, true) => ALL,
            (true, false, false) => GUEST_PLAIN,
            (true, true, false) => GUEST_WAITS,
            (true, false, true) => GUEST_CACHE,
            (true, true, true) => GUEST_ALL,
        }
    }

    /// Returns eight hexadecimal digits that change with the script, for its address.
    pub fn digest(self) -> &'static str {
        static DIGESTS: LazyLock<[String; 8]> =
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
        usize::from(self.waits) + 2 * usize::from(self.cache) + 4 * usize::from(self.guest)
    }
}
