//! Paths as browsers send them: what may be in one, and how a name becomes a part of one.

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

/// A name of a file or folder as a segment of a path.
pub(crate) fn encode(name: &str) -> String {
    percent_encode(name.as_bytes(), ENCODED).to_string()
}

/// What is wrong with a path that the router serves; slashes at its ends are not looked at. A
/// router and a browser must both read it as it is written.
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
}
