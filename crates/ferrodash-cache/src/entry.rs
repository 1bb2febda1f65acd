//! What a tier gives back, and the form in which entries lie in stores that others can write to.

use std::time::Duration;

use bytes::{BufMut, Bytes, BytesMut};
use xxhash_rust::xxh3::xxh3_64;

use crate::clock::{Instant, now};

/// The longest timeout: clocks of processes and servers cannot count to the end of time.
pub(crate) const LONGEST: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// A kept value and until when it is fresh. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The value.
    pub bytes: Bytes,
    expires: Instant,
}

impl Entry {
    /// An entry that is fresh for `timeout` from now on.
    pub fn new(bytes: Bytes, timeout: Duration) -> Self {
        Self { bytes, expires: now() + timeout.min(LONGEST) }
    }

    /// How long the entry is still fresh; `None` when it no longer is.
    pub fn remaining(&self) -> Option<Duration> {
        self.expires.checked_duration_since(now()).filter(|left| !left.is_zero())
    }
}

/// First bytes of every stored entry, with the version of the form.
const MAGIC: [u8; 4] = *b"FDC1";
const HEADER: usize = MAGIC.len() + size_of::<u64>();

/// The stored form: magic and version, XXH3-64 of the body, body. The checksum finds damage, not forgery.
pub(crate) fn seal(body: &Bytes) -> Bytes {
    let mut bytes = BytesMut::with_capacity(HEADER + body.len());
    bytes.put_slice(&MAGIC);
    bytes.put_u64(xxh3_64(body));
    bytes.put_slice(body);
    bytes.freeze()
}

/// The body of a stored entry; `None` if it is damaged, foreign, or of another version.
pub(crate) fn open(bytes: &Bytes) -> Option<Bytes> {
    let (header, body) = bytes.split_at_checked(HEADER)?;
    let (magic, checksum) = header.split_at(MAGIC.len());
    (magic == MAGIC && checksum == xxh3_64(body).to_be_bytes()).then(|| bytes.slice(HEADER..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sealed_body_opens_to_itself() {
        let body = Bytes::from_static(b"body");
        assert_eq!(open(&seal(&body)), Some(body));
        assert_eq!(open(&seal(&Bytes::new())), Some(Bytes::new()));
    }

    #[test]
    fn damaged_truncated_and_foreign_bytes_do_not_open() {
        let sealed = seal(&Bytes::from_static(b"body"));
        for cut in 0..sealed.len() {
            assert_eq!(open(&sealed.slice(..cut)), None, "{cut} bytes");
        }
        for index in 0..sealed.len() {
            let mut damaged = sealed.to_vec();
            damaged[index] ^= 1;
            assert_eq!(open(&Bytes::from(damaged)), None, "byte {index}");
        }
    }
}
