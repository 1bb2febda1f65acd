//! Bodies of answers: the bytes, their compressed forms made once, and the one form in which all of
//! it is cached.
//!
//! A body is compressed with gzip and Brotli once, then cached with both forms and served to any
//! number of clients. [`compress_once`] is for bodies that have one reader.

mod compress;
mod encoding;
mod stream;

use bytes::{Buf, BufMut, Bytes, BytesMut};

pub use encoding::{Accepts, Encoding};
pub use stream::Stream;

/// Below this size a compressed body saves no packet and costs a decoder's start.
const COMPRESS_FROM: usize = 1024;

/// From this size on compressing is moved off the async threads: it takes more than about a
/// millisecond.
const BLOCKING_FROM: usize = 32 * 1024;

/// From this size on the first caller of a kept answer gets it uncompressed: gzip would take longer
/// than many functions.
const PLAIN_FROM: usize = 512 * 1024;

/// A body with its compressed forms and its validator. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub struct Body {
    identity: Bytes,
    gzip: Bytes,
    brotli: Bytes,
    digest: [u8; DIGEST],
    partial: bool,
}

const DIGEST: usize = 16;
const HEADER: usize = 1 + DIGEST + 3 * size_of::<u32>() + size_of::<u8>();

/// First byte of a packed body: the version of the form.
const VERSION: u8 = 1;

impl Body {
    /// A body with the forms that are made while a caller waits: all of a small one, gzip of a
    /// larger one, none of a large one.
    pub async fn first(identity: Bytes) -> Self {
        if identity.len() < BLOCKING_FROM {
            return Self::encode_now(identity);
        }
        let plain = Self::plain(identity);
        if plain.identity.len() >= PLAIN_FROM {
            return plain;
        }
        let gzip = compress::aside(plain.identity.clone(), compress::gzip)
            .await
            .unwrap_or_default();
        Self { gzip, ..plain }
    }

    /// The same body with all its forms, if some are missing and there is time to make them.
    pub async fn complete(self) -> Option<Self> {
        let (gzip, brotli) = compress::later(self.identity.clone(), self.gzip.clone()).await?;
        Some(Self {
            gzip,
            brotli,
            ..self
        })
    }

    /// Whether it has all the forms that it is to have.
    pub fn is_complete(&self) -> bool {
        self.identity.len() < COMPRESS_FROM || !self.brotli.is_empty()
    }

    /// A body with all its forms, made on this thread.
    pub fn encode_now(identity: Bytes) -> Self {
        if identity.len() < COMPRESS_FROM {
            return Self::plain(identity);
        }
        let (gzip, brotli) = (compress::gzip(&identity), compress::brotli(&identity));
        Self {
            gzip,
            brotli,
            ..Self::plain(identity)
        }
    }

    /// A body with all its forms, as small as they get, made on this thread. That takes seconds for
    /// a megabyte, and is for what is sent many times.
    pub fn encode_small(identity: Bytes) -> Self {
        if identity.len() < COMPRESS_FROM {
            return Self::plain(identity);
        }
        let gzip = compress::small_gzip(&identity);
        let brotli = compress::small_brotli(&identity);
        Self {
            gzip,
            brotli,
            ..Self::plain(identity)
        }
    }

    /// A body that leaves something as the page has it, so nobody may keep it.
    pub fn partial(identity: Bytes) -> Self {
        Self {
            partial: true,
            ..Self::plain(identity)
        }
    }

    /// Whether it was made by [`partial`](Self::partial).
    pub fn is_partial(&self) -> bool {
        self.partial
    }

    /// A body without compressed forms.
    pub fn plain(identity: Bytes) -> Self {
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&blake3::hash(&identity).as_bytes()[..DIGEST]);
        Self {
            identity,
            gzip: Bytes::new(),
            brotli: Bytes::new(),
            digest,
            partial: false,
        }
    }

    /// The bytes in the best encoding that is accepted and made.
    pub fn choose(&self, accepts: Accepts) -> (Encoding, Bytes) {
        if accepts.brotli && !self.brotli.is_empty() {
            (Encoding::Brotli, self.brotli.clone())
        } else if accepts.gzip && !self.gzip.is_empty() {
            (Encoding::Gzip, self.gzip.clone())
        } else {
            (Encoding::Identity, self.identity.clone())
        }
    }

    /// The bytes as they are.
    pub fn identity(&self) -> &Bytes {
        &self.identity
    }

    /// The strong validator of a form; each has its own (RFC 9110, section 8.8.3.3).
    pub fn etag(&self, encoding: Encoding) -> String {
        use std::fmt::Write as _;
        let mut tag = String::with_capacity(2 * DIGEST + 6);
        tag.push('"');
        for byte in self.digest {
            let _ = write!(tag, "{byte:02x}");
        }
        if let Some(name) = encoding.name() {
            tag.push('-');
            tag.push_str(name);
        }
        tag.push('"');
        tag
    }

    /// Everything in one piece, for a cache.
    pub fn pack(&self) -> Bytes {
        let forms = [&self.identity, &self.gzip, &self.brotli];
        let mut packed =
            BytesMut::with_capacity(HEADER + forms.iter().map(|form| form.len()).sum::<usize>());
        packed.put_u8(VERSION);
        packed.put_slice(&self.digest);
        for form in forms {
            packed.put_u32(u32::try_from(form.len()).expect("a body has less than 4 GiB"));
        }
        packed.put_u8(self.partial.into());
        for form in forms {
            packed.put_slice(form);
        }
        packed.freeze()
    }

    /// The body in a piece that [`pack`](Self::pack) made; its forms share the piece's bytes.
    pub fn unpack(packed: &Bytes) -> Option<Self> {
        let (mut header, rest) = packed.split_at_checked(HEADER)?;
        if header.get_u8() != VERSION {
            return None;
        }
        let mut digest = [0; DIGEST];
        header.copy_to_slice(&mut digest);
        let lengths =
            [header.get_u32(), header.get_u32(), header.get_u32()].map(|length| length as usize);
        let partial = header.get_u8() != 0;
        if lengths.iter().sum::<usize>() != rest.len() {
            return None;
        }
        let mut start = HEADER;
        let [identity, gzip, brotli] = lengths.map(|length| {
            let form = packed.slice(start..start + length);
            start += length;
            form
        });
        Some(Self {
            identity,
            gzip,
            brotli,
            digest,
            partial,
        })
    }
}

