//! Bodies of answers: the bytes, their compressed forms made once, and the one form in which all of it is cached.

use std::io::{self, Write};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::{Compression, write::GzEncoder};

/// Below this size a compressed body saves no packet and costs a decoder's start.
const COMPRESS_FROM: usize = 1024;

/// From this size on compressing is moved off the async threads: it takes more than about a millisecond.
const BLOCKING_FROM: usize = 32 * 1024;

/// Brotli's level for answers, which are made while somebody waits.
const BROTLI_QUALITY: i32 = 5;

/// An encoding of HTTP that is spoken here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
    Brotli,
}

impl Encoding {
    /// The best encoding that an `Accept-Encoding` allows (RFC 9110, section 12.5.3).
    pub(crate) fn negotiate(accept: Option<&str>) -> Self {
        Self::best(accept, &[Self::Brotli, Self::Gzip])
    }

    /// The encoding of a body that is sent as it is made. Browsers take brotli by https only, and its encoder keeps
    /// megabytes for each response that is under way.
    pub(crate) fn of_stream(accept: Option<&str>) -> Self {
        Self::best(accept, &[Self::Gzip])
    }

    /// The first of some encodings that an `Accept-Encoding` allows.
    fn best(accept: Option<&str>, known: &[Self]) -> Self {
        let allows = |encoding: &Self| {
            let mut allowed = false;
            for item in accept.unwrap_or_default().split(',') {
                let (coding, parameter) = item.split_once(';').unwrap_or((item, ""));
                if Some(coding.trim()) == encoding.name() {
                    allowed = parameter.trim().strip_prefix("q=").is_none_or(|q| q.parse() != Ok(0.0));
                }
            }
            allowed
        };
        known.iter().copied().find(allows).unwrap_or(Self::Identity)
    }

    /// The value of `Content-Encoding`, if there is to be one.
    pub(crate) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }
}

/// A body that is sent as it is made: what is written can be read at once at the other end.
pub(crate) struct Stream(Option<GzEncoder<Vec<u8>>>);

impl Stream {
    /// The start of a body, in this encoding.
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self((encoding == Encoding::Gzip).then(|| GzEncoder::new(Vec::new(), Compression::fast())))
    }

    /// What is to be sent for these bytes. It fails only when the server ends.
    pub(crate) async fn write(&mut self, bytes: Vec<u8>) -> io::Result<Bytes> {
        let Some(mut encoder) = self.0.take() else { return Ok(bytes.into()) };
        let is_large = bytes.len() >= BLOCKING_FROM;
        let work = move || {
            encoder.write_all(&bytes)?;
            encoder.flush()?;
            let ready = std::mem::take(encoder.get_mut());
            Ok((encoder, ready))
        };
        let result: io::Result<_> = if is_large { tokio::task::spawn_blocking(work).await? } else { work() };
        let (encoder, ready) = result?;
        self.0 = Some(encoder);
        Ok(ready.into())
    }

    /// What is to be sent after the last bytes, once.
    pub(crate) fn end(&mut self) -> Option<io::Result<Bytes>> {
        Some(self.0.take()?.finish().map(Bytes::from))
    }
}

/// A body with its compressed forms and its validator. Cloning shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    identity: Bytes,
    gzip: Bytes,
    brotli: Bytes,
    digest: [u8; DIGEST],
    /// Whether it leaves something as the page has it, so that nobody may keep it.
    pub(crate) partial: bool,
}

const DIGEST: usize = 16;
const HEADER: usize = 1 + DIGEST + 3 * size_of::<u32>() + size_of::<u8>();

/// First byte of a packed body: the version of the form.
const VERSION: u8 = 1;

impl Body {
    /// A body with all its forms, for one that is sent often.
    pub(crate) async fn encode(identity: Bytes) -> Self {
        if identity.len() < BLOCKING_FROM {
            return Self::encode_now(identity);
        }
        let plain = Self::plain(identity.clone());
        tokio::task::spawn_blocking(move || Self::encode_now(identity)).await.unwrap_or(plain)
    }

    /// A body with all its forms, made on this thread.
    pub(crate) fn encode_now(identity: Bytes) -> Self {
        if identity.len() < COMPRESS_FROM {
            return Self::plain(identity);
        }
        let (gzip, brotli) = (gzip(&identity), brotli(&identity));
        Self { gzip, brotli, ..Self::plain(identity) }
    }

