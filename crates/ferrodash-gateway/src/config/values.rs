//! Values of a configuration that are written as texts: durations, sizes, servers, parts of
//! requests.

use std::time::Duration;

use axum::http::{HeaderName, Uri};

use super::options::{Part, Upstream};

/// The longest duration: ten years. Longer ones are mistakes, and overflow clocks.
const LONGEST: Duration = Duration::from_secs(3650 * 24 * 60 * 60);

/// The kinds of caches, by the beginnings of their addresses.
const SCHEMES: [&str; 8] = [
    "disk",
    "memcached",
    "memory",
    "null",
    "redis",
    "rediss",
    "valkey",
    "valkeys",
];

/// Parses a duration such as `500ms` or `1h 30m`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(time) if time.is_zero() => Err(format!("{text:?} is no time; leave the option out")),
        Ok(time) if time > LONGEST => Err(format!("{text:?} is longer than ten years")),
        Ok(time) => Ok(time),
        Err(_) => Err(format!(
            "{text:?} is not a duration; write a number with a unit, such as \"500ms\", \
             \"30s\" or \"5m\""
        )),
    }
}

/// Parses a number of bytes such as `64MB`.
pub(super) fn size(text: &str) -> Result<u64, String> {
    let wrong = || {
        format!("{text:?} is not a size; write a number with a unit, such as \"64MB\" or \"1GB\"")
    };
    let digits = text.trim_end_matches(|letter: char| !letter.is_ascii_digit());
    let number: u64 = digits.parse().map_err(|_| wrong())?;
    let unit: u64 = match text[digits.len()..].trim() {
        "kB" | "KB" => 1 << 10,
        "MB" => 1 << 20,
        "GB" => 1 << 30,
        _ => return Err(wrong()),
    };
    number.checked_mul(unit).ok_or_else(wrong)
}

/// Checks the address of a cache. Answers of several apps in one store must not be mistaken for
/// each other, and nothing that a gateway knows tells two deployments of one app apart.
pub(super) fn cache(text: &str) -> Result<String, String> {
    let url = from_environment(text)?;
    let scheme = url.split([':', '+']).next().unwrap_or_default();
    if !SCHEMES.contains(&scheme) {
        let hint = match closest(scheme, SCHEMES) {
            Some(close) => format!("did you mean {close:?}?"),
            None => format!("known are {}", SCHEMES.join(", ")),
        };
        return Err(format!("there is no cache {scheme:?}; {hint}"));
    }
    let is_shared = !["disk", "memory", "null"].contains(&scheme);
    if is_shared && !url.contains("namespace=") {
        let separator = if url.contains('?') { '&' } else { '?' };
        return Err(format!(
            "other apps can use the store too; add a name for this one at the end of the address, \
             such as \"{separator}namespace=orders\""
        ));
    }
    Ok(url)
}

/// Parses the address of a server.
pub(super) fn upstream(text: &str) -> Result<Upstream, String> {
    let wrong = |reason: &str| {
        format!(
            "{text:?} is not a server of the app: {reason}; write \"http://HOST:PORT\" \
             or \"unix:/PATH\""
        )
    };
    if let Some(path) = text.strip_prefix("unix:") {
        return if path.starts_with('/') {
            Ok(Upstream::Unix(path.to_owned()))
        } else {
            Err(wrong("the path of a socket begins with a slash"))
        };
    }
    let uri: Uri = text.parse().map_err(|_| wrong("it is not an address"))?;
    if uri.scheme_str() != Some("http") {
        return Err(wrong("its scheme is not http"));
    }
    if !matches!(uri.path(), "" | "/") || uri.query().is_some() {
        return Err(wrong("it has a path"));
    }
    let authority = uri.authority().ok_or_else(|| wrong("it has no host"))?;
    if authority.as_str().contains('@') {
        return Err(wrong("it has a user"));
    }
    let rest = authority.as_str().strip_prefix(authority.host());
    let port = match rest.unwrap_or_default() {
        "" => 80,
        port => port
            .trim_start_matches(':')
            .parse::<u16>()
            .map_err(|_| wrong("its port is not a number up to 65535"))?,
    };
    Ok(Upstream::Tcp(format!("{}:{port}", authority.host())))
}

/// Checks the address to listen on.
pub(super) fn listen(text: &str) -> Result<String, String> {
    let port = text.rsplit_once(':').map(|(_, port)| port);
    if port.is_some_and(|port| port.parse::<u16>().is_ok()) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} is not an address; write HOST:PORT, such as \"127.0.0.1:8050\""
        ))
    }
}

/// Parses a part of a request, such as `cookie:session`.
pub(super) fn part(text: &str) -> Result<Part, String> {
    let wrong = || {
        format!(
            "{text:?} is not a part of a request; write \"cookie:NAME\", \"header:NAME\" \
             or \"signed:NAME\""
        )
    };
    let (kind, name) = text.split_once(':').ok_or_else(wrong)?;
    if name.is_empty() {
        return Err(wrong());
    }
    match kind {
        "cookie" => Ok(Part::Cookie(name.to_owned())),
        "signed" => Ok(Part::Signed(name.to_owned())),
        "header" => {
            let name = name.to_ascii_lowercase();
            let name = HeaderName::try_from(name).map_err(|_| wrong())?;
            Ok(Part::Header(name))
        }
        _ => Err(wrong()),
    }
}

impl Upstream {
    /// Parses `http://HOST:PORT` or `unix:/PATH`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        upstream(text)
    }
}

impl Part {
    /// Parses `cookie:NAME`, `header:NAME` or `signed:NAME`.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub fn parse(text: &str) -> Result<Self, String> {
        part(text)
    }
}

/// Reads a value that may be that of a variable of the environment, as `env:NAME`.
pub(super) fn from_environment(text: &str) -> Result<String, String> {
    let Some(name) = text.strip_prefix("env:") else {
        return Ok(text.to_owned());
    };
    match std::env::var(name) {
        Ok(value) if !value.is_empty() => Ok(value),
        _ => Err(format!(
            "the variable {name} of the environment is not set; set it, or remove the line"
        )),
    }
}

/// Returns the known name that is closest to a wrong one, if it is close.
pub fn closest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let distances = known.into_iter().map(|name| {
        let distance = strsim::damerau_levenshtein(wrong, name);
        (distance, name)
    });
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= wrong.len().max(3) / 3).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [("1kB", 1 << 10), ("64MB", 64 << 20), ("2 GB", 2 << 30)] {
            assert_eq!(size(text), Ok(bytes));
        }
        for text in ["", "64", "MB", "-1MB", "1.5MB", "99999999999999GB", "1TB"] {
            assert!(size(text).is_err(), "{text}");
        }
    }

    #[test]
    fn servers_are_hosts_and_sockets() {
        for (text, written) in [
            ("http://127.0.0.1:8051", "http://127.0.0.1:8051"),
            ("http://app", "http://app:80"),
            ("http://[::1]:80/", "http://[::1]:80"),
            ("unix:/run/app.sock", "unix:/run/app.sock"),
        ] {
            assert_eq!(upstream(text).unwrap().to_string(), written);
        }
        for text in [
            "https://app",
            "app:80",
            "unix:app.sock",
            "http://",
            "http://a/b",
            "http://user:password@app",
            "http://app:99999",
            "http://app:",
        ] {
            assert!(upstream(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_close_name_is_suggested_and_a_far_one_is_not() {
        let known = ["table.children", "graph.figure"];
        assert_eq!(closest("tabel.children", known), Some("table.children"));
        assert_eq!(closest("something.else", known), None);
    }
}
