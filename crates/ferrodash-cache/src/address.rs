//! Addresses in a form that can be shown: in errors, in the log, wherever others may read them.
//!
//! A password can be anywhere: before an `@`, in an option, in the wrong place, with its special
//! characters encoded. So this file does not search for it. It shows only the parts that cannot be
//! secret: the scheme, hosts with their ports, paths, and the names of options. From the first
//! character that does not fit its place, the rest is hidden.
//!
//! The parsers of addresses are in the files of the tiers. They use the functions here for every
//! message.

/// Replaces the parts that are not shown.
const HIDDEN: &str = "***";

/// The longest scheme or name of an option that is shown.
const LONGEST_NAME: usize = 24;

/// The longest part of a text that is shown.
const LONGEST_TEXT: usize = 64;

/// Returns an address without anything that may be a secret.
pub(crate) fn masked(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
        return scheme(url).to_owned();
    };
    let (slashes, rest) = rest
        .strip_prefix("//")
        .map_or(("", rest), |rest| ("//", rest));
    let is_path = scheme == "disk" && slashes.is_empty();
    let query = rest.find('?').unwrap_or(rest.len());
    let shown = match rest.rfind('@').filter(|_| !is_path) {
        // Both the question mark and the `@` may be part of a password.
        Some(at) if at > query => HIDDEN.to_owned(),
        Some(at) => format!("{HIDDEN}@{}", place(scheme, &rest[at + 1..])),
        // Without slashes the rest is not a place but may be a password, and these schemes have no
        // place at all.
        None if query > 0
            && (matches!(scheme, "memory" | "null") || slashes.is_empty() && !is_path) =>
        {
            HIDDEN.to_owned()
        }
        None => place(scheme, rest),
    };
    format!("{scheme}:{slashes}{shown}")
}

/// Returns the scheme of an address, or the hidden form if the text has none.
pub(crate) fn scheme(url: &str) -> &str {
    match url.split_once(':') {
        Some((scheme, _)) if is_scheme(scheme) => scheme,
        None if is_name(url) || url.is_empty() => url,
        _ => HIDDEN,
    }
}

/// Returns a part of a scheme, or the hidden form if it does not look like one.
#[cfg(feature = "redis")]
pub(crate) fn part_of_scheme(text: &str) -> &str {
    if is_scheme(text) { text } else { HIDDEN }
}

/// Returns the beginning of a text that was found instead of a number, a time or a word. The rest
/// is hidden: another option, and a password in it, may follow without a separator.
pub(crate) fn shown(text: &str) -> String {
    prefix(text, |c| {
        c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-')
    })
}

/// Like [`shown`], for a path.
pub(crate) fn shown_path(text: &str) -> String {
    prefix(text, is_path_character)
}

/// Returns the name of an unknown option if it looks like a name, for the beginning of a sentence.
pub(crate) fn option(name: &str) -> String {
    if is_name(name) {
        format!("{name:?}")
    } else {
        "an option".to_owned()
    }
}

/// Returns `true` if this can be the name of a host, or an IPv6 address without its brackets.
pub(crate) fn is_host(host: &str) -> bool {
    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let in_address = |c: char| c.is_ascii_hexdigit() || matches!(c, ':' | '.');
    !host.is_empty() && (host.chars().all(in_name) || host.chars().all(in_address))
}

/// Returns hosts, path and options, up to the first part that does not fit.
fn place(scheme: &str, rest: &str) -> String {
    let mut shown = String::new();
    let (before, query) = rest
        .split_once('?')
        .map_or((rest, None), |(before, query)| (before, Some(query)));
    let end = before.find('/').unwrap_or(before.len());
    let (hosts, path) = if scheme == "disk" {
        ("", before)
    } else {
        before.split_at(end)
    };
    for (number, host) in hosts.split(',').enumerate() {
        shown += if number > 0 { "," } else { "" };
        match show_host(host) {
            Ok(host) => shown += host,
            Err(part) => return shown + part + HIDDEN,
        }
    }
    // A database, or a master and a database. More parts are a mistake, so they are hidden.
    let depth = if is_redis(scheme) { 2 } else { usize::MAX };
    let known = path
        .split_inclusive('/')
        .take(depth.saturating_add(1))
        .map(str::len)
        .sum();
    shown += &shown_path(&path[..known]);
    if known < path.len() || shown.ends_with(HIDDEN) {
        return shown.trim_end_matches(HIDDEN).to_owned() + HIDDEN;
    }
    for (number, option) in query
        .into_iter()
        .flat_map(|query| query.split('&'))
        .enumerate()
    {
        shown += if number > 0 { "&" } else { "?" };
        match option.split_once('=') {
            Some((name, _)) if is_name(name) => shown += name,
            _ if option.is_empty() => continue,
            _ => return shown + HIDDEN,
        }
        shown = shown + "=" + HIDDEN;
    }
    shown
}

