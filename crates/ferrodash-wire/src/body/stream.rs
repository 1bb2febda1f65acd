//! A body that is made while it is sent.

use std::io::{self, Write};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};

use super::{BLOCKING_FROM, Encoding};

/// A body that is sent while it is made. The other end can read each part at once.
#[derive(Debug)]
pub struct Stream(Option<GzEncoder<Vec<u8>>>);

impl Stream {
    /// Begins a body in this encoding. Of Brotli, whose encoder needs megabytes for each stream,
    /// nothing is made: the bytes stay as they are.
    pub fn new(encoding: Encoding) -> Self {
        Self((encoding == Encoding::Gzip).then(|| GzEncoder::new(Vec::new(), Compression::fast())))
    }

    /// Encodes the next bytes of the body. Many bytes are encoded on a thread for blocking work.
    ///
    /// # Errors
    /// When the runtime ends. The stream must not be used any more if this future was dropped
    /// before it was ready.
    pub async fn write(&mut self, bytes: Vec<u8>) -> io::Result<Bytes> {
        let Some(mut encoder) = self.0.take() else {
            return Ok(bytes.into());
        };
        let is_large = bytes.len() >= BLOCKING_FROM;
        let work = move || {
            encoder.write_all(&bytes)?;
            encoder.flush()?;
            let ready = std::mem::take(encoder.get_mut());
            Ok((encoder, ready))
        };
        let result: io::Result<_> = if is_large {
            tokio::task::spawn_blocking(work).await?
        } else {
            work()
        };
        let (encoder, ready) = result?;
        self.0 = Some(encoder);
        Ok(ready.into())
    }

    /// The bytes that end the body; `None` if there are none.
    pub fn end(&mut self) -> Option<io::Result<Bytes>> {
        Some(self.0.take()?.finish().map(Bytes::from))
    }
}
