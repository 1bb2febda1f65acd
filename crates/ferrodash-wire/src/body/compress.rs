//! The encoders of gzip and Brotli, and where they run.
//!
//! An encoder needs many times the memory of a small body, and one that is made for each body
//! leaves holes between the bodies that are kept. So there are few encoders, their memory is used
//! again, and what they write is copied to a block of its own size.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};
use tokio::sync::{Semaphore, oneshot};

/// The level of gzip. Level 3 takes 58 ms for 4.0 MB of a figure's numbers and leaves 1.552 MB;
/// level 1 takes 30 ms and leaves 2.569 MB, level 6 takes 102 ms and leaves 1.549 MB.
const GZIP_LEVEL: u32 = 3;

/// The level of Brotli. Level 4 takes 138 ms for the same numbers and leaves 1.330 MB; level 5
/// takes 296 ms and leaves 1.363 MB.
const BROTLI_LEVEL: i32 = 4;

/// The smallest and the largest window of Brotli, as powers of two. Its memory grows with the
/// window.
const WINDOWS: (u32, u32) = (10, 18);

/// The levels of what is compressed once and sent many times, such as bundles. For the bundles of
/// Dash 4.4.1, 1.21 MB, gzip leaves 274 kB (302 kB at level 3) and Brotli 228 kB (269 kB at level
/// 4), after 2.3 s.
const SMALL_GZIP_LEVEL: u32 = 9;
const SMALL_BROTLI_LEVEL: i32 = 11;

/// The largest window of Brotli for those.
const SMALL_WINDOW: u32 = 22;

/// An encoder's output buffer is kept for the next body up to this size, in bytes.
const LARGEST_SCRATCH: usize = 1 << 20;

/// As many bodies wait for the encoder in the background; more are left as they are. The cache
/// gives it one at a time.
const WAITING: usize = 64;

/// The start of a gzip file: deflate, no flags, no time, an unknown system (RFC 1952, section 2.3).
const GZIP_HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

/// Encoders of gzip that are not in use.
static IDLE: Mutex<Vec<Gzip>> = Mutex::new(Vec::new());

/// As many bodies are compressed at a time on threads for blocking work as there are processors.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(processors()));

/// The encoder in the background.
static BACKGROUND: LazyLock<Background> = LazyLock::new(Background::start);

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// An encoder of gzip, with the memory that it uses again.
struct Gzip {
    /// Owns an empty buffer between two bodies.
    encoder: DeflateEncoder<Vec<u8>>,
}

impl Gzip {
    fn new(level: u32) -> Self {
        Self {
            encoder: DeflateEncoder::new(Vec::new(), Compression::new(level)),
        }
    }

    fn compress(&mut self, body: &[u8]) -> io::Result<Bytes> {
        self.encoder.get_mut().extend(GZIP_HEADER);
        self.encoder.write_all(body)?;
        let mut written = self.encoder.reset(Vec::new())?;
        let mut checksum = Crc::new();
        checksum.update(body);
        written.extend(checksum.sum().to_le_bytes());
        written.extend(checksum.amount().to_le_bytes());
        let compressed = Bytes::copy_from_slice(&written);
        if written.capacity() <= LARGEST_SCRATCH {
            written.clear();
            *self.encoder.get_mut() = written;
        }
        Ok(compressed)
    }
}

/// A body as a gzip file.
pub(super) fn gzip(body: &[u8]) -> Bytes {
    let mut gzip = idle().pop().unwrap_or_else(|| Gzip::new(GZIP_LEVEL));
    let compressed = gzip
        .compress(body)
        .expect("writing to memory does not fail");
    let mut idle = idle();
    if idle.len() < processors() {
        idle.push(gzip);
    }
    compressed
}

/// Locks. A thread that panicked leaves nothing half changed: both locks guard one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn idle() -> MutexGuard<'static, Vec<Gzip>> {
    lock(&IDLE)
}

/// A body as the smallest gzip file.
pub(super) fn small_gzip(body: &[u8]) -> Bytes {
    let mut gzip = Gzip::new(SMALL_GZIP_LEVEL);
    gzip.compress(body)
        .expect("writing to memory does not fail")
}

