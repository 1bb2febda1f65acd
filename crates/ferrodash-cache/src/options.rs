//! Parsers for the values of options in addresses: sizes, times and namespaces.
//!
//! The functions return `None` or a reason and leave the message to the caller, which knows the
//! name of the option and hides what may be a secret.

#[cfg(any(feature = "memcached", feature = "redis"))]
use std::time::Duration;

/// Reads a size such as `64MB` or `1GiB`, in bytes. Units are binary, in upper or lower case, and a
/// number without a unit counts bytes. Zero, overflow and unknown units give `None`.
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

/// Reads a time such as `100ms` or `2s`. The unit is required. Zero, overflow and unknown units
/// give `None`.
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

/// Checks the namespace in an address. Returns the reason if it cannot be used.
///
/// Other characters are refused because a password may have been written in this place.
#[cfg(any(feature = "disk", feature = "memcached", feature = "redis"))]
pub(crate) fn namespace(text: &str) -> Result<String, String> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if text.is_empty() || !text.chars().all(known) {
        let reason = "a namespace in an address is made of ASCII \
                      letters, digits, and . _ -";
        return Err(reason.to_owned());
    }
    Ok(text.to_owned())
}

/// Splits a number from its unit, in lower case.
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
