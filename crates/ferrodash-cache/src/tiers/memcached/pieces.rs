//! Entries that are too large for an item, in pieces.
//!
//! The pieces are stored first, under the entry's own id, and then a manifest that lists them
//! replaces the entry. So a manifest is never there before its pieces, and never has those of
//! another entry. If a piece is missing the entry counts as absent, and whether the pieces are
//! right shows when the whole is opened. Pieces that no manifest lists any longer expire by
//! themselves.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use memcache::exp::{Set, Ttl};

use super::link::{Link, Names, fetch};
use crate::{Key, TierResult};

/// The longest sealed entry.
pub(super) const LARGEST: usize = 32 << 20;

/// The limit of pieces, which is more than the longest entry has in the smallest items. A manifest
/// that claims more is ignored.
const MOST: u32 = 4096;

/// The number of pieces that are sent or read at the same time.
const AT_ONCE: usize = 4;

/// The first bytes of a manifest, unlike those of a sealed entry.
const MAGIC: [u8; 4] = *b"FDCM";

/// The list of the pieces of an entry.
pub(crate) struct Manifest {
    /// The id of the entry.
    pub(super) id: u64,
    count: u32,
    length: u64,
}

impl Manifest {
    const LENGTH: usize = MAGIC.len() + 8 + 4 + 8;

    /// Reads a manifest. Returns `None` if the value is not one.
    pub(crate) fn parse(value: &Bytes) -> Option<Self> {
        let mut rest = value
            .strip_prefix(&MAGIC)
            .filter(|_| value.len() == Self::LENGTH)?;
        Some(Self {
            id: rest.get_u64(),
            count: rest.get_u32(),
            length: rest.get_u64(),
        })
    }

    /// Returns the stored form.
    pub(crate) fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::with_capacity(Self::LENGTH);
        bytes.put_slice(&MAGIC);
        bytes.put_u64(self.id);
        bytes.put_u32(self.count);
        bytes.put_u64(self.length);
        bytes.freeze()
    }
}

/// Stores and reads pieces.
pub(super) struct Pieces<'a> {
    pub(super) link: &'a Link,
    pub(super) names: &'a Names,
    /// The longest value of an item.
    pub(super) max_value: usize,
}

impl Pieces<'_> {
    /// Stores the pieces of a sealed entry with this id, and returns their manifest.
    pub(super) async fn scatter(
        &self,
        key: &Key,
        id: u64,
        sealed: &Bytes,
        ttl: Ttl,
    ) -> TierResult<Bytes> {
        let pieces = (0..).zip(sealed.chunks(self.max_value));
        let count = sealed.len().div_ceil(self.max_value);
        let store = |(number, piece): (u32, &[u8])| {
            let set = Set::new(self.names.piece(key, id, number), piece).ttl(ttl);
            // Each piece has the whole deadline for itself.
            async move { self.link.call().run([set.into()]).await.map(drop) }
        };
        stream::iter(pieces)
            .map(store)
            .buffered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        let count = u32::try_from(count).expect("the largest entry has few pieces");
        Ok(Manifest {
            id,
            count,
            length: sealed.len() as u64,
        }
        .to_bytes())
    }

    /// Reads the pieces of an entry and joins them. Returns `None` if something is missing.
    pub(super) async fn gather(&self, key: &Key, manifest: &Manifest) -> TierResult<Option<Bytes>> {
        let length = usize::try_from(manifest.length).unwrap_or(usize::MAX);
        if length > LARGEST || manifest.count > MOST {
            return Ok(None);
        }
        let load = |number| async move {
            let [piece] = self
                .link
                .call()
                .run([fetch(self.names.piece(key, manifest.id, number))])
                .await?;
            TierResult::Ok(piece.value)
        };
        let mut pieces = stream::iter(0..manifest.count).map(load).buffered(AT_ONCE);
        let mut sealed = BytesMut::with_capacity(length);
        while let Some(piece) = pieces.try_next().await? {
            match piece {
                Some(piece) if sealed.len() + piece.len() <= length => {
                    sealed.extend_from_slice(&piece)
                }
                _ => return Ok(None),
            }
        }
        Ok((sealed.len() == length).then(|| sealed.freeze()))
    }
}
