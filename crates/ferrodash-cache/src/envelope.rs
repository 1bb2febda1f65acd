//! The form in which entries are stored where others can write.
//!
//! It consists of a header of fixed length, the selectors, the validator, the value, and a
//! signature if a secret is configured. Bytes that do not open count as absent: they are damaged,
//! foreign, of another version, or forged. Numbers are big-endian, and times are in milliseconds.
//!
//! | Offset | Length | Content |
//! |---|---|---|
//! | 0 | 4 | `FDC4` |
//! | 4 | 8 | checksum (XXH3) of everything that follows |
//! | 12 | 1 | flags |
//! | 13 | 8 | id |
//! | 21 | 8 | time of the computation, since 1970 |
//! | 29 | 8, 8, 4 | timeout, lifetime, cost |
//! | 49 | 8 | fingerprint |
//! | 57 | 8, 8 | era and sequence at which the computation began |
//! | 73 | 2, 2, 4 | number of selectors, lengths of the validator and of the uncompressed value |
//! | 81 | | selectors, validator, value, signature |
//!
//! The signature covers everything after the checksum, and also the key and the namespace, which
//! are not stored with it: an entry that was moved does not open in its new place. The time of the
//! computation is by the clock of the process that computed. It is used only if there is a secret.
//! Without one, the time that the store reports is as good, and clocks of hosts need not agree.
//!
//! The file knows neither stores nor names of keys in them.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use lz4_flex::block;
use xxhash_rust::xxh3::xxh3_64;

use crate::clock::{millis, unix_millis};
use crate::{Entry, Key, Parts, Selector, Stamp};

/// The first bytes of every stored entry, with the version of the form.
const MAGIC: [u8; 4] = *b"FDC4";

/// The length of the header, which is the sum of its fields in their order.
const HEADER: usize = 4 + 8 + 1 + 8 + 8 + 8 + 8 + 4 + 8 + 8 + 8 + 2 + 2 + 4;

/// The offset of the id, for scripts that compare it in the store.
pub(crate) const ID_OFFSET: usize = 4 + 8 + 1;

/// The longest value that is decompressed. A stored form that claims a longer one is not opened.
const LARGEST: usize = 256 << 20;

/// The length of the signature in bytes.
const SIGNATURE: usize = blake3::OUT_LEN;

/// The bits of the flags in the header.
mod flag {
    pub(super) const LZ4: u8 = 1;
    pub(super) const NEGATIVE: u8 = 2;
    pub(super) const SIGNED: u8 = 4;
    pub(super) const COMPRESSED: u8 = 8;
}

/// The size from which values are compressed. For smaller ones it saves less than it costs.
const COMPRESS_FROM: usize = 2048;

/// The largest ratio of a value to its LZ4 form: each byte of the form adds at most 255 (LZ4 block
/// format, "Literals" and "Matches").
const MOST_EXPANSION: usize = 255;

/// Writes and reads the stored form of entries.
///
/// A tier of your own can use it to store entries as bytes. Values of 2 KiB and more are compressed
/// with LZ4, if that saves at least a tenth and they are not
/// [compressed](crate::Parts::compressed) already. Cloning is cheap.
#[derive(Clone, Default)]
pub struct Sealer {
    secret: Option<Arc<[u8; blake3::KEY_LEN]>>,
}

impl Sealer {
    /// Creates a sealer.
    ///
    /// With a secret, entries are signed with keyed BLAKE3, and entries without a valid signature
    /// count as absent. Someone who can write to the store, but does not know the secret, cannot
    /// forge values, move them to another key, or make them last longer. Without a secret, a
    /// checksum detects damage only.
    pub fn new(secret: Option<&str>) -> Self {
        let derive = |secret: &str| {
            Arc::new(blake3::derive_key(
                "ferrodash-cache 3 envelope",
                secret.as_bytes(),
            ))
        };
        Self {
            secret: secret.map(derive),
        }
    }

    /// Returns a sealer for the entries of one namespace. With a secret, entries of another
    /// namespace do not open. Without one, there is no difference.
    #[must_use]
    pub fn within(&self, namespace: &str) -> Self {
        let derive = |secret: &Arc<[u8; blake3::KEY_LEN]>| {
            let key = blake3::Hasher::new_keyed(secret)
                .update(b"namespace")
                .update(namespace.as_bytes())
                .finalize();
            Arc::new(*key.as_bytes())
        };
        Self {
            secret: self.secret.as_ref().map(derive),
        }
    }

