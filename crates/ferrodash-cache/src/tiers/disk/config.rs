//! The configuration of a disk tier: the directory, the budget and the namespace.
//!
//! No message repeats anything that may be a password.

use std::path::PathBuf;
use std::time::Duration;

use crate::address::{self, masked, shown};
use crate::{Error, options};

/// The default budget.
const DEFAULT_BYTES: u64 = 1 << 30;

/// The default deadline of a call. It is longer than that of a server, because a value of many
/// megabytes is written in one go.
const DEFAULT_DEADLINE: Duration = Duration::from_secs(1);

/// The settings of a [`Disk`](super::Disk) tier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskConfig {
    /// The directory, which is created if it does not exist. The processes that use it share the
    /// entries.
    pub directory: PathBuf,
    /// The limit of bytes that are stored, 1 GiB by default. It counts the space on the disk. An
    /// entry may take at most a quarter of it.
    pub max_bytes: u64,
    /// The time that a call may take, one second by default.
    pub deadline: Duration,
    /// The namespace of the entries, if several share the directory. Each has a directory of its
    /// own in it.
    pub namespace: Option<String>,
}

impl DiskConfig {
    /// Returns the defaults for a directory.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            max_bytes: DEFAULT_BYTES,
            deadline: DEFAULT_DEADLINE,
            namespace: None,
        }
    }

    /// Reads `DIR` or `DIR?max=SIZE&namespace=NAME`, the part of an address after `disk:`.
    ///
    /// # Errors
    /// If there is no directory, or if an option is malformed.
    pub fn parse(address: &str) -> Result<Self, Error> {
        let malformed = |reason: String| Error::Address {
            url: masked(&format!("disk:{address}")),
            reason,
        };
        let (directory, options) = address.split_once('?').unwrap_or((address, ""));
        if directory.is_empty() {
            return Err(malformed("it names no directory".into()));
        }
        // The name of a directory may contain an `@`, but not where the name of a host would be.
        if address.contains('@') && address.starts_with("//") && !address.starts_with("///") {
            let reason = "it names a directory of this host, \
                          which has neither a user nor a password";
            return Err(malformed(reason.into()));
        }
        // The text before the `@` may be a password, so it is not repeated.
        if options.contains('@') {
            let reason = "an option has an @, \
                          which neither max=SIZE nor namespace=NAME has";
            return Err(malformed(reason.into()));
        }
        let mut config = Self::new(directory);
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("max", size)) => {
                    config.max_bytes = options::size(size).ok_or_else(|| {
                        malformed(format!(
                            "{:?} is not a size such as 64MB or 1GiB",
                            shown(size)
                        ))
                    })?;
                }
                Some(("namespace", name)) => {
                    config.namespace = Some(options::namespace(name).map_err(malformed)?)
                }
                other => {
                    let name = address::option(other.map_or("", |(name, _)| name));
                    let reason = format!(
                        "{name} is not a known option; \
                         the options are max=SIZE and namespace=NAME"
                    );
                    return Err(malformed(reason));
                }
            }
        }
        Ok(config)
    }

    /// Returns the directory of the files, which is one of its own for each namespace.
    pub(super) fn place(&self) -> PathBuf {
        let Some(namespace) = &self.namespace else {
            return self.directory.clone();
        };
        let mut name = String::from("ns-");
        for byte in namespace.bytes() {
            match byte {
                b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' => name.push(byte.into()),
                // Upper-case letters too, because some file systems do not distinguish them from
                // lower-case ones.
                _ => name += &format!("%{byte:02x}"),
            }
        }
        self.directory.join(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_a_directory_and_a_budget() {
        let parse = |address| DiskConfig::parse(address).expect(address);
        assert_eq!(parse("/var/cache/app"), DiskConfig::new("/var/cache/app"));
        assert_eq!(parse("cache").max_bytes, 1 << 30);
        assert_eq!(parse("cache?max=64MB").max_bytes, 64 << 20);
        assert_eq!(parse("cache?max=2GiB").max_bytes, 2 << 30);
        let place = |address| parse(address).place().display().to_string();
        assert_eq!(
            (place("a"), place("a?namespace=b-1")),
            ("a".to_owned(), "a/ns-b-1".to_owned())
        );
        let strange = DiskConfig {
            namespace: Some("B/..".to_owned()),
            ..DiskConfig::new("a")
        };
        assert_eq!(strange.place(), PathBuf::from("a/ns-%42%2f.."));
    }

    #[test]
    fn addresses_that_cannot_be_used_say_why() {
        for (address, part) in [
            ("", "no directory"),
            ("?max=1GiB", "no directory"),
            ("/0app?max=secret@host", "an option has an @"),
            ("cache?max=lots", "\"lots\" is not a size"),
            ("cache?max=0", "\"0\" is not a size"),
            ("cache?min=1", "\"min\" is not a known option"),
            ("cache?max", "the options are max=SIZE"),
            ("cache?namespace=", "a namespace in an address"),
            ("cache?namespace=a/b", "a namespace in an address"),
        ] {
            let error = DiskConfig::parse(address).expect_err(address).to_string();
            assert!(error.contains(part), "{address}: {error}");
        }
    }
}