/// A body as Brotli writes it.
pub(super) fn brotli(body: &[u8]) -> Bytes {
    brotli_at(body, BROTLI_LEVEL, WINDOWS.1)
}

/// A body as Brotli writes it at its best.
pub(super) fn small_brotli(body: &[u8]) -> Bytes {
    brotli_at(body, SMALL_BROTLI_LEVEL, SMALL_WINDOW)
}

fn brotli_at(body: &[u8], quality: i32, largest_window: u32) -> Bytes {
    let needed = usize::BITS - body.len().leading_zeros();
    let lgwin = needed
        .clamp(WINDOWS.0, largest_window)
        .try_into()
        .expect("a window is a small number");
    let params = brotli::enc::BrotliEncoderParams {
        quality,
        lgwin,
        size_hint: body.len(),
        ..Default::default()
    };
    let mut written = Vec::with_capacity(body.len() / 4);
    brotli::BrotliCompress(&mut &*body, &mut written, &params)
        .expect("writing to memory does not fail");
    Bytes::copy_from_slice(&written)
}

/// Runs `compress` where it holds up nobody else; `None` when the runtime ends.
pub(super) async fn aside(body: Bytes, compress: fn(&[u8]) -> Bytes) -> Option<Bytes> {
    let turn = TURNS
        .acquire()
        .await
        .expect("the semaphore is never closed");
    let work = move || {
        let _turn = turn;
        compress(&body)
    };
    tokio::task::spawn_blocking(work).await.ok()
}

/// Both compressed forms of a body, made when the encoder in the background has time; gzip only if
/// `gzip` is missing. `None` when too many bodies wait.
pub(super) async fn later(body: Bytes, gzip: Bytes) -> Option<(Bytes, Bytes)> {
    let (reply, forms) = oneshot::channel();
    match BACKGROUND.queue.try_send(Job { body, gzip, reply }) {
        Ok(()) => forms.await.ok(),
        Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
            tracing::debug!("{WAITING} bodies wait for their compression; this one stays as it is");
            None
        }
    }
}

/// Threads of their own that compress one body after the other.
struct Background {
    queue: SyncSender<Job>,
}

struct Job {
    body: Bytes,
    /// Empty if it is to be made.
    gzip: Bytes,
    reply: oneshot::Sender<(Bytes, Bytes)>,
}

impl Background {
    fn start() -> Self {
        let (queue, jobs) = sync_channel(WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        for _ in 0..(processors() / 2).max(1) {
            let jobs = jobs.clone();
            let thread = std::thread::Builder::new()
                .name("ferrodash-encode".into())
                .spawn(move || work(&jobs));
            if let Err(error) = thread {
                tracing::warn!(
                    %error,
                    "no thread for compression could be started; \
                     some answers stay uncompressed"
                );
            }
        }
        Self { queue }
    }
}

fn work(jobs: &Mutex<Receiver<Job>>) {
    let next = || lock(jobs).recv();
    while let Ok(Job {
        body,
        gzip: made,
        reply,
    }) = next()
    {
        // The entry may have been replaced meanwhile, or the runtime be gone.
        if reply.is_closed() {
            continue;
        }
        let gzip = if made.is_empty() { gzip(&body) } else { made };
        let _ = reply.send((gzip, brotli(&body)));
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn an_encoder_that_is_used_again_writes_whole_files() {
        let mut encoder = Gzip::new(GZIP_LEVEL);
        for body in [&b"first"[..], &b"second ".repeat(100_000), b"", b"third"] {
            let compressed = encoder.compress(body).unwrap();
            let mut read = Vec::new();
            flate2::read::GzDecoder::new(&compressed[..])
                .read_to_end(&mut read)
                .unwrap();
            assert_eq!(read, body);
        }
    }

    #[test]
    fn brotli_reads_back_whatever_the_window() {
        for length in [0, 1, 1023, 1024, 300_000, 3_000_000] {
            let body: Vec<u8> = (0..length)
                .map(|index: u32| (index / 7 % 251) as u8)
                .collect();
            let mut read = Vec::new();
            brotli::BrotliDecompress(&mut &brotli(&body)[..], &mut read).unwrap();
            assert_eq!(read, body, "{length}");
        }
    }
}