    /// Returns the stored form of the entry of a key.
    ///
    /// A validator of more than 65,535 bytes is left out.
    pub fn seal(&self, key: &Key, entry: &Entry) -> Bytes {
        let parts = entry.parts();
        let packed = compress(parts);
        let value = packed.as_deref().unwrap_or(&parts.bytes);
        let validator = parts.validator.as_deref().unwrap_or_default();
        let validator = if validator.len() > usize::from(u16::MAX) {
            ""
        } else {
            validator
        };
        // The cache does not store an entry with more selectors.
        let selectors = &parts.selectors[..parts.selectors.len().min(usize::from(u16::MAX))];
        let size =
            HEADER + selectors.len() * Selector::LENGTH + validator.len() + value.len() + SIGNATURE;
        let mut bytes = BytesMut::with_capacity(size);
        bytes.put_slice(&MAGIC);
        bytes.put_u64(0);
        let flags = [
            (packed.is_some(), flag::LZ4),
            (parts.negative, flag::NEGATIVE),
            (self.secret.is_some(), flag::SIGNED),
            (parts.compressed, flag::COMPRESSED),
        ];
        bytes.put_u8(
            flags
                .iter()
                .filter(|(set, _)| *set)
                .fold(0, |all, (_, flag)| all | flag),
        );
        bytes.put_u64(parts.id);
        bytes.put_u64(unix_millis().saturating_sub(millis(entry.age())));
        bytes.put_u64(millis(parts.timeout));
        bytes.put_u64(millis(parts.lifetime));
        bytes.put_u32(u32::try_from(parts.cost.as_millis()).unwrap_or(u32::MAX));
        bytes.put_u64(parts.fingerprint);
        bytes.put_u64(parts.born.era);
        bytes.put_u64(parts.born.sequence);
        bytes.put_u16(u16::try_from(selectors.len()).expect("cut to fit"));
        bytes.put_u16(u16::try_from(validator.len()).expect("cut to fit"));
        bytes.put_u32(u32::try_from(parts.bytes.len()).unwrap_or(u32::MAX));
        selectors
            .iter()
            .for_each(|selector| bytes.put_slice(selector.as_bytes()));
        bytes.put_slice(validator.as_bytes());
        bytes.put_slice(value);
        if let Some(secret) = &self.secret {
            let signature = sign(secret, key, &bytes[ID_OFFSET - 1..]);
            bytes.put_slice(signature.as_bytes());
        }
        let checksum = xxh3_64(&bytes[ID_OFFSET - 1..]);
        bytes[MAGIC.len()..ID_OFFSET - 1].copy_from_slice(&checksum.to_be_bytes());
        bytes.freeze()
    }

    /// Opens the stored form of the entry of a key. `left` is the time for which its store still
    /// keeps it.
    ///
    /// Returns `None` if it is damaged, of another version, or not signed as it must be. With a
    /// secret, it also returns `None` if the lifetime has ended by the clock of this host.
    pub fn open(&self, key: &Key, stored: &Bytes, left: Duration) -> Option<Entry> {
        let header = Header::read(stored)?;
        let end = self.end_of_value(key, stored, header.flags)?;
        let selectors_end = HEADER + header.selectors * Selector::LENGTH;
        let validator_end = selectors_end + header.validator;
        let selectors = stored.get(HEADER..selectors_end)?;
        let validator = std::str::from_utf8(stored.get(selectors_end..validator_end)?).ok()?;
        (validator_end <= end).then_some(())?;
        let value = stored.slice(validator_end..end);
        let bytes = if header.flags & flag::LZ4 != 0 {
            decompress(&value, header.length)?
        } else {
            value
        };
        (bytes.len() == header.length && header.lifetime >= header.timeout).then_some(())?;
        let selector =
            |bytes: &[u8]| Selector::from_bytes(bytes.try_into().expect("chunks of this length"));
        let parts = Parts {
            bytes,
            id: header.id,
            timeout: header.timeout,
            lifetime: header.lifetime,
            cost: header.cost,
            negative: header.flags & flag::NEGATIVE != 0,
            fingerprint: header.fingerprint,
            born: header.born,
            selectors: selectors
                .chunks_exact(Selector::LENGTH)
                .map(selector)
                .collect(),
            validator: (!validator.is_empty()).then(|| validator.into()),
            compressed: header.flags & flag::COMPRESSED != 0,
        };
        let age = header.lifetime.saturating_sub(left);
        if self.secret.is_none() {
            return Some(Entry::aged(parts, age));
        }
        // Someone who can write to the store can make it report a longer time, so the signed time
        // of the computation counts too.
        let by_clock = Duration::from_millis(unix_millis().saturating_sub(header.made));
        let age = age.max(by_clock);
        (age < header.lifetime).then(|| Entry::aged(parts, age))
    }