/// One compressed form of a body that is sent once.
pub async fn compress_once(identity: Bytes, accepts: Accepts) -> (Encoding, Bytes) {
    let wanted = accepts.quickest();
    let compress = match wanted {
        _ if identity.len() < COMPRESS_FROM => return (Encoding::Identity, identity),
        Encoding::Identity => return (wanted, identity),
        Encoding::Gzip => compress::gzip,
        Encoding::Brotli => compress::brotli,
    };
    if identity.len() < BLOCKING_FROM {
        return (wanted, compress(&identity));
    }
    match compress::aside(identity.clone(), compress).await {
        Some(compressed) => (wanted, compressed),
        None => (Encoding::Identity, identity),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_encoding_that_is_accepted_is_chosen() {
        let body = Body::encode_now(Bytes::from("0123456789".repeat(1000)));
        for (accept, expected) in [
            (None, Encoding::Identity),
            (Some("gzip, deflate, br, zstd"), Encoding::Brotli),
            (Some("gzip"), Encoding::Gzip),
            (Some("br;q=0, gzip;q=0.5"), Encoding::Gzip),
            (Some("gzip;q=0"), Encoding::Identity),
            (Some("*"), Encoding::Identity),
        ] {
            assert_eq!(body.choose(Accepts::of(accept)).0, expected, "{accept:?}");
        }
    }

    #[tokio::test]
    async fn a_form_that_is_not_made_yet_is_not_waited_for() {
        let accepts = Accepts::of(Some("gzip, br"));
        let body = Body::first(Bytes::from("0123456789".repeat(10_000))).await;
        assert_eq!(body.choose(accepts).0, Encoding::Gzip);
        let gzip = body.gzip.clone();
        let body = body.complete().await.unwrap();
        assert_eq!(body.choose(accepts).0, Encoding::Brotli);
        assert_eq!(
            body.gzip.as_ptr(),
            gzip.as_ptr(),
            "what is made is not made again"
        );
        let large = Body::first(Bytes::from("0123456789".repeat(100_000))).await;
        assert_eq!(large.choose(accepts).0, Encoding::Identity);
        assert!(!large.is_complete() && large.complete().await.unwrap().is_complete());
    }

    #[test]
    fn a_packed_body_unpacks_to_itself_without_copies() {
        let body = Body::encode_now(Bytes::from("0123456789".repeat(1000)));
        let packed = body.pack();
        let unpacked = Body::unpack(&packed).expect("just packed");
        assert_eq!(unpacked.etag(Encoding::Gzip), body.etag(Encoding::Gzip));
        for (accept, encoding) in [
            (None, Encoding::Identity),
            (Some("gzip"), Encoding::Gzip),
            (Some("br"), Encoding::Brotli),
        ] {
            let accepts = Accepts::of(accept);
            let (chosen, bytes) = unpacked.choose(accepts);
            assert_eq!((chosen, &bytes), (encoding, &body.choose(accepts).1));
            assert!(
                packed.as_ptr_range().contains(&bytes.as_ptr()),
                "{encoding:?} was copied"
            );
        }
        assert!(Body::unpack(&packed.slice(1..)).is_none());
        assert!(Body::unpack(&packed.slice(..10)).is_none());
    }

    #[test]
    fn each_form_has_a_validator_of_its_own() {
        let body = Body::encode_now(Bytes::from("0123456789".repeat(1000)));
        assert_ne!(body.etag(Encoding::Gzip), body.etag(Encoding::Brotli));
        assert_ne!(body.etag(Encoding::Gzip), body.etag(Encoding::Identity));
    }
}