/// Returns a host with its port, or, as an error, the part of it that can be shown.
fn show_host(text: &str) -> Result<&str, &str> {
    let port = text
        .rfind(':')
        .filter(|colon| !text[*colon..].contains(']'));
    let (host, port) = port.map_or((text, None), |colon| {
        (&text[..colon], Some(&text[colon + 1..]))
    });
    let inner = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    // Spaces are shown, so that this mistake can be seen.
    if !inner.is_empty()
        && !inner
            .split(' ')
            .all(|part| part.is_empty() || is_host(part))
    {
        return Err("");
    }
    match port {
        Some(port)
            if port.is_empty()
                || port.len() > 5
                || !port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Err(&text[..=host.len()])
        }
        _ => Ok(text),
    }
}

/// Returns `true` for `redis`, `rediss+sentinel`, `valkey+cluster` and the like.
pub(crate) fn is_redis(scheme: &str) -> bool {
    matches!(
        scheme.split('+').next(),
        Some("redis" | "rediss" | "valkey" | "valkeys")
    )
}

/// Returns `true` if a text has the form of a scheme (RFC 3986, section 3.1) in lower case, and is
/// short.
fn is_scheme(text: &str) -> bool {
    let rest =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '+' | '-' | '.');
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(rest)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= LONGEST_NAME
        && text.chars().all(|c| c.is_ascii_lowercase() || c == '_')
}

fn is_path_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-')
}

/// Returns the beginning of a text with only these characters, and hides the rest.
fn prefix(text: &str, is_shown: impl Fn(char) -> bool) -> String {
    let end = text
        .find(|c| !is_shown(c))
        .unwrap_or(text.len())
        .min(LONGEST_TEXT);
    let hidden = if end < text.len() { HIDDEN } else { "" };
    format!("{}{hidden}", &text[..end])
}

/// Passwords that error messages of a server must not repeat. A server that does not know a command
/// repeats its arguments.
#[cfg(feature = "redis")]
#[derive(Clone, Default)]
pub(crate) struct Secrets(Vec<String>);

#[cfg(feature = "redis")]
impl Secrets {
    /// Collects the passwords, except for very short ones.
    pub(crate) fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        // A shorter text would be found, and hidden, in almost every message.
        Self(
            secrets
                .into_iter()
                .filter(|secret| secret.len() > 2)
                .collect(),
        )
    }

    /// Returns a text without the passwords, and without the arguments of commands.
    pub(crate) fn hide(&self, text: &str) -> String {
        let text = match text.split_once("with args beginning with") {
            Some((before, _)) => format!("{before}{HIDDEN}"),
            None => text.to_owned(),
        };
        self.0
            .iter()
            .fold(text, |text, secret| text.replace(secret, HIDDEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a10_what_is_shown_of_an_address() {
        for (url, expected) in [
            ("redis://localhost", "redis://localhost"),
            (
                "redis://:secret@[::1]:6380/3?deadline=2s",
                "redis://***@[::1]:6380/3?deadline=***",
            ),
            ("redis://:a@b@host", "redis://***@host"),
            ("redis://:a?b@host", "redis://***"),
            ("redis:user:secret@host", "redis:***@host"),
            ("redis:secret", "redis:***"),
            ("redis://user:secret", "redis://user:***"),
            ("redis://secret%40host", "redis://***"),
            (
                "redis+sentinel://a,b:26380/main/0",
                "redis+sentinel://a,b:26380/main/0",
            ),
            (
                "redis+sentinel://a/main/0/secret",
                "redis+sentinel://a/main/0/***",
            ),
            (
                "unix:///run/a.sock?db=0&secret",
                "unix:///run/a.sock?db=***&***",
            ),
            ("unix:///run/a.sock?password=a@secret", "unix://***"),
            ("disk:/var/a b/c", "disk:/var/a***"),
            ("disk:/var/cache@home/c?max=1", "disk:/var/cache***"),
            ("disk:cache?max=64MB", "disk:cache?max=***"),
            ("memory", "memory"),
            ("memory://?max=64MB", "memory://?max=***"),
            ("memory:?max=64MB", "memory:?max=***"),
            ("memory:secret", "memory:***"),
            ("Secret", "***"),
            ("", ""),
            (":secret@host", "***"),
        ] {
            assert_eq!(masked(url), expected, "{url}");
        }
    }
}