    /// Returns the offset at which the value ends and the signature begins, if there is one.
    /// Returns `None` if a secret is configured and the signature is wrong.
    fn end_of_value(&self, key: &Key, stored: &Bytes, flags: u8) -> Option<usize> {
        let signature = if flags & flag::SIGNED != 0 {
            SIGNATURE.min(stored.len())
        } else {
            0
        };
        let end = stored.len() - signature;
        let Some(secret) = &self.secret else {
            return Some(end);
        };
        let signature: [u8; SIGNATURE] = stored.get(end..)?.try_into().ok()?;
        // `blake3::Hash` compares in constant time.
        let is_right = end >= HEADER
            && sign(secret, key, &stored[ID_OFFSET - 1..end]) == blake3::Hash::from(signature);
        is_right.then_some(end)
    }
}

/// The header without the magic and the checksum.
struct Header {
    flags: u8,
    id: u64,
    /// The time of the computation in milliseconds since 1970.
    made: u64,
    timeout: Duration,
    lifetime: Duration,
    cost: Duration,
    fingerprint: u64,
    born: Stamp,
    /// The number of selectors.
    selectors: usize,
    /// The length of the validator.
    validator: usize,
    /// The length of the value.
    length: usize,
}

impl Header {
    /// Reads a header. Returns `None` if the stored form is of another version or damaged.
    fn read(stored: &Bytes) -> Option<Self> {
        let mut header = stored.get(..HEADER)?;
        if header.copy_to_bytes(MAGIC.len()) != MAGIC[..]
            || header.get_u64() != xxh3_64(&stored[ID_OFFSET - 1..])
        {
            return None;
        }
        // The fields are read in the order in which `seal` writes them.
        Some(Self {
            flags: header.get_u8(),
            id: header.get_u64(),
            made: header.get_u64(),
            timeout: Duration::from_millis(header.get_u64()),
            lifetime: Duration::from_millis(header.get_u64()),
            cost: Duration::from_millis(header.get_u32().into()),
            fingerprint: header.get_u64(),
            born: Stamp {
                era: header.get_u64(),
                sequence: header.get_u64(),
            },
            selectors: header.get_u16().into(),
            validator: header.get_u16().into(),
            length: usize::try_from(header.get_u32()).ok()?,
        })
    }
}

impl std::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sealer")
            .field("signs", &self.secret.is_some())
            .finish()
    }
}

/// Returns the signature of an entry under its key.
fn sign(secret: &[u8; blake3::KEY_LEN], key: &Key, sealed: &[u8]) -> blake3::Hash {
    // The key has a fixed length, so two different pairs of key and entry never give the same
    // input.
    blake3::Hasher::new_keyed(secret)
        .update(key.as_bytes())
        .update(sealed)
        .finalize()
}

/// Opens arbitrary bytes, with and without a secret. They must neither panic nor allocate without
/// bound.
#[cfg(any(fuzzing, test))]
pub fn fuzz_open(stored: &[u8]) -> Option<Entry> {
    let mut stored = BytesMut::from(stored);
    // A fuzzer does not find checksums, so they are made right here.
    if stored.len() >= HEADER {
        let checksum = xxh3_64(&stored[ID_OFFSET - 1..]);
        stored[..MAGIC.len()].copy_from_slice(&MAGIC);
        stored[MAGIC.len()..ID_OFFSET - 1].copy_from_slice(&checksum.to_be_bytes());
    }
    let stored = stored.freeze();
    let (key, left) = (Key::from_bytes([0; 32]), Duration::from_secs(1));
    let signed = Sealer::new(Some("secret")).open(&key, &stored, left);
    assert!(signed.is_none(), "nobody can sign without the secret");
    Sealer::default().open(&key, &stored, left)
}

/// Returns the compressed value, if that saves at least a tenth.
fn compress(parts: &Parts) -> Option<Vec<u8>> {
    let is_in_range = (COMPRESS_FROM..=LARGEST).contains(&parts.bytes.len());
    if parts.compressed || !is_in_range {
        return None;
    }
    let compressed = block::compress(&parts.bytes);
    (compressed.len() <= parts.bytes.len() / 10 * 9).then_some(compressed)
}

