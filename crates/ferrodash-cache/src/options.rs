//! Values of options in addresses: sizes and times with units.

#[cfg(any(feature = "memcached", feature = "redis"))]
use std::time::Duration;

/// A size such as `64MB` or `1GiB`; units are binary.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (number, unit) = split(text)?;
    let unit: u64 = match unit.as_str() {
        "" | "b" => 1,
        "kb" | "kib" => 1 << 10,
        "mb" | "mib" => 1 << 20,
        "gb" | "gib" => 1 << 30,
        _ => return None,
    };
    number.checked_mul(unit).filter(|size| *size > 0)
}

/// A time such as `100ms` or `2s`.
#[cfg(any(feature = "memcached", feature = "redis"))]
pub(crate) fn time(text: &str) -> Option<Duration> {
    let (number, unit) = split(text)?;
    let unit = match unit.as_str() {
        "ms" => 1,
        "s" => 1000,
        _ => return None,
    };
    number
        .checked_mul(unit)
        .filter(|millis| *millis > 0)
        .map(Duration::from_millis)
}

/// A namespace as an address may name it, or why it is none. With other characters it may be
/// anything.
#[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
pub(crate) fn namespace(text: &str) -> Result<String, String> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() || !text.chars().all(known) {
        return Err(
            "a namespace in an address is made of ASCII letters, digits, and . _ -".to_owned(),
        );
    }
    Ok(text.to_owned())
}

fn split(text: &str) -> Option<(u64, String)> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    Some((
        digits.parse().ok()?,
        text[digits.len()..].to_ascii_lowercase(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_units() {
        assert_eq!(size("64MB"), Some(64 << 20));
        assert_eq!(size("1GiB"), Some(1 << 30));
        assert_eq!(size("512"), Some(512));
        assert_eq!(size("0"), None);
        assert_eq!(size("5 apples"), None);
    }

    #[cfg(any(feature = "memcached", feature = "redis"))]
    #[test]
    fn times_have_units() {
        assert_eq!(time("100ms"), Some(Duration::from_millis(100)));
        assert_eq!(time("2s"), Some(Duration::from_secs(2)));
        assert_eq!(time("2"), None);
        assert_eq!(time("0s"), None);
    }
}