    /// A body without compressed forms.
    pub(crate) fn plain(identity: Bytes) -> Self {
        let mut digest = [0; DIGEST];
        digest.copy_from_slice(&blake3::hash(&identity).as_bytes()[..DIGEST]);
        Self { identity, gzip: Bytes::new(), brotli: Bytes::new(), digest, partial: false }
    }

    /// The bytes in the wanted encoding, or as they are where that does not pay.
    pub(crate) fn choose(&self, wanted: Encoding) -> (Encoding, Bytes) {
        let form = match wanted {
            Encoding::Brotli => &self.brotli,
            Encoding::Gzip => &self.gzip,
            Encoding::Identity => &self.identity,
        };
        if form.is_empty() { (Encoding::Identity, self.identity.clone()) } else { (wanted, form.clone()) }
    }

    /// The strong validator of a form; each has its own (RFC 9110, section 8.8.3.3).
    pub(crate) fn etag(&self, encoding: Encoding) -> String {
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
    pub(crate) fn pack(&self) -> Bytes {
        let forms = [&self.identity, &self.gzip, &self.brotli];
        let mut packed = BytesMut::with_capacity(HEADER + forms.iter().map(|form| form.len()).sum::<usize>());
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
    pub(crate) fn unpack(packed: &Bytes) -> Option<Self> {
        let (mut header, rest) = packed.split_at_checked(HEADER)?;
        if header.get_u8() != VERSION {
            return None;
        }
        let mut digest = [0; DIGEST];
        header.copy_to_slice(&mut digest);
        let lengths = [header.get_u32(), header.get_u32(), header.get_u32()].map(|length| length as usize);
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
        Some(Self { identity, gzip, brotli, digest, partial })
    }
}

/// One compressed form of a body that is sent once.
pub(crate) async fn compress_once(identity: Bytes, wanted: Encoding) -> (Encoding, Bytes) {
    let compress = match wanted {
        _ if identity.len() < COMPRESS_FROM => return (Encoding::Identity, identity),
        Encoding::Identity => return (wanted, identity),
        Encoding::Gzip => gzip,
        Encoding::Brotli => brotli,
    };
    if identity.len() < BLOCKING_FROM {
        return (wanted, compress(&identity));
    }
    let kept = identity.clone();
    match tokio::task::spawn_blocking(move || compress(&identity)).await {
        Ok(compressed) => (wanted, compressed),
        Err(_) => (Encoding::Identity, kept),
    }
}

fn gzip(body: &Bytes) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Compression::default());
    let compressed = encoder.write_all(body).and_then(|()| encoder.finish());
    compressed.expect("writing to memory does not fail").into()
}

fn brotli(body: &Bytes) -> Bytes {
    let params =
        brotli::enc::BrotliEncoderParams { quality: BROTLI_QUALITY, size_hint: body.len(), ..Default::default() };
    let mut compressed = Vec::with_capacity(body.len() / 4);
    brotli::BrotliCompress(&mut &body[..], &mut compressed, &params).expect("writing to memory does not fail");
    compressed.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_encoding_that_is_accepted_is_chosen() {
        for (accept, expected) in [
            (None, Encoding::Identity),
            (Some("gzip, deflate, br, zstd"), Encoding::Brotli),
            (Some("gzip"), Encoding::Gzip),
            (Some("br;q=0, gzip;q=0.5"), Encoding::Gzip),
            (Some("gzip;q=0"), Encoding::Identity),
            (Some("*"), Encoding::Identity),
        ] {
            assert_eq!(Encoding::negotiate(accept), expected, "{accept:?}");
        }
    }

    #[test]
    fn a_packed_body_unpacks_to_itself_without_copies() {
        let body = Body::encode_now(Bytes::from("0123456789".repeat(1000)));
        let packed = body.pack();
        let unpacked = Body::unpack(&packed).expect("just packed");
        assert_eq!(unpacked.etag(Encoding::Gzip), body.etag(Encoding::Gzip));
        for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Brotli] {
            let (chosen, bytes) = unpacked.choose(encoding);
            assert_eq!((chosen, &bytes), (encoding, &body.choose(encoding).1));
            assert!(packed.as_ptr_range().contains(&bytes.as_ptr()), "{encoding:?} was copied");
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
