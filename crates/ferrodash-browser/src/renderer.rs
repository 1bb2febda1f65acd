//! Changes to the bundle of Dash's renderer.
//!
//! Each supported bundle has a file in `renderer/`: what is changed, and why. The bundle is found
//! by its checksum, since the changes are exact replacements in minified code.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

/// The bundles that are known, by the SHA-256 of `dash_renderer.min.js`, with their changes.
const RENDERERS: [(&str, &str); 1] = [(
    "6f39c4df76af10da478e21e0e69fa810b4ffd0b70ea892a2da96fde0c7252660",
    include_str!("../renderer/4.4.1.patch"),
)];

/// Returns the renderer's bundle with Ferrodash's changes; `None` if the bundle is not a known one.
///
/// Dash 4.2.0 to 4.4.1 unmounts everything that a callback returns as children
/// (plotly/dash#3846), and its work for an answer grows with the square of the number of
/// callbacks. The changes mend both, and let more than twelve calls be in progress if they share a
/// request. An unknown bundle works as it is, without them.
///
/// ```
/// assert_eq!(ferrodash_browser::repair_renderer(b"some other script"), None);
/// ```
pub fn repair_renderer(bundle: &[u8]) -> Option<String> {
    let digest = hex(&Sha256::digest(bundle));
    let (_, patch) = RENDERERS.iter().find(|(known, _)| *known == digest)?;
    let mut text = String::from_utf8(bundle.to_vec()).ok()?;
    for (find, with) in changes(patch) {
        // The checksum fixes the text, so this holds for every known bundle or for none.
        assert_eq!(text.matches(find).count(), 1, "{find} must occur once");
        text = text.replacen(find, with, 1);
    }
    Some(text)
}

/// The replaced texts of a patch, each with the text that takes its place.
fn changes(patch: &str) -> impl Iterator<Item = (&str, &str)> {
    let lines = patch.lines().zip(patch.lines().skip(1));
    lines.filter_map(|(find, with)| Some((find.strip_prefix('-')?, with.strip_prefix('+')?)))
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_change_has_both_texts_and_a_reason() {
        for (_, patch) in RENDERERS {
            let begins = |sign| patch.lines().filter(|line| line.starts_with(sign)).count();
            let count = changes(patch).count();
            assert!(count > 0 && count == begins('-') && count == begins('+'));
            let lines: Vec<&str> = patch.lines().collect();
            for pair in lines.windows(2).filter(|pair| pair[1].starts_with('-')) {
                assert!(pair[0].starts_with("# "), "{} has no reason", pair[1]);
            }
        }
    }
}