/// Returns the decompressed value, which must not be longer than its header claims.
fn decompress(value: &[u8], length: usize) -> Option<Bytes> {
    // The length may be forged, and that much memory is allocated at once.
    let most = value.len().saturating_mul(MOST_EXPANSION).min(LARGEST);
    let length = (length <= most).then_some(length)?;
    block::decompress(value, length).ok().map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEFT: Duration = Duration::from_secs(60);

    fn key() -> Key {
        Key::of("f", &1)
    }

    fn entry(bytes: Bytes) -> Entry {
        let selectors = [Selector::ALL, Selector::tag("orders")].into();
        let born = Stamp {
            era: 7,
            sequence: 9,
        };
        let validator = Some("\"etag\"".into());
        Entry::new(Parts {
            lifetime: 2 * LEFT,
            selectors,
            born,
            validator,
            fingerprint: 5,
            ..Parts::new(bytes, LEFT)
        })
    }

    #[test]
    fn a_sealed_entry_opens_to_itself() {
        let sizes = [0, 1, COMPRESS_FROM, 100_000];
        for (size, secret) in sizes
            .into_iter()
            .flat_map(|size| [(size, None), (size, Some("secret"))])
        {
            let (sealer, entry) = (Sealer::new(secret), entry(vec![7; size].into()));
            let sealed = sealer.seal(&key(), &entry);
            assert!(
                size < COMPRESS_FROM || sealed.len() < size / 4,
                "{size} bytes are compressed"
            );
            let opened = sealer.open(&key(), &sealed, 2 * LEFT).expect("it opens");
            let (a, b) = (opened.parts(), entry.parts());
            assert_eq!(
                (&a.bytes, a.id, a.born, &a.selectors),
                (&b.bytes, b.id, b.born, &b.selectors)
            );
            assert_eq!(
                (&a.validator, a.fingerprint, a.negative),
                (&b.validator, b.fingerprint, b.negative)
            );
        }
    }

    #[test]
    fn age_is_what_the_store_no_longer_has_of_the_lifetime() {
        let sealer = Sealer::default();
        let sealed = sealer.seal(&key(), &entry("value".into()));
        let opened = sealer.open(&key(), &sealed, LEFT).expect("it opens");
        assert!(opened.age() >= LEFT && opened.remaining().is_none());
        assert!(opened.lifetime_left().is_some_and(|left| left <= LEFT));
    }

    #[test]
    fn s20_damaged_truncated_and_foreign_bytes_do_not_open() {
        for secret in [None, Some("secret")] {
            let sealer = Sealer::new(secret);
            let sealed = sealer.seal(&key(), &entry("value".into()));
            for cut in 0..sealed.len() {
                assert!(
                    sealer.open(&key(), &sealed.slice(..cut), LEFT).is_none(),
                    "{cut} bytes"
                );
            }
            for index in 0..sealed.len() {
                let mut damaged = sealed.to_vec();
                damaged[index] ^= 1;
                assert!(
                    sealer.open(&key(), &damaged.into(), LEFT).is_none(),
                    "byte {index}"
                );
            }
        }
    }

    #[test]
    fn who_does_not_know_the_secret_makes_no_entry() {
        let signed = Sealer::new(Some("secret"));
        for other in [Sealer::default(), Sealer::new(Some("another"))] {
            assert!(
                signed
                    .open(&key(), &other.seal(&key(), &entry("forged".into())), LEFT)
                    .is_none()
            );
        }
        let sealed = Sealer::default().seal(&key(), &entry("value".into()));
        for length in 0..sealed.len() {
            fuzz_open(&sealed[..length]);
        }
    }

    #[test]
    fn a5_a_signed_entry_opens_under_its_key_in_its_namespace_and_nowhere_else() {
        let sealer = Sealer::new(Some("secret"));
        let (one, two) = (sealer.within("one"), sealer.within("two"));
        let sealed = one.seal(&key(), &entry("value".into()));
        assert!(one.open(&key(), &sealed, LEFT).is_some());
        assert!(
            one.open(&Key::of("f", &2), &sealed, LEFT).is_none(),
            "another key"
        );
        assert!(
            two.open(&key(), &sealed, LEFT).is_none(),
            "another namespace"
        );
        assert!(sealer.open(&key(), &sealed, LEFT).is_none(), "no namespace");
        assert!(
            Sealer::new(Some("secret"))
                .within("one")
                .open(&key(), &sealed, LEFT)
                .is_some(),
            "another process"
        );
        assert!(
            Sealer::default()
                .within("one")
                .open(&key(), &sealed, LEFT)
                .is_some(),
            "who does not ask for it"
        );
    }

    #[test]
    fn a5_a_signed_entry_ends_by_the_clock_whatever_its_store_says() {
        for (age, left, fresh, usable) in [
            (0, 120, true, true),
            (61, 120, false, true),
            (121, 120, false, false),
        ] {
            let parts = entry("value".into()).parts().clone();
            let old = Entry::aged(parts, Duration::from_secs(age));
            let left = Duration::from_secs(left);
            let signed = Sealer::new(Some("secret"));
            let opened = signed.open(&key(), &signed.seal(&key(), &old), left);
            assert_eq!(opened.is_some(), usable, "{age}");
            assert_eq!(
                opened.is_some_and(|entry| entry.remaining().is_some()),
                fresh,
                "{age}"
            );
            // Without a secret the store's word counts, and no clock.
            let plain = Sealer::default();
            let opened = plain
                .open(&key(), &plain.seal(&key(), &old), left)
                .expect("it opens");
            assert!(opened.remaining().is_some());
        }
    }
}
